"""What people did to their requests after they sent them: other words, or none at all."""

from bot.store.database import Transaction


async def note_words(tx: Transaction, exchange_id: int, member_id: int, prompt: str) -> bool:
    """Gives a message's exchange its new words; False if it has these already, or is none."""
    return bool(
        await tx.run(
            "UPDATE exchange SET prompt = :prompt WHERE id = :id AND member_id = :member_id"
            " AND command = 'message' AND prompt <> :prompt",
            id=exchange_id,
            member_id=member_id,
            prompt=prompt,
        )
    )


async def forget(tx: Transaction, message_id: int) -> None:
    """Lets a message that was deleted go along with nothing any more."""
    await tx.run(
        "UPDATE exchange SET forgotten = 1 WHERE id = :id AND command = 'message'", id=message_id
    )


async def is_last(tx: Transaction, exchange_id: int) -> bool:
    """Whether its member asked nothing in its conversation since."""
    row = await tx.one(
        "SELECT 1 FROM exchange AS this JOIN exchange AS later"
        " ON later.conversation_id = this.conversation_id AND later.id > this.id"
        " AND later.member_id = this.member_id WHERE this.id = :id LIMIT 1",
        id=exchange_id,
    )
    return row is None
