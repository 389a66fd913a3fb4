"""A stage for scenes: the loopback Discord and model, and the real bot on the real discord.py, all
in one loop.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from bot.app import App
from bot.clock import SystemClock
from bot.errors import StartError
from bot.ledger import reports
from bot.money import NanoUsd
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import MessageKind, Permission
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import ModelSandbox
from bot.settings import (
    BudgetSettings,
    DiscordSettings,
    LimitSettings,
    OpenRouterSettings,
    Settings,
    StorageSettings,
)
from bot.store import alerts, exchanges, reservations
from bot.store.database import Database, Transaction
from tests.sandbox.specs import discord_specs_at_hand, validate_discord

T = TypeVar("T")

GUILD_READY_TIMEOUT_S = 0.05
START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 20.0


class MovableClock:
    """The machine's clock with a push: time passes, and can be made to have passed."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.pushed_ms = 0
        self.pauses: list[float] = []

    def now_ms(self) -> int:
        return self._system.now_ms() + self.pushed_ms

    def monotonic_s(self) -> float:
        return self._system.monotonic_s() + self.pushed_ms / 1000

    async def sleep(self, seconds: float) -> None:
        """Pauses are noted and cut to a twentieth of a second, so that retries do not take long;
        those of an hour stay.
        """
        self.pauses.append(seconds)
        await asyncio.sleep(seconds if seconds >= 3_600 else min(seconds, 0.05))


