import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui.markdown import is_covered, uncovered

SPOILER = re.compile(r"\|\|(?=\S)(?P<inside>.+?)(?<=\S)\|\|", re.DOTALL)
"""What is a spoiler, as one pattern, which takes long where there are many marks."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("||a fox||", "a fox"),
        ("a ||red|| fox ||in\nsnow||", "a red fox in\nsnow"),
        ("|||a||", "|a"),
        ("|| a ||", "|| a ||"),
        ("||a", "||a"),
        ("||||", "||||"),
    ],
)
def test_the_marks_of_spoilers_are_taken_away_in_pairs(text: str, expected: str):
    assert uncovered(text) == expected
    assert is_covered(text) is (text != expected)


@given(st.text(st.sampled_from("|| a\n"), max_size=40))
def test_what_is_a_spoiler_is_what_the_pattern_says(text: str):
    assert is_covered(text) is (SPOILER.search(text) is not None)
    assert uncovered(text) == SPOILER.sub(r"\g<inside>", text).strip()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ["||a ", "||a\n", "||a|| ", "|"])
def test_no_number_of_marks_takes_long(unit: str):
    text = unit * 50_000
    assert is_covered(text) is (unit in {"||a|| ", "|"})
    uncovered(text)
