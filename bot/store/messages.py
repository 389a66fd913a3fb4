"""Messages of ours in Discord that show an exchange, so that a repeat edits instead of posting and
a reply to one of them is understood.
"""

from dataclasses import dataclass

from bot.store.database import Transaction

ANSWER = 0
PING = -1
OFFER = -2


@dataclass(frozen=True, slots=True)
class Posted:
    """One of our messages. Parts count from 0, the answer message; -1 is the ping, -2 the offer
    to run it again.
    """

    id: int
    exchange_id: int
    part: int
    channel_id: int


async def note(tx: Transaction, message_id: int, exchange_id: int, part: int, channel: int) -> None:
    """Notes which message shows a part; a newer message for the part replaces the older."""
    await tx.run(
        "INSERT INTO message (id, exchange_id, part, channel_id)"
        " VALUES (:id, :exchange_id, :part, :channel_id)"
        " ON CONFLICT (exchange_id, part) DO UPDATE"
        " SET id = excluded.id, channel_id = excluded.channel_id",
        id=message_id,
        exchange_id=exchange_id,
        part=part,
        channel_id=channel,
    )


async def of_exchange(tx: Transaction, exchange_id: int) -> dict[int, Posted]:
    """The messages that show an exchange, by part."""
    rows = await tx.all(
        "SELECT id, part, channel_id FROM message WHERE exchange_id = :exchange_id",
        exchange_id=exchange_id,
    )
    return {
        row["part"]: Posted(row["id"], exchange_id, row["part"], row["channel_id"]) for row in rows
    }


async def find(tx: Transaction, message_id: int) -> Posted | None:
    """Which exchange a message of ours shows, None for any other message."""
    row = await tx.one(
        "SELECT exchange_id, part, channel_id FROM message WHERE id = :id", id=message_id
    )
    if row is None:
        return None
    return Posted(message_id, row["exchange_id"], row["part"], row["channel_id"])


async def forget(tx: Transaction, message_id: int) -> None:
    """The message is gone."""
    await tx.run("DELETE FROM message WHERE id = :id", id=message_id)
