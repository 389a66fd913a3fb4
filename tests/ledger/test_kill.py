"""Processes that die while they write: at random, and at every single statement."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bot.ledger.book import Book
from bot.money import nano_usd
from bot.store import budgets
from bot.store.budgets import Name
from bot.store.database import Database, Transaction, migrate
from bot.store.reservations import Tokens
from tests.ledger import books, killing
from tests.ledger.books import Books, read_books
from tests.ledger.support import SetClock, ask, limits

POT = Name(10, "role-pot", 501, "month")
BOOK = Book(limits())
PAINTER = frozenset({POT.subject_id})


async def test_a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_half(tmp_path: Path):
    assert await killing.play(tmp_path / "easel.db", rounds=3)


Operation = Callable[[Transaction], Awaitable[object]]
SCENARIO: list[Operation] = [
    lambda tx: budgets.put(tx, POT, nano_usd(2), actor_id=1),
    lambda tx: BOOK.reserve(tx, ask(1, role_ids=PAINTER)),
    lambda tx: BOOK.reserve(tx, ask(2, member_id=8, role_ids=PAINTER)),
    lambda tx: BOOK.mark_sent(tx, 1, 1),
    lambda tx: budgets.put(tx, POT, nano_usd(1), actor_id=1),
    lambda tx: BOOK.settle(tx, 1, 1, nano_usd("0.2"), "usage", "picture", Tokens()),
    lambda tx: BOOK.void(tx, 2, 1),
    lambda tx: BOOK.reserve(tx, ask(3, server_id=0)),
    lambda tx: budgets.grant(tx, 800, 10, 7, nano_usd(1), actor_id=1, reason="a contest"),
    lambda tx: BOOK.book_estimate(tx, 3, 1, "text"),
    lambda tx: BOOK.adjust(
        tx,
        900,
        server_id=10,
        member_id=7,
        channel_id=100,
        role_ids=PAINTER,
        amount=nano_usd("-0.1"),
        actor_id=1,
        reason="a wrong picture",
    ),
    lambda tx: budgets.remove(tx, POT, actor_id=1),
]


@dataclass(frozen=True)
class Stopped:
    """The files as they were when a statement began, and how much was acknowledged by then."""

    path: Path
    acknowledged: int


class Traced(Database):
    async def trace(self, handler: Callable[[str], None]) -> None:
        """Calls it before each statement of the writing connection."""
        # aiosqlite leaves open what the handler is called with.
        connection = self._connections[0]
        await connection.set_trace_callback(handler)  # pyright: ignore[reportUnknownMemberType]


async def look(path: Path) -> tuple[Books, object]:
    async def read(tx: Transaction) -> tuple[Books, object]:
        limits = [tuple(row) for row in await tx.all("SELECT * FROM budget")]
        changes = [tuple(row) for row in await tx.all("SELECT * FROM budget_change")]
        return await read_books(tx), (limits, changes)

    async with Database(path, SetClock()) as database:
        return await database.read(read)


async def test_a_process_that_stops_at_any_statement_leaves_whole_operations(tmp_path: Path):
    path = tmp_path / "easel.db"
    await migrate(path)
    stopped: dict[bytes, Stopped] = {}
    statements = acknowledged = 0

    def stop(_statement: str) -> None:
        nonlocal statements
        statements += 1
        files = [file for file in (path, path.with_name("easel.db-wal")) if file.exists()]
        now = sha256(b"".join(file.read_bytes() for file in files)).digest()
        if now in stopped:
            return
        folder = tmp_path / f"at statement {statements}"
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        stopped[now] = Stopped(folder / path.name, acknowledged)

    states: list[tuple[Books, object]] = []
    async with Traced(path, SetClock()) as database:
        await database.trace(stop)
        for operation in SCENARIO:
            states.append(await look(path))
            await database.write(operation)
            acknowledged += 1
        states.append(await look(path))
        await database.write(budgets_of_nobody)  # its statements see the last one committed
    assert statements > 8 * len(SCENARIO)
    assert len(stopped) > len(SCENARIO)
    for at in stopped.values():
        found = await look(at.path)
        assert found in states[at.acknowledged : at.acknowledged + 2]
        books.invariant_2_balances_are_the_sums_of_what_rests_on_them(found[0])
    assert len({repr(state) for state in states}) == len(states)  # each operation shows


async def budgets_of_nobody(tx: Transaction) -> None:
    await budgets.of_server(tx, 99)
