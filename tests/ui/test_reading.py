"""What counts as words."""

import pytest

from bot.ui.reading import visible


@pytest.mark.parametrize(
    "text", ["\u200b", "\ufeff \u2060", "\u3164\u2800", "\ufe0f\u200d", "\x07"]
)
def test_what_shows_nothing_says_nothing(text: str):
    assert visible(text) == ""


@pytest.mark.parametrize("text", ["a\u200bfox", "\U0001f468\u200d\U0001f3a8", ".", "\u0905\u0902"])
def test_what_shows_anything_stays_as_it_is(text: str):
    assert visible(text) == text
