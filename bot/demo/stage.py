"""The stage of the tour: the bot's process, the stand-ins, the people, and what they do and see.
What is played on it is `scenes`'.
"""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.clock import SystemClock
from bot.errors import StartError
from bot.ledger import reports
from bot.money import NanoUsd
from bot.sandbox.discord.failures import TimedOut
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import ChannelKind, MessageKind, Permission
from bot.sandbox.discord.world import Channel, Message, Server
from bot.sandbox.openrouter import ModelSandbox
from bot.sandbox.people import Person
from bot.store.database import Database, Transaction

START_TIMEOUT_S = 30.0
SCENE_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
LOOK_PAUSE_S = 0.1
TEXT_SHOWN_LETTERS = 900
TEXT_BEGINNING_LETTERS = 300
TEXT_END_LINES = 2
NOT_PASSED = {
    *("DISCORD_TOKEN", "DISCORD_TOKEN_FILE", "OPENROUTER_API_KEY", "OPENROUTER_API_KEY_FILE"),
    "EASEL_CONFIG",
}
"""What the caller may have set for a bot of their own: the tour's has nothing to do with it."""

CONFIG = """\
[discord]
api_url = "{api_url}"
gateway_url = "{gateway_url}"
cdn_url = "{cdn_url}"

[openrouter]
base_url = "{base_url}"

[storage]
data_dir = "{data_dir}"

[budgets]
member_day_usd = 1.30
"""


class Wrong(Exception):
    """What people saw is not what the scene promises."""


