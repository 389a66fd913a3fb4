import asyncio

import pytest

from bot.errors import Notice, Word
from bot.ledger.book import Ask, Book
from bot.money import NanoUsd, nano_usd
from bot.store.database import Database
from bot.store.reservations import Reservation, Tokens
from tests.ledger.books import read_books
from tests.ledger.support import DAY_MS, HOUR_MS, NOW_MS, SetClock, ask, limits

USAGE = Tokens(prompt_tokens=900, cached_tokens=100, completion_tokens=1_200, image_tokens=1_100)
COST = nano_usd("0.2123")
TOMORROW_S = (NOW_MS + 12 * HOUR_MS) // 1000
NEXT_MONTH_S = (NOW_MS + 6 * DAY_MS + 12 * HOUR_MS) // 1000


OWNER = "Ask Easel's owner for more."
PURSES = [("member", 0, 7), ("member", 10, 7), ("server", 10, 0)]


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


async def test_a_hold_counts_in_every_window_whether_it_is_limited_or_not(database: Database):
    reservation = await reserve(database, Book(limits()), ask())
    hold = nano_usd("0.498")
    assert (reservation.max_tokens, reservation.hold_nano_usd) == (16_000, hold)
    assert (reservation.state, reservation.day, reservation.is_open) == ("held", 20261124, True)
    spans = ("day", "week", "month", "ever")
    names = [(*purse[:1], span, *purse[1:]) for purse in PURSES for span in spans]
    assert await standings(database) == dict.fromkeys([*names, ("total", "month", 0, 0)], (0, hold))


async def test_in_direct_messages_no_servers_cap_applies(database: Database):
    book = Book(limits(server_month="0"))
    await reserve(database, book, ask(server_id=0))
    assert {(name[0], name[2]) for name in await standings(database)} == {
        ("member", 0),
        ("total", 0),
    }
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
    ("caps", "budget", "resets_s", "whom"),
    [
        (limits(member_day="0.3"), "your daily budget", TOMORROW_S, OWNER),
        (limits(member_month="0.3"), "your monthly budget", NEXT_MONTH_S, OWNER),
        (
            limits(server_month="0.3"),
            "this server's monthly budget",
            NEXT_MONTH_S,
            "An admin of this server can ask Easel's owner for more.",
        ),
        (limits(total_month="0.3"), "Easel's monthly budget for everyone", NEXT_MONTH_S, OWNER),
    ],
)
async def test_a_refusal_names_the_budget_what_is_left_what_it_takes_the_reset_and_whom_to_ask(
    database: Database, caps: object, budget: str, resets_s: int, whom: str
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
        f" $0.3780. It resets <t:{resets_s}:R>, but all of it would be too small for this."
        f" {whom}"
    )


async def test_a_budget_that_will_do_after_its_reset_says_no_more(database: Database):
    book = Book(limits(member_day="0.5"))
    await reserve(database, book, ask(1))
    with pytest.raises(Notice) as refused:
        await reserve(database, book, ask(2))
    assert f"It resets <t:{TOMORROW_S}:R>. " in refused.value.sentence


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
    with pytest.raises(Notice, match="all of it would be too small"):
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
