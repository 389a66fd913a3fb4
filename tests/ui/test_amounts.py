"""Amounts as people type them."""

import pytest

from bot.money import nano_usd
from bot.ui.amounts import read_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5", "5"),
        (" 12.50 ", "12.50"),
        ("$0.25", "0.25"),
        ("-0.25", "-0.25"),
        ("−$1", "-1"),
        ("0.000000001", "0.000000001"),
        ("1000000", "1000000"),
        ("0", "0"),
    ],
)
def test_dollars_are_read_to_the_last_decimal(text: str, amount: str):
    assert read_amount(text) == nano_usd(amount)


@pytest.mark.parametrize(
    "text",
    ["", "-", "1,5", "1.", ".5", "1e3", "five", "0.0000000001", "1000000.01", "- 1", "٣", "$-1"],
)
def test_anything_else_is_no_amount(text: str):
    assert read_amount(text) is None
