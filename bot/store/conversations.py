"""Conversations: the thread, direct-message channel or chain of replies an exchange belongs to."""

from typing import Literal

from bot.store.database import Transaction

Place = Literal["thread", "direct", "chain"]


async def open_conversation(tx: Transaction, conversation_id: int, place: Place) -> None:
    """Notes a conversation; one already known stays as it is."""
    await tx.run(
        "INSERT INTO conversation (id, place, created_ms) VALUES (:id, :place, :now_ms)"
        " ON CONFLICT (id) DO NOTHING",
        id=conversation_id,
        place=place,
        now_ms=tx.now_ms,
    )


async def is_open(tx: Transaction, channel_id: int) -> bool:
    """Whether this thread or direct-message channel is a conversation of ours."""
    row = await tx.one(
        "SELECT 1 FROM conversation WHERE id = :id AND place <> 'chain'",
        id=channel_id,
    )
    return row is not None


async def become_chain(tx: Transaction, conversation_id: int) -> None:
    """The thread could not be opened: the conversation is a chain of replies in the channel."""
    await tx.run("UPDATE conversation SET place = 'chain' WHERE id = :id", id=conversation_id)
