"""Sizes and parts of files by their own words. What is done about them is tested at the intake."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bot.pictures import headers
from bot.pictures.headers import PARTS_MAX, SCANS_MAX, Size, TooManyPartsError
from tests.pictures.boxes import Coded, Kind, box, exif_item, file_of, full_box, grid
from tests.pictures.paint import GREEN, RED, blocks, chunk, encoded, noise

SMALL = blocks([[RED, GREEN]], 64)


def sizes(folder: Path, data: bytes) -> list[tuple[str, Size]]:
    path = folder / "file"
    path.write_bytes(data)
    return headers.sizes(str(path))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "BMP"])
def test_kinds_whose_decoders_tell_at_once_say_nothing_here(
    tmp_path: Path, image_format: str
) -> None:
    assert sizes(tmp_path, encoded(SMALL, image_format)) == []


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"save_all": True}, {"exif": b"x"}])
def test_every_webp_tells_its_canvas(tmp_path: Path, options: dict[str, object]) -> None:
    animated = {"append_images": [SMALL.rotate(180)]} if "save_all" in options else {}
    assert sizes(tmp_path, encoded(SMALL, "WEBP", **options, **animated)) == [("WEBP", (128, 64))]


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_avif_and_heic_tell_the_sizes_of_all_their_pictures(tmp_path: Path, kind: Kind) -> None:
    coded = Coded.of(kind, SMALL)
    assert sizes(tmp_path, encoded(SMALL, kind)) == [("HEIF", (128, 64))]
    tiled = [*grid(coded, 3, 2), exif_item(Image.Exif())]
    assert sizes(tmp_path, file_of(kind, tiled)) == [("HEIF", (384, 128)), ("HEIF", (128, 64))]
    frames = encoded(SMALL, "AVIF", save_all=True, append_images=[SMALL.rotate(180)])
    assert set(sizes(tmp_path, frames)) == {("HEIF", (128, 64))}


def test_boxes_of_odd_lengths_are_read(tmp_path: Path) -> None:
    start = box(b"ftyp", b"heic", bytes(4))
    said = full_box(b"ispe", 0, (7).to_bytes(4, "big"), (9).to_bytes(4, "big"))
    long = b"\0\0\0\x01free" + (24).to_bytes(8, "big") + bytes(8)
    inside = box(b"iprp", box(b"ipco", long, said))
    open_end = b"\0\0\0\0mdat" + said
    data = start + box(b"free") + full_box(b"meta", 0, inside) + open_end
    assert sizes(tmp_path, data) == [("HEIF", (7, 9))]
    assert sizes(tmp_path, start + b"\0\0\0\x02free" + said) == [("HEIF", (7, 9))]


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8Z" + bytes(40),
        b"\0\0\0\x08ftyp",
        b"\0\0\0\x10ftypheic\0\0\0\0\xff\xff\xff\xffmeta",
        b"\0\0\0\x10ftypheic\0\0\0\0\0\0\0\x01free",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        b"GIF89a",
        b"GIF89a" + b"\xff" * 7,
        b"GIF89a" + bytes(7) + b"!",
        b"x",
    ],
)
def test_fragments_say_nothing(tmp_path: Path, data: bytes) -> None:
    assert sizes(tmp_path, data) == []


def into_png(part: bytes, count: int) -> bytes:
    png = encoded(SMALL, "PNG")
    return png[:33] + part * count + png[33:]


def into_jpeg(part: bytes, count: int) -> bytes:
    jpeg = encoded(SMALL, "JPEG")
    return jpeg[:2] + part * count + jpeg[2:]


def into_gif(part: bytes, count: int) -> bytes:
    gif = encoded(SMALL.quantize(4), "GIF")
    at = 13 + 3 * 4
    assert gif[at : at + 1] in {b"!", b","}
    return gif[:at] + part * count + gif[at:]


def into_heic(part: bytes, count: int) -> bytes:
    return encoded(SMALL, "AVIF") + part * count


def scans(part: bytes, count: int) -> bytes:
    jpeg = encoded(SMALL, "JPEG")
    return jpeg[:-2] + part * count + jpeg[-2:]


@pytest.mark.parametrize(
    ("make", "part", "most"),
    [
        pytest.param(into_png, chunk(b"prVt", b""), PARTS_MAX, id="png"),
        pytest.param(into_jpeg, b"\xff\xec\0\2", PARTS_MAX, id="jpeg segments"),
        pytest.param(into_jpeg, b"\xff\x01", PARTS_MAX, id="jpeg markers"),
        pytest.param(into_gif, b"!\xfe\1a\0", PARTS_MAX // 2, id="gif"),
        pytest.param(into_gif, b"!\xff\0", PARTS_MAX, id="gif empty"),
        pytest.param(into_heic, box(b"free"), PARTS_MAX, id="avif"),
        pytest.param(scans, b"\xff\xda\0\2\0\xff\0\xff\xd0\xff\xff", SCANS_MAX, id="jpeg scans"),
    ],
)
def test_parts_are_bounded(
    tmp_path: Path, make: Callable[[bytes, int], bytes], part: bytes, most: int
) -> None:
    sizes(tmp_path, make(part, most - 50))
    with pytest.raises(TooManyPartsError):
        sizes(tmp_path, make(part, most + 1))


def test_honest_files_are_far_below_the_bounds(tmp_path: Path) -> None:
    sizes(tmp_path, encoded(noise(2048, 2048), "PNG", compress_level=0))
    sizes(tmp_path, encoded(noise(1024, 1024), "JPEG", progressive=True, restart_marker_rows=1))


def test_only_the_first_picture_of_a_jpeg_counts(tmp_path: Path) -> None:
    """Behind it phones keep films and other pictures."""
    film = b"\xff\xda\0\2\0" * SCANS_MAX * 2
    assert sizes(tmp_path, encoded(SMALL, "JPEG") + film) == []
    assert sizes(tmp_path, encoded(SMALL, "JPEG", comment=film[:60_000])) == []
