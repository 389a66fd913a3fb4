"""From the bytes of an answer to its events, with every picture taken out on the way. Both shapes
of an answer are read: server-sent events, and one JSON document. Pure of I/O: bytes in, items out.

A picture comes as base64 in one string of many megabytes. The decoder hands that base64 on in
slices as it arrives and leaves a placeholder of a few bytes in the JSON, so that what it keeps
stays small. This is exact, because a string is taken out only where it is the value of a key
`"url"` and begins with `data:image/…;base64,` in plain characters. There the key's quotes cannot be
escaped ones (a backslash would stand before them), so the quote after the colon opens a string in
every JSON text that is valid so far. Any other string, such as the same words in what the model
says, is left alone. Only the base64 is replaced, so that a broken text stays broken.
"""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""Of a whole answer. No line of it has a limit of its own: a picture is one line."""

_BOM = b"\xef\xbb\xbf"
_MARK = b'"data:image'
_HEADER = re.compile(rb'"data:image\\?/[A-Za-z0-9.+-]{1,32};base64,')
_HEADER_BEGUN = re.compile(
    rb'"data:image(\\?(/[A-Za-z0-9.+-]{0,32}(;(b(a(s(e(64?)?)?)?)?)?)?)?)?\Z'
)
"""The same while more of it may come. It holds no quote, so that waiting passes over no other."""
_KEY = re.compile(rb'"url"[ \t\r\n]*:[ \t\r\n]*\Z')
_KEY_BYTES_MAX = 64
_TEXT_STEP_BYTES = 4096
_FIELD_BYTES = 6  # enough to tell `data:` with its optional space from every other line
_JSON = json.JSONDecoder(strict=False, parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class PictureOpened:
    """Slices of a picture's base64 follow. `number` counts the pictures of one event from 0."""

    number: int


@dataclass(frozen=True, slots=True)
class PictureClosed:
    """The base64 of the picture opened last is complete."""


@dataclass(frozen=True, slots=True)
class Event:
    """The data of one event, as `parse` takes it, with placeholders for the pictures taken out.

    A picture that was opened and not closed before its event is not one: its string has no end.
    """

    data: bytes


Item = bytes | PictureOpened | PictureClosed | Event


def parse(data: bytes) -> object:
    """The JSON value of an event, numbers with a point as Decimal.

    Control characters in strings and invalid UTF-8 (read as U+FFFD) are forgiven. Raises ValueError
    for anything else that is no JSON.
    """
    try:
        return _JSON.decode(data.decode("utf-8", "replace"))
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("JSON with a number or a depth beyond all reason") from error


