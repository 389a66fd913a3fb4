"""Amounts of money as people type them, and the reasons that they give."""

import re

from bot.money import NanoUsd, nano_usd

AMOUNT_USD_MAX = 1_000_000
REASON_LETTERS_MAX = 300

_AMOUNT = re.compile(r"(?P<sign>[-−]?)\$?(?P<number>\d{1,7}(?:\.\d{1,9})?)", re.ASCII)


def read_amount(text: str) -> NanoUsd | None:
    """US dollars such as `5`, `12.50` or `-$0.25`; None for anything else, and for more than
    AMOUNT_USD_MAX either way.
    """
    found = _AMOUNT.fullmatch(text.strip())
    amount = nano_usd(found["number"]) if found is not None else None
    if found is None or amount is None or amount > nano_usd(AMOUNT_USD_MAX):
        return None
    return NanoUsd(-amount) if found["sign"] else amount
