import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from bot.errors import Notice, Word
from bot.ledger.book import Ask, Book, Charge
from bot.money import NanoUsd, nano_usd
from bot.store import reservations
from bot.store.database import Database, Transaction
from bot.store.reservations import Reservation, Tokens
from tests.ledger.books import Books, read_books
from tests.ledger.support import DAY_MS, HOUR_MS, NOW_MS, SetClock, ask, limits

USAGE = Tokens(prompt_tokens=900, cached_tokens=100, completion_tokens=1_200, image_tokens=1_100)
COST = nano_usd("0.2123")
TOMORROW_S = (NOW_MS + 12 * HOUR_MS) // 1000
NEXT_MONTH_S = (NOW_MS + 6 * DAY_MS + 12 * HOUR_MS) // 1000


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


# --- reserve -------------------------------------------------------------------------------------


async def test_a_hold_rests_on_all_four_budgets(database: Database):
    reservation = await reserve(database, Book(limits()), ask())
    hold = nano_usd("0.498")
    assert (reservation.max_tokens, reservation.hold_nano_usd) == (16_000, hold)
    assert (reservation.state, reservation.day, reservation.is_open) == ("held", 20261124, True)
    assert await standings(database) == {
        ("member", "day", 0, 7): (0, hold),
        ("member", "month", 0, 7): (0, hold),
        ("server", "month", 10, 0): (0, hold),
        ("total", "month", 0, 0): (0, hold),
    }


async def test_in_direct_messages_no_servers_cap_applies(database: Database):
    book = Book(limits(server_month="0"))
    await reserve(database, book, ask(server_id=0))
    assert [name[0] for name in await standings(database)] == ["member", "member", "total"]
    with pytest.raises(Notice):
        await reserve(database, book, ask(2, server_id=10))


async def test_members_and_servers_have_balances_of_their_own(database: Database):
    book = Book(limits(member_day="0.5", server_month="1"))
    await reserve(database, book, ask(1, member_id=1, server_id=10))
    await reserve(database, book, ask(2, member_id=2, server_id=10))
    with pytest.raises(Notice, match="your daily budget"):
        await reserve(database, book, ask(3, member_id=1, server_id=11))
    with pytest.raises(Notice, match="this server's monthly budget"):
        await reserve(database, book, ask(4, member_id=3, server_id=10))
    await reserve(database, book, ask(5, member_id=3, server_id=11))


async def test_an_answer_is_shortened_just_as_far_as_the_tightest_budget_asks(database: Database):
    book = Book(limits(member_month="0.4", server_month="0.45"))
    reservation = await reserve(database, book, ask())
    assert reservation.max_tokens == 9_466  # 0.008 + 0.25 + 9,466 × $15 a million = $0.39999
    assert reservation.hold_nano_usd == nano_usd("0.39999")


async def test_at_the_floor_the_last_nano_dollar_may_be_held(database: Database):
    book = Book(limits(member_day="0.378"))
    reservation = await reserve(database, book, ask())
    assert (reservation.max_tokens, reservation.hold_nano_usd) == (8_000, nano_usd("0.378"))
    with pytest.raises(Notice):
        await reserve(database, Book(limits("0.377999999")), ask(2, member_id=8))


async def test_a_floor_above_what_is_asked_asks_for_no_more(database: Database):
    book = Book(limits(member_day="0.273"))
    reservation = await reserve(database, book, ask(max_tokens=1_000, max_tokens_floor=8_000))
    assert reservation.max_tokens == 1_000


@pytest.mark.parametrize(
    ("caps", "budget", "resets_s"),
    [
        (limits(member_day="0.3"), "your daily budget", TOMORROW_S),
        (limits(member_month="0.3"), "your monthly budget", NEXT_MONTH_S),
        (limits(server_month="0.3"), "this server's monthly budget", NEXT_MONTH_S),
        (limits(total_month="0.3"), "Easel's monthly budget for everyone", NEXT_MONTH_S),
    ],
)
async def test_a_refusal_names_the_budget_what_is_left_what_it_takes_and_the_reset(
    database: Database, caps: object, budget: str, resets_s: int
):
    assert isinstance(caps, type(limits()))
    book = Book(caps)
    small = ask(1, pictures=0, max_tokens=1_000, max_tokens_floor=1_000)  # $0.023
    await reserve(database, book, small)
    with pytest.raises(Notice) as refused:
        await reserve(database, book, ask(2))
    assert refused.value.word is Word.BUDGET
    assert refused.value.sentence == (
        f"There is no room in {budget}: $0.2770 of $0.3000 is left, and this would have held"
        f" $0.3780. It resets <t:{resets_s}:R>, but it is too small for this at any time."
    )


