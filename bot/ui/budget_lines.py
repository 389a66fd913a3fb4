"""How budgets stand, as lines of text with bars."""

from collections.abc import Iterable

from bot import words
from bot.ledger.budgets import Cap
from bot.money import NanoUsd, decimal_usd, dollars

BAR_CELLS = 10


def cap_line(cap: Cap, name: str | None = None) -> str:
    """Spent, held and left of a budget, and when it resets; by the name that the one it concerns
    knows it by, or by another.
    """
    limit, left = cap.budget.limit, cap.left
    used = BAR_CELLS if limit <= 0 else min(BAR_CELLS, (limit - left) * BAR_CELLS // limit)
    return words.cap_line(
        cap.budget.name if name is None else name,
        bar="▰" * used + "▱" * (BAR_CELLS - used),
        spent=dollars(cap.standing.spent),
        held=dollars(cap.standing.held) if cap.standing.held else None,
        left=dollars(left),
        limit=exact(limit),
        resets_ms=cap.budget.key.end_ms if cap.budget.resets else None,
    )


def exact(amount: NanoUsd) -> str:
    """With as many decimals as it has, and at least two: as somebody set it."""
    number = decimal_usd(amount).normalize()
    decimals = -int(number.as_tuple().exponent)
    return dollars(amount, max(2, decimals))


def fitting(lines: Iterable[str], letters_max: int) -> str:
    """As many of these as have room, and how many do not."""
    told = list(lines)
    shown: list[str] = []
    room = letters_max - len(words.and_more(len(told)))
    for line in told:
        if len(line) + 1 > room:
            break
        room -= len(line) + 1
        shown.append(line)
    if more := len(told) - len(shown):
        shown.append(words.and_more(more))
    return "\n".join(shown)
