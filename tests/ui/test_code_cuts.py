"""Code that does not fit into one message: cut between its lines, and left as it is."""

import pytest

from bot.ui.markdown import split


@pytest.mark.parametrize("width", [58, 59, 66])
def test_a_line_is_not_cut_where_it_fits_into_the_next_message(width: int):
    fence = "```python\n    code" + "+" * width + "\n```"
    assert split(f"Sentence.\n\n{fence}", 90) == ["Sentence.", fence]


def test_a_line_that_fits_nowhere_is_cut():
    messages = split("```\n" + "x" * 200 + "\n```", 90)
    assert messages == ["```\n" + "x" * length + "\n```" for length in (82, 82, 36)]
