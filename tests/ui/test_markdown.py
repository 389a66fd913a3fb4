import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.ui import markdown
from bot.ui.markdown import escape, parts, plain, safe, split
from tests.ui.markup import small_lines

PIECES = (
    "-# ", "-#", "```", "````", "~~~", "```py\n", "`", "\\", "\n", "\n\n", "\r\n", " ", "    ",
    "> ", "- ", "1. ", "# ", "**", "||", "[", "word ", "Sentence. ", "x",
    "[a](https://example.com/a_b) ",
    "https://example.com/long/path ", "é", "e\u0301", "👩\u200d🎨", "中文。", "x" * 70, " " * 70,
)  # fmt: skip
MARKUP = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
ANYTHING = MARKUP | st.text(max_size=400)
LIMITS = st.integers(markdown.MESSAGE_LETTERS_MIN, 200)


def test_the_reading_of_small_lines_is_discords():
    assert small_lines("a\n-# b\n> -# c\n  -# d\n- -# e") == ["-# b", "-# c", "  -# d", "-# e"]
    assert small_lines("```\n-# a\n```\n`\n-# b`\n\\-# c\n-#d\n-#") == []
    assert small_lines("> ```\n-# a\n> ```") == small_lines("- ```\n-# a\n```") == ["-# a"]
    assert small_lines("||a\n```\nb||\n-# c\n```") == ["-# c"]


# --- safe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-# small", r"\-# small"),
        ("a\n  -# small", "a\n  \\-# small"),
        ("> -# small", r"> \-# small"),
        (">>> -# small", r">>> \-# small"),
        ("- -# small", r"- \-# small"),
        ("1. -# small", r"1. \-# small"),
        ("# -# small", r"# \-# small"),
        ("-# -# small", r"\-# -# small"),
        ("a\r\n-# b\r-# c", "a\r\n\\-# b\r\\-# c"),
    ],
)
def test_small_lines_of_the_model_are_escaped(text: str, expected: str):
    assert safe(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "# Heading\n\n- a\n  - b\n\n1. c\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---",
        "word -# word",
        "-#tag\n-#\n- # heading in a list",
        "```\n-# comment\n```",
        "```sh\n-# comment\n\n-# more\n```\nafter",
        "**Here** it is, `see`:\n```diff\n-# comment\n+ more\n```\n- so",
        "```\n-# the fence is still open",
        r"already \-# escaped",
    ],
)
def test_all_else_stays_as_it_is(text: str):
    assert safe(text) == text


def test_a_line_after_a_fence_is_escaped_again():
    assert safe("```\n-# a\n```\n-# b") == "```\n-# a\n```\n\\-# b"


def test_a_fence_that_discord_does_not_know_protects_nothing():
    assert safe("~~~\n-# a\n~~~") == "~~~\n\\-# a\n~~~"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> ```\n-# a", "> ```\n\\-# a"),
        ("- ```\n-# a\n  ```", "- ```\n\\-# a\n  ```"),
        ("1. ```\n-# a\n```", "1. ```\n\\-# a\n```"),
        ("- a\n  ```\n-# b\n  ```", "- a\n  ```\n\\-# b\n  ```"),
        ("> ```\n> -# a\n> ```", "> ```\n> \\-# a\n> ```"),
    ],
)
def test_a_fence_in_a_quote_or_a_list_protects_nothing(text: str, expected: str):
    assert safe(text) == expected


IN_DOUBT = (
    "a ``` b\n", "x ```y\n```\n", "~~~\n```\n~~~\n", "a ```\n```\n", "``````\n", "````md\n",
    "```\n```\nz\n```\n", "```py\n```\nz\n```\n", "```\n\n```\nz\n```\n",
    "`a\n```\nb`\n", "||a\n```\nb||\n", "**a\n```\nb**\n", "[a\n```\nb](https://example.com)\n",
    "<http://a\n```\nb>\n",
)  # fmt: skip


@pytest.mark.parametrize("text", IN_DOUBT)
def test_where_fences_are_in_doubt_every_small_line_is_escaped(text: str):
    assert safe(f"{text}-# c\n```\ny") == f"{text}\\-# c\n```\ny"


@given(ANYTHING)
def test_nothing_but_backslashes_is_added(text: str):
    assert safe(text).replace("\\", "") == text.replace("\\", "")


@given(MARKUP, LIMITS)
def test_no_message_of_the_models_text_has_a_small_line(text: str, limit: int):
    for message in split(safe(text), limit):
        assert small_lines(message) == []


