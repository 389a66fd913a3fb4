from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.prices import PICTURE_HOLD, Price, Size, hold_nano_usd, max_tokens_within
from bot.money import NanoUsd, nano_usd
from tests.ledger.support import PRICE

tokens = st.integers(0, 2_000_000)
per_token = st.integers(0, 10**6).map(NanoUsd)
prices = st.builds(Price, per_token, per_token, per_token, per_token)
sizes: st.SearchStrategy[Size] = st.sampled_from(("1K", "2K"))


def test_a_price_per_million_is_exact_per_token():
    price = Price.per_million(
        input=Decimal(8), cached_input=Decimal(2), output=Decimal(15), image_output=Decimal(30)
    )
    assert price == PRICE


def test_a_fraction_of_a_nano_dollar_is_rounded_up():
    price = Price.per_million(
        input=Decimal("0.0375"),
        cached_input=Decimal("0.000000001"),
        output=Decimal(0),
        image_output=Decimal("0.15"),
    )
    assert price == Price(NanoUsd(38), NanoUsd(1), NanoUsd(0), NanoUsd(150))


def test_the_hold_is_prompt_and_answer_and_a_sum_for_each_picture():
    assert hold_nano_usd(PRICE, 1_000, 16_000, 0, "1K") == nano_usd("0.248")
    assert hold_nano_usd(PRICE, 1_000, 16_000, 1, "1K") == nano_usd("0.498")
    assert hold_nano_usd(PRICE, 1_000, 16_000, 1, "2K") == nano_usd("0.698")
    assert hold_nano_usd(PRICE, 1_000, 16_000, 2, "2K") == nano_usd("1.148")
    assert {"1K": nano_usd("0.25"), "2K": nano_usd("0.45")} == PICTURE_HOLD


@given(prices, tokens, tokens, st.integers(0, 4), sizes, st.integers(0, 10**13).map(NanoUsd))
def test_as_many_tokens_as_fit_and_not_one_more(
    price: Price, prompt: int, most: int, pictures: int, size: Size, room: NanoUsd
):
    fitting = max_tokens_within(price, prompt, most, pictures, size, room)
    assert 0 <= fitting <= most
    if fitting:
        assert hold_nano_usd(price, prompt, fitting, pictures, size) <= room
    if fitting < most:
        assert hold_nano_usd(price, prompt, fitting + 1, pictures, size) > room
