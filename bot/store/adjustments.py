"""Adjustments: entries that correct the books, with who made them and why. What they move of the
balances is the book's to say.
"""

from dataclasses import dataclass

from bot.money import NanoUsd
from bot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`id` is the event's that asked for it, so that it is made once; an `amount` below zero gives
    money back. `day` is the one it is reported on.
    """

    id: int
    server_id: int
    member_id: int
    channel_id: int
    day: int
    amount: NanoUsd
    actor_id: int
    reason: str


async def is_known(tx: Transaction, adjustment_id: int) -> bool:
    return await tx.one("SELECT 1 FROM adjustment WHERE id = :id", id=adjustment_id) is not None


async def add(tx: Transaction, adjustment: Adjustment) -> int:
    """Writes it into the books; gives the entry's id. No model is to be named."""
    row = await tx.one(
        "INSERT INTO entry (exchange_id, call_number, time_ms, day, server_id, member_id,"
        " channel_id, model, kind, basis, cost_nano_usd)"
        " VALUES (:id, 0, :now_ms, :day, :server_id, :member_id, :channel_id, '',"
        " 'adjustment', 'adjustment', :amount) RETURNING id",
        id=adjustment.id,
        now_ms=tx.now_ms,
        day=adjustment.day,
        server_id=adjustment.server_id,
        member_id=adjustment.member_id,
        channel_id=adjustment.channel_id,
        amount=adjustment.amount,
    )
    assert row is not None
    entry_id: int = row["id"]
    await tx.run(
        "INSERT INTO adjustment (id, entry_id, actor_id, reason)"
        " VALUES (:id, :entry_id, :actor_id, :reason)",
        id=adjustment.id,
        entry_id=entry_id,
        actor_id=adjustment.actor_id,
        reason=adjustment.reason,
    )
    return entry_id
