"""Text for Discord, as text alone: the model's made safe, long text cut into messages, people's
words made plain or literal. Nothing here knows of a message, a channel or the library.

Lengths are code points, which is how Discord counts (its staff:
https://github.com/discord/discord-api-docs/issues/1315, 2020-01).
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise

MESSAGE_LETTERS_MAX = 2_000
MESSAGE_LETTERS_MIN = 64
"""Below this, the fences that are closed and opened again would leave no room for the text."""

NAME_LETTERS_MAX = 90
PLAIN_LETTERS_READ_MAX = 2_000
CLUSTER_LETTERS_MAX = 32

_LINE_BREAK = re.compile(r"\r\n?|\n")
_VISIBLE = re.compile(r"\S")

# What may stand before a block's own mark: quotes and list marks.
_MARKS = r"(?:\s|>|[-*+]\s|\d{1,9}[.)]\s)*"
_FENCE_OPENS = re.compile(rf"{_MARKS}(?P<marker>`{{3,16}}(?=[^`]*$)|~{{3,16}}(?!~))(?P<info>.*)")
_FENCE_CLOSES = re.compile(r"[\s>]*(?P<marker>`{3,16}|~{3,16})\s*")
_LANGUAGE = re.compile(r"\s*([\w+.#-]{1,20})(?:\s|$)", re.ASCII)

# What Discord is sure to take for a block of code: three ticks at the beginning of a line, some
# code, and the next three ticks alone on a line, or the end of the text, where a fence is closed.
# Source: `codeBlock` of its web client's markup rules, as projects that follow them publish it
# (2026-08).
_CODE = re.compile(
    r"^```(?!`)(?P<code>[^`\n]*\n(?P<body>(?:(?!```).)*))(?:^```[^\S\n]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SPANS = "`*_~|"
"""Each pairs with the next of its kind, over the ends of lines and blocks of code."""
_DOUBTFUL = ("```", "~~~", "[", "<", "\r")
"""What may make a block of code begin or end elsewhere for Discord than here."""

# Source: `MarkupSubtextRule` of the same (`^ *-# +`), here with all that may stand before it.
_SUBTEXT = re.compile(r"(?:\s|>|#{1,3}\s|[-*+]\s|\d{1,9}[.)]\s)*(?P<mark>-#)(?=\s)")

_COVER_OPENS = re.compile(r"\|\|(?=\S)")
_COVER_CLOSES = re.compile(r"(?<=\S)\|\|")

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = _LINE_BREAK
_SENTENCE = re.compile(r"[.!?…。！？][\"'”’)\]]{0,3}\s+|[。！？]")
_SPACE = re.compile(r"(?<=\S)[^\S\r\n]+")
_CUTS = (
    (_PARAGRAPH, False, 2),
    (_LINE, False, 2),
    (_LINE, True, 2),
    (_SENTENCE, False, 2),
    (_SPACE, False, 2),
    (_PARAGRAPH, False, 8),
    (_LINE, True, 8),
    (_SPACE, True, 8),
)
"""Where to cut, best first; whether inside a fence as well; and the share of the room, as one in so
many, that must be used.
"""

_REST_OF_LINE = re.compile(r"(?P<rest>[^\r\n]*)(?:\r\n?|\n|\Z)")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_BLOCK_MARK = re.compile(rf"(?:#{{1,3}}|>{{1,3}}|[-*+])\s|{_MARKS}(?:-#\s|~~~)")
_WHOLE = re.compile(
    r"(?<!`)(`{1,8})[^`\n]{1,500}\1(?!`)"  # code in a line
    r"|\[[^\]\n]{0,300}\]\([^)\n]{0,500}\)|<[^>\s]{1,300}>|https?://\S{1,500}"
)
_TABLE = re.compile(r"(?:^[^\S\n]*\|[^\n]*(?:\n|\Z)){2,200}", re.MULTILINE)
"""Lines that begin with a bar."""


def safe(text: str) -> str:
    """The model's text with every line that Discord would show as small text escaped, outside
    blocks of code; all else stays. Where it is in doubt what Discord takes for code, also inside:
    a fence behind quotes or list marks ends with its quote or list, whatever else follows.
    """
    blocks = list(_CODE.finditer(text))
    if _is_in_doubt(text, blocks):
        return _escape_subtexts(text)
    safe_text, end = "", 0
    for block in blocks:
        safe_text += _escape_subtexts(text[end : block.start()]) + block[0]
        end = block.end()
    return safe_text + _escape_subtexts(text[end:])


def _is_in_doubt(text: str, blocks: Sequence[re.Match[str]]) -> bool:
    around = _CODE.sub("", text)
    code = "".join(block["code"] for block in blocks)
    return (
        any(not block["body"].strip() for block in blocks)  # Discord reads on for some code
        or any(mark in around for mark in _DOUBTFUL)
        or any(mark in around and mark in code for mark in _SPANS)
    )


def _escape_subtexts(text: str) -> str:
    lines, breaks = _LINE_BREAK.split(text), [*_LINE_BREAK.findall(text), ""]
    return "".join(chain.from_iterable(zip(map(_escape_subtext, lines), breaks, strict=True)))


def _escape_subtext(line: str) -> str:
    subtext = _SUBTEXT.match(line)
    return f"{line[: subtext.start('mark')]}\\{line[subtext.start('mark') :]}" if subtext else line


@dataclass(frozen=True, slots=True)
class _Fence:
    marker: str
    language: str


def _after_line(fence: _Fence | None, line: str) -> _Fence | None:
    """The fence that is open after a line, given the one before it."""
    if fence is None:
        opens = _FENCE_OPENS.fullmatch(line)
        if opens is None:
            return None
        language = _LANGUAGE.match(opens["info"])
        return _Fence(opens["marker"], language[1] if language else "")
    closes = _FENCE_CLOSES.fullmatch(line)
    return None if closes and closes["marker"].startswith(fence.marker) else fence


def _open_fence(text: str) -> _Fence | None:
    """The fence that is open at the end of a text."""
    fence: _Fence | None = None
    return reduce(_after_line, _LINE_BREAK.split(text), fence)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a text. The bodies of all parts, each with its `end`, are the text; `before`
    opens a fence again, or keeps a line's rest from being read as a block; `after` closes the
    fence; `end` is the line that closes it in the text, where only that was left of it: in the next
    message it would close a fence without code, which for Discord is none.
    """

    before: str
    body: str
    after: str
    end: str = ""

    @property
    def text(self) -> str:
        """The message, without the space around it, which Discord would take away."""
        return f"{self.before}{self.body.rstrip()}{self.after}".strip()


