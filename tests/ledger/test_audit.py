"""The audit: finds nothing in right books, and everything that is planted in wrong ones."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.clock import milliseconds
from bot.ledger.audit import Finding, audit
from bot.ledger.book import Book
from bot.ledger.nightly import Nightly
from bot.money import NanoUsd, nano_usd
from bot.openrouter.client import KeyFacts
from bot.store.database import Database, Transaction
from bot.store.reservations import Tokens
from tests.ledger.support import DAY_MS, HOUR_MS, NOW_MS, SetClock, ask, limits

COST = nano_usd("0.2")
BOOK = Book(limits())


async def fill(database: Database) -> None:
    """A call of each state, an overrun and a correction."""

    async def operation(tx: Transaction) -> None:
        for number in range(1, 7):
            await BOOK.reserve(tx, replace(ask(number), role_ids=frozenset({501})))
            await BOOK.mark_sent(tx, number, 1)
        await BOOK.settle(tx, 1, 1, COST, "usage", "picture", Tokens(10, 0, 20))
        await BOOK.settle(tx, 2, 1, nano_usd(2), "generation", "text", Tokens())
        await BOOK.void(tx, 3, 1)
        await BOOK.book_estimate(tx, 4, 1, "picture")
        await BOOK.leave_unresolved(tx, 5, 1)
        await BOOK.adjust(
            tx,
            900,
            server_id=10,
            member_id=7,
            channel_id=100,
            role_ids=frozenset({501}),
            amount=NanoUsd(-5),
            actor_id=1,
            reason="it was wrong",
        )

    await database.write(operation)


async def found(
    database: Database, key: KeyFacts | None = None, clock: SetClock | None = None
) -> list[Finding]:
    async def ask_key() -> KeyFacts | None:
        return key

    asked = None if key is None else ask_key
    return [each async for each in audit(database, clock or SetClock(), asked)]


async def wrong(database: Database) -> list[str]:
    return [each.sentence for each in await found(database) if not each.is_right]


async def test_right_books_are_found_right(database: Database):
    assert [each.item for each in await found(database)] == ["database", "balances", "entries"]
    assert not await wrong(database)
    await fill(database)
    assert not await wrong(database)
    lines = [str(each) for each in await found(database)]
    assert lines[2] == (
        "ok entries: 5 entries close each its call, and no call is closed without one."
    )


def plant(path: Path, *statements: str) -> None:
    """A bug's or a stranger's hand: writes what nothing of ours would."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


NO_KEEPING = ("DROP TRIGGER entry_keeps", "DROP TRIGGER entry_stays")


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["UPDATE balance SET spent_nano_usd = spent_nano_usd + 1 WHERE id = 1"], "spent where"),
        (["UPDATE balance SET held_nano_usd = held_nano_usd + 1 WHERE id = 2"], "held where"),
        ([*NO_KEEPING, "UPDATE entry SET cost_nano_usd = 7 WHERE exchange_id = 1"], "spent where"),
        ([*NO_KEEPING, "DELETE FROM entry WHERE exchange_id = 1"], "no entry says so"),
        (
            [*NO_KEEPING, "UPDATE entry SET over_nano_usd = 0 WHERE exchange_id = 2"],
            "has another overrun than 1502000000",
        ),
        (
            ["UPDATE reservation SET state = 'sent', closed_ms = NULL WHERE exchange_id = 1"],
            "is of a call that is not closed",
        ),
        (["UPDATE reservation SET state = 'voided' WHERE exchange_id = 1"], "no entry says so"),
        (["PRAGMA foreign_keys = OFF", "DELETE FROM adjustment"], "a correction that nobody made"),
        (
            ["PRAGMA foreign_keys = OFF", "DELETE FROM balance WHERE id = 1"],
            "reservation_balance row None refers to no row of balance",
        ),
    ],
)
async def test_whatever_is_wrong_is_found_and_said(
    database: Database, path: Path, statements: list[str], says: str
):
    await fill(database)
    plant(path, *statements)
    assert says in "\n".join(await wrong(database))


