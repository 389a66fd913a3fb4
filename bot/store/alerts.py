"""Alerts: that a share of a server's budget, or of the total, was reached; each once a window, or
once more where the limit was raised since; and told or not yet.
"""

from dataclasses import dataclass

from bot.money import NanoUsd
from bot.store.balances import Span
from bot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Alert:
    """`server_id` 0 is the total of all. `limit` and `spent` are as they were then."""

    server_id: int
    span: Span
    start_ms: int
    end_ms: int
    percent: int
    limit: NanoUsd
    spent: NanoUsd


async def note(tx: Transaction, alert: Alert) -> None:
    """To be told, unless this share of as much was reached before in this window: of a budget that
    is for all time, and was raised, nobody would hear again.
    """
    await tx.run(
        "INSERT INTO alert"
        " (server_id, span, start_ms, end_ms, percent, limit_nano_usd, spent_nano_usd)"
        " VALUES (:server_id, :span, :start_ms, :end_ms, :percent, :limit, :spent)"
        " ON CONFLICT (server_id, span, start_ms, percent) DO UPDATE SET"
        " limit_nano_usd = excluded.limit_nano_usd, spent_nano_usd = excluded.spent_nano_usd,"
        " told_ms = NULL WHERE excluded.limit_nano_usd > alert.limit_nano_usd",
        server_id=alert.server_id,
        span=alert.span,
        start_ms=alert.start_ms,
        end_ms=alert.end_ms,
        percent=alert.percent,
        limit=alert.limit,
        spent=alert.spent,
    )


async def untold(tx: Transaction, most: int) -> list[Alert]:
    rows = await tx.all(
        "SELECT server_id, span, start_ms, end_ms, percent, limit_nano_usd, spent_nano_usd"
        " FROM alert WHERE told_ms IS NULL ORDER BY server_id, span, start_ms, percent LIMIT :most",
        most=most,
    )
    return [
        Alert(
            row["server_id"],
            row["span"],
            row["start_ms"],
            row["end_ms"],
            row["percent"],
            NanoUsd(row["limit_nano_usd"]),
            NanoUsd(row["spent_nano_usd"]),
        )
        for row in rows
    ]


async def note_told(tx: Transaction, alert: Alert) -> None:
    await tx.run(
        "UPDATE alert SET told_ms = :now_ms WHERE server_id = :server_id AND span = :span"
        " AND start_ms = :start_ms AND percent = :percent",
        now_ms=tx.now_ms,
        server_id=alert.server_id,
        span=alert.span,
        start_ms=alert.start_ms,
        percent=alert.percent,
    )
