from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import day_number, milliseconds, utc
from bot.ledger import reports
from bot.ledger.book import Book
from bot.ledger.periods import PERIODS, Period, days_before, period_days
from bot.ledger.reports import BYS, Cap
from bot.money import NanoUsd, nano_usd
from bot.store.database import Database, Transaction
from bot.store.entries import By, Days, SpendRow, Totals
from bot.store.reservations import Tokens
from tests.ledger.support import DAY_MS, NOW_MS, SetClock, ask, limits

# --- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", 20261124, 20261124),
        ("week", 20261123, 20261129),
        ("month", 20261101, 20261130),
        ("last-month", 20261001, 20261031),
        ("year", 20260101, 20261231),
        ("all", 0, 99991231),
    ],
)
def test_a_period_is_whole_days_of_utc(period: Period, first: int, last: int):
    assert period_days(period, NOW_MS) == Days(first, last)


@pytest.mark.parametrize(
    ("moment", "period", "first", "last"),
    [
        (datetime(2027, 1, 1, tzinfo=UTC), "last-month", 20261201, 20261231),
        (datetime(2027, 1, 1, tzinfo=UTC), "week", 20261228, 20270103),
        (datetime(2028, 2, 29, 23, 59, tzinfo=UTC), "month", 20280201, 20280229),
        (datetime(2028, 2, 29, 23, 59, tzinfo=UTC), "year", 20280101, 20281231),
        (datetime(2028, 3, 31, tzinfo=UTC), "last-month", 20280201, 20280229),
    ],
)
def test_a_period_at_the_edges_of_the_calendar(
    moment: datetime, period: Period, first: int, last: int
):
    assert period_days(period, milliseconds(moment)) == Days(first, last)


@given(st.sampled_from(PERIODS), st.integers(DAY_MS * 365, DAY_MS * 365 * 8_000))
def test_a_period_has_today_in_it_or_ends_the_day_before_this_month(period: Period, now_ms: int):
    days = period_days(period, now_ms)
    today = day_number(now_ms)
    if period == "last-month":
        last = date.fromisoformat(str(days.last))
        assert last + timedelta(days=1) == utc(now_ms).date().replace(day=1)
        assert days.first == days.last // 100 * 100 + 1
    else:
        assert days.first <= today <= days.last


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", 20261123, 20261123),
        ("week", 20261116, 20261117),
        ("month", 20261001, 20261024),
        ("last-month", 20260901, 20260930),
        ("year", 20250101, 20251124),
    ],
)
def test_a_period_is_compared_with_as_much_of_the_one_before(period: Period, first: int, last: int):
    assert days_before(period, NOW_MS) == Days(first, last)


def test_the_end_of_a_long_month_is_compared_with_all_of_a_short_one():
    moment = milliseconds(datetime(2027, 3, 31, 12, tzinfo=UTC))
    assert days_before("month", moment) == Days(20270201, 20270228)
    assert days_before("all", moment) is None


@pytest.mark.parametrize(
    ("zone", "today", "first"),
    [
        ("Pacific/Kiritimati", 20270101, 20270101),
        ("UTC", 20261231, 20261201),
        ("Pacific/Honolulu", 20261231, 20261201),
    ],
)
def test_days_are_those_of_the_zone(zone: str, today: int, first: int):
    moment = milliseconds(datetime(2026, 12, 31, 11, tzinfo=UTC))
    assert period_days("today", moment, ZoneInfo(zone)) == Days(today, today)
    assert period_days("month", moment, ZoneInfo(zone)).first == first


def test_every_period_and_breakdown_is_known():
    assert get_args(Period) == PERIODS
    assert get_args(By) == BYS


# --- what each shows -----------------------------------------------------------------------------


async def spent(
    database: Database, exchange_id: int, cost: str, *, member_id: int = 7, server_id: int = 10
) -> None:
    book = Book(limits())

    async def operation(tx: Transaction) -> None:
        await book.reserve(tx, ask(exchange_id, member_id=member_id, server_id=server_id))
        await book.settle(tx, exchange_id, 1, nano_usd(cost), "usage", "picture", Tokens())

    await database.write(operation)


async def test_a_member_sees_what_is_left_in_each_cap_and_when_it_resets(database: Database):
    caps = limits(member_day="1", member_month="0.9")
    await spent(database, 1, "0.2")
    await spent(database, 2, "0.3", server_id=0)
    await spent(database, 3, "5", member_id=8)
    await database.write(lambda tx: Book(caps).reserve(tx, ask(4)))  # shortened
    report = await database.read(lambda tx: reports.member_report(tx, caps, 7, "today"))

    def shown(cap: Cap) -> tuple[object, ...]:
        key = cap.budget.key
        return (
            key.span,
            cap.budget.limit,
            cap.standing.spent,
            cap.standing.held,
            cap.left,
            key.end_ms,
        )

    assert [shown(cap) for cap in report.caps] == [
        ("day", 10**9, 500_000_000, 399_990_000, 100_010_000, NOW_MS + DAY_MS // 2),
        ("month", 900_000_000, 500_000_000, 399_990_000, 10_000, NOW_MS + DAY_MS * 13 // 2),
    ]
    assert report.totals == Totals(nano_usd("0.5"), NanoUsd(0), 2, 0)


async def test_what_is_left_is_never_shown_below_zero(database: Database):
    await spent(database, 1, "2")
    report = await database.read(lambda tx: reports.member_report(tx, limits("1"), 7, "all"))
    assert report.caps[0].left == 0


async def test_a_report_shows_the_dearest_members_and_the_newest_days(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reports, "LINES_MAX", 2)
    for number, cost in enumerate(("0.1", "0.3", "0.2"), 1):
        await spent(database, number, cost, member_id=number)
        clock.time_ms += DAY_MS
    report = await database.read(lambda tx: reports.server_report(tx, 10, "month"))
    assert [line.key for line in report.by["member"]] == ["2", "3"]
    assert [line.key for line in report.by["day"]] == ["2026-11-25", "2026-11-26"]
    assert report.totals.cost == nano_usd("0.6")
    assert report.more == {"member": 1, "model": 0, "day": 1}
    of_one = await database.read(lambda tx: reports.server_report(tx, 10, "month", ("day",), 2))
    assert of_one.more == {"day": 0}


async def spend(database: Database) -> list[SpendRow]:
    async def operation(tx: Transaction) -> list[SpendRow]:
        return [row async for row in reports.spend_rows(tx, "month")]

    return await database.read(operation)


async def test_easel_spend_works_beside_a_running_bot(database: Database, path: Path):
    await spent(database, 1, "0.2")
    async with Database(path, SetClock(), read_only=True) as reader:
        [row] = await spend(reader)
        await spent(database, 2, "0.25")
        [both] = await spend(reader)
    assert (row.exchanges, row.cost_nano_usd) == (1, nano_usd("0.2"))
    assert (both.exchanges, both.cost_nano_usd) == (2, nano_usd("0.45"))
