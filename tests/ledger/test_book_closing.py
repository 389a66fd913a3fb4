import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from bot.ledger.book import Ask, Book, Charge
from bot.money import NanoUsd, Usage, nano_usd
from bot.store import reservations
from bot.store.database import Database, Transaction
from bot.store.reservations import Reservation, Tokens
from tests.ledger.books import Books, read_books
from tests.ledger.support import DAY_MS, NOW_MS, SetClock, ask, limits

USAGE = Tokens(prompt_tokens=900, cached_tokens=100, completion_tokens=1_200, image_tokens=1_100)
COST = nano_usd("0.2123")


async def reserve(database: Database, book: Book, wanted: Ask) -> Reservation:
    return await database.write(lambda tx: book.reserve(tx, wanted))


async def settle(
    database: Database, book: Book, cost: NanoUsd = COST, exchange_id: int = 1
) -> bool:
    return await database.write(
        lambda tx: book.settle(tx, exchange_id, 1, cost, "usage", "picture", USAGE)
    )


async def standings(database: Database) -> dict[tuple[str, str, int, int], tuple[int, int]]:
    books = await database.read(read_books)
    return {balance.name[:4]: (balance.spent, balance.held) for balance in books.balances.values()}


# --- sent, and what is found out -----------------------------------------------------------------


async def test_a_call_is_marked_sent_once(database: Database):
    book = Book(limits())
    await reserve(database, book, ask())
    assert await database.write(lambda tx: book.mark_sent(tx, 1, 1))
    assert not await database.write(lambda tx: book.mark_sent(tx, 1, 1))
    assert not await database.write(lambda tx: book.mark_sent(tx, 1, 2))


async def test_a_voided_call_is_never_sent(database: Database):
    book = Book(limits())
    await reserve(database, book, ask())
    await database.write(lambda tx: book.void(tx, 1, 1))
    assert not await database.write(lambda tx: book.mark_sent(tx, 1, 1))


async def test_only_what_was_sent_is_left_unresolved_and_once(database: Database, clock: SetClock):
    book = Book(limits())
    await reserve(database, book, ask())
    assert not await database.write(lambda tx: book.leave_unresolved(tx, 1, 1))
    await database.write(lambda tx: book.mark_sent(tx, 1, 1))
    clock.time_ms += 1_000
    assert await database.write(lambda tx: book.leave_unresolved(tx, 1, 1))
    clock.time_ms += 1_000
    assert not await database.write(lambda tx: book.leave_unresolved(tx, 1, 1))
    [left] = await database.read(reservations.open_ones)
    assert (left.state, left.call_ended_ms) == ("unresolved", NOW_MS + 1_000)


def reported(cost: int | None) -> Usage:
    """As the provider's client gives it."""
    return Usage(None if cost is None else NanoUsd(cost), 900, 100, 1_200, 1_100)


@pytest.mark.parametrize(("cost", "kept"), [(5, 5), (0, 0), (None, None), (-1, None)])
async def test_usage_is_kept_until_it_is_settled_and_a_cost_below_zero_is_none(
    database: Database, cost: int | None, kept: int | None
):
    book = Book(limits())
    await reserve(database, book, ask())

    async def operation(tx: Transaction) -> Reservation:
        await book.note_generation(tx, 1, 1, "gen-1")
        await book.note_generation(tx, 1, 1, "gen-2")
        await book.note_usage(tx, 1, 1, reported(cost))
        return await reservations.get(tx, 1, 1)

    noted = await database.write(operation)
    assert (noted.generation_id, noted.reported_nano_usd) == ("gen-1", kept)
    assert noted.tokens == USAGE


async def test_asking_for_a_reservation_that_is_not_there_is_an_error(database: Database):
    with pytest.raises(LookupError, match="call 1 of 5"):
        await database.read(lambda tx: reservations.get(tx, 5, 1))


# --- settle and void -----------------------------------------------------------------------------


async def test_settling_puts_the_cost_in_place_of_the_hold(database: Database, clock: SetClock):
    book = Book(limits())
    await reserve(database, book, ask())
    await database.write(lambda tx: book.note_generation(tx, 1, 1, "gen-1"))
    clock.time_ms += 90_000
    assert await settle(database, book)
    assert set((await standings(database)).values()) == {(COST, 0)}
    row = await database.read(lambda tx: tx.one("SELECT * FROM entry"))
    assert row is not None
    assert dict(row) == {
        "id": 1,
        "exchange_id": 1,
        "call_number": 1,
        "time_ms": NOW_MS + 90_000,
        "day": 20261124,
        "server_id": 10,
        "member_id": 7,
        "channel_id": 100,
        "model": "openai/gpt-5.4-image-2",
        "kind": "picture",
        "basis": "usage",
        "cost_nano_usd": COST,
        "over_nano_usd": 0,
        "generation_id": "gen-1",
        "prompt_tokens": 900,
        "cached_tokens": 100,
        "completion_tokens": 1_200,
        "image_tokens": 1_100,
        "price_id": 1,
        "rated_nano_usd": 41_100_000,
    }


