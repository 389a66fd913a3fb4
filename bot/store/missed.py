"""What tells whether a message was missed: what was seen last in a channel, and what is known."""

from collections.abc import Sequence

from bot.store import requests
from bot.store.database import Transaction


async def last_seen(tx: Transaction, since_id: int, channels_max: int) -> dict[int, int]:
    """By channel, also threads and direct messages, the id of the last exchange that was asked or
    answered there; of those used since `since_id` the ones used last.
    """
    rows = await tx.all(
        "SELECT channel_id, MAX(id) AS seen_id FROM ("
        " SELECT channel_id, id FROM exchange WHERE id >= :since_id"
        " UNION ALL SELECT answer_channel_id, id FROM exchange WHERE id >= :since_id)"
        " GROUP BY channel_id ORDER BY seen_id DESC LIMIT :channels_max",
        since_id=since_id,
        channels_max=channels_max,
    )
    return {row["channel_id"]: row["seen_id"] for row in rows}


async def known_of(tx: Transaction, message_ids: Sequence[int]) -> set[int]:
    """Those of the messages that are exchanges, or parts of one."""
    return {each for each in message_ids if await requests.is_known(tx, each)}
