"""Answers that cannot stand where they were asked: where else they may, where they went, and which
found nobody and wait.
"""

from bot.store.database import Transaction
from bot.store.exchanges import Exchange


async def parent_of(tx: Transaction, exchange: Exchange) -> int | None:
    """The channel that the thread is of in which it was asked; None where it was no thread, or
    somebody's that was not known.
    """
    if exchange.parent_channel_id is not None:
        return exchange.parent_channel_id
    # A thread of ours has the id of the message that began it.
    row = await tx.one(
        "SELECT channel_id FROM exchange WHERE id = :thread_id AND opens_thread = 1",
        thread_id=exchange.channel_id,
    )
    return None if row is None else row["channel_id"]


async def note_moved(tx: Transaction, exchange: Exchange) -> None:
    """Notes where the answer is to stand, as `exchange` has it; no token leads there."""
    await tx.run(
        "UPDATE exchange SET moved = :moved, answer_channel_id = :channel_id,"
        " upload_bytes_max = :upload_bytes_max, interaction_token = NULL WHERE id = :id",
        id=exchange.id,
        moved=exchange.moved,
        channel_id=exchange.answer_channel_id,
        upload_bytes_max=exchange.upload_bytes_max,
    )


async def note_waits(tx: Transaction, exchange_id: int) -> None:
    """Notes that an answer could not reach its person, and waits in the history."""
    await tx.run("UPDATE exchange SET waits = 1 WHERE id = :id", id=exchange_id)


async def take_up_waiting(tx: Transaction, member_id: int, token: str, most: int) -> list[int]:
    """Sets answers that wait for a person on their way again, by another interaction's token; gives
    their ids, oldest first.
    """
    rows = await tx.all(
        "SELECT id FROM exchange WHERE member_id = :member_id AND waits = 1 AND step = 'done'"
        " ORDER BY id LIMIT :most",
        member_id=member_id,
        most=most,
    )
    for row in rows:
        await tx.run(
            "UPDATE exchange SET waits = 0, step = 'answer', moved = 'history',"
            " delivered_ms = NULL, interaction_token = :token WHERE id = :id",
            id=row["id"],
            token=token,
        )
    return [row["id"] for row in rows]


async def count_undelivered(tx: Transaction, server_id: int, from_ms: int, to_ms: int) -> int:
    """How many answers to what was asked in a server in this span, its end left out, could reach
    nobody and wait still.
    """
    row = await tx.one(
        "SELECT count(*) AS number FROM exchange WHERE waits = 1 AND server_id = :server_id"
        " AND created_ms >= :from_ms AND created_ms < :to_ms",
        server_id=server_id,
        from_ms=from_ms,
        to_ms=to_ms,
    )
    assert row is not None
    return row["number"]
