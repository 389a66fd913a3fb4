"""Foreign JSON becomes types, whatever it is."""

from decimal import Decimal
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from bot.money import NanoUsd
from bot.openrouter.facts import (
    Generation,
    KeyFacts,
    chunk_of,
    error_of,
    generation_of,
    key_of,
    usage_of,
)

names = st.sampled_from(
    [
        "error",
        "choices",
        "delta",
        "message",
        "images",
        "image_url",
        "url",
        "content",
        "refusal",
        "finish_reason",
        "usage",
        "cost",
        "prompt_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "data",
        "total_cost",
        "limit_remaining",
    ]
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(), st.floats(), st.text(max_size=5)
)


def holding(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)


anything = st.recursive(cast("st.SearchStrategy[object]", leaves), holding, max_leaves=12)


@given(anything)
def test_nothing_that_is_json_is_too_odd(value: object) -> None:
    chunk = chunk_of(value)
    for usage in (chunk.usage, usage_of(value)):
        if usage is not None:
            cost = usage.cost_nano_usd
            assert cost is None or 0 <= cost <= 10**13
            assert usage.prompt_tokens >= 0
    error_of(value)
    generation_of(value)
    key_of(value)


def test_a_generation_has_the_billed_tokens() -> None:
    data = {
        "total_cost": Decimal("0.2122"),
        "tokens_prompt": 30,
        "native_tokens_prompt": 1894,
        "native_tokens_cached": 128,
        "native_tokens_completion": 7090,
        "native_tokens_completion_images": 7024,
    }
    expected = Generation(NanoUsd(212_200_000), 1894, 128, 7090, 7024)
    assert generation_of({"data": data}) == expected
    assert generation_of({"data": {"total_cost": 0}}) == Generation(NanoUsd(0))
    assert generation_of({"data": {"total_cost": None}}) is None
    assert generation_of({"data": None}) is None


def test_a_key_without_a_limit_has_none() -> None:
    facts = {"usage": Decimal("1.5"), "limit": None, "limit_remaining": None}
    assert key_of({"data": facts}) == KeyFacts(NanoUsd(1_500_000_000), None)
    owing = {"usage": 2, "limit_remaining": Decimal("-0.5")}
    assert key_of({"data": owing}) == KeyFacts(NanoUsd(2_000_000_000), NanoUsd(-500_000_000))
    assert key_of({"error": {"code": 401}}) is None
