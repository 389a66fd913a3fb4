"""Real files for the tests, and a look inside the files that come out."""

import io
import random
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

Colour = tuple[int, ...]

RED, GREEN, BLUE = (220, 30, 40), (20, 190, 60), (30, 50, 210)
WHITE, BLACK, GOLD = (250, 250, 250), (5, 5, 5), (230, 180, 30)


def blocks(rows: Sequence[Sequence[Colour]], side: int = 16, mode: str = "RGB") -> Image.Image:
    """Squares of plain colour."""
    image = Image.new(mode, (len(rows[0]) * side, len(rows) * side))
    for y, row in enumerate(rows):
        for x, colour in enumerate(row):
            image.paste(colour, (x * side, y * side, (x + 1) * side, (y + 1) * side))
    return image


def read_blocks(path: Path, columns: int, rows: int) -> list[list[Colour]]:
    """The colours in the middle of as many squares, as RGBA."""
    with Image.open(path) as image:
        clear = image.convert("RGBA")
    found: list[list[Colour]] = []
    for y in range(rows):
        found.append([])
        for x in range(columns):
            at = (
                clear.width * (2 * x + 1) // (2 * columns),
                clear.height * (2 * y + 1) // (2 * rows),
            )
            colour = clear.getpixel(at)
            assert isinstance(colour, tuple)
            found[-1].append(tuple(int(part) for part in colour))
    return found


def alike(found: Colour, wanted: Colour, tolerance: int = 8) -> bool:
    """Whether a colour is near another; without its own alpha the wanted one is opaque."""
    wanted = wanted if len(wanted) == 4 else (*wanted, 255)
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def noise(width: int, height: int, mode: str = "RGB", seed: int = 1) -> Image.Image:
    """What no encoder makes small."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(
        mode, (width, height), random.Random(seed).randbytes(width * height * channels)
    )


def encoded(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """`options` are the encoder's own, of many types."""
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def turned(upright: Image.Image, orientation: int) -> Image.Image:
    """How a camera stores this with that orientation: by the standard's words, where the first row
    and the first column of what is stored belong.
    """
    row_at, column_at = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    width, height = upright.size
    far = {"top": None, "left": None, "bottom": height - 1, "right": width - 1}

    def place(edge: str, index: int) -> int:
        last = far[edge]
        return index if last is None else last - index

    stored = Image.new("RGB", (width, height) if orientation < 5 else (height, width))
    for row in range(stored.height):
        for column in range(stored.width):
            a, b = place(row_at, row), place(column_at, column)
            colour = upright.getpixel((b, a) if row_at in {"top", "bottom"} else (a, b))
            assert isinstance(colour, tuple)
            stored.putpixel((column, row), colour)
    return stored


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(
    size: tuple[int, int], depth: int, colour_type: int, pixels: bytes, *before: bytes
) -> bytes:
    """A PNG made by hand. `pixels` are its rows with their filter bytes, whatever their number."""
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    body = [chunk(b"IHDR", header), *before, chunk(b"IDAT", zlib.compress(pixels))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + chunk(b"IEND", b"")


def png_chunks(data: bytes) -> list[bytes]:
    names: list[bytes] = []
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        names.append(data[at + 4 : at + 8])
        at += length + 12
    return names


def jpeg_segments(data: bytes) -> list[int]:
    """The markers up to the first scan, and what the file ends with."""
    markers: list[int] = []
    at = 2
    while not markers or markers[-1] != 0xDA:
        marker, length = struct.unpack(">HH", data[at : at + 4])
        markers.append(marker & 0xFF)
        at += length + 2
    return [*markers, data[-1]]


def icc_profile(red: int, green: int, blue: int, planted: bytes = b"") -> bytes:
    """An RGB profile with sRGB's primaries in any order: (2, 1, 0) takes red for blue."""
    primaries = [(0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]

    def place(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in (x, y, z))

    text = planted + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0" + text,
        b"wtpt": place(0.9642, 1.0, 0.8249),
        b"rXYZ": place(*primaries[red]),
        b"gXYZ": place(*primaries[green]),
        b"bXYZ": place(*primaries[blue]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += padded
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">iii", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + table + body
