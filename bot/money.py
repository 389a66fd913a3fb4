"""Money as integers of nano-dollars, the two edges where it is a decimal (prices and costs coming
in, figures for people going out), and what a call was reported to cost. No floats, no storage, no
budgets.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import NewType

NanoUsd = NewType("NanoUsd", int)
"""A billionth of a US dollar. $8 per million tokens is 8,000 of these per token, exactly."""

NANO_PER_USD = 1_000_000_000
ZERO = NanoUsd(0)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the provider reported of a call; a cost of None is not known, which 0 is not. Cached
    tokens are part of the prompt's.
    """

    cost_nano_usd: NanoUsd | None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    image_tokens: int = 0


def nano_usd(dollars: Decimal | int | str) -> NanoUsd:
    """The amount in nano-dollars, rounded half-even at the ninth decimal.

    Raises ValueError for what is not a finite decimal number.
    """
    try:
        with localcontext() as context:
            context.prec = 50
            nano = (Decimal(dollars) * NANO_PER_USD).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
            return NanoUsd(int(nano))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"not an amount of money: {str(dollars)[:40]!r}") from error


def decimal_usd(amount: NanoUsd) -> Decimal:
    """The exact decimal number of dollars."""
    return Decimal(amount).scaleb(-9)


def dollars(amount: NanoUsd, decimals: int = 4) -> str:
    """`$0.2123`: rounded half-even, with thousands commas and the sign in front."""
    quantum = Decimal(1).scaleb(-decimals)
    with localcontext() as context:
        context.prec = 50
        rounded = abs(decimal_usd(amount)).quantize(quantum, rounding=ROUND_HALF_EVEN)
    sign = "-" if amount < 0 and rounded else ""
    return f"{sign}${rounded:,.{decimals}f}"
