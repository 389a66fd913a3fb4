"""Answers read in two ways: by the decoder, with every string made whole again, and plainly, by
whole lines and `json.loads`.
"""

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import pybase64

from bot.openrouter.stream import Decoder, Event, PictureClosed, PictureOpened, parse

BROKEN = "this event is no JSON"


@dataclass
class Read:
    """What a decoder made of an answer: the values of its events, with every string whole again."""

    values: list[object] = field(default_factory=list[object])
    texts: list[bytes] = field(default_factory=list[bytes])
    diverted: int = 0


def read(pieces: Iterable[bytes]) -> Read:
    decoder = Decoder()
    result = Read()
    pictures: list[bytearray] = []
    closed = 0

    def take(items: Iterable[object]) -> None:
        nonlocal closed
        for item in items:
            match item:
                case PictureOpened(number):
                    assert number == len(pictures) == closed
                    pictures.append(bytearray())
                case PictureClosed():
                    closed += 1
                    assert closed == len(pictures)
                case bytes():
                    assert len(pictures) == closed + 1
                    assert item
                    pictures[-1] += item
                case Event(data):
                    result.texts.append(data)
                    result.diverted += closed
                    result.values.append(value_of(data, decoder, pictures[:closed]))
                    pictures.clear()
                    closed = 0
                case _:
                    raise AssertionError(item)

    for piece in pieces:
        take(decoder.feed(piece))
    take(decoder.close())
    assert not pictures
    return result


def value_of(data: bytes, decoder: Decoder, pictures: Sequence[bytearray]) -> object:
    def whole(value: object) -> object:
        if isinstance(value, str):
            number = decoder.picture_number(value)
            if number is None:
                return value
            base64 = bytes(pictures[number])
            try:
                text = base64.decode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                text = base64.decode("utf-8", "replace")
            return value[: value.rindex(",") + 1] + text
        if isinstance(value, list):
            return [whole(item) for item in cast("list[object]", value)]
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            return {whole(name): whole(item) for name, item in fields.items()}
        return value

    try:
        return whole(parse(data))
    except ValueError:
        return BROKEN


def read_plainly(answer: bytes) -> list[object]:
    """The same by whole lines and `json.loads`, as the HTML standard and RFC 8259 have it."""
    answer = answer.removeprefix(b"\xef\xbb\xbf")
    if answer.lstrip(b" \t\r\n").startswith(b"{"):
        return [loads(answer.lstrip(b" \t\r\n"))]
    values: list[object] = []
    data: list[bytes] = []
    for line in re.split(rb"\r\n|\n|\r", answer + b"\n\n"):
        name, colon, value = line.partition(b":")
        if not line and data:
            values.append(loads(b"\n".join(data)))
            data = []
        elif name == b"data":
            data.append(value.removeprefix(b" ") if colon else b"")
    return values


def loads(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False, parse_float=Decimal)
    except (ValueError, RecursionError):
        return BROKEN


def same(one: object, other: object) -> bool:
    """Equal, but for strings that are no picture in either reading: there a character may have come
    in halves, or a byte that is no UTF-8 at the edge of a slice.
    """
    match one, other:
        case str(), str() if one != other:
            (head, _, ours), (its_head, _, its) = (
                one.partition(";base64,"),
                other.partition(";base64,"),
            )
            is_picture = is_base64(ours) or is_base64(its)
            return head == its_head and head.startswith("data:image/") and not is_picture
        case list(), list():
            mine, theirs = cast("list[object]", one), cast("list[object]", other)
            return len(mine) == len(theirs) and all(map(same, mine, theirs))
        case dict(), dict():
            mine, its = cast("dict[str, object]", one), cast("dict[str, object]", other)
            return list(mine) == list(its) and all(same(mine[key], its[key]) for key in mine)
        case _:
            return type(one) is type(other) and repr(one) == repr(other)  # NaN is not equal to NaN


def is_base64(text: str) -> bool:
    try:
        pybase64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def cut(answer: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({place % (len(answer) + 1) for place in places} | {0, len(answer)})
    return [answer[start:end] for start, end in itertools.pairwise(edges)]