async def test_a_budget_that_will_do_after_its_reset_says_no_more(database: Database):
    book = Book(limits(member_day="0.5"))
    await reserve(database, book, ask(1))
    with pytest.raises(Notice) as refused:
        await reserve(database, book, ask(2))
    assert refused.value.sentence.endswith(f"It resets <t:{TOMORROW_S}:R>.")


async def test_of_several_full_budgets_the_one_that_resets_last_is_named(database: Database):
    book = Book(limits(member_day="0", member_month="0.3"))
    with pytest.raises(Notice, match="your monthly budget"):
        await reserve(database, book, ask())


async def test_what_is_left_is_never_said_to_be_below_zero(database: Database):
    book = Book(limits(member_day="0.5"))
    await reserve(database, book, ask(1))
    await settle(database, book, nano_usd(2))
    with pytest.raises(Notice, match=r"\$0\.0000 of \$0\.5000 is left"):
        await reserve(database, book, ask(2))


async def test_a_limit_of_zero_admits_not_even_what_is_free(database: Database):
    free = ask(pictures=0, prompt_tokens_max=0, max_tokens=1, max_tokens_floor=1)
    book = Book(limits(total_month="0"))
    with pytest.raises(Notice, match="too small for this at any time"):
        await reserve(database, book, free)


async def test_a_denial_and_a_check_change_nothing(database: Database):
    book = Book(limits(member_day="0.5"))
    await reserve(database, book, ask(1))
    before = await database.read(read_books)
    for refused in (book.check, book.reserve):
        with pytest.raises(Notice, match="your daily budget"):
            await database.write(lambda tx, refused=refused: refused(tx, ask(2)))
    await database.write(lambda tx: book.check(tx, ask(2, member_id=8)))
    assert await database.read(read_books) == before


async def test_the_same_ask_again_gives_what_is_stored(database: Database, clock: SetClock):
    book = Book(limits(member_month="0.4"))
    first = await reserve(database, book, ask())
    before = await database.read(read_books)
    clock.time_ms += DAY_MS
    assert await reserve(database, book, ask()) == first
    assert await database.read(read_books) == before
    await settle(database, book)
    assert (await reserve(database, book, ask())).state == "settled"


@pytest.mark.parametrize(
    "other",
    [
        ask(member_id=8),
        ask(server_id=11),
        ask(channel_id=101),
        ask(model="other/model"),
        ask(prompt_tokens_max=1_001),
        ask(pictures=2),
        ask(size="2K"),
        ask(max_tokens=15_999),
        ask(max_tokens=17_000, max_tokens_floor=17_000),
    ],
)
async def test_the_same_call_for_something_else_is_an_error(database: Database, other: Ask):
    book = Book(limits())
    await reserve(database, book, ask())
    before = await database.read(read_books)
    with pytest.raises(ValueError, match="reserved for something else"):
        await reserve(database, book, other)
    assert await database.read(read_books) == before


async def test_a_new_day_has_a_new_daily_budget_and_the_same_month(
    database: Database, clock: SetClock
):
    book = Book(limits(member_day="0.5", member_month="1"))
    await reserve(database, book, ask(1))
    clock.time_ms += DAY_MS
    await reserve(database, book, ask(2))
    clock.time_ms += DAY_MS
    with pytest.raises(Notice, match="your monthly budget"):
        await reserve(database, book, ask(3))
    clock.time_ms += 7 * DAY_MS
    await reserve(database, book, ask(3))


async def test_fifty_at_once_on_a_cap_for_ten_admit_exactly_ten(database: Database):
    hold = nano_usd("0.378")
    book = Book(limits(total_month="3.79"))

    async def one(number: int) -> bool:
        wanted = ask(number, member_id=number, max_tokens=8_000)
        try:
            await reserve(database, book, wanted)
        except Notice:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(1, 51)]
    assert sum(task.result() for task in tasks) == 10
    assert (await standings(database))["total", "month", 0, 0] == (0, 10 * hold)


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


class Reported(Tokens):
    """As the provider's client gives it."""

    cost_nano_usd: NanoUsd | None = None


def reported(cost: int | None) -> Reported:
    usage = Reported(900, 100, 1_200, 1_100)
    object.__setattr__(usage, "cost_nano_usd", cost)  # frozen
    return usage


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
