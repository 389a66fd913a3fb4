"""Which answers show their pictures as spoilers, as far as what they come from decides it."""

from collections.abc import Sequence

from bot.store.database import Transaction
from bot.store.exchanges import Exchange, Meant

PREFIX = "SPOILER_"
"""By which Discord knows a file that is shown only after a click."""


def is_one(meant: Meant) -> bool:
    """Whether a picture came as a spoiler."""
    return meant.name.startswith(PREFIX)


async def follows(tx: Transaction, asked: Exchange, meant: Sequence[Meant]) -> bool:
    """Whether what is asked comes from something hidden: from the answer whose button was pressed,
    from pictures that are all spoilers or, where none are meant, from what was last seen in its
    conversation.
    """
    if asked.source_id is not None and await _is_spoiler(tx, asked.source_id):
        return True
    if meant:
        return all(map(is_one, meant))
    row = await tx.one(
        "SELECT spoiler FROM exchange WHERE conversation_id = :conversation_id AND id < :before_id"
        " AND (EXISTS (SELECT 1 FROM meant WHERE exchange_id = exchange.id AND taken_back = 0)"
        " OR EXISTS (SELECT 1 FROM piece WHERE exchange_id = exchange.id"
        " AND picture_id IS NOT NULL))"
        " ORDER BY id DESC LIMIT 1",
        conversation_id=asked.conversation_id,
        before_id=asked.history_end,
    )
    return row is not None and bool(row["spoiler"])


async def _is_spoiler(tx: Transaction, exchange_id: int) -> bool:
    row = await tx.one("SELECT spoiler FROM exchange WHERE id = :id", id=exchange_id)
    return row is not None and bool(row["spoiler"])
