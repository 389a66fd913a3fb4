"""Entries: the books. One for each call that ended, of what it cost or that it cost nothing; never
changed, never deleted. Every sum that a report shows is read here, from an index that holds all it
needs; what a period is called and how a report is laid out is not.
"""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from bot.clock import day_text
from bot.money import ZERO, NanoUsd
from bot.store.database import Transaction
from bot.store.reservations import Reservation, TokenCounts

Basis = Literal["usage", "generation", "estimate"]
"""How a cost is known: the answer's usage, a later look-up, or not (then the hold is booked)."""
By = Literal["member", "day", "model", "kind", "channel"]


@dataclass(frozen=True, slots=True)
class Days:
    """Calendar days from `first` to `last`, both included, as numbers yyyymmdd."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over entries. `cost` includes `estimated`; `exchanges` made at least one call that was
    charged (0 is a charge, a void is none); `estimates` is how many calls were booked as such.
    """

    cost: NanoUsd
    estimated: NanoUsd
    exchanges: int
    estimates: int


@dataclass(frozen=True, slots=True)
class Line:
    """The sums of one member, day, model, kind or channel. `key` is an id, an ISO day or a name;
    an exchange whose calls fall on two days counts on both.
    """

    key: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Drift:
    """How many calls cost more than was held, and by how much together; and what was charged for
    the calls whose tokens are known, beside what that should be by the prices of then.
    """

    overruns: int
    over: NanoUsd
    charged: NanoUsd
    rated: NanoUsd


@dataclass(frozen=True, slots=True)
class SpendRow:
    """One row of `easel spend`: the names are read by tools and stay."""

    day: str
    server_id: str | None
    member_id: str
    channel_id: str
    model: str
    kind: str
    exchanges: int
    cost_nano_usd: int
    estimated_nano_usd: int


async def add(
    tx: Transaction,
    reservation: Reservation,
    *,
    kind: str,
    basis: Basis | Literal["void"],
    cost: NanoUsd,
    tokens: TokenCounts,
    rated: NanoUsd | None = None,
) -> None:
    """Closes a reservation in the books; the database refuses a second entry for it. What the cost
    exceeds the hold by is kept beside it, and what it should be by the price of then.
    """
    await tx.run(
        "INSERT INTO entry (exchange_id, call_number, time_ms, day, server_id, member_id,"
        " channel_id, model, kind, basis, cost_nano_usd, over_nano_usd, generation_id,"
        " prompt_tokens, cached_tokens, completion_tokens, image_tokens, price_id, rated_nano_usd)"
        " VALUES (:exchange_id, :call_number, :time_ms, :day, :server_id, :member_id,"
        " :channel_id, :model, :kind, :basis, :cost, :over, CAST(:generation_id AS TEXT),"
        " :prompt_tokens, :cached_tokens, :completion_tokens, :image_tokens, :price_id,"
        " CAST(:rated AS BIGINT))",
        exchange_id=reservation.exchange_id,
        call_number=reservation.call_number,
        time_ms=tx.now_ms,
        day=reservation.day,
        server_id=reservation.server_id,
        member_id=reservation.member_id,
        channel_id=reservation.channel_id,
        model=reservation.model,
        kind=kind,
        basis=basis,
        cost=cost,
        over=max(0, cost - reservation.hold_nano_usd),
        generation_id=reservation.generation_id,
        prompt_tokens=tokens.prompt_tokens,
        cached_tokens=tokens.cached_tokens,
        completion_tokens=tokens.completion_tokens,
        image_tokens=tokens.image_tokens,
        price_id=reservation.price_id,
        rated=rated,
    )


