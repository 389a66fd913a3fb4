"""10,000 exchanges, a hundred at a time, while one in fifty meets a fault of the model's or of
Discord's and the gateway is lost ever again: none is lost, none is doubled, and the process is as
small after the last as after the first thousand. `$EASEL_SOAK` asks for another number.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.ledger import reports
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.wire import Fault, rate_limited
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import (
    Call,
    Comment,
    Drop,
    ErrorChunk,
    Finish,
    NoUsage,
    Paint,
    Say,
    Status,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.script import Told
from bot.sandbox.people import Person
from bot.store.database import Transaction
from tests.e2e.process import secrets, write_config
from tests.e2e.stage import Stage, last_line

EXCHANGES = int(os.environ.get("EASEL_SOAK", "10000"))
FIRST = EXCHANGES // 10
AT_A_TIME = 100
FAULTY_SHARE = 0.02
CHANNELS = 10
LOOKS = 3
QUIET_S = 20.0
"""Before a look: connections that nobody uses are closed by then."""
GROWTH_MAX = 1.10
PATIENCE_S = 120.0
"""For one answer: a lost gateway, a refused upload and a retry among it."""
GATEWAY_PAUSE_S = 15.0
SECONDS_MAX = 2_700
UNLIMITED = """\
running_max = 200
running_per_member_max = 4
queue_max = 1000

[budgets]
member_day_usd = 1000000
member_month_usd = 1000000
server_month_usd = 1000000
total_month_usd = 1000000
"""
TOLD: tuple[Callable[[], Told], ...] = (
    lambda: Status(429, headers={"Retry-After": "0"}),
    lambda: Status(502),
    lambda: Status(503),
    lambda: Status(500, cost_nano_usd=0),
    lambda: Status(403, "Input was flagged", error_type="content_policy_violation"),
    lambda: answer(Comment(), Say("Half an"), ErrorChunk()),
    lambda: answer(Comment(), Say("Half an"), Drop(), cost_nano_usd=40_000_000),
    lambda: answer(Comment(), Paint("a fox"), Drop(), cost_nano_usd=212_300_000),
    lambda: answer(Drop(reset=True), cost_nano_usd=0),
    lambda: answer(Paint("a fox"), NoUsage()),
    lambda: answer(Say("No further"), Finish("length")),
    silent_block,
)
MESSAGES = r"/channels/\d+/messages"
BAD_DAYS: tuple[Callable[[], Fault], ...] = (
    lambda: Fault("POST", MESSAGES, status=500),
    lambda: Fault("POST", MESSAGES, status=502, after=True),
    lambda: Fault("POST", MESSAGES, drop=True, after=True),
    lambda: Fault("POST", MESSAGES, drop=True),
    lambda: Fault("PATCH", rf"{MESSAGES}/\d+", status=503),
    lambda: Fault("PATCH", rf"{MESSAGES}/\d+", drop=True, after=True),
    lambda: Fault("PATCH", r"/webhooks/.*", status=500),
    lambda: rate_limited(rf"{MESSAGES}/\d+", 0.2, method="PATCH"),
    lambda: rate_limited(MESSAGES, 0.2, method="POST"),
    lambda: Fault("POST", rf"{MESSAGES}/\d+/threads", status=500),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the process tells of itself."""

    rss_kib: int
    files: int
    tasks: int


@dataclass(slots=True)
class Asked:
    """One request, until the same person asks the next."""

    person: Person
    by: Message | Interaction
    until: int = sys.maxsize

    @property
    def thread(self) -> Channel | None:
        """Where it can go on."""
        by = self.by
        if isinstance(by, Interaction):
            return None
        return by.channel if by.channel.is_thread else by.thread

    def ends(self) -> list[str]:
        """The small lines of what Easel answered, wherever it did: one, in the end."""
        answers = {message.id: message for message in self._answers() if not message.pinged}
        lines = map(last_line, answers.values())
        return [line for line in lines if line.startswith("-# ")]

    def _answers(self) -> Iterator[Message]:
        by, places = self.by, [self.person.dm]
        if isinstance(by, Interaction):
            yield from by.messages
            # Where the acknowledgement came too late.
            yield from (one for one in self._later(by.channel) if self._is_named_by(one))
        elif by.channel.is_thread:
            places.append(by.channel)
        elif by.channel is not self.person.dm:
            yield from (one for one in self._later(by.channel) if one.reply_to is by)
            if by.thread is not None:
                places.append(by.thread)
        for place in places:
            yield from (one for one in self._later(place) if one.author.is_bot)

    def _is_named_by(self, message: Message) -> bool:
        return any(f":{self.by.id}" in button.get("custom_id", "") for button in message.buttons)

    def _later(self, place: Channel) -> Iterator[Message]:
        """Newest first, without a look at all that came before."""
        newest = itertools.takewhile(lambda one: one.id > self.by.id, reversed(place.log.values()))
        return (one for one in newest if one.id < self.until and one.visible_to is None)