def split(text: str, limit: int = MESSAGE_LETTERS_MAX) -> list[str]:
    """The text as messages of at most `limit` code points, none blank; of a blank text, none."""
    return [part.text for part in parts(text, limit)]


def parts(text: str, limit: int = MESSAGE_LETTERS_MAX) -> Iterator[Part]:
    """Cuts a text at paragraphs, else lines, else sentences or spaces, else anywhere.

    A fence is a line that begins, behind quotes and list marks, with three to sixteen ticks or
    tildes. Fences are balanced in every part; one left open at the end is closed.
    """
    assert limit >= MESSAGE_LETTERS_MIN
    start, before, stop = 0, "", len(text.rstrip())
    while start < stop:
        end = _cut(text, start, stop, before, limit)
        part = _part(before, text[start:end])
        fence = _open_fence(before + part.body)
        next_start = _past_gap(text, end, fence, limit)
        at_line_start = _LINE_BREAK.search(text, start + len(part.body.rstrip()), next_start)
        body, start = text[start:next_start], next_start
        if fence and at_line_start:
            line = _REST_OF_LINE.match(text, start)
            if line and _after_line(fence, line["rest"]) is None:
                fence, start = None, _first_visible(text, line.end())
        before = f"{fence.marker}{fence.language}\n" if fence else ""
        if not at_line_start and _BLOCK_MARK.match(text, start):
            before += "\\"
        yield Part(part.before, body, part.after, text[next_start:start])


def _part(before: str, body: str) -> Part:
    fence = _open_fence(before + body.rstrip())
    return Part(before, body, f"\n{fence.marker}" if fence else "")