def damage(path: Path, index: str) -> None:
    """Overwrites the beginning of an index."""
    plant(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with sqlite3.connect(path) as connection:
        found = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((page,),) = connection.execute(found, (index,)).fetchall()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x00" * 512)


async def test_damage_is_said_and_no_error_of_ours(database: Database, path: Path):
    await fill(database)
    damage(path, "entry_report")
    async with Database(path, SetClock(), read_only=True) as opened:
        findings = await found(opened)
    assert (findings[0].item, findings[0].is_right) == ("database", False)
    assert "backup in its place" in findings[0].sentence


BOOKED = COST + nano_usd(2)
ESTIMATED = HELD = nano_usd("0.498")  # one call estimated; two open ones hold as much each


@pytest.mark.parametrize(
    ("used", "is_right"),
    [
        (BOOKED + ESTIMATED, True),
        (BOOKED, True),
        (BOOKED - nano_usd("0.01"), True),
        (BOOKED - nano_usd("0.011"), False),
        (BOOKED + ESTIMATED + 2 * HELD + nano_usd("0.01"), True),
        (BOOKED + ESTIMATED + 2 * HELD + nano_usd("0.011"), False),
    ],
)
async def test_the_day_is_compared_with_what_the_provider_charged(
    database: Database, used: int, is_right: bool
):
    await fill(database)
    key = KeyFacts(None, nano_usd(50), NanoUsd(used))
    account = (await found(database, key))[-1]
    assert (account.item, account.is_right) == ("account", is_right)
    assert "$50.00" in account.sentence


async def test_the_day_before_is_no_part_of_the_day(database: Database, clock: SetClock):
    await fill(database)
    await database.write(lambda tx: BOOK.void(tx, 5, 1))
    await database.write(lambda tx: BOOK.void(tx, 6, 1))
    tomorrow = SetClock(NOW_MS + DAY_MS)
    assert (await found(database, KeyFacts(None, None, NanoUsd(0)), tomorrow))[-1].is_right
    assert not (await found(database, KeyFacts(None, None, NanoUsd(BOOKED)), tomorrow))[-1].is_right


async def test_a_provider_that_does_not_say_is_a_difference(database: Database):
    assert not (await found(database, KeyFacts(None, None, None)))[-1].is_right


# --- every night ---------------------------------------------------------------------------------


@asynccontextmanager
async def nightly(
    database: Database, path: Path, clock: SetClock
) -> AsyncGenerator[tuple[Nightly, list[str]]]:
    told: list[str] = []

    async def tell(sentence: str) -> None:
        told.append(sentence)

    async def ask_key() -> KeyFacts:
        return KeyFacts(None, None, NanoUsd(0))

    yield Nightly(path, database, clock, ask_key, tell), told


async def test_the_bot_looks_once_a_night_and_when_it_missed_one(
    database: Database, path: Path, clock: SetClock
):
    looked: list[int] = []
    async with nightly(database, path, clock) as (night, told):
        for hour in range(24 * 4):
            if await night.look():
                looked.append(hour)
            clock.time_ms += HOUR_MS * (30 if hour == 60 else 1)
        assert told == []
    assert looked[:4] == [0, 11, 35, 59]  # it began at noon
    assert looked[4] == 61  # after a gap of more than a day


async def test_the_owner_is_told_of_differences_and_not_of_none(
    database: Database, path: Path, clock: SetClock
):
    await fill(database)
    async with nightly(database, path, clock) as (night, told):
        plant(path, "UPDATE balance SET spent_nano_usd = spent_nano_usd + 1")
        assert await night.look()
    (sentence,) = told
    assert sentence.startswith("The nightly audit of the books found differences:\n- ")
    assert "more\n" in sentence
    assert len(sentence) < 2_000
    assert milliseconds(datetime(2026, 11, 24, 12, tzinfo=UTC)) == NOW_MS
