"""What picture files say of themselves, read without a decoder, since decoders ask too late: the
sizes that must be judged before one sees the file, and of how many parts it is made. Nothing here
decides what is too large.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

PARTS_MAX = 20_000
"""Chunks, segments, blocks or boxes. A decoder takes time and memory for each, which the bounds of
bytes and pixels do not hold; a PNG of 25 MiB in libpng's pieces has 3,200.
"""
SCANS_MAX = 100
"""Of a JPEG, each of which passes over every pixel: encoders write about ten. Its authors warn of
it: https://libjpeg-turbo.org/pmwiki/uploads/About/TwoIssueswiththeJPEGStandard.pdf (2026-08)."""

Size = tuple[int, int]

# A marker behind what a scan holds, where a zero or a restart follows on 0xFF.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_ALONE = {0x01, 0xD8}  # markers without a length
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Boxes made of boxes, and how many bytes come before these.
_BOXES_OF_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0}


class TooManyPartsError(ValueError):
    """A file of more parts than any honest one has."""


def sizes(source: str) -> list[tuple[str, Size]]:
    """Each size in pixels that the file speaks of, with its format: of WebP, whose decoder sets
    memory aside before it tells, and of AVIF and HEIC (here both HEIF), whose decoders refuse what
    is large without saying so. Of other kinds there is none.

    Raises TooManyPartsError, and ValueError for an empty file. Nothing says that the file is right.
    """
    with (
        Path(source).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            size = _webp_size(data[:30])
            return [] if size is None else [("WEBP", size)]
        if data[4:8] == b"ftyp":
            return [("HEIF", size) for size in _box_sizes(data)]
        if data[:2] == b"\xff\xd8":
            _count(_jpeg_parts(data))
        elif data[:4] == b"\x89PNG":
            _count(_png_parts(data))
        elif data[:3] == b"GIF":
            _count(_gif_parts(data))
        return []


def _count(parts: Iterator[int]) -> None:
    scans = 0
    for number, part in enumerate(parts):
        scans += part == _START_OF_SCAN
        if number >= PARTS_MAX or scans > SCANS_MAX:
            raise TooManyPartsError


def _webp_size(head: bytes) -> Size | None:
    """By https://developers.google.com/speed/webp/docs/riff_container (2026-08)."""
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
        case b"VP8L":
            bits = _little(head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
        case _:
            return None


def _box_sizes(data: mmap.mmap) -> Iterator[Size]:
    """Of every picture in the file, also those of which a larger one is made, and of every track:
    the largest are those of what is shown.

    Source: ISO/IEC 14496-12 and 23008-12.
    """
    at = 0
    for _ in range(PARTS_MAX):
        size, name, inside = _big(data[at : at + 4]), data[at + 4 : at + 8], at + 8
        if len(name) < 4 or size == 0:  # the last one may leave open where it ends
            return
        if size == 1:
            size, inside = _big(data[at + 8 : at + 16]), at + 16
        end = at + max(size, inside - at)
        if name == b"ispe":
            yield _big(data[inside + 4 : inside + 8]), _big(data[inside + 8 : inside + 12])
        elif name == b"tkhd" and data[end - 8 : end] != bytes(8):  # sound has no size
            yield _big(data[end - 8 : end - 6]), _big(data[end - 4 : end - 2])
        within = _BOXES_OF_BOXES.get(name)
        at = end if within is None else inside + within
    raise TooManyPartsError


def _jpeg_parts(data: mmap.mmap) -> Iterator[int]:
    """The markers of the first picture."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = data[found.end() - 1], found.end()
        if marker == _END_OF_IMAGE:
            return
        yield marker
        if marker not in _ALONE:
            at += _big(data[at : at + 2])


def _png_parts(data: mmap.mmap) -> Iterator[int]:
    at = 8
    while data[at + 4 : at + 8] not in {b"", b"IEND"}:
        yield 0
        at += _big(data[at : at + 4]) + 12


def _gif_parts(data: mmap.mmap) -> Iterator[int]:
    """The blocks before the first frame."""
    flags = data[10] if len(data) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[at : at + 1] == b"!":
        at += 2
        while length := _big(data[at : at + 1]):
            yield 0
            at += length + 1
        yield 0
        at += 1


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")