async def test_a_cost_above_the_hold_is_booked_as_it_was_and_the_overrun_kept(database: Database):
    book = Book(limits(member_day="0.5"))
    await reserve(database, book, ask())
    assert await settle(database, book, nano_usd("0.6"))
    assert (await standings(database))["member", "day", 0, 7] == (nano_usd("0.6"), 0)
    [entry] = (await database.read(read_books)).entries
    assert (entry.cost, entry.over) == (nano_usd("0.6"), nano_usd("0.102"))


async def test_the_window_of_the_hold_is_charged_also_when_settled_later(
    database: Database, clock: SetClock
):
    book = Book(limits())
    await reserve(database, book, ask())
    before = await standings(database)
    clock.time_ms += 40 * DAY_MS
    await settle(database, book)
    after = await standings(database)
    assert after.keys() == before.keys()
    assert set(after.values()) == {(COST, 0)}
    row = await database.read(lambda tx: tx.one("SELECT day FROM entry"))
    assert row is not None
    assert row["day"] == 20261124


async def test_a_void_lets_the_hold_go_and_says_so_in_the_books(database: Database):
    book = Book(limits())
    await reserve(database, book, ask())
    assert await database.write(lambda tx: book.void(tx, 1, 1))
    assert set((await standings(database)).values()) == {(0, 0)}
    [entry] = (await database.read(read_books)).entries
    assert (entry.basis, entry.cost, entry.over) == ("void", 0, 0)


async def test_an_estimate_books_the_hold(database: Database):
    book = Book(limits())
    await reserve(database, book, ask())
    assert await database.write(lambda tx: book.book_estimate(tx, 1, 1, "picture"))
    assert set((await standings(database)).values()) == {(nano_usd("0.498"), 0)}
    [entry] = (await database.read(read_books)).entries
    assert (entry.basis, entry.cost, entry.over) == ("estimate", nano_usd("0.498"), 0)


Closing = Callable[[Book, Transaction, int], Awaitable[bool]]
CLOSINGS: dict[str, Closing] = {
    "settle": lambda book, tx, n: book.settle(tx, 1, n, COST, "usage", "picture", USAGE),
    "estimate": lambda book, tx, n: book.book_estimate(tx, 1, n, "picture"),
    "void": lambda book, tx, n: book.void(tx, 1, n),
}


@pytest.mark.parametrize("second", CLOSINGS)
@pytest.mark.parametrize("first", CLOSINGS)
async def test_the_first_to_close_wins_and_the_rest_change_nothing(
    database: Database, first: str, second: str
):
    book = Book(limits())
    await reserve(database, book, ask())
    assert await database.write(lambda tx: CLOSINGS[first](book, tx, 1))
    before = await database.read(read_books)
    assert not await database.write(lambda tx: CLOSINGS[second](book, tx, 1))
    assert await database.read(read_books) == before


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_closing_what_was_never_reserved_changes_nothing(database: Database, closing: str):
    assert not await database.write(lambda tx: CLOSINGS[closing](Book(limits()), tx, 9))
    assert await database.read(read_books) == Books()


async def test_a_cost_below_zero_is_an_error_and_changes_nothing(database: Database):
    book = Book(limits())
    await reserve(database, book, ask())
    before = await database.read(read_books)
    with pytest.raises(ValueError, match="below zero"):
        await settle(database, book, NanoUsd(-1))
    assert await database.read(read_books) == before


@pytest.mark.parametrize("change", ["UPDATE entry SET cost_nano_usd = 0", "DELETE FROM entry"])
async def test_no_statement_changes_an_entry(database: Database, change: str):
    book = Book(limits())
    await reserve(database, book, ask())
    await settle(database, book)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await database.write(lambda tx: tx.run(change))


# --- what an exchange was charged ----------------------------------------------------------------


async def test_the_charge_is_over_all_calls_of_an_exchange(database: Database):
    book = Book(limits())

    async def charge() -> Charge:
        return await database.read(lambda tx: book.charge(tx, 1))

    assert await charge() == Charge(NanoUsd(0), estimated=False, open=False)
    await reserve(database, book, ask(1, 1))
    assert await charge() == Charge(NanoUsd(0), estimated=False, open=True)
    await database.write(lambda tx: book.void(tx, 1, 1))
    await reserve(database, book, ask(1, 2))
    await database.write(lambda tx: book.settle(tx, 1, 2, COST, "generation", "edit", USAGE))
    assert await charge() == Charge(COST, estimated=False, open=False)
    await reserve(database, book, ask(1, 3))
    assert await charge() == Charge(COST, estimated=False, open=True)
    await database.write(lambda tx: book.book_estimate(tx, 1, 3, "edit"))
    total = NanoUsd(COST + nano_usd("0.498"))
    assert await charge() == Charge(total, estimated=True, open=False)
    await reserve(database, book, ask(2, 1))
    assert await charge() == Charge(total, estimated=True, open=False)
