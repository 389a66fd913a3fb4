import pytest

from bot.errors import Notice
from bot.ledger.book import Book
from bot.money import nano_usd
from bot.store import alerts, budgets
from bot.store.budgets import Name
from bot.store.database import Database, Transaction
from bot.store.reservations import Tokens
from tests.ledger.support import DAY_MS, SetClock, ask, limits

CAPS = limits(server_month="10", total_month="20")
BOOK = Book(CAPS)


async def spend(database: Database, exchange_id: int, cost: str, server_id: int = 10) -> None:
    wanted = ask(exchange_id, server_id=server_id)
    await database.write(lambda tx: BOOK.reserve(tx, wanted))
    amount = nano_usd(cost)
    await database.write(
        lambda tx: BOOK.settle(tx, exchange_id, 1, amount, "usage", "picture", Tokens())
    )


async def told(database: Database) -> list[tuple[int, str, int]]:
    """What there is to tell, which is told by this."""
    found = await database.read(lambda tx: alerts.untold(tx, 100))
    for each in found:
        await database.write(lambda tx, each=each: alerts.note_told(tx, each))
    return [(each.server_id, each.span, each.percent) for each in found]


async def test_each_share_of_each_servers_budget_and_of_the_total_is_told_once(database: Database):
    await spend(database, 1, "4.99")
    assert await told(database) == []
    await spend(database, 2, "0.01")
    assert await told(database) == [(10, "month", 50)]
    await spend(database, 3, "4")  # 9 of 10, and of the total of 20 not half
    assert await told(database) == [(10, "month", 80)]
    await spend(database, 4, "1")
    assert await told(database) == [(0, "month", 50), (10, "month", 100)]
    await spend(database, 5, "8", server_id=0)
    assert await told(database) == [(0, "month", 80)]
    await spend(database, 6, "1.9", server_id=11)
    assert await told(database) == []


async def test_a_new_window_is_told_of_anew_and_a_large_step_tells_of_each_share(
    database: Database, clock: SetClock
):
    name = Name(10, "server", 0, "day")
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(1), actor_id=1))
    for exchange_id in (1, 2):
        await spend(database, exchange_id, "0.9")
        assert await told(database) == [(10, "day", 50), (10, "day", 80)]
        clock.time_ms += DAY_MS


async def test_of_a_budget_that_was_raised_each_share_is_told_once_more(database: Database):
    name = Name(10, "server", 0, "ever")
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(1), actor_id=1))
    await spend(database, 1, "0.6")
    assert await told(database) == [(10, "ever", 50)]
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(2), actor_id=1))
    await spend(database, 2, "0.3")
    assert await told(database) == []
    await spend(database, 3, "0.2")
    assert await told(database) == [(10, "ever", 50)]
    await database.write(lambda tx: budgets.put(tx, name, nano_usd("1.5"), actor_id=1))
    await spend(database, 4, "0")
    assert await told(database) == []  # 50 % of less than what was told of already


async def test_of_two_limits_of_the_same_money_the_stricter_is_told_of(database: Database):
    name = Name(10, "server", 0, "month")
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(16), actor_id=1))
    await spend(database, 1, "8")
    found = await database.read(lambda tx: alerts.untold(tx, 100))
    assert [(each.percent, each.limit) for each in found] == [
        (50, nano_usd(10)),
        (80, nano_usd(10)),
    ]


async def test_a_budget_that_has_no_room_for_a_request_when_it_is_nearly_spent_is_used_up(
    database: Database,
):
    name = Name(10, "server", 0, "day")
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(1), actor_id=1))
    await spend(database, 1, "0.7")
    await told(database)

    async def refuse(exchange_id: int) -> None:
        async def operation(tx: Transaction) -> None:
            with pytest.raises(Notice):
                await BOOK.check(tx, ask(exchange_id))

        await database.write(operation)

    await refuse(2)
    assert await told(database) == []  # there is much left for others
    wanted = ask(3, pictures=0, max_tokens=1_000, max_tokens_floor=1_000)
    await database.write(lambda tx: BOOK.reserve(tx, wanted))
    amount = nano_usd("0.15")
    await database.write(lambda tx: BOOK.settle(tx, 3, 1, amount, "usage", "text", Tokens()))
    assert await told(database) == [(10, "day", 80)]
    await refuse(4)
    await refuse(5)
    assert await told(database) == [(10, "day", 100)]
