"""What a setting may be: rules that read the value of one key, or refuse it. Which keys there are
is not decided here.
"""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import NamedTuple

from bot import words
from bot.money import NanoUsd, nano_usd

LOOPBACK = r"localhost|127(?:\.\d{1,3}){3}|\[::1\]"
USD_PER_MILLION_MAX = 10_000
BUDGET_USD_MAX = 1_000_000


class Rule(NamedTuple):
    """What a key may be: `read` gives the setting of a TOML value or raises ValueError."""

    allowed: str
    read: Callable[[object], object]


def _decimal(value: object, lowest: int, highest: int) -> Decimal:
    if not isinstance(value, bool) and isinstance(value, int | Decimal):
        number = Decimal(value)
        if number.is_finite() and lowest <= number <= highest:
            return number
    raise ValueError


def whole_number(lowest: int, highest: int) -> Rule:
    def read(value: object) -> int:
        if isinstance(value, int):
            return int(_decimal(value, lowest, highest))
        raise ValueError

    return Rule(words.allowed_whole_number(lowest, highest), read)


def seconds(lowest: int, highest: int) -> Rule:
    def read(value: object) -> float:
        return float(_decimal(value, lowest, highest))

    return Rule(words.allowed_seconds(lowest, highest), read)


def _exact_usd(value: object, highest: int) -> Decimal:
    """At most nine decimals, so that the amount is a whole number of nano-dollars."""
    amount = _decimal(value, 0, highest)
    if amount != amount.quantize(Decimal("1E-9")):
        raise ValueError
    return amount


def _budget(value: object) -> NanoUsd:
    return nano_usd(_exact_usd(value, BUDGET_USD_MAX))


def _price(value: object) -> NanoUsd:
    amount = _exact_usd(value, USD_PER_MILLION_MAX) * 1_000
    # Rounded up: prices only bound what a call may cost, and a bound must not be below it.
    return NanoUsd(int(amount.to_integral_value(ROUND_CEILING)))


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError


def _name(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-~]{1,200}", value):
        return value
    raise ValueError


def _folder(value: object) -> Path:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return Path(value)
    raise ValueError


def url(example: str) -> Rule:
    """An address of the example's kind: by its scheme, or the plain one to this machine."""
    secure = example.partition(":")[0]
    plain = secure.removesuffix("s")
    start = rf"{secure}://(?:[\w.-]+|\[[\da-fA-F:.]+\])|{plain}://(?:{LOOPBACK})"
    pattern = re.compile(rf"(?:{start})(?::\d{{1,5}})?(?:/[^\s/?#@]+)*", re.ASCII)

    def read(value: object) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        raise ValueError

    return Rule(words.allowed_url(example, plain), read)


FLAG = Rule(words.allowed_flag(), _flag)
FOLDER = Rule(words.allowed_folder(), _folder)
USD = Rule(words.allowed_usd(BUDGET_USD_MAX), _budget)
PRICE = Rule(words.allowed_usd_per_million(USD_PER_MILLION_MAX), _price)


def model(example: str) -> Rule:
    return Rule(words.allowed_model(example), _name)
