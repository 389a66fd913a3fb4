"""How many tokens a prompt is thought to have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import tokens
from bot.conversation.tokens import HIDDEN_TOKENS, RATE_MAX, RATE_MIN
from bot.openrouter.client import Message, TextPart
from bot.store.context import Count

messages = st.lists(
    st.text(max_size=300).map(lambda text: Message("user", (TextPart(text),))), max_size=8
)


@given(messages, st.booleans())
def test_an_estimate_is_below_the_bound(said: list[Message], may_paint: bool):
    assert tokens.estimate(said, may_paint=may_paint) < tokens.prompt_tokens_max(said)


@pytest.mark.parametrize("may_paint", [True, False])
def test_the_rate_is_what_was_counted_for_what_was_estimated(may_paint: bool):
    hidden = HIDDEN_TOKENS if may_paint else 0
    assert tokens.rate(Count(hidden + 10_000, hidden + 12_500, may_paint)) == 1.25


def test_nothing_is_learnt_from_nothing_or_from_little():
    assert tokens.rate(None) == 1
    assert tokens.rate(Count(HIDDEN_TOKENS + 100, HIDDEN_TOKENS + 400, may_paint=True)) == 1


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.booleans())
def test_no_report_however_odd_leads_beyond_its_bounds(
    estimated: int, reported: int, may_paint: bool
):
    assert RATE_MIN <= tokens.rate(Count(estimated, reported, may_paint)) <= RATE_MAX


def test_the_rate_that_was_learnt_corrects_the_next_estimate():
    said = [Message("user", (TextPart("word " * 2_000),))]
    estimated = tokens.estimate(said, may_paint=True)
    rate = tokens.rate(Count(estimated, 5_000, may_paint=True))
    assert abs(tokens.corrected(said, rate, may_paint=True) - 5_000) <= 1