@dataclass
class Stage:
    """Two stand-ins, a server with four people, and the bot's process."""

    discord: DiscordSandbox
    model: ModelSandbox
    folder: Path
    output: Path
    shown: set[int] = field(default_factory=set[int])
    process: asyncio.subprocess.Process | None = None
    saved: int = 0

    def __post_init__(self) -> None:
        self.server = server = self.discord.add_server("Atelier")
        admins = server.add_role("Admins", Permission.MANAGE_GUILD)
        self.mara, self.theo, self.noor, self.ada = (
            self.discord.add_person(name) for name in ("Mara", "Theo", "Noor", "Ada")
        )
        for person in (self.mara, self.theo, self.noor):
            server.join(person)
        server.join(self.ada, [admins])
        self.channel = server.add_channel("gallery")
        self.forum = server.add_channel("ideas", "forum")
        self.me = self.discord.bot_user.mention

    async def start(self) -> None:
        """Starts `easel run` and returns when it says that it is ready."""
        config = self.folder / "config.toml"
        if not config.exists():
            config.write_text(
                CONFIG.format(
                    api_url=self.discord.api_url,
                    gateway_url=self.discord.gateway_url,
                    cdn_url=self.discord.cdn_url,
                    base_url=self.model.base_url,
                    data_dir=(self.folder / "data").as_posix(),
                ),
                encoding="utf-8",
            )
        with (self.folder / "easel.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(config)),
                env={
                    **{name: value for name, value in os.environ.items() if name not in NOT_PASSED},
                    "DISCORD_TOKEN": self.discord.token,
                    "OPENROUTER_API_KEY": self.model.api_key,
                },
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            while line := await self.process.stdout.readline():
                print(f"  {line.decode().rstrip()}")
                if line.startswith(b"easel: ready"):
                    return
        log = (self.folder / "easel.log").read_text(encoding="utf-8", errors="replace")
        raise StartError(f"the bot ended before it was ready:\n{log[-2000:]}")

    async def end(self, how: signal.Signals) -> int:
        """Sends the signal and returns the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(STOP_TIMEOUT_S):
            return await self.process.wait()

    async def program(self, *words: str) -> tuple[int, list[str]]:
        """Another command of the program, beside the bot: its exit code, and what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            *("--config", str(self.folder / "config.toml")),
            env={
                **{name: value for name, value in os.environ.items() if name not in NOT_PASSED},
                "OPENROUTER_API_KEY": self.model.api_key,
            },
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(SCENE_TIMEOUT_S):
            output, _ = await process.communicate()
        return process.returncode or 0, output.decode().splitlines()

    async def say(
        self,
        person: Person,
        channel: Channel,
        text: str,
        *,
        photo: bytes | None = None,
        document: tuple[str, bytes] | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        shown = text.replace(self.me, "@Easel")
        file = document if photo is None else ("photo.png", photo)
        file_note = f" [{file[0]}]" if file is not None else ""
        reply_note = " (in reply to a picture)" if reply_to is not None else ""
        print(f"  {person.name} {where(channel)}{reply_note}: {shown}{file_note}")
        files = [file] if file is not None else []
        return await person.say(channel, text, files=files, reply_to=reply_to)

    async def post(self, person: Person, title: str, text: str) -> Channel:
        """A post in the forum."""
        shown = text.replace(self.me, "@Easel")
        print(f"  {person.name} posts “{title}” in #{self.forum.name}: {shown}")
        return await person.start_thread(self.forum, title, text=text)

    async def answer(self, channel: Channel, after: Message) -> list[Message]:
        """Easel's messages in answer to this one, once the last has its small line."""
        return await self.ended(channel, after.id)

    async def ended(self, channel: Channel, after_id: int) -> list[Message]:
        def ours() -> list[Message]:
            return [
                message
                for message in channel.messages
                if message.author is self.discord.bot_user
                and message.kind is not MessageKind.THREAD_STARTER
                and message.id > after_id
            ]

        def is_over(message: Message) -> bool:
            return message.content.rsplit("\n", 1)[-1].startswith("-# ")

        try:
            await self.discord.wait_until(
                lambda: bool(ours()) and is_over(ours()[-1]), SCENE_TIMEOUT_S
            )
        except TimedOut as error:
            raise Wrong(f"no answer came:\n{channel.transcript()}") from error
        return ours()

    def show(self, name: str, messages: list[Message]) -> list[bytes]:
        """Prints what Easel answered, saves its files, and gives their bytes."""
        files: list[bytes] = []
        for message in messages:
            easel = "Easel, privately" if message.ephemeral else "Easel"
            for line in _shortened(message.content):
                print(f"    {easel}: {line}")
            for file in message.attachments:
                self.saved += 1
                path = self.output / f"{self.saved:02}-{name}{Path(file.name).suffix}"
                path.write_bytes(file.data)
                files.append(file.data)
                size = f"{len(file.data):,} bytes"
                if file.width is not None:
                    size = f"{file.width} × {file.height}"
                print(f"    {easel}: [{file.name} {size}, saved as {path}]")
        return files

    async def thread_of(self, message: Message) -> Channel:
        try:
            await self.discord.wait_until(lambda: message.thread is not None, SCENE_TIMEOUT_S)
        except TimedOut as error:
            raise Wrong("no thread was opened") from error
        assert message.thread is not None
        print(f"    Easel opens the thread “{message.thread.name}”")
        return message.thread

    def sent_pictures(self) -> list[str]:
        """The SHA-256 of the pictures that the last call showed the model, in order."""
        return [picture.sha256 for picture in self.model.calls[-1].pictures]

    async def read(self, operation: Callable[[Transaction], Awaitable[int]]) -> int:
        path = self.folder / "data" / "easel.db"
        async with Database(path, SystemClock(), read_only=True) as database:
            return await database.read(operation)

    async def ledger(self, server: Server | None = None) -> NanoUsd:
        """All that the books hold, or a server's part, from the database alone."""

        async def total(tx: Transaction) -> int:
            rows = reports.spend_rows(tx, "all", None if server is None else server.id)
            return sum([row.cost_nano_usd async for row in rows])

        return NanoUsd(await self.read(total))


def _shortened(text: str) -> list[str]:
    """The lines of a text, of a long one the beginning and the end."""
    lines = text.splitlines()
    if len(text) <= TEXT_SHOWN_LETTERS:
        return lines
    return [*text[:TEXT_BEGINNING_LETTERS].splitlines(), "…", *lines[-TEXT_END_LINES:]]


def where(channel: Channel) -> str:
    return "in a direct message" if channel.kind is ChannelKind.DM else f"in #{channel.name}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def one_picture(pictures: list[bytes]) -> bytes:
    check(len(pictures) == 1, f"{len(pictures)} pictures came instead of one")
    return pictures[0]
