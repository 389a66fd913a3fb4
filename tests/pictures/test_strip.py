import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from bot.pictures.strip import SIGNATURE, is_whole, strip
from tests.pictures.paint import chunk, encoded, noise, png_chunks

SIZE = WIDTH, HEIGHT = 40, 30
NO_LIMIT = 1 << 30


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "target"
    target.write_bytes(b"what was there before" * 1_000)
    return target


def stripped(
    target: Path, data: bytes, side_max: int = 2048, bytes_max: int = NO_LIMIT
) -> tuple[int, int] | None:
    source = target.with_name("source")
    source.write_bytes(data)
    size = strip(str(source), str(target), side_max, bytes_max)
    return size if size is not None and is_whole(str(target), *size) else None


def rows(*, lines: int = HEIGHT, kind: int = 0) -> bytes:
    return (bytes([kind]) + bytes(range(3 * WIDTH))) * lines


def header(width: int = WIDTH, height: int = HEIGHT, *kind: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">II", width, height) + bytes(kind or (8, 2, 0, 0, 0)))


def png(*chunks: bytes, packed: bytes | None = None) -> bytes:
    """With these chunks between its header and its pixels."""
    data = zlib.compress(rows()) if packed is None else packed
    end = chunk(b"IEND", b"")
    return SIGNATURE + header() + b"".join(chunks) + chunk(b"IDAT", data) + end


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_pixels_stay_and_nothing_else_does(target: Path, level: int):
    picture = noise(*SIZE)
    plain = encoded(picture, "PNG", compress_level=level)
    planted = chunk(b"tEXt", b"Author\0Mara") + chunk(b"tIME", bytes(7)) + chunk(b"pHYs", bytes(9))
    data = plain[:33] + planted + plain[33:] + b"behind the end"
    assert stripped(target, data) == SIZE
    assert target.read_bytes() == plain
    with Image.open(target) as image:
        assert image.tobytes() == picture.tobytes()
    assert set(png_chunks(target.read_bytes())) == {b"IHDR", b"IDAT", b"IEND"}


def test_pixels_in_many_chunks_stay_in_them(target: Path):
    packed = zlib.compress(rows())
    data = png(*(chunk(b"IDAT", packed[at : at + 1]) for at in range(9)), packed=packed[9:])
    assert stripped(target, data) == SIZE
    assert target.read_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        encoded(noise(*SIZE, mode="RGBA"), "PNG"),
        encoded(noise(*SIZE, mode="L"), "PNG"),
        encoded(noise(*SIZE).quantize(), "PNG"),
        encoded(noise(*SIZE), "JPEG"),
        png(chunk(b"tRNS", bytes(6))),
        png(chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile"))),
        png(chunk(b"eXIf", bytes(20))),
        png(chunk(b"cICP", bytes(4))),
        png(chunk(b"acTL", bytes(8))),
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")),
        png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"x"))),
        png(header()),
        SIGNATURE + header(WIDTH, HEIGHT, 16, 2, 0, 0, 0),
        SIGNATURE + header(WIDTH, HEIGHT, 8, 2, 0, 0, 1),
    ],
    ids=lambda data: str(png_chunks(data)[1:2] if data.startswith(SIGNATURE) else data[:3]),
)
def test_what_is_not_of_the_plainest_kind_is_left_to_others(target: Path, data: bytes):
    assert stripped(target, data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SIGNATURE,
        png()[:-1],
        png()[:-12],
        png()[:50] + b"\xff" + png()[51:],
        SIGNATURE + png()[33:],
        SIGNATURE + header() + chunk(b"IEND", b""),
        SIGNATURE + header(0, 0) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
        png(packed=b"no zlib"),
        png(packed=zlib.compress(rows())[:-1]),
        png(packed=zlib.compress(rows(lines=HEIGHT - 1))),
        png(packed=zlib.compress(rows(lines=HEIGHT + 1))),
        png(packed=zlib.compress(rows(kind=5))),
        png(packed=zlib.compress(rows()) + b"hidden"),
        png(chunk(b"IDAT", zlib.compress(rows()))),
    ],
)
def test_what_is_damaged_or_hides_something_is_left_to_others(target: Path, data: bytes):
    assert stripped(target, data) is None


def test_what_is_too_long_or_too_large_is_left_to_others(target: Path):
    data = png()
    assert stripped(target, data, side_max=WIDTH, bytes_max=len(data)) == SIZE
    assert stripped(target, data, side_max=WIDTH - 1) is None
    assert stripped(target, data, bytes_max=len(data) - 1) is None