# --- split ---------------------------------------------------------------------------------------


def is_balanced(message: str) -> bool:
    """Every line that opens a fence has one that closes it."""
    marker = ""
    for line in re.split(r"\r\n?|\n", message):
        bare = line.lstrip("> \t").rstrip()
        if marker:
            if bare == marker[0] * len(bare) and len(marker) <= len(bare) <= 16:
                marker = ""
        elif found := re.match(
            r"(?:(?:[-*+]|\d+\.) |[\s>])*(?:(`{3,16})(?!`)[^`]*$|(~{3,16})(?!~))", line
        ):
            marker = found[1] or found[2]
    return not marker


@given(ANYTHING, LIMITS)
@example("```" + "x" * 61, 64)
@example("x" * 61 + "```" + "\u0301" * 5, 64)
@example("~" * 16 + "abcdefghijklmnopqrst\n" + "        x\n" * 30, 64)
@example(" " * 500 + "a" + " " * 500, 64)
@example("```\n" + " " * 500 + "a" + "\n" * 500 + "b", 64)
def test_parts_join_back_and_every_message_is_legal(text: str, limit: int):
    found = list(parts(text, limit))
    if text.strip():
        assert "".join(part.body + part.end for part in found) == text
    else:
        assert found == []
    for part in found:
        assert part.text == part.text.strip()
        assert 0 < len(part.text) <= limit
        assert is_balanced(part.text)
    assert split(text, limit) == [part.text for part in found]


@given(ANYTHING, LIMITS)
def test_no_letter_is_lost_or_made_up(text: str, limit: int):
    for part in parts(text, limit):
        inside = part.text.removeprefix(part.before.strip()).removesuffix(part.after)
        assert inside.split() == part.body.split()
        assert re.fullmatch(r"(?:(?:`{3,}|~{3,})[\w+.#-]*\n)?\\?", part.before)
        assert re.fullmatch(r"(?:\n(?:`{3,}|~{3,}))?", part.after)


WORDS = st.lists(st.sampled_from(["a", "word", "words,", "Sentence."]), min_size=1, max_size=30)
PARAGRAPHS = WORDS.map(" ".join)
CODE_LINES = st.integers(1, 60).map(lambda width: "    code" + "+" * width)
FENCES = st.lists(CODE_LINES, min_size=1, max_size=12).map(
    lambda lines: "```python\n" + "\n".join(lines) + "\n```"
)


@given(st.lists(PARAGRAPHS | FENCES, min_size=1, max_size=6).map("\n\n".join), st.integers(90, 300))
def test_code_stays_code_and_words_stay_words(text: str, limit: int):
    for message in split(text, limit):
        for fence in re.findall(r"```python\n(.*?)\n```(?:\n|$)", message, re.DOTALL):
            assert all(re.fullmatch(r"    code\++", line) for line in fence.split("\n"))
        words = re.sub(r"```python\n.*?\n```(?:\n|$)", "", message, flags=re.DOTALL)
        assert "code" not in words
        assert "`" not in words


def test_a_short_text_is_one_message():
    assert split("  Hello.\n\nHow are you?\n") == ["Hello.\n\nHow are you?"]
    assert split(" \n ") == []
    assert split("x" * 2_000 + "\n") == ["x" * 2_000]


def test_length_is_counted_in_code_points():
    assert [len(message) for message in split("😀" * 2_001)] == [2_000, 1]


def test_a_text_is_cut_at_a_paragraph_rather_than_a_line_rather_than_a_sentence():
    assert split("a" * 40 + "\n\n" + "b" * 20 + "\n" + "c. d e", 64)[0] == "a" * 40
    assert split("a" * 40 + "\n" + "b. c" * 20, 64)[0] == "a" * 40
    assert split("a" * 40 + ". " + "b " * 20, 64)[0] == "a" * 40 + "."
    assert split("a" * 40 + " " + "b" * 40, 64) == ["a" * 40, "b" * 40]
    assert split("a" * 70, 64) == ["a" * 64, "a" * 6]


def test_a_cut_that_would_leave_a_message_nearly_empty_is_not_taken():
    assert split("a\n\n" + "b" * 100, 64)[0] == "a\n\n" + "b" * 61

    assert split("a" * 20 + "\n" + "word " * 20, 64)[0] == "a" * 20 + "\n" + "word " * 7 + "word"
    assert "code" in split("a" * 15 + "\n\n```\n" + "code\n" * 30 + "```", 64)[0]