def _cut(text: str, start: int, stop: int, before: str, limit: int) -> int:
    """Where the part that begins at `start` ends at best."""
    visible = _first_visible(text, start)
    base = start if before else visible  # space at the start of a message counts for nothing
    room = limit - len(before)
    if stop - base <= room and len(_part(before, text[start:stop]).text) <= limit:
        return stop
    high = min(stop, base + room + 2)  # a break of two letters may stand beyond the limit
    ahead = _Ahead(text, start, before, high)
    whole = _whole(text, start, min(stop, high + limit), limit)
    firsts = [first for first, _ in whole]
    for pattern, in_fence, share in _CUTS:
        low = max(visible + 1, base + room // share)
        for end in reversed([found.end() for found in pattern.finditer(text, low, high)]):
            inside = bisect_left(firsts, end) - 1
            if inside >= 0 and end < whole[inside][1]:
                continue
            part = ahead.part(end)
            if len(part.text) <= limit and (not part.after or (in_fence and not ahead.bare(end))):
                return end
    end = _cut_anywhere(ahead, min(stop, base + room), limit, whole)
    if ahead.part(end).after:  # through a line of code, which may fit into the next message
        for line_end in reversed([found.end() for found in _LINE.finditer(text, visible + 1, end)]):
            if not ahead.bare(line_end) and len(ahead.part(line_end).text) <= limit:
                return line_end
    return end


def _whole(text: str, start: int, stop: int, limit: int) -> list[tuple[int, int]]:
    """What is better left whole, from where to where, in order and apart from each other: links,
    code in a line, and tables that fit into a message of their own.
    """
    found = [each.span() for each in _WHOLE.finditer(text, start, stop)]
    tables = [each.span() for each in _TABLE.finditer(text, start, stop)]
    found += [(first, last) for first, last in tables if last - first <= limit * 7 // 8]
    apart: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if apart and first < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(last, apart[-1][1]))
        else:
            apart.append((first, last))
    return apart


class _Ahead:
    """The parts that may begin at `start`, by where they end, up to `high`. The lines are read
    once for all of them: a text may be nothing but places to cut.
    """

    def __init__(self, text: str, start: int, before: str, high: int) -> None:
        self.text, self.start, self._before = text, start, before
        self._all = before + text[start:high]
        breaks = [found.end() for found in _LINE_BREAK.finditer(self._all)]
        self._line_starts = [0, *breaks]
        self._fences: list[_Fence | None] = [None]  # before each line
        for first, last in pairwise(self._line_starts):
            line = _LINE_BREAK.sub("", self._all[first:last])
            self._fences.append(_after_line(self._fences[-1], line))

    def part(self, end: int) -> Part:
        fence, line = self._last_line(end)
        fence = _after_line(fence, line)
        after = f"\n{fence.marker}" if fence else ""
        return Part(self._before, self.text[self.start : end], after)

    def bare(self, end: int) -> bool:
        """Whether a fence would be opened at the end and closed with nothing in it."""
        fence, line = self._last_line(end)
        return fence is None and bool(_FENCE_OPENS.fullmatch(line))

    def _last_line(self, end: int) -> tuple["_Fence | None", str]:
        """The fence open before the last visible line, and that line."""
        body = self.text[self.start : end].rstrip()
        length = len(self._before) + len(body)
        index = bisect_right(self._line_starts, length) - 1
        first = self._line_starts[index]
        return self._fences[index], self._all[first:length]


def _cut_anywhere(ahead: _Ahead, end: int, limit: int, whole: Sequence[tuple[int, int]]) -> int:
    """As far on as fits; short of what is better left whole, or of a letter's own marks."""
    text = ahead.text
    lowest = _first_visible(text, ahead.start) + 1
    near = max(lowest, end - limit // 2)
    end = next((first for first, last in whole if near <= first < end < last), end)
    for nearer in range(end, max(lowest, end - CLUSTER_LETTERS_MAX), -1):
        if not _is_joined(text, nearer) and len(ahead.part(nearer).text) <= limit:
            return nearer
    while end > lowest and len(ahead.part(end).text) > limit:
        end -= 1
    return end


def _past_gap(text: str, end: int, fence: _Fence | None, limit: int) -> int:
    """Where the next part begins: space between two messages shows in neither, only a line in a
    fence keeps its indentation, within reason.
    """
    visible = _first_visible(text, end)
    if fence is None or visible == len(text):
        return visible
    blank = _BLANK_LINES.match(text, end)
    line_start = blank.end() if blank else end
    return line_start if visible - line_start <= limit // 8 else visible


def _first_visible(text: str, start: int) -> int:
    found = _VISIBLE.search(text, start)
    return found.start() if found else len(text)


def _is_joined(text: str, at: int) -> bool:
    """Whether a cut here would part a letter from its marks or an emoji from its other half."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    return (
        "\u200d" in {left, right}
        or unicodedata.category(right).startswith("M")
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= right <= "\U000e007f"  # tags, as in the flag of Scotland
    )


# Controls, lone surrogates and letters that turn or hide the text around them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ud800-\udfff]"
)
_PLAIN_RULES = (
    (_INVISIBLE, ""),
    (re.compile(r"(?<!`)`{3,}+[\w+.#-]*[^\S\n]*\n"), " "),  # a fence's first line
    (re.compile(r"\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)"), r"\1"),  # the words of a link
    (re.compile(r"^[^\S\n]*(?:(?:>{1,3}|#{1,3}|-#|[-*+])[^\S\n]+)+", re.MULTILINE), ""),
    (re.compile(r"(?<!\\)(?:~~|\|\||`+)"), ""),
    (re.compile(r"(?<![\w*\\])[*_]+(?=\S)|(?<=[^\s*_\\])[*_]++(?![\w*])"), ""),
    (re.compile(r"\\([^\w\s])"), r"\1"),
    (re.compile(r"<(https?://[^\s>]+)>"), r"\1"),
    (re.compile(r"<(?:@[!&]?|#)\d+>|@(?:everyone|here)\b"), " "),
    (re.compile(r"<a?:\w+:\d+>|<t:-?\d+(?::\w)?>|</[^<>:\n]{1,100}:\d+>|<id:\w+>"), " "),
    (re.compile(r"\s+"), " "),
)


def plain(text: str, letters_max: int = NAME_LETTERS_MAX) -> str:
    """The text's beginning as one line for a name: no mentions, no markup, cut at a word with an
    ellipsis. Empty if no letter, digit or symbol is left.
    """
    text = text[:PLAIN_LETTERS_READ_MAX]
    for pattern, replacement in _PLAIN_RULES:
        text = pattern.sub(replacement, text)
    text = text.strip()
    if not any(unicodedata.category(letter)[0] in "LNS" for letter in text):
        return ""
    if len(text) <= letters_max:
        return text
    end = text.rfind(" ", letters_max // 2, letters_max)
    if end < 0:
        end = letters_max - 1
        while end > letters_max // 2 and _is_joined(text, end):
            end -= 1
    return f"{text[:end].rstrip(' ,;:.–-')}…"


_ADDRESS = re.compile(r"(https?://[\w./?=&%+#:@!,;$'-]+)")
_ESCAPES = (
    (re.compile(r"[\\`*_~|\[\]<]"), r"\\\g<0>"),
    (re.compile(r"^([^\S\n]*)([-+#>])", re.MULTILINE), r"\1\\\2"),
    (re.compile(r"^([^\S\n]*\d{1,9})(?=[.)])", re.MULTILINE), r"\1\\"),
)


def escape(text: str) -> str:
    """A person's words to be shown as they are written: no markup, no links behind words, and
    mentions that mention nobody. Addresses stay. It grows to at most twice its length.
    """
    pieces = _ADDRESS.split(text)
    for index in range(0, len(pieces), 2):
        for pattern, replacement in _ESCAPES:
            pieces[index] = pattern.sub(replacement, pieces[index])
    return re.sub(r"@(?=everyone|here)", "@\u200b", "".join(pieces))


def is_covered(text: str) -> bool:
    """Whether anything in it is marked as a spoiler: `||so||`."""
    return next(_covers(text), None) is not None


def uncovered(text: str) -> str:
    """The text without these marks."""
    shown, end = "", 0
    for opens, closes in _covers(text):
        shown += text[end : opens.start()] + text[opens.end() : closes.start()]
        end = closes.end()
    return (shown + text[end:]).strip()


def _covers(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """The marks before and after each spoiler. Two searches and not one pattern: where one mark
    finds no other, no later one does, and a pattern would look to the end for each of them.
    """
    end = 0
    while opens := _COVER_OPENS.search(text, end):
        closes = _COVER_CLOSES.search(text, opens.end() + 1)
        if closes is None:
            return
        yield opens, closes
        end = closes.end()
