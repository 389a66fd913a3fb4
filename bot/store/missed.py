"""What tells whether a message was missed: what was seen last in a channel, and what is known."""

from collections.abc import Sequence

from bot.store import requests
from bot.store.database import Transaction


async def last_seen(tx: Transaction, exchanges_max: int, channels_max: int) -> dict[int, int]:
    """By channel, also threads and direct messages, the id of the last exchange that was asked or
    answered there, for those used last.
    """
    rows = await tx.all(
        "WITH lately AS (SELECT id, channel_id, answer_channel_id FROM exchange"
        " ORDER BY id DESC LIMIT :exchanges_max)"
        " SELECT channel_id, MAX(id) AS seen_id FROM (SELECT channel_id, id FROM lately"
        " UNION ALL SELECT answer_channel_id, id FROM lately) AS used"
        " GROUP BY channel_id ORDER BY seen_id DESC LIMIT :channels_max",
        exchanges_max=exchanges_max,
        channels_max=channels_max,
    )
    return {row["channel_id"]: row["seen_id"] for row in rows}


async def known_of(tx: Transaction, message_ids: Sequence[int]) -> set[int]:
    """Those of the messages that are exchanges, or parts of one."""
    return {each for each in message_ids if await requests.is_known(tx, each)}
