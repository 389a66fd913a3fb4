"""Random requests played through the exchanges, the client and the ledger as they are, against the
stand-in model; only where people see the answers is a small board in place of Discord. The process
ends and begins anew in between. What must hold of the books then is `random_checks`' to say.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import httpx

from bot.confirming import Confirming
from bot.conversation.attachments import Attachments
from bot.conversation.documents import Documents
from bot.conversation.prompt import Terms
from bot.errors import Unreachable
from bot.exchange import Exchanges
from bot.fetch import Fetch, PublicFetch
from bot.ledger.book import Book, Charge
from bot.ledger.settling import Settling
from bot.money import ZERO
from bot.openrouter.breaker import Breaker
from bot.openrouter.client import OpenRouter
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from bot.queue import FairQueue
from bot.request import Progress, Request
from bot.sandbox.openrouter import MODEL, Call, ModelSandbox
from bot.sandbox.openrouter.script import Scripted
from bot.store.database import Database, Transaction, migrate
from bot.store.exchanges import Exchange, Step
from bot.tasks import Tasks
from bot.underway import Underway
from tests.e2e.oddities import Plan, plan
from tests.ledger.support import NOW_MS, PRICE, limits

T = TypeVar("T")

SPEED = 200
"""How much faster the clock goes: ten minutes of patience take three seconds."""
UNRESOLVED_S = 100.0
READ_GAP_S = 1.5
WIDE = limits(*["1000000"] * 4)
WAVE = 40
MEMBERS = range(1, 9)
FIRST_ID = 1_300_000_000_000_000_000
APART_MS = 3_000
"""Between two requests, so that none joins the one before it."""
UNREACHABLE_SHARE = 0.03
STORM_PATIENCE_S = 0.2
DRAIN_TIMEOUT_S = 60.0
CUT_OFF = (
    "SELECT exchange.id FROM exchange JOIN reservation ON reservation.exchange_id = exchange.id"
    " AND reservation.call_number = exchange.call_number"
    " WHERE exchange.step = 'call' AND reservation.state = 'sent'"
)


class FastClock:
    """Time that goes faster, waiting included."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()

    def monotonic_s(self) -> float:
        return (time.monotonic() - self._begun_s) * SPEED

    def now_ms(self) -> int:
        return NOW_MS + round(self.monotonic_s() * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


class Board:
    """Where people see the answers: it shows what an exchange cost, and now and then cannot be
    reached.
    """

    def __init__(self, database: Database, book: Book, shown: dict[int, Charge], seed: int) -> None:
        self._database = database
        self._book = book
        self._shown = shown
        self._dice = random.Random(seed)

    async def open(self, exchange: Exchange) -> None:
        self._reach(exchange)

    @asynccontextmanager
    async def showing(self, exchange: Exchange) -> AsyncGenerator[Progress]:
        yield Line(exchange)

    async def ask(self, exchange: Exchange) -> None:
        raise AssertionError(f"exchange {exchange.id} is not dear")

    async def deliver(self, exchange: Exchange) -> None:
        self._reach(exchange)
        await self.amend(exchange)

    async def amend(self, exchange: Exchange) -> None:
        charge = await self._database.read(lambda tx: self._book.charge(tx, exchange.id))
        self._shown[exchange.id] = charge

    def _reach(self, exchange: Exchange) -> None:
        if exchange.step in {Step.WAIT, Step.ANSWER} and self._dice.random() < UNREACHABLE_SHARE:
            raise Unreachable


class Line:
    """The answer in the making."""

    def __init__(self, exchange: Exchange) -> None:
        assert exchange.step not in {Step.ANSWER, Step.DONE}

    def stage(self, sentence: Callable[[], str]) -> None:
        assert sentence()

    def text(self, more: str) -> None:
        assert isinstance(more, str)


class Process:
    """One life of the program. It ends abruptly: whatever runs is cancelled where it stands."""

    exchanges: Exchanges
    underway: Underway

    def __init__(self, world: "World") -> None:
        self._world = world
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        world, enter = self._world, self._stack.enter_async_context
        self._database = await enter(Database(world.path, world.clock))
        shelf = await enter(Shelf(world.path.parent / "shelf"))
        public = await enter(httpx.AsyncClient(trust_env=False))
        downloads = await enter(aiohttp.ClientSession())
        model = await enter(
            OpenRouter(
                base_url=world.model.base_url,
                api_key=world.model.api_key,
                timeout_s=30,
                shelf=shelf,
                clock=world.clock,
                fetch=PublicFetch(public),
                read_gap_s=READ_GAP_S,
            )
        )
        tasks = await enter(Tasks())
        book, intake = Book(WIDE), Intake(shelf, world.workshop)
        fetch = Fetch(downloads, ())
        board = Board(self._database, book, world.shown, world.dice.getrandbits(32))
        self.exchanges = Exchanges(
            database=self._database,
            queue=FairQueue(16, 4, 1_000),
            book=book,
            model=model,
            breaker=Breaker(world.clock, str, bool),  # nobody hears it
            settling=Settling(self._database, book, model, world.clock, UNRESOLVED_S),
            attachments=Attachments(
                self._database,
                shelf,
                intake,
                fetch,
                Documents(self._database, shelf, world.workshop, fetch),
            ),
            intake=intake,
            answers=board,
            confirming=Confirming(self._database, book, board, ask_above=ZERO),
            clock=world.clock,
            terms=Terms(MODEL, PRICE, 16_000, 32_000, 4),
            tell_owner=str,  # nobody hears it
        )
        self.underway = Underway(self.exchanges, self._database, world.clock, tasks.spawn)
        self._sweep = tasks.spawn(self.underway.sweep())

    async def stop(self, grace_s: float) -> None:
        """What a gentle end begins with."""
        self._sweep.cancel()
        await self.underway.stop(grace_s)

    async def end(self) -> None:
        await self._stack.aclose()

    async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        return await self._database.read(operation)


class World:
    """What outlives a process: the database, the stand-in model, and what was planned."""

    def __init__(
        self, path: Path, dice: random.Random, model: ModelSandbox, workshop: Workshop
    ) -> None:
        self.path = path
        self.dice = dice
        self.model = model
        self.workshop = workshop
        self.clock = FastClock()
        self.plans: dict[int, Plan] = {}
        self.shown: dict[int, Charge] = {}
        self.lives = 0
        self._pause = asyncio.Event()
        self._by_words: dict[str, Plan] = {}
        self._conversations: list[int] = []
        self._calls = 0
        self._process = Process(self)

    def answer(self, call: Call) -> Scripted:
        self._calls += 1
        return self._by_words[call.words].next(call)

    async def play(self, number: int) -> None:
        """Plays so many requests to their ends, until no money is held."""
        self.model.when(lambda _: True, self.answer)
        await migrate(self.path)
        await self._begin()
        try:
            for pause in itertools.cycle([None, self._pause]):
                if len(self.plans) == number:
                    break
                await self._wave(min(WAVE, number - len(self.plans)), pause)
            await self._until_none("SELECT 1 FROM exchange WHERE step <> 'done'")
            await self._until_none("SELECT 1 FROM reservation WHERE closed_ms IS NULL")
        finally:
            await self._process.end()

    async def _wave(self, number: int, pause: asyncio.Event | None) -> None:
        """Some requests at once; with a pause the process ends in the middle of it, and again."""
        self._pause.clear()
        for _ in range(number):
            await self._ask(pause)
        for _ in range(0 if pause is None else self.dice.randint(1, 4)):
            await self._end_in_the_middle()
        self._pause.set()
        await self._until_none("SELECT 1 FROM exchange WHERE step NOT IN ('answer', 'done')")

    async def _ask(self, pause: asyncio.Event | None) -> None:
        dice, number = self.dice, len(self.plans) + 1
        planned = plan(dice, f"request {number}", pause)
        exchange_id = FIRST_ID + (number * APART_MS << 22)
        if not self._conversations or dice.random() < 0.7:
            self._conversations.append(exchange_id)
        exchange = Exchange(
            id=exchange_id,
            conversation_id=dice.choice(self._conversations[-WAVE:]),
            command=planned.command,
            server_id=dice.choice([0, 10, 11]),
            channel_id=100,
            member_id=dice.choice(MEMBERS),
            prompt=planned.words,
            upload_bytes_max=10_000_000,
            answer_channel_id=100,
            may_paint=planned.paints,
            size=planned.size,
        )
        self.plans[exchange_id] = self._by_words[planned.words] = planned
        for fresh in [True, False][: dice.choice([1, 1, 1, 2])]:
            admission = await self._process.exchanges.admit(Request(exchange, "chain"))
            assert admission.fresh is fresh
            assert admission.refusal is None
            self._process.underway.start(exchange_id)

    async def _end_in_the_middle(self) -> None:
        dice, enough = self.dice, self._calls + self.dice.randint(1, 15)
        with contextlib.suppress(TimeoutError):  # there may be no more calls to come
            async with asyncio.timeout(STORM_PATIENCE_S):
                await self.model.until(lambda: self._calls >= enough)
        await asyncio.sleep(dice.random() * 0.03)
        if dice.random() < 0.3:
            await self._process.stop(dice.random() * 100)
        await self._process.end()
        await self._begin()

    async def _begin(self) -> None:
        self.lives += 1
        async with Database(self.path, self.clock, read_only=True) as database:
            for row in await database.read(lambda tx: tx.all(CUT_OFF)):
                self.plans[row["id"]].cut_off = True
        self._process = Process(self)
        await self._process.begin()

    async def _until_none(self, rows: str) -> None:
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            while await self._process.read(lambda tx: tx.all(rows)):  # noqa: ASYNC110  # none tells
                await asyncio.sleep(0.01)
