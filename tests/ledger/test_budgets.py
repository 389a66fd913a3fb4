from dataclasses import replace

import pytest

from bot.errors import Notice
from bot.ledger.book import Ask, Book
from bot.ledger.budgets import Budget, of_member
from bot.money import NanoUsd, nano_usd
from bot.store import budgets, servers
from bot.store.balances import BalanceKey, Span, Standing
from bot.store.budgets import Name, Scope
from bot.store.database import Database
from bot.store.reservations import Tokens
from tests.ledger.support import DAY_MS, HOUR_MS, SetClock, ask, limits

SERVER, MEMBER, OTHER = 10, 7, 8
PAINTERS, FRIENDS = 501, 502
HOLD = nano_usd("0.378")
"""Of the asks here, at the floor of their length."""


@pytest.mark.parametrize(
    ("limit", "spent", "held", "hold", "fits"),
    [
        (10, 4, 3, 3, True),
        (10, 4, 3, 4, False),
        (10, 12, 0, 0, False),
        (1, 0, 0, 1, True),
        (0, 0, 0, 0, False),
        (0, 0, 0, 1, False),
    ],
)
def test_a_hold_fits_up_to_the_limit_and_never_a_limit_of_zero(
    limit: int, spent: int, held: int, hold: int, fits: bool
):
    budget = Budget(BalanceKey("total", "month", 0, 0, 0, 1), NanoUsd(limit))
    assert budget.fits(Standing(NanoUsd(spent), NanoUsd(held)), NanoUsd(hold)) is fits


async def put(
    database: Database, scope: Scope, amount: str, span: Span = "month", subject_id: int = 0
) -> None:
    name = Name(0 if scope == "own" else SERVER, scope, subject_id, span)
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(amount), actor_id=1))


async def allowance(database: Database, *role_ids: int, member_id: int = MEMBER) -> list[str]:
    """The personal allowances in the server, as they are named to the member."""

    found = await database.read(lambda tx: of_member(tx, limits(), SERVER, member_id, role_ids))
    return [
        f"{each.budget.kind} {each.budget.key.span} {each.budget.limit / 10**9:g}"
        for each in found
        if each.budget.key.scope == "member" and each.budget.key.server_id == SERVER
    ]


async def test_of_the_personal_allowances_one_holds_for_each_window(database: Database):
    await put(database, "everyone", "5")
    assert await allowance(database) == ["everyone month 5"]
    await put(database, "role-member", "2", subject_id=PAINTERS)
    await put(database, "role-member", "9", subject_id=FRIENDS)
    assert await allowance(database) == ["everyone month 5"]
    assert await allowance(database, PAINTERS) == ["role-member month 2"]
    assert await allowance(database, PAINTERS, FRIENDS) == ["role-member month 9"]
    await put(database, "member", "1", subject_id=MEMBER)
    await put(database, "role-member", "3", "day", PAINTERS)
    assert await allowance(database, PAINTERS, FRIENDS) == ["role-member day 3", "member month 1"]
    assert await allowance(database, member_id=OTHER) == ["everyone month 5"]


async def admitted(database: Database, *asks: Ask) -> list[bool]:
    book = Book(limits())
    found: list[bool] = []
    for number, wanted in enumerate(asks, 1):
        one = replace(wanted, exchange_id=number, max_tokens=8_000)
        try:
            await database.write(lambda tx, one=one: book.reserve(tx, one))
        except Notice:
            found.append(False)
        else:
            found.append(True)
    return found


async def test_a_pot_is_shared_by_all_of_a_role_and_every_pot_counts(database: Database):
    await put(database, "role-pot", "0.8", subject_id=PAINTERS)
    await put(database, "role-pot", "0.4", subject_id=FRIENDS)
    one, two = frozenset({PAINTERS}), frozenset({PAINTERS, FRIENDS})
    found = await admitted(
        database,
        ask(member_id=1, role_ids=two),
        ask(member_id=2, role_ids=two),  # of the friends' pot nothing is left
        ask(member_id=2, role_ids=one),
        ask(member_id=3, role_ids=one),  # and of the painters' neither
        ask(member_id=3),
        ask(member_id=3, server_id=11, role_ids=one),
    )
    assert found == [True, False, True, False, True, True]


async def test_an_allowance_is_each_members_own_and_its_servers_alone(database: Database):
    await put(database, "everyone", "0.4", "day")
    found = await admitted(
        database,
        ask(member_id=1),
        ask(member_id=1),
        ask(member_id=2),
        ask(member_id=1, server_id=11),
        ask(member_id=1, server_id=0),
    )
    assert found == [True, False, True, True, True]


