"""What an audit reads: whether SQLite finds the file whole, and where the books do not agree with
themselves. Each question reads whole tables, so it is not for a connection that others wait for.
"""

from dataclasses import dataclass

from bot.money import NanoUsd
from bot.store.database import Transaction

DIFFERENCES_MAX = 100
"""Of one kind; where there are more, these are enough to know."""


@dataclass(frozen=True, slots=True)
class WrongBalance:
    """What a balance says, and what the entries and reservations that count on it come to."""

    name: str
    spent: NanoUsd
    held: NanoUsd
    spent_by_entries: NanoUsd
    held_by_reservations: NanoUsd


@dataclass(frozen=True, slots=True)
class ChargedSince:
    """What was booked since an instant without corrections; how much of that by estimate, and for
    calls that began before; and what is held for calls whose cost is open.
    """

    cost: NanoUsd
    estimated: NanoUsd
    begun_before: NanoUsd
    held: NanoUsd


async def damage(tx: Transaction) -> list[str]:
    """What SQLite's own checks find: of the file, its indexes, the constraints and references."""
    found = await tx.all(f"PRAGMA integrity_check({DIFFERENCES_MAX})")
    broken = [str(row[0]) for row in found if row[0] != "ok"]
    references = await tx.all("PRAGMA foreign_key_check")
    broken += [f"{row[0]} row {row[1]} refers to no row of {row[2]}" for row in references]
    return broken[:DIFFERENCES_MAX]


async def balances(tx: Transaction) -> int:
    row = await tx.one("SELECT COUNT(*) AS number FROM balance")
    return 0 if row is None else row["number"]


async def wrong_balances(tx: Transaction) -> list[WrongBalance]:
    """Balances that are not the sums of what counts on them."""
    rows = await tx.all(
        "SELECT balance.*, COALESCE(calls.spent, 0) + COALESCE(corrections.spent, 0)"
        " AS spent_by_entries, COALESCE(calls.held, 0) AS held_by_reservations FROM balance"
        " LEFT JOIN (SELECT rests.balance_id,"
        " SUM(CASE WHEN reservation.closed_ms IS NULL THEN reservation.hold_nano_usd ELSE 0 END)"
        " AS held, SUM(COALESCE(entry.cost_nano_usd, 0)) AS spent"
        " FROM reservation_balance AS rests"
        " JOIN reservation ON reservation.exchange_id = rests.exchange_id"
        " AND reservation.call_number = rests.call_number"
        " LEFT JOIN entry ON entry.exchange_id = rests.exchange_id"
        " AND entry.call_number = rests.call_number AND entry.basis <> 'adjustment'"
        " GROUP BY rests.balance_id) AS calls ON calls.balance_id = balance.id"
        " LEFT JOIN (SELECT balance_id, SUM(amount_nano_usd) AS spent FROM adjustment_balance"
        " GROUP BY balance_id) AS corrections ON corrections.balance_id = balance.id"
        " WHERE balance.spent_nano_usd <> COALESCE(calls.spent, 0) + COALESCE(corrections.spent, 0)"
        " OR balance.held_nano_usd <> COALESCE(calls.held, 0)"
        " ORDER BY balance.id LIMIT :most",
        most=DIFFERENCES_MAX,
    )
    return [
        WrongBalance(
            name=f"{row['scope']} {row['span']} of {row['subject_id'] or 'all'}"
            f" in {row['server_id'] or 'all servers'} from {row['start_ms']}",
            spent=row["spent_nano_usd"],
            held=row["held_nano_usd"],
            spent_by_entries=row["spent_by_entries"],
            held_by_reservations=row["held_by_reservations"],
        )
        for row in rows
    ]


async def entries(tx: Transaction) -> int:
    row = await tx.one("SELECT COUNT(*) AS number FROM entry")
    return 0 if row is None else row["number"]


async def wrong_entries(tx: Transaction) -> list[str]:
    """Closed calls without an entry, entries of calls that are open, not there or closed another
    way, overruns that are none, and corrections that nobody made.
    """
    rows = await tx.all(
        "SELECT 'call ' || reservation.call_number || ' of ' || reservation.exchange_id"
        " || ' is ' || reservation.state || ', and no entry says so' AS difference"
        " FROM reservation LEFT JOIN entry ON entry.exchange_id = reservation.exchange_id"
        " AND entry.call_number = reservation.call_number AND entry.basis <> 'adjustment'"
        " WHERE reservation.closed_ms IS NOT NULL AND (entry.id IS NULL"
        " OR (entry.basis = 'void') <> (reservation.state = 'voided'))"
        " UNION ALL"
        " SELECT 'entry ' || entry.id || ' is of a call that is not closed'"
        " FROM entry LEFT JOIN reservation ON reservation.exchange_id = entry.exchange_id"
        " AND reservation.call_number = entry.call_number"
        " WHERE entry.basis <> 'adjustment' AND reservation.closed_ms IS NULL"
        " UNION ALL"
        " SELECT 'entry ' || entry.id || ' has another overrun than ' ||"
        " MAX(0, entry.cost_nano_usd - reservation.hold_nano_usd)"
        " FROM entry JOIN reservation ON reservation.exchange_id = entry.exchange_id"
        " AND reservation.call_number = entry.call_number WHERE entry.basis <> 'adjustment'"
        " AND entry.over_nano_usd <> MAX(0, entry.cost_nano_usd - reservation.hold_nano_usd)"
        " UNION ALL"
        " SELECT 'entry ' || entry.id || ' is a correction that nobody made'"
        " FROM entry LEFT JOIN adjustment ON adjustment.entry_id = entry.id"
        " WHERE entry.basis = 'adjustment' AND adjustment.id IS NULL"
        " LIMIT :most",
        most=DIFFERENCES_MAX,
    )
    return [row["difference"] for row in rows]


async def charged_since(tx: Transaction, since_ms: int) -> ChargedSince:
    row = await tx.one(
        "SELECT CAST(COALESCE(SUM(entry.cost_nano_usd), 0) AS BIGINT) AS cost,"
        " CAST(COALESCE(SUM(CASE WHEN entry.basis = 'estimate' THEN entry.cost_nano_usd END), 0)"
        " AS BIGINT) AS estimated,"
        " CAST(COALESCE(SUM(CASE WHEN reservation.created_ms < :since_ms"
        " THEN entry.cost_nano_usd END), 0) AS BIGINT) AS begun_before"
        " FROM entry JOIN reservation ON reservation.exchange_id = entry.exchange_id"
        " AND reservation.call_number = entry.call_number"
        " WHERE entry.time_ms >= :since_ms AND entry.basis <> 'adjustment'",
        since_ms=since_ms,
    )
    held = await tx.one(
        "SELECT CAST(COALESCE(SUM(hold_nano_usd), 0) AS BIGINT) AS held FROM reservation"
        " WHERE closed_ms IS NULL"
    )
    assert row is not None
    assert held is not None
    return ChargedSince(row["cost"], row["estimated"], row["begun_before"], held["held"])
