"""The whole chain: the real bot in this process, the stand-ins in another, and the floor of a bot
in a third.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from bot.app import App
from bot.money import NanoUsd
from bot.openrouter.client import Call, OpenRouter, Reply
from bot.settings import (
    BudgetSettings,
    DiscordSettings,
    LimitSettings,
    OpenRouterSettings,
    Settings,
    StorageSettings,
)
from bot.store.database import Database, Transaction
from tests.bench.wire import ROOT

P = ParamSpec("P")
T = TypeVar("T")

ENDLESS = NanoUsd(10**15)
START_TIMEOUT_S = 30.0
GUILD_READY_TIMEOUT_S = 0.2


class StandIns:
    """The process of the stand-ins, as one tells it what to do."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, do: str, **what: object) -> dict[str, Any]:
        """What it answers when it has done so: parsed JSON, between two programs of ours."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        answer = await self._process.stdout.readline()
        assert answer, "the stand-ins have ended"
        return json.loads(answer)


@asynccontextmanager
async def stand_ins() -> AsyncGenerator[StandIns]:
    """The stand-ins' process, from its start to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "tests.bench.stand_ins"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield StandIns(process)
    finally:
        # It may be waiting for a bot that is gone, and has nothing to put away.
        process.terminate()
        await process.wait()


@asynccontextmanager
async def bare(
    addresses: dict[str, Any], commits: tuple[int, int], folder: Path
) -> AsyncGenerator[None]:
    """The floor of a bot, up and running."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "tests.bench.bare", json.dumps(addresses)),
        *(*map(str, commits), str(folder / "bare.db")),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.terminate()
        await process.wait()


def settings(addresses: dict[str, Any], folder: Path) -> Settings:
    """No budget and no queue stands in the way."""
    return Settings(
        discord=DiscordSettings(
            api_url=addresses["api_url"],
            gateway_url=addresses["gateway_url"],
            cdn_url=addresses["cdn_url"],
        ),
        openrouter=OpenRouterSettings(base_url=addresses["base_url"]),
        storage=StorageSettings(data_dir=folder / "data"),
        limits=LimitSettings(running_max=100, running_per_member_max=100, stop_grace_s=5.0),
        budgets=BudgetSettings(
            member_day_nano_usd=ENDLESS,
            member_month_nano_usd=ENDLESS,
            server_month_nano_usd=ENDLESS,
            total_month_nano_usd=ENDLESS,
        ),
        discord_token=addresses["token"],
        openrouter_api_key=addresses["api_key"],
    )


@asynccontextmanager
async def chain(folder: Path) -> AsyncGenerator[tuple[StandIns, dict[str, Any]]]:
    """The bot, up and running in this process against stand-ins in another, and their addresses."""
    async with stand_ins() as others:
        addresses = await others.tell("addresses")
        app = App(settings(addresses, folder), guild_ready_timeout_s=GUILD_READY_TIMEOUT_S)
        ready, stop = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(app.run(stop, ready.set))
            async with asyncio.timeout(START_TIMEOUT_S):
                await ready.wait()
            try:
                yield others, addresses
            finally:
                stop.set()
                await running


Span = tuple[float, float]
"""When something began and ended, in seconds since 1970."""


class Spans:
    """When the bot was at what."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}

    def begin(self) -> None:
        """Forgets what was."""
        self._spans.clear()

    def of(self, name: str) -> list[Span]:
        return self._spans.get(name, [])

    def ms(self, name: str, since_s: float, until_s: float) -> float:
        """How long the bot was at it between these times; what overlaps counts twice."""
        cut = [(max(begin, since_s), min(end, until_s)) for begin, end in self.of(name)]
        return 1000 * sum(end - begin for begin, end in cut if end > begin)

    def note(self, name: str, method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """The same method, whose calls are noted."""

        async def noted(*arguments: P.args, **named: P.kwargs) -> T:
            begin_s = time.time()
            try:
                return await method(*arguments, **named)
            finally:
                self._spans.setdefault(name, []).append((begin_s, time.time()))

        return noted


@contextmanager
def noting(*methods: tuple[type, str, str]) -> Generator[Spans]:
    """Notes meanwhile the calls of methods: of which class, its name, and what to call it."""
    spans, before = Spans(), [(owner, name, getattr(owner, name)) for owner, name, _ in methods]
    for (owner, name, method), (_, _, called) in zip(before, methods, strict=True):
        setattr(owner, name, spans.note(called, method))
    try:
        yield spans
    finally:
        for owner, name, method in before:
            setattr(owner, name, method)


class Count:
    """How many durable commits the bot has made when it calls the model."""

    def __init__(self) -> None:
        self.made = 0
        self.at_call = 0


@contextmanager
def counting() -> Generator[Count]:
    """Counts meanwhile, for one exchange."""
    count, write, stream = Count(), Database.write, OpenRouter.stream

    async def counted(self: Database, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        count.made += 1
        return await write(self, operation)

    def called(self: OpenRouter, call: Call) -> AbstractAsyncContextManager[Reply]:
        count.at_call = count.made
        return stream(self, call)

    Database.write, OpenRouter.stream = counted, called
    try:
        yield count
    finally:
        Database.write, OpenRouter.stream = write, stream
