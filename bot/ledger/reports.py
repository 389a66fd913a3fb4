"""What was spent: for one member over all servers, for one server's admins, and for the owner from
the database alone. Everything is read in the caller's transaction, so that the figures of one
report belong together; how it looks is the reader's. No report shows one server another's figures.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.clock import day_number, milliseconds, utc
from bot.ledger import budgets
from bot.ledger.budgets import BudgetLimits, Cap
from bot.money import NanoUsd
from bot.store import entries
from bot.store.database import Transaction
from bot.store.entries import By, Days, EntryRow, Line, SpendRow, Totals

Period = Literal["today", "week", "month", "last-month", "year", "all"]
PERIODS: tuple[Period, ...] = ("today", "week", "month", "last-month", "year", "all")
BYS: tuple[By, ...] = ("member", "day", "model", "kind", "channel")
LINES_MAX = 31
"""Lines of one breakdown: a month of days, or more members than a message has room for."""
_ALL_LINES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MemberReport:
    days: Days
    totals: Totals
    by_kind: list[Line]
    caps: list[Cap]


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`by` has the breakdowns that were asked for, of up to LINES_MAX lines each: the dearest, or
    of days the newest in order. `more` says how many lines each has beyond those.
    """

    days: Days
    totals: Totals
    by: dict[By, list[Line]]
    more: dict[By, int]


def period_days(period: Period, now_ms: int) -> Days:
    """The UTC days that a period means at an instant. A week begins on Monday; the present week,
    month and year include the days to come; `all` is everything there is.
    """
    today = utc(now_ms)
    match period:
        case "today":
            first = last = today
        case "week":
            first = today - timedelta(days=today.weekday())
            last = first + timedelta(days=6)
        case "month":
            first = today.replace(day=1)
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        case "last-month":
            last = today.replace(day=1) - timedelta(days=1)
            first = last.replace(day=1)
        case "year":
            first, last = today.replace(month=1, day=1), today.replace(month=12, day=31)
        case "all":
            return Days(0, 99991231)
    return Days(day_number(milliseconds(first)), day_number(milliseconds(last)))


async def member_report(
    tx: Transaction, limits: BudgetLimits, member_id: int, period: Period
) -> MemberReport:
    """What a member spent in a period over all servers, and what is left in each of their caps."""
    days = period_days(period, tx.now_ms)
    return MemberReport(
        days=days,
        totals=await entries.of_member(tx, member_id, days),
        by_kind=await entries.of_member_by_kind(tx, member_id, days),
        caps=await budgets.of_member(tx, limits, budgets.NO_SERVER, member_id),
    )


async def server_report(
    tx: Transaction,
    server_id: int,
    period: Period,
    by: tuple[By, ...] = ("member", "model", "day"),
    member_id: int | None = None,
) -> ServerReport:
    """What was spent in one server, by everyone or by one member there."""
    days = period_days(period, tx.now_ms)
    lines: dict[By, list[Line]] = {}
    more: dict[By, int] = {}
    for each in by:
        lines[each] = await entries.of_server_by(tx, server_id, days, each, LINES_MAX, member_id)
        count = len(lines[each])
        if count == LINES_MAX:
            count = await entries.count_of_server_by(tx, server_id, days, each, member_id)
        more[each] = count - len(lines[each])
    return ServerReport(
        days=days,
        totals=await entries.of_server(tx, server_id, days, member_id),
        by=lines,
        more=more,
    )


async def spend_rows(
    tx: Transaction, period: Period, server_id: int | None = None
) -> AsyncIterator[SpendRow]:
    """The rows of `easel spend` for all servers or one (0: direct messages), as they are read:
    as many as there are, of which only one server's day is in memory.
    """
    async for row in entries.spend_rows(tx, period_days(period, tx.now_ms), server_id):
        yield row


async def entry_rows(
    tx: Transaction, period: Period, server_id: int | None = None
) -> AsyncIterator[EntryRow]:
    """The entries of a period one by one, for the CSV."""
    async for row in entries.rows(tx, period_days(period, tx.now_ms), server_id):
        yield row


async def spend_by(
    tx: Transaction, period: Period, by: By, server_id: int | None = None
) -> list[Line]:
    """The same sums per member, day, model, kind or channel: all lines, the dearest first, or days
    in their order. An exchange belongs to one server, so its counts add up.
    """
    days = period_days(period, tx.now_ms)
    found: defaultdict[str, list[Totals]] = defaultdict(list)
    each_server = [each async for each in entries.servers(tx)] if server_id is None else [server_id]
    for each in each_server:
        for line in await entries.of_server_by(tx, each, days, by, _ALL_LINES):
            found[line.key].append(line.totals)
    lines = [Line(key, _sum(parts)) for key, parts in found.items()]
    if by == "day":
        return sorted(lines, key=lambda line: line.key)
    return sorted(lines, key=lambda line: (-line.totals.cost, line.key))


def _sum(parts: list[Totals]) -> Totals:
    return Totals(
        cost=NanoUsd(sum(part.cost for part in parts)),
        estimated=NanoUsd(sum(part.estimated for part in parts)),
        exchanges=sum(part.exchanges for part in parts),
        estimates=sum(part.estimates for part in parts),
    )
