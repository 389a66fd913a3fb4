"""What the owner was told, so that the same news is not told again with every call."""

from bot.store.database import Transaction


async def is_news(tx: Transaction, subject: str, again_after_ms: int) -> bool:
    """True if it was never told, or so long ago that it may be told again."""
    row = await tx.one(
        "SELECT 1 FROM told WHERE subject = :subject AND told_ms > :told_before_ms",
        subject=subject,
        told_before_ms=tx.now_ms - again_after_ms,
    )
    return row is None


async def note(tx: Transaction, subject: str) -> None:
    """It counts as told from now on."""
    await tx.run(
        "INSERT INTO told (subject, told_ms) VALUES (:subject, :now_ms)"
        " ON CONFLICT (subject) DO UPDATE SET told_ms = excluded.told_ms",
        subject=subject,
        now_ms=tx.now_ms,
    )


async def forget(tx: Transaction, subject: str) -> None:
    """It is over: the next time it is news again."""
    await tx.run("DELETE FROM told WHERE subject = :subject", subject=subject)


async def date_back(tx: Transaction, subject: str, earlier_ms: int) -> None:
    """It counts as told so much earlier than it was, once: the next time may be news sooner."""
    await tx.run(
        "UPDATE told SET told_ms = told_ms - :earlier_ms WHERE subject = :subject AND told_ms > 0",
        subject=subject,
        earlier_ms=earlier_ms,
    )