async def test_a_role_given_and_taken_gives_no_second_allowance(database: Database):
    await put(database, "role-member", "0.5", subject_id=PAINTERS)
    await put(database, "role-member", "0.5", subject_id=FRIENDS)
    found = await admitted(
        database, ask(role_ids=frozenset({PAINTERS})), ask(role_ids=frozenset({FRIENDS}))
    )
    assert found == [True, False]


async def test_ones_own_limit_holds_everywhere_and_for_nobody_else(database: Database):
    await put(database, "own", "0.4", "week", MEMBER)
    found = await admitted(
        database, ask(), ask(server_id=11), ask(server_id=0), ask(member_id=OTHER, server_id=0)
    )
    assert found == [True, False, False, True]


async def test_a_member_is_told_the_stricter_of_two_limits_of_the_same_money(database: Database):
    await put(database, "server", "5")
    await put(database, "own", "2", "day", MEMBER)
    found = await database.read(
        lambda tx: of_member(tx, limits(member_day="3", server_month="100"), SERVER, MEMBER)
    )
    assert [(each.budget.name, each.budget.limit / 10**9) for each in found] == [
        ("your own daily limit", 2),
        ("your monthly budget", 1000),
        ("this server's monthly budget", 5),
    ]


async def test_a_limit_counts_what_its_window_spent_before_it_was_set(database: Database):
    book = Book(limits())
    await database.write(lambda tx: book.reserve(tx, ask(1, max_tokens=8_000)))
    scopes: tuple[Scope, ...] = ("server", "everyone")
    for scope in scopes:
        name = Name(SERVER, scope, 0, "ever")
        await database.write(
            lambda tx, name=name: budgets.put(tx, name, nano_usd("0.5"), actor_id=1)
        )
        with pytest.raises(Notice, match="It does not reset"):
            await database.write(lambda tx: book.reserve(tx, ask(2)))
        await database.write(lambda tx, name=name: budgets.remove(tx, name, actor_id=1))
    assert await database.write(lambda tx: book.reserve(tx, ask(2)))


async def test_a_lower_limit_breaks_nothing_held_and_holds_for_the_next(database: Database):
    book = Book(limits())
    await database.write(lambda tx: book.reserve(tx, ask(1, max_tokens=8_000)))
    await put(database, "server", "0.1", "day")
    with pytest.raises(Notice, match=r"daily budget: \$0\.0000 of \$0\.1000 is left"):
        await database.write(lambda tx: book.reserve(tx, ask(2)))
    assert await database.write(
        lambda tx: book.settle(tx, 1, 1, HOLD, "usage", "picture", Tokens())
    )


async def test_a_grant_is_room_in_the_members_present_windows_alone(
    database: Database, clock: SetClock
):
    await put(database, "everyone", "0.1", "day")
    await put(database, "everyone", "1", "ever")

    async def give(grant_id: int) -> bool:
        return await database.write(
            lambda tx: budgets.grant(
                tx, grant_id, SERVER, MEMBER, nano_usd("0.3"), actor_id=1, reason="a contest"
            )
        )

    assert await give(900)
    assert not await give(900)  # the same event once more
    assert await allowance(database) == ["everyone day 0.4", "everyone ever 1.3"]
    assert await allowance(database, member_id=OTHER) == ["everyone day 0.1", "everyone ever 1"]
    clock.time_ms += DAY_MS
    assert await allowance(database) == ["everyone day 0.1", "everyone ever 1.3"]


async def test_a_servers_cap_is_counted_in_its_own_time_zone(database: Database, clock: SetClock):
    clock.time_ms -= 30 * DAY_MS
    await database.write(lambda tx: servers.put(tx, SERVER, "time_zone", "Asia/Tokyo", member_id=1))
    clock.time_ms += 30 * DAY_MS + 6 * DAY_MS + 2 * HOUR_MS  # 30 November, 23:00 in Tokyo
    book = Book(limits(server_month="0.4"))
    await database.write(lambda tx: book.reserve(tx, ask(1)))
    with pytest.raises(Notice, match="monthly budget"):
        await database.write(lambda tx: book.reserve(tx, ask(2)))
    clock.time_ms += HOUR_MS
    held = await database.write(lambda tx: book.reserve(tx, ask(2)))
    assert held.day == 20261201
