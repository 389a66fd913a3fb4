"""The time to expect: learnt from this bot's own finished exchanges of the same kind."""

from dataclasses import dataclass
from statistics import median_low

from bot.ledger.settling import COMMAND_KINDS
from bot.store import durations
from bot.store.database import Transaction
from bot.store.exchanges import Exchange

LEARNT_FROM_MIN = 5
"""Fewer tell nothing."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Seconds of a call: as long as half of them take, and what nine of ten do not exceed."""

    half_s: int
    most_s: int


async def usual(tx: Transaction, exchange: Exchange) -> Usual | None:
    """What to expect of an exchange that runs; None while too few of its kind are known. Of a
    message it is not known yet whether it will be painted: it counts as if it will.
    """
    of_message = "edit" if exchange.edits else "picture"
    took_ms = await durations.of_kind(tx, COMMAND_KINDS.get(exchange.command, of_message))
    if len(took_ms) < LEARNT_FROM_MIN:
        return None
    most_ms = took_ms[(len(took_ms) * 9 - 1) // 10]
    return Usual(_seconds(median_low(took_ms)), _seconds(most_ms))


def _seconds(milliseconds: int) -> int:
    return max(1, round(milliseconds / 1000))