def test_a_break_just_behind_the_limit_is_used():
    assert split("a" * 64 + "\n\n" + "b" * 64, 64) == ["a" * 64, "b" * 64]


def test_a_fence_is_closed_and_opened_again_with_its_language():
    lines = [f"line {number}" for number in range(20)]
    messages = split("Look:\n\n```python\n" + "\n".join(lines) + "\n```\nDone.", 80)
    assert len(messages) > 2
    assert messages[0].startswith("Look:\n\n```python\nline 0\n")
    for message in messages[1:-1]:
        assert message.startswith("```python\nline ")
    for message in messages[:-1]:
        assert message.endswith("\n```")
    assert messages[-1].endswith("```\nDone.")
    assert re.findall(r"line \d+", "".join(messages)) == lines


@pytest.mark.parametrize("marker", ["```", "````", "~~~", "~~~~~"])
def test_a_fence_of_any_kind_is_opened_again_as_it_was(marker: str):
    messages = split(f"{marker}md title\n" + "```x\ny\n" * 40 + f"{marker}", 100)
    assert len(messages) > 1
    assert all(message.startswith(f"{marker}md") for message in messages)
    assert all(message.endswith(f"\n{marker}") for message in messages)


def test_indentation_in_a_fence_is_kept():
    code = "\n".join(f"    indented {number}" for number in range(10))
    messages = split(f"```\n{code}\n```", 64)
    for message in messages:
        assert all(line.startswith(("```", "    indented")) for line in message.split("\n"))


def test_endless_indentation_is_not_kept():
    assert split("```\nx\n" + " " * 500 + "a\n```", 64) == ["```\nx\n```", "```\na\n```"]


def test_a_fence_is_moved_whole_if_it_can_be():
    text = "a" * 50 + "\n```py\nprint(1)\n```"
    assert split(text, 64) == ["a" * 50, "```py\nprint(1)\n```"]


def test_no_fence_is_opened_to_be_closed_at_once():
    assert "x" in split("```py with more about this code\n" + "x" * 100 + "\n```", 64)[0]


@pytest.mark.parametrize("gap", ["\n", "\n\n\n\n"])
@pytest.mark.parametrize("letters", range(48, 62))
def test_no_message_begins_with_the_end_of_a_fence(letters: int, gap: str):
    text = f"```\n{'a' * letters}{gap}```\nz\n```\n-# b\n```\ny"
    for message in split(safe(text), 64):
        assert not message.startswith("```\n```")
        assert small_lines(message) == []


def test_a_fence_left_open_is_closed():
    assert split("```py\nprint(1)") == ["```py\nprint(1)\n```"]


def test_addresses_links_and_code_are_left_whole_if_a_cut_is_near():
    for whole in (
        "https://example.com/" + "a" * 30,
        "[a link with words](https://example.com/a)",
        "`some code with spaces in its line`",
        "<https://example.com/aaaaaaaaaaaaaaa>",
    ):
        messages = split(f"{'word ' * 8}{whole} and more", 64)
        assert any(whole in message for message in messages)


def test_code_between_letters_without_spaces_is_left_whole():
    messages = split("字" * 50 + "`code code code`" + "字" * 20, 64)
    assert messages[0] == "字" * 50


def test_the_rest_of_a_line_does_not_become_a_block():
    assert split("a" * 62 + " -# b -# c", 64) == ["a" * 62, r"\-# b -# c"]
    assert split("a" * 63 + " # " + "b" * 60, 64) == ["a" * 63, r"\# " + "b" * 60]
    assert split("a" * 63 + "\n# " + "b" * 60, 64) == ["a" * 63, "# " + "b" * 60]


def test_what_discord_takes_for_no_fence_gets_no_small_line_by_a_cut():
    messages = split("~~~\n" + "a" * 55 + " -# b" * 20 + "\n~~~", 64)
    assert len(messages) > 2
    assert all(small_lines(message) == [] for message in messages)


def test_a_small_line_of_ones_own_stays_small():
    assert split("a" * 60 + "\n-# $0.2123 · 94 s", 64) == ["a" * 60, "-# $0.2123 · 94 s"]