class Soak:
    """People who ask, one thing after the other each, and what goes wrong meanwhile."""

    def __init__(self, stage: Stage, process: asyncio.subprocess.Process, seed: int) -> None:
        self._stage = stage
        self._process = process
        self._dice = random.Random(seed)
        self._left = 0
        self.asked: list[Asked] = []
        self.seen: Counter[str] = Counter()
        self._channels = [stage.server.add_channel(f"room-{n}") for n in range(CHANNELS)]
        self._people: list[Person] = []
        for number in range(AT_A_TIME):
            person = stage.discord.add_person(f"Person {number}")
            stage.server.join(person)
            self._people.append(person)
        self._newest: dict[int, Asked] = {}
        stage.model.when(self._goes_wrong, self._wrongly)

    async def go_on(self, exchanges: int) -> None:
        """So many more exchanges, each to its end."""
        self._left = exchanges
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(self._discord()), group.create_task(self._gateway())]
            async with asyncio.TaskGroup() as people:
                for person in self._people:
                    people.create_task(self._ask_ever_again(person))
            for task in others:
                task.cancel()
        self._stage.discord.faults.clear()
        await self._stage.until_idle(PATIENCE_S)
        await self._stage.until_books_closed(PATIENCE_S)

    async def look(self) -> Look:
        """The median of three."""
        await asyncio.sleep(QUIET_S)
        looks: list[Look] = []
        for _ in range(LOOKS):
            self._process.send_signal(signal.SIGUSR1)
            assert self._process.stdout is not None
            looks.append(Look(**json.loads(await self._process.stdout.readline())))
            await asyncio.sleep(1)
        return Look(
            *(round(statistics.median(column)) for column in zip(*map(_row, looks), strict=True))
        )

    def _goes_wrong(self, _call: Call) -> bool:
        return self._dice.random() < FAULTY_SHARE

    def _wrongly(self, _call: Call) -> Told:
        self.seen["faults of the model"] += 1
        return self._dice.choice(TOLD)()

    async def _discord(self) -> None:
        """About one request in fifty of each exchange's three or four that may fail."""
        begun = len(self.asked)
        while True:
            await asyncio.sleep(0.1)
            while begun < len(self.asked):
                begun += 1
                if self._dice.random() < 3 * FAULTY_SHARE:
                    self.seen["faults of Discord"] += 1
                    self._stage.discord.faults.append(self._dice.choice(BAD_DAYS)())
            for file in self._stage.discord.world.files.values():
                file.data = b""  # nobody looks at it again

    async def _gateway(self) -> None:
        discord = self._stage.discord
        while True:
            await asyncio.sleep(GATEWAY_PAUSE_S)
            self.seen["gateways lost"] += 1
            self._dice.choice((discord.drop_connections, discord.reconnect))()

    async def _ask_ever_again(self, person: Person) -> None:
        await asyncio.sleep(self._dice.random() * 2)
        while self._left > 0:
            self._left -= 1
            asked = Asked(person, await self._ask(person))
            if person.id in self._newest:
                self._newest[person.id].until = asked.by.id
            self._newest[person.id] = asked
            self.asked.append(asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    while not asked.ends():  # noqa: ASYNC110  # thousands of changes a second
                        await asyncio.sleep(0.1)

    async def _ask(self, person: Person) -> Message | Interaction:
        kind, channel = self._dice.random(), self._dice.choice(self._channels)
        words = f"a fox number {len(self.asked)}"
        if kind < 0.25:
            command = self._dice.choice(("imagine", "imagine", "ask"))
            return await person.command(channel, command, prompt=words)
        before = self._newest.get(person.id)
        thread = None if before is None else before.thread
        if kind < 0.5 and thread is not None:
            return await person.say(thread, f"make it {words}")
        if kind < 0.6:
            return await person.say(person.dm, words)
        if thread is not None:
            # As Discord does with those that nobody writes in.
            await self._stage.owner.change_thread(thread, archived=True)
        return await person.say(channel, f"{self._stage.me} {words}")


def _row(look: Look) -> tuple[int, int, int]:
    return look.rss_kib, look.files, look.tasks


@asynccontextmanager
async def soaked(stage: Stage, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.long.soaked_process"),
            str(write_config(stage, folder, UNLIMITED)),
            env={**os.environ, **secrets(stage), "PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"easel: ready\n"
        yield process
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
@pytest.mark.timeout(SECONDS_MAX)
async def test_ten_thousand_exchanges_lose_double_and_leak_nothing(tmp_path: Path):
    seed = int(os.environ.get("EASEL_SEED") or random.SystemRandom().getrandbits(32))
    print(f"\nEASEL_SEED={seed}", flush=True)
    begun_s = time.monotonic()
    async with Stage(tmp_path) as stage, soaked(stage, tmp_path) as process:
        soak = Soak(stage, process, seed)
        await soak.go_on(FIRST)
        before = await soak.look()
        await soak.go_on(EXCHANGES - FIRST)
        after = await soak.look()
        took_s = time.monotonic() - begun_s
        ends = [one.ends() for one in soak.asked]
        soak.seen.update(
            line.split(" · ")[0] if "$" not in line.split(" · ")[0] else "a result"
            for lines in ends
            for line in lines
        )
        print(f"{len(ends):,} exchanges in {took_s:.0f} s; {dict(soak.seen)}")
        print(f"after the first {FIRST:,}: {before}\nafter the last: {after}")
        lost = [one.by for one, lines in zip(soak.asked, ends, strict=True) if not lines]
        doubled = [one.by for one, lines in zip(soak.asked, ends, strict=True) if len(lines) > 1]
        assert (lost, doubled) == ([], [])
        assert not [line for lines in ends for line in lines if "not known yet" in line]
        await _check_books(stage)
        assert after.rss_kib <= before.rss_kib * GROWTH_MAX
        assert after.files <= before.files
        assert after.tasks <= before.tasks


async def _check_books(stage: Stage) -> None:
    """Each entry is what its generation was charged; an estimate is no less."""

    async def read(tx: Transaction) -> list[tuple[str, int, str]]:
        rows = [row async for row in reports.entry_rows(tx, "all")]
        return [(row.generation_id or "", int(row.cost_nano_usd), row.basis) for row in rows]

    charged = {one.id: one.cost_nano_usd or 0 for one in stage.model.account.generations.values()}
    for generation_id, cost, basis in await stage.read(read):
        owed = charged.pop(generation_id, 0)
        assert cost == owed or (basis == "estimate" and cost >= owed), generation_id
    assert not any(charged.values())