# A sum is CAST because PostgreSQL's is no integer; the sums are the same in every question.
_SUMS = (
    "CAST(COALESCE(SUM(cost_nano_usd), 0) AS BIGINT) AS cost,"
    " CAST(COALESCE(SUM(CASE WHEN basis = 'estimate' THEN cost_nano_usd ELSE 0 END), 0) AS BIGINT)"
    " AS estimated,"
    " COUNT(DISTINCT CASE WHEN basis <> 'adjustment' THEN exchange_id END) AS exchanges,"
    " COUNT(CASE WHEN basis = 'estimate' THEN 1 END) AS estimates"
)
_COLUMN: dict[By, str] = {
    "member": "member_id",
    "day": "day",
    "model": "model",
    "kind": "kind",
    "channel": "channel_id",
}
_ANY_MEMBER = (0, 2**63 - 1)


async def of_exchange(tx: Transaction, exchange_id: int) -> Totals:
    """What the calls of an exchange were charged, so far."""
    row = await tx.one(
        f"SELECT {_SUMS} FROM entry"  # noqa: S608 - fixed text
        " WHERE exchange_id = :exchange_id AND basis <> 'adjustment'",
        exchange_id=exchange_id,
    )
    return _totals(row)


async def of_member(tx: Transaction, member_id: int, days: Days) -> Totals:
    """A member's sums over all servers and direct messages."""
    row = await tx.one(
        f"SELECT {_SUMS} FROM entry"  # noqa: S608 - fixed text
        " WHERE member_id = :member_id AND day BETWEEN :first AND :last AND basis <> 'void'",
        member_id=member_id,
        first=days.first,
        last=days.last,
    )
    return _totals(row)


async def of_member_by(
    tx: Transaction, member_id: int, days: Days, by: Literal["day", "kind"]
) -> list[Line]:
    """A member's sums over all servers per kind, the dearest first, or per day, in order."""
    column = _COLUMN[by]
    rows = await tx.all(
        f"SELECT {column} AS key, {_SUMS} FROM entry"  # noqa: S608 - fixed text
        " WHERE member_id = :member_id AND day BETWEEN :first AND :last AND basis <> 'void'"
        f" GROUP BY {column}",
        member_id=member_id,
        first=days.first,
        last=days.last,
    )
    return _lines(rows, by)


async def of_server(
    tx: Transaction, server_id: int, days: Days, member_id: int | None = None
) -> Totals:
    """A server's sums (`server_id` 0: direct messages), of all members or of one."""
    least, most = _ANY_MEMBER if member_id is None else (member_id, member_id)
    row = await tx.one(
        f"SELECT {_SUMS} FROM entry"  # noqa: S608 - fixed text
        " WHERE server_id = :server_id AND day BETWEEN :first AND :last"
        " AND member_id BETWEEN :least AND :most AND basis <> 'void'",
        server_id=server_id,
        first=days.first,
        last=days.last,
        least=least,
        most=most,
    )
    return _totals(row)


async def of_server_by(
    tx: Transaction,
    server_id: int,
    days: Days,
    by: By,
    most_lines: int,
    member_id: int | None = None,
    skip: int = 0,
) -> list[Line]:
    """A server's sums per member, day …: the `most_lines` dearest after those to `skip`, or of days
    the newest, in the order of their days.
    """
    least, most = _ANY_MEMBER if member_id is None else (member_id, member_id)
    column = _COLUMN[by]
    order = "key DESC" if by == "day" else "cost DESC, key"
    rows = await tx.all(
        f"SELECT {column} AS key, {_SUMS} FROM entry"  # noqa: S608 - fixed text
        " WHERE server_id = :server_id AND day BETWEEN :first AND :last"
        " AND member_id BETWEEN :least AND :most AND basis <> 'void'"
        f" GROUP BY {column} ORDER BY {order} LIMIT :most_lines OFFSET :skip",
        server_id=server_id,
        first=days.first,
        last=days.last,
        least=least,
        most=most,
        most_lines=most_lines,
        skip=skip,
    )
    return _lines(rows, by)


async def count_of_server_by(
    tx: Transaction, server_id: int, days: Days, by: By, member_id: int | None = None
) -> int:
    """How many lines `of_server_by` would give without a bound."""
    least, most = _ANY_MEMBER if member_id is None else (member_id, member_id)
    row = await tx.one(
        f"SELECT COUNT(DISTINCT {_COLUMN[by]}) AS lines FROM entry"  # noqa: S608 - fixed text
        " WHERE server_id = :server_id AND day BETWEEN :first AND :last"
        " AND member_id BETWEEN :least AND :most AND basis <> 'void'",
        server_id=server_id,
        first=days.first,
        last=days.last,
        least=least,
        most=most,
    )
    return 0 if row is None else row["lines"]