@pytest.mark.parametrize("cluster", ["e\u0301\u0302", "👩\u200d🎨", "👍\U0001f3fd", "❤\ufe0f"])
def test_a_letter_keeps_its_marks(cluster: str):
    for message in split(cluster * 100, 64):
        assert message == cluster * (len(message) // len(cluster))


def test_a_letter_with_endless_marks_is_cut_all_the_same():
    assert all(len(message) <= 64 for message in split("e" + "\u0301" * 500, 64))


# --- plain ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A fox\nin the  snow", "A fox in the snow"),
        ("<@123> <@!4> <@&5> <#6> paint a fox", "paint a fox"),
        ("@everyone @here look", "look"),
        ("mail me@herewego.example", "mail me@herewego.example"),
        ("<:fox:123> <a:fox:1> </imagine:5> <t:1700000000:R> fox", "fox"),
        ("**bold** _leaning_ ~~gone~~ ||secret||", "bold leaning gone secret"),
        ("`code` __line__", "code line"),
        ("snake_case 2 * 3 and 2*3", "snake_case 2 * 3 and 2*3"),
        ("# Heading\n> quote\n- item\n-# small", "Heading quote item small"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("see [the docs](https://example.com/a) <https://example.com>", "see the docs https://example.com"),
        (r"\*not bold\*", "*not bold*"),
        ("a\u202eb\u200bc\x00\ud800d", "abcd"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("<@\u200b1> fox", "fox"),
    ],
)  # fmt: skip
def test_a_name_has_neither_mentions_nor_markup(text: str, expected: str):
    assert plain(text) == expected


@pytest.mark.parametrize("text", ["", " \n", "<@123>", "**", "```\n```", "\u200b", "-# ", "?!"])
def test_a_name_of_nothing_is_empty(text: str):
    assert plain(text) == ""


def test_a_long_name_is_cut_at_a_word():
    name = plain("word " * 40)
    assert name == "word " * 16 + "word word…"
    assert plain("a" * 90) == "a" * 90
    assert plain("a" * 91) == "a" * 89 + "…"


@given(ANYTHING | st.text(st.sampled_from("<@#&!:1a_*`~|[]()\\> \n-"), max_size=60))
def test_a_name_is_short_one_line_and_mentions_nobody(text: str):
    name = plain(text)
    assert len(name) <= 90
    assert name == " ".join(name.split())
    assert not re.search(r"<(@[!&]?|#)\d+>", name)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name)


# --- escape --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox, 50 % (red) - really!", "a fox, 50 % (red) - really!"),
        ("**b** _i_ `c` ~~s~~ ||h||", r"\*\*b\*\* \_i\_ \`c\` \~\~s\~\~ \|\|h\|\|"),
        ("[a](https://example.com/x_y)", r"\[a\](https://example.com/x_y)"),
        ("<@1> <:a:2>", r"\<@1> \<:a:2>"),
        ("@everyone", "@\u200beveryone"),
        ("# h\n> q\n- l\n  -# s\n1. n", "\\# h\n\\> q\n\\- l\n  \\-# s\n1\\. n"),
        (r"\*", r"\\\*"),
    ],
)
def test_peoples_words_are_shown_as_they_are(text: str, expected: str):
    assert escape(text) == expected


@given(ANYTHING | st.text(st.sampled_from("@everyonehttps://.<>*_`\\[]()-# \n"), max_size=60))
def test_escaping_is_undone_by_showing_it_and_bounded(text: str):
    escaped = escape(text)
    shown = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", escaped).replace("@\u200b", "@")
    assert shown == text.replace("@\u200b", "@") or "http" in text or "\\" in text
    assert len(escaped) <= 2 * len(text)
    assert not re.search(r"@(everyone|here)", escaped)


@pytest.mark.parametrize(
    "letter", [*"`*_~|[<>(#-\\\n ", "[a](", "- ", "1. ", "> ", "`a", "``` ", "@here "]
)
def test_no_text_takes_long(letter: str):
    text = letter * 8_000
    for work in (safe, split, plain, escape):
        work(text)


TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {n} | [two](https://x.y/{n}) |\n" for n in range(20))


@pytest.mark.parametrize("before", range(0, 2_000, 130))
def test_a_table_that_fits_into_a_message_is_not_parted(before: int):
    text = ("word " * (before // 5)).strip() + "\n\n" + TABLE + "\nAnd more. " + "word " * 300
    assert any(TABLE.strip() in message for message in split(text))


def test_a_table_longer_than_a_message_is_parted_between_its_rows():
    rows = [f"| {n} | {'x' * 50} |" for n in range(100)]
    messages = split("\n".join(rows))
    assert "\n".join(messages).split("\n") == rows
