"""What a call may cost at most, and how much answer a sum of money allows. What it did cost is
the provider's to say; nothing is stored or compared with budgets here.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal, Self

from bot.money import NanoUsd, nano_usd
from bot.store.prices import PerToken
from bot.store.reservations import TokenCounts

Size = Literal["1K", "2K"]

PICTURE_HOLD: dict[Size, NanoUsd] = {"1K": nano_usd("0.25"), "2K": nano_usd("0.45")}
"""For each picture that a call may paint, beside its tokens: whether `max_tokens` bounds a
picture's own tokens is not documented, and one costs about $0.20 (OpenRouter, 2026-08)."""

_NANO_USD_PER_TOKEN = 1_000  # of a price of $1 per million tokens


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price, each in nano-dollars per token."""

    input: NanoUsd
    cached_input: NanoUsd
    output: NanoUsd
    image_output: NanoUsd

    @property
    def per_token(self) -> PerToken:
        """As it is kept."""
        return PerToken(self.input, self.cached_input, self.output, self.image_output)

    @classmethod
    def per_million(
        cls,
        *,
        input: Decimal,  # noqa: A002 - named as in the settings
        cached_input: Decimal,
        output: Decimal,
        image_output: Decimal,
    ) -> Self:
        """From dollars per million tokens, rounded up where a token costs a fraction of a
        nano-dollar, so that a hold stays an upper bound.
        """
        return cls(
            input=_per_token(input),
            cached_input=_per_token(cached_input),
            output=_per_token(output),
            image_output=_per_token(image_output),
        )


def _per_token(dollars_per_million: Decimal) -> NanoUsd:
    nano = (dollars_per_million * _NANO_USD_PER_TOKEN).to_integral_value(ROUND_CEILING)
    return NanoUsd(int(nano))


def rated_nano_usd(price: PerToken, tokens: TokenCounts) -> NanoUsd | None:
    """What a call should cost by a price and the provider's own counts; None where these are not
    known. Only to compare with: what is booked is what the provider charged.
    """
    if not tokens.prompt_tokens and not tokens.completion_tokens:
        return None
    fresh = max(0, tokens.prompt_tokens - tokens.cached_tokens)
    text = max(0, tokens.completion_tokens - tokens.image_tokens)
    return NanoUsd(
        fresh * price.input
        + tokens.cached_tokens * price.cached_input
        + text * price.output
        + tokens.image_tokens * price.image_output
    )


def hold_nano_usd(
    price: Price, prompt_tokens_max: int, max_tokens: int, pictures: int, size: Size
) -> NanoUsd:
    """The worst case of a call that may paint `pictures`: what is held before it is made."""
    return NanoUsd(
        prompt_tokens_max * price.input + max_tokens * price.output + pictures * PICTURE_HOLD[size]
    )


def max_tokens_within(
    price: Price,
    prompt_tokens_max: int,
    max_tokens: int,
    pictures: int,
    size: Size,
    room: NanoUsd,
) -> int:
    """How many of `max_tokens` keep the hold within `room`; 0 when none do."""
    left = room - hold_nano_usd(price, prompt_tokens_max, 0, pictures, size)
    if left < 0:
        return 0
    return max_tokens if price.output == 0 else min(max_tokens, left // price.output)