async def drift_of_server(
    tx: Transaction, server_id: int, days: Days, member_id: int | None = None
) -> Drift:
    """Where a server's charges, of all members or of one, were not as was foreseen."""
    least, most = _ANY_MEMBER if member_id is None else (member_id, member_id)
    row = await tx.one(
        "SELECT COUNT(CASE WHEN over_nano_usd > 0 THEN 1 END) AS overruns,"
        " CAST(COALESCE(SUM(over_nano_usd), 0) AS BIGINT) AS over,"
        " CAST(COALESCE(SUM(CASE WHEN rated_nano_usd IS NOT NULL THEN cost_nano_usd END), 0)"
        " AS BIGINT) AS charged,"
        " CAST(COALESCE(SUM(rated_nano_usd), 0) AS BIGINT) AS rated FROM entry"
        " WHERE server_id = :server_id AND day BETWEEN :first AND :last"
        " AND member_id BETWEEN :least AND :most AND basis <> 'void'",
        server_id=server_id,
        first=days.first,
        last=days.last,
        least=least,
        most=most,
    )
    assert row is not None
    return Drift(row["overruns"], row["over"], row["charged"], row["rated"])


async def servers(tx: Transaction) -> AsyncIterator[int]:
    """Every server with an entry, by its id; 0 stands for direct messages. One look into the index
    for each, however many entries it has.
    """
    row = await tx.one("SELECT MIN(server_id) AS server_id FROM entry")
    while row is not None and (server_id := row["server_id"]) is not None:
        yield server_id
        row = await tx.one(
            "SELECT MIN(server_id) AS server_id FROM entry WHERE server_id > :server_id",
            server_id=server_id,
        )


async def spend_rows(tx: Transaction, server_id: int, days: Days) -> AsyncIterator[SpendRow]:
    """The rows of `easel spend` for one server (0: direct messages), in the order of their days,
    members and channels; in memory are those of one day.
    """
    after = days.first - 1
    while rows := await tx.all(
        f"SELECT day, server_id, member_id, channel_id, model, kind, {_SUMS}"  # noqa: S608 - fixed
        " FROM entry WHERE server_id = :server_id AND basis <> 'void'"
        " AND day = (SELECT MIN(day) FROM entry"
        " WHERE server_id = :server_id AND day > :after AND day <= :last AND basis <> 'void')"
        " GROUP BY server_id, day, member_id, channel_id, model, kind"
        " ORDER BY server_id, day, member_id, channel_id",
        server_id=server_id,
        after=after,
        last=days.last,
    ):
        for row in rows:
            yield SpendRow(
                day=day_text(row["day"]),
                server_id=str(row["server_id"]) if row["server_id"] else None,
                member_id=str(row["member_id"]),
                channel_id=str(row["channel_id"]),
                model=row["model"],
                kind=row["kind"],
                exchanges=row["exchanges"],
                cost_nano_usd=row["cost"],
                estimated_nano_usd=row["estimated"],
            )
        after = rows[0]["day"]


def _totals(row: sqlite3.Row | None) -> Totals:
    if row is None:
        return Totals(ZERO, ZERO, 0, 0)
    return Totals(row["cost"], row["estimated"], row["exchanges"], row["estimates"])


def _lines(rows: list[sqlite3.Row], by: By) -> list[Line]:
    """The dearest first, and of equally dear ones the first by its key; days in their order."""
    if by == "day":
        dated = [Line(day_text(row["key"]), _totals(row)) for row in rows]
        return sorted(dated, key=lambda line: line.key)
    lines = [Line(str(row["key"]), _totals(row)) for row in rows]
    return sorted(lines, key=lambda line: (-line.totals.cost, line.key))