class Stage:
    """Two stand-ins, a server with a channel and people, and a bot that can be started anew."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock()
        self.discord = DiscordSandbox()
        self.model = ModelSandbox(picture_scale=0.125)
        self.settings = Settings(
            storage=StorageSettings(data_dir=folder / "data"),
            limits=LimitSettings(stop_grace_s=5.0, unresolved_s=5.0),
        )
        self._stop = asyncio.Event()
        self._running: asyncio.Task[StartError | None] | None = None
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self.discord.__aenter__()
        await self.model.__aenter__()
        self.owner = self.discord.add_person("Olga")
        self.server = self.discord.add_server("Atelier", owner=self.owner)
        self.channel = self.server.add_channel("gallery")
        admins = self.server.add_role("Admins", Permission.MANAGE_GUILD)
        self.mara, self.theo, self.ada = (
            self.discord.add_person(name) for name in ("Mara", "Theo", "Ada")
        )
        self.server.join(self.mara)
        self.server.join(self.theo)
        self.server.join(self.ada, [admins])
        self.me = self.discord.bot_user.mention
        self.settings = replace(
            self.settings,
            discord=DiscordSettings(
                api_url=self.discord.api_url,
                gateway_url=self.discord.gateway_url,
                cdn_url=self.discord.cdn_url,
            ),
            openrouter=OpenRouterSettings(base_url=self.model.base_url),
            discord_token=self.discord.token,
            openrouter_api_key=self.model.api_key,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.model.gate.open()
        self.model.pause_after_picture.open()
        if self._running is not None:
            await self.stop()
        await self.model.__aexit__(kind, error, traceback)
        await self.discord.__aexit__(kind, error, traceback)
        await self._group.__aexit__(kind, error, traceback)
        if error is None and discord_specs_at_hand():
            for request in self.discord.requests:
                validate_discord(request.method, request.path, request.body)

    def limit(self, **limits: float) -> None:
        """Other limits than the defaults, before `start`."""
        self.settings = replace(self.settings, limits=replace(self.settings.limits, **limits))

    def budget(self, **budgets: NanoUsd) -> None:
        """Other budgets than the defaults, before `start`."""
        self.settings = replace(self.settings, budgets=replace(self.settings.budgets, **budgets))

    async def start(self) -> None:
        """Starts the bot and returns once it answers."""
        ready = asyncio.Event()
        self._stop = asyncio.Event()
        app = App(self.settings, clock=self.clock, guild_ready_timeout_s=GUILD_READY_TIMEOUT_S)
        self._running = self._group.create_task(_run(app, self._stop, ready))
        waiting = self._group.create_task(_wait(ready))
        done, _ = await asyncio.wait(
            {self._running, waiting}, timeout=START_TIMEOUT_S, return_when="FIRST_COMPLETED"
        )
        if waiting not in done:
            waiting.cancel()
            raise AssertionError("the bot did not get ready")

    async def stop(self) -> None:
        """Stops the bot in order."""
        self._stop.set()
        await self.ended()

    async def ended(self) -> None:
        """Returns when the bot has ended, or raises what it ended with."""
        assert self._running is not None
        running, self._running = self._running, None
        if (lost := await running) is not None:
            raise lost

    async def answers(
        self, channel: Channel, after_id: int, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> list[Message]:
        """Easel's messages in a channel after an id, once the last of them has its small line."""

        def ours() -> list[Message]:
            return [message for message in self.ours(channel) if message.id > after_id]

        def over() -> bool:
            return any(last_line(message).startswith("-# ") for message in ours())

        await channel.wait_for(lambda _: over(), timeout_s)
        return ours()

    def ours(self, channel: Channel) -> list[Message]:
        """Easel's own messages in a channel, as everybody sees them, oldest first."""
        return [
            message
            for message in channel.messages
            if message.author is self.discord.bot_user
            and message.kind is not MessageKind.THREAD_STARTER
        ]

    async def ask_in_thread(
        self, text: str, *, files: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[Channel, list[Message]]:
        """A mention by Mara that opens a thread, and what came of it."""
        asked = await self.mara.say(self.channel, f"{self.me} {text}", files=files)
        thread = await self.thread_of(asked)
        return thread, await self.answers(thread, asked.id)

    async def thread_of(self, message: Message) -> Channel:
        await self.discord.wait_until(lambda: message.thread is not None, ANSWER_TIMEOUT_S)
        assert message.thread is not None
        return message.thread

    async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        """Reads the bot's database, beside the bot."""
        path = self.settings.storage.data_dir / "easel.db"
        async with Database(path, SystemClock(), read_only=True) as database:
            return await database.read(operation)

    async def ledger_nano_usd(self) -> int:
        async def total(tx: Transaction) -> int:
            return sum([row.cost_nano_usd async for row in reports.spend_rows(tx, "all")])

        return await self.read(total)

    async def open_holds(self) -> int:
        return len(await self.read(reservations.open_ones))

    @staticmethod
    def sha256(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    async def until_idle(self, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Returns when every exchange has come to its end."""
        async with asyncio.timeout(timeout_s):
            while await self.read(exchanges.open_ids):  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.05)

    async def until_kept(self, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Returns when a picture of an answer in the making is on the shelf."""
        shelf = self.settings.storage.data_dir / "shelf"
        async with asyncio.timeout(timeout_s):
            while not list(shelf.glob("tagged/*")):  # noqa: ASYNC110  # the disk tells nobody
                await asyncio.sleep(0.02)

    async def until_told(self, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Returns when there is no alert to tell any more."""
        async with asyncio.timeout(timeout_s):
            while await self.read(_untold):  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.05)

    async def until_books_closed(self, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Returns when no money is held any more."""
        async with asyncio.timeout(timeout_s):
            while await self.open_holds():  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.05)


async def _run(app: App, stop: asyncio.Event, ready: asyncio.Event) -> StartError | None:
    """What it ended with, for whoever waits for its end: it harms no other task of the stage."""
    try:
        await app.run(stop, ready.set)
    except StartError as lost:
        return lost
    return None


async def _untold(tx: Transaction) -> list[alerts.Alert]:
    return await alerts.untold(tx, 1)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def last_line(message: Message) -> str:
    return message.content.rsplit("\n", 1)[-1]


def caps(*, member_day: int) -> BudgetSettings:
    """Budgets of which only a member's day is tight."""
    return replace(BudgetSettings(), member_day_nano_usd=NanoUsd(member_day))