class Decoder:
    """One answer's bytes, fed in pieces of any size, become items.

    `feed` and `close` are generators that advance the decoder: take every item before the next
    call. Their cost is linear in the bytes fed, however these are split.
    """

    def __init__(self) -> None:
        self._start: bytes | None = b""  # until the shape is known
        self._is_plain = False
        # of the line: its first bytes, until its field is known
        self._head = b""
        self._is_known = False
        self._is_data = False
        self._after_cr = False
        # of the event: what is kept of its data, and how far that was searched
        self._placeholder = f"diverted-{secrets.token_hex(8)}-"  # no answer can contain it
        self._text = bytearray()
        self._has_data = False
        self._searched = 0
        self._pictures = 0
        # of the picture, while inside one: an escape whose end has not come yet
        self._is_inside = False
        self._held = b""

    @property
    def is_plain(self) -> bool:
        """The answer is one JSON document, not a stream of events."""
        return self._is_plain

    @property
    def is_between_events(self) -> bool:
        """The next byte is the first of an event, or of what stands between two."""
        return self._start is None and not (
            self._has_data or self._is_known or self._head or self._after_cr
        )

    def picture_number(self, url: str) -> int | None:
        """Which picture of the event this string of its JSON stands for, or None: it is whole."""
        _, found, number = url.partition(self._placeholder)
        return int(number) if found else None

    def feed(self, data: bytes) -> Iterator[Item]:
        if self._start is not None:
            data = self._tell_shape(self._start + data)
        if self._is_plain:
            yield from self._content(data)
        else:
            yield from self._lines(data)

    def close(self) -> Iterator[Item]:
        """What the end of the bytes brings: the last event, even if its blank line is missing."""
        if not self._is_plain:
            yield from self._end_line()
        yield from self._end_event()

    def _tell_shape(self, start: bytes) -> bytes:
        """Decides by the first byte that is not blank; gives what is to be decoded once it has.

        Of blank space only the last byte is remembered: it may indent a line, which hides a field.
        """
        if _BOM.startswith(start):
            self._start = start
            return b""
        start = start.removeprefix(_BOM)
        body = start.lstrip(b" \t\r\n")
        indent = start[: len(start) - len(body)][-1:]
        if not body:
            self._start = indent
            return b""
        self._start = None
        self._is_plain = body.startswith(b"{")
        self._has_data = self._is_plain
        return b" " + body if indent in {b" ", b"\t"} else body

    # --- lines -----------------------------------------------------------------------------------

    def _lines(self, data: bytes) -> Iterator[Item]:
        at, cr, lf, size = 0, -1, -1, len(data)
        while at < size:
            if self._after_cr:
                self._after_cr = False
                if data[at] == 0x0A:
                    at += 1
                    continue
            if cr < at and (cr := data.find(b"\r", at)) < 0:
                cr = size
            if lf < at and (lf := data.find(b"\n", at)) < 0:
                lf = size
            end = min(cr, lf)
            yield from self._line_part(data[at:end])
            if end == size:
                return
            if not self._is_known and not self._head:
                yield from self._end_event()
            else:
                yield from self._end_line()
            self._after_cr = end == cr
            at = end + 1

    def _line_part(self, part: bytes) -> Iterator[Item]:
        if not self._is_known:
            missing = _FIELD_BYTES - len(self._head)
            self._head += part[:missing]
            if len(self._head) < _FIELD_BYTES:
                return
            part = part[missing:]
            yield from self._begin_line()
        if self._is_data:
            yield from self._content(part)

    def _begin_line(self) -> Iterator[Item]:
        self._is_known = True
        self._is_data = self._head == b"data" or self._head.startswith(b"data:")
        if self._is_data:
            if self._has_data:
                yield from self._content(b"\n")
            self._has_data = True
            yield from self._content(self._head[5:].removeprefix(b" "))

    def _end_line(self) -> Iterator[Item]:
        if not self._is_known:
            yield from self._begin_line()
        self._head = b""
        self._is_known = False
        self._is_data = False

    def _end_event(self) -> Iterator[Item]:
        if not self._has_data:
            return
        event = Event(bytes(self._text))
        self._text = bytearray()
        self._has_data = False
        self._searched = 0
        self._pictures = 0
        self._is_inside = False
        self._held = b""
        yield event

    # --- data ------------------------------------------------------------------------------------

    def _content(self, data: bytes) -> Iterator[Item]:
        if self._held:
            data = self._held + data
            self._held = b""
        at = 0
        while at < len(data):
            if not self._is_inside:
                at = self._keep(data, at)
                if self._is_inside:
                    yield PictureOpened(self._pictures - 1)
                continue
            end = _closing_quote(data, at)
            stop = _unfinished_escape(data, at) if end < 0 else end
            base64 = self._unescaped(data[at:stop])
            if base64:
                yield base64
            if end < 0:
                self._held = data[stop:]
                return
            self._is_inside = False
            yield PictureClosed()
            at = end

    def _keep(self, data: bytes, at: int) -> int:
        """Keeps text from here on, up to the first byte of a picture; gives where it stopped."""
        text = self._text
        while at < len(data):
            size = len(text)
            text += data[at : at + _TEXT_STEP_BYTES]
            start = self._picture_start()
            if start is not None:
                del text[start:]
                text += f"{self._placeholder}{self._pictures}".encode()
                self._searched = len(text)
                self._pictures += 1
                self._is_inside = True
                return at + start - size
            at += _TEXT_STEP_BYTES
        return len(data)

    def _picture_start(self) -> int | None:
        """Where in the kept text, past what was searched, the base64 of a picture begins."""
        text = self._text
        while (mark := text.find(_MARK, self._searched)) >= 0:
            header = _HEADER.match(text, mark)
            if header is None and _HEADER_BEGUN.match(text, mark):
                self._searched = mark  # to be told when more of it is here
                return None
            self._searched = mark + len(_MARK)
            if header and _KEY.search(text, max(0, mark - _KEY_BYTES_MAX), mark):
                return header.end()
        self._searched = max(self._searched, len(text) - len(_MARK) + 1)
        return None

    def _unescaped(self, piece: bytes) -> bytes:
        if b"\\" not in piece:
            return piece
        plain = piece.replace(b"\\/", b"/")
        if b"\\" not in plain:
            return plain
        try:
            value = parse(b'"' + piece + b'"')
        except ValueError:
            self._text += b"\\ "  # an escape that JSON does not know, as the piece had one
            return b""
        assert isinstance(value, str)
        return value.encode("utf-8", "surrogatepass")


def _closing_quote(data: bytes, start: int) -> int:
    """The first quote that is not escaped, or -1. At `start` no escape is under way."""
    at = data.find(b'"', start)
    while at >= 0 and _backslashes_before(data, at, start) % 2:
        at = data.find(b'"', at + 1)
    return at


def _unfinished_escape(data: bytes, start: int) -> int:
    """Where an escape begins that the data ends within, or the length of the data."""
    size = len(data)
    last = data.rfind(b"\\", max(start, size - 5))
    if last < 0 or _backslashes_before(data, last, start) % 2:
        return size
    # Within the last 5 bytes a `\u0041` is never whole; any other escape is, with its 2nd byte.
    return last if data[last + 1 : last + 2] in {b"", b"u"} else size


def _backslashes_before(data: bytes, at: int, start: int) -> int:
    first = at
    while first > start and data[first - 1] == 0x5C:
        first -= 1
    return at - first
