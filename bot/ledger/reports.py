"""What was spent: for one member over all servers, for one server's admins, and for the owner from
the database alone. Everything is read in the caller's transaction, so that the figures of one
report belong together; how it looks is the reader's. No report shows one server another's figures.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo

from bot.ledger import budgets
from bot.ledger.budgets import BudgetLimits, Cap
from bot.ledger.periods import Period, days_before, instants, period_days
from bot.ledger.windows import time_zone
from bot.money import NanoUsd
from bot.store import entries, moves, servers
from bot.store import entry_rows as store_rows
from bot.store.database import Transaction
from bot.store.entries import By, Days, Drift, Line, SpendRow, Totals
from bot.store.entry_rows import EntryRow, Place

BYS: tuple[By, ...] = ("member", "day", "model", "kind", "channel")
LINES_MAX = 31
"""Lines of one breakdown: a month of days, or more members than a message has room for."""
_ALL_LINES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MemberReport:
    """Of all servers; its days are those of `zone`."""

    zone: str
    days: Days
    totals: Totals
    by_day: list[Line]
    by_kind: list[Line]
    caps: list[Cap]


@dataclass(frozen=True, slots=True)
class Before:
    """What was spent in the days that a period is compared with."""

    days: Days
    cost: NanoUsd


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`by` has the breakdowns that were asked for, of as many lines as were: the dearest, or of
    days the newest in order. `more` says how many lines each has beyond those. Days are those of
    `zone`. `undelivered` answers wait for who asked, of all members.
    """

    zone: str
    days: Days
    totals: Totals
    drift: Drift
    undelivered: int
    before: Before | None
    by: dict[By, list[Line]]
    more: dict[By, int]


async def member_report(
    tx: Transaction,
    limits: BudgetLimits,
    member_id: int,
    period: Period,
    server_id: int = budgets.NO_SERVER,
    role_ids: Iterable[int] = (),
) -> MemberReport:
    """What a member spent in a period over all servers, and what is left in each budget that they
    must fit as they ask: in a server with these roles, whose days are meant, or in direct messages.
    """
    zone = await zone_of(tx, server_id)
    days = period_days(period, tx.now_ms, zone)
    return MemberReport(
        zone=str(zone),
        days=days,
        totals=await entries.of_member(tx, member_id, days),
        by_day=await entries.of_member_by(tx, member_id, days, "day"),
        by_kind=await entries.of_member_by(tx, member_id, days, "kind"),
        caps=await budgets.of_member(tx, limits, server_id, member_id, role_ids),
    )


async def server_report(
    tx: Transaction,
    server_id: int,
    period: Period,
    by: tuple[By, ...] = ("member", "model", "day"),
    member_id: int | None = None,
    *,
    most: int | None = None,
    skip: int = 0,
) -> ServerReport:
    """What was spent in one server, by everyone or by one member there; of each breakdown at most
    `most` lines after the first `skip`.
    """
    most = LINES_MAX if most is None else most
    zone = await zone_of(tx, server_id)
    days = period_days(period, tx.now_ms, zone)
    before = days_before(period, tx.now_ms, zone)
    lines: dict[By, list[Line]] = {}
    more: dict[By, int] = {}
    for each in by:
        lines[each] = await entries.of_server_by(tx, server_id, days, each, most, member_id, skip)
        count = skip + len(lines[each])
        if len(lines[each]) == most:
            count = await entries.count_of_server_by(tx, server_id, days, each, member_id)
        more[each] = count - skip - len(lines[each])
    return ServerReport(
        zone=str(zone),
        days=days,
        totals=await entries.of_server(tx, server_id, days, member_id),
        drift=await entries.drift_of_server(tx, server_id, days, member_id),
        undelivered=await moves.count_undelivered(tx, server_id, *instants(days, zone))
        if member_id is None
        else 0,
        before=None
        if before is None
        else Before(before, (await entries.of_server(tx, server_id, before, member_id)).cost),
        by=lines,
        more=more,
    )


async def zone_of(tx: Transaction, server_id: int) -> tzinfo:
    """The time zone of a server; of direct messages, whose server id is 0, UTC."""
    return time_zone((await servers.get(tx, server_id)).time_zone)


async def spend_rows(
    tx: Transaction, period: Period, server_id: int | None = None
) -> AsyncIterator[SpendRow]:
    """The rows of `easel spend` for all servers or one (0: direct messages), as they are read:
    as many as there are, of which only one server's day is in memory. Each server's days are its
    own.
    """
    async for each in servers_of(tx, server_id):
        async for row in entries.spend_rows(tx, each, await days_of(tx, each, period)):
            yield row


async def entry_rows(
    tx: Transaction, period: Period, server_id: int | None = None
) -> AsyncIterator[EntryRow]:
    """The entries of a period one by one, server by server."""
    newest = await store_rows.newest_id(tx)
    async for each in servers_of(tx, server_id):
        days = await days_of(tx, each, period)
        place: Place | None = Place()
        while place is not None:
            page = await store_rows.page(tx, each, days, newest, place)
            for cells in page.cells():
                yield EntryRow(*cells)
            place = page.next


async def spend_by(
    tx: Transaction,
    period: Period,
    by: By,
    server_ids: Iterable[int],
    progress: Callable[[int], object] = lambda _: None,
) -> list[Line]:
    """The same sums per member, day, model, kind or channel: all lines, the dearest first, or days
    in their order. An exchange belongs to one server, so its counts add up. `progress` is told of
    each server.
    """
    found: defaultdict[str, list[Totals]] = defaultdict(list)
    for each in server_ids:
        for line in await entries.of_server_by(
            tx, each, await days_of(tx, each, period), by, _ALL_LINES
        ):
            found[line.key].append(line.totals)
        progress(1)
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


async def servers_of(tx: Transaction, server_id: int | None) -> AsyncIterator[int]:
    """This one server, or all that have entries; 0 is direct messages."""
    if server_id is not None:
        yield server_id
        return
    async for each in entries.servers(tx):
        yield each


async def days_of(tx: Transaction, server_id: int, period: Period) -> Days:
    """A period by a server's own time zone."""
    return period_days(period, tx.now_ms, await zone_of(tx, server_id))
