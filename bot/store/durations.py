"""How long this bot's own calls took, by what they were for."""

from bot.store.database import Transaction

ENTRIES_READ = 2_000
"""Of all kinds together, so that a rare kind does not lead through the whole ledger."""
NEWEST = 200


async def of_kind(tx: Transaction, kind: str) -> list[int]:
    """Milliseconds from the hold to the end of the work, of the newest results; shortest first."""
    rows = await tx.all(
        "SELECT exchange.ended_ms - reservation.created_ms AS took_ms FROM"
        " (SELECT id, exchange_id, call_number, kind FROM entry ORDER BY id DESC LIMIT :read)"
        " AS recent JOIN exchange ON exchange.id = recent.exchange_id"
        " JOIN reservation ON reservation.exchange_id = recent.exchange_id"
        " AND reservation.call_number = recent.call_number"
        " WHERE recent.kind = :kind AND exchange.word IS NULL"
        " AND exchange.ended_ms > reservation.created_ms"
        " ORDER BY recent.id DESC LIMIT :newest",
        read=ENTRIES_READ,
        kind=kind,
        newest=NEWEST,
    )
    return sorted(row["took_ms"] for row in rows)
