"""A small bot on the real discord.py, pointed at a loopback Discord."""

import asyncio
import zlib
from types import TracebackType
from typing import Self

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.sandbox.discord.sandbox import DiscordSandbox


class Robot(discord.Client):
    """It hears everything and does what a test tells it. Entering logs in and waits for READY."""

    def __init__(
        self, sandbox: DiscordSandbox, *, content: bool = True, token: str | None = None
    ) -> None:
        intents = discord.Intents.default()
        intents.message_content = content
        super().__init__(intents=intents, guild_ready_timeout=0.02)
        self.sandbox = sandbox
        self.login_token = token or sandbox.token
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.updated: list[discord.RawMessageUpdateEvent] = []
        self.threads_seen: list[discord.Thread] = []
        self.resumed = 0
        self.failure: Exception | None = None
        self.held: list[discord.Interaction[Self]] = []
        self._group = asyncio.TaskGroup()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        Route.BASE = self.sandbox.api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.sandbox.gateway_url)
        await self._group.__aenter__()
        await super().__aenter__()
        self._running = self._group.create_task(self._run())
        await self.sandbox.wait_until(lambda: self.is_ready() or self.failure is not None, 5)
        if self.failure is not None:
            await self.__aexit__(None, None, None)
            raise self.failure
        return self

    async def _run(self) -> None:
        try:
            await self.start(self.login_token)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shall see it
            self.failure = error
        self.sandbox.world.changed()

    async def on_ready(self) -> None:
        self.sandbox.world.changed()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
        await super().__aexit__(None, None, None)
        if self._running is not None:
            self._running.cancel()
        await self._group.__aexit__(None, None, None)

    async def setup_hook(self) -> None:
        if self.tree.get_commands():
            await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without this, discord.py waits five seconds before it identifies again."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        self.sandbox.world.changed()

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.updated.append(event)
        self.sandbox.world.changed()

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.threads_seen.append(thread)
        self.sandbox.world.changed()

    async def on_resumed(self) -> None:
        self.resumed += 1
        self.sandbox.world.changed()

    async def hears(self, text: str, timeout_s: float = 5.0) -> discord.Message:
        """The first message heard with exactly this text."""

        def find() -> discord.Message | None:
            return next((one for one in self.heard if one.content == text), None)

        await self.sandbox.wait_until(lambda: find() is not None, timeout_s)
        found = find()
        assert found is not None
        return found

    def text_channel(self, channel_id: int) -> discord.TextChannel:
        channel = self.get_channel(channel_id)
        assert isinstance(channel, discord.TextChannel)
        return channel


def png(width: int, height: int) -> bytes:
    """A grey picture of this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + name + data + check

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    rows = zlib.compress((b"\x00" + b"\x80" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
