"""What the owner was told, so that the same news is not told again with every call."""

from bot.store.database import Transaction


async def claim(tx: Transaction, subject: str, again_after_ms: int) -> bool:
    """True if the subject is news: never told, or so long ago that it may be told again. It counts
    as told from now on.
    """
    row = await tx.one(
        "INSERT INTO told (subject, told_ms) VALUES (:subject, :now_ms)"
        " ON CONFLICT (subject) DO UPDATE SET told_ms = excluded.told_ms"
        " WHERE told.told_ms <= :told_before_ms RETURNING subject",
        subject=subject,
        now_ms=tx.now_ms,
        told_before_ms=tx.now_ms - again_after_ms,
    )
    return row is not None


async def forget(tx: Transaction, subject: str) -> None:
    """It is over: the next time it is news again."""
    await tx.run("DELETE FROM told WHERE subject = :subject", subject=subject)
