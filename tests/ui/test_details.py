"""Quotes in *Details*: what is too long is cut, and only what may be shown is looked at."""

import pytest

from bot.ledger.book import Charge
from bot.money import ZERO
from bot.store.exchanges import Exchange
from bot.store.lineage import Made
from bot.ui import markdown
from bot.ui.details import QUOTE_LETTERS_MAX, details


def told(prompt: str) -> str:
    exchange = Exchange(1, 1, "imagine", 7, 8, 9, prompt, 1_000, 8)
    charge = Charge(ZERO, estimated=False, open=False)
    return details(Made(exchange, [], [], []), charge, own=True).text


def test_of_a_long_text_no_more_is_escaped_than_may_be_shown(monkeypatch: pytest.MonkeyPatch):
    lengths: list[int] = []
    escape = markdown.escape

    def noted(text: str) -> str:
        lengths.append(len(text))
        return escape(text)

    monkeypatch.setattr(markdown, "escape", noted)
    assert "…" in told("fox " * 10_000)
    assert max(lengths) <= QUOTE_LETTERS_MAX + 1


@pytest.mark.parametrize("more", [0, 1])
def test_a_text_is_cut_from_one_letter_too_many_on(more: int):
    prompt = "a" * (QUOTE_LETTERS_MAX - len("> ") + more)
    assert ("…" in told(prompt)) == bool(more)
    assert (f"> {prompt}\n" in told(prompt)) != bool(more)


@pytest.mark.parametrize("blank", ["\n", " ", "\x0b"])
def test_what_begins_with_much_of_nothing_is_cut_all_the_same(blank: str):
    assert "…" in told(blank * (QUOTE_LETTERS_MAX + 1) + "fox")
