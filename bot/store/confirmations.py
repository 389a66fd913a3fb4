"""Confirmations: what a dear request waits for before its hold. Each change says which state it
starts from, so that of two clicks only one takes place.
"""

from bot.errors import Notice
from bot.money import NanoUsd
from bot.store.database import Transaction


async def want(
    tx: Transaction, exchange_id: int, expected: NanoUsd, sentence: str, until_ms: int
) -> None:
    """Notes that it needs a click before its hold, what it is to hold then at least, and what is
    said about it.
    """
    await tx.run(
        "UPDATE exchange SET confirmation = 'wanted', confirm_until_ms = :until_ms,"
        " expected_hold_nano_usd = :expected, sentence = :sentence"
        " WHERE id = :id AND step = 'hold' AND confirmation IS NULL",
        id=exchange_id,
        until_ms=until_ms,
        expected=expected,
        sentence=sentence,
    )


async def note_asked(tx: Transaction, exchange_id: int) -> None:
    """Notes that people see the question."""
    await tx.run(
        "UPDATE exchange SET confirmation = 'asked' WHERE id = :id AND confirmation = 'wanted'",
        id=exchange_id,
    )


async def give(tx: Transaction, exchange_id: int, patience_ms: int) -> bool:
    """Lets it go on to its hold, and notes how long it waited of `patience_ms`. False when nobody
    waits for a click any more.
    """
    return bool(
        await tx.run(
            "UPDATE exchange SET confirmation = 'given', sentence = NULL,"
            " waited_ms = :now_ms - confirm_until_ms + :patience_ms"
            " WHERE id = :id AND step = 'hold' AND confirmation IN ('wanted', 'asked')"
            " AND confirm_until_ms > :now_ms",
            id=exchange_id,
            patience_ms=patience_ms,
            now_ms=tx.now_ms,
        )
    )


async def refuse(tx: Transaction, exchange_id: int, notice: Notice) -> bool:
    """Ends it before its hold. False when nobody waits for a click any more."""
    return bool(
        await tx.run(
            "UPDATE exchange SET step = 'answer', confirmation = NULL, word = :word,"
            " sentence = :sentence, ended_ms = :now_ms"
            " WHERE id = :id AND step = 'hold' AND confirmation IN ('wanted', 'asked')",
            id=exchange_id,
            word=notice.word.value,
            sentence=notice.sentence,
            now_ms=tx.now_ms,
        )
    )


async def is_overdue(tx: Transaction, exchange_id: int) -> bool:
    """Whether the time for a click is over."""
    row = await tx.one(
        "SELECT 1 FROM exchange WHERE id = :id AND step = 'hold'"
        " AND confirmation IN ('wanted', 'asked') AND confirm_until_ms <= :now_ms",
        id=exchange_id,
        now_ms=tx.now_ms,
    )
    return row is not None
