"""AVIF and HEIC, as phones send them: read like any photo, within the same bounds."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pillow_heif
import pybase64
import pytest
from PIL import Image

from bot.errors import Notice, Word
from bot.pictures.intake import Intake
from bot.pictures.pixels import LONG_SIDE_MAX
from bot.pictures.shelf import Shelf
from tests.pictures.boxes import (
    Coded,
    Item,
    Kind,
    box,
    exif_item,
    file_of,
    grid,
    learn_heif,
    still,
    turn_boxes,
    xmp_item,
)
from tests.pictures.paint import (
    BLACK,
    BLUE,
    GOLD,
    GREEN,
    RED,
    WHITE,
    Colour,
    alike,
    blocks,
    encoded,
    icc_profile,
    read_blocks,
    turned,
)
from tests.pictures.support import Accepted, accept, keep

UPRIGHT = [[RED, GREEN, BLUE], [WHITE, BLACK, GOLD]]
SIZE = (192, 128)
PLANTED = b"PLANTED"
# The same as above, of 10 bits a channel: Pillow writes none. Made by SVT-AV1 of FFmpeg 8.
AVIF_OF_10_BITS = Coded(
    "AVIF",
    SIZE,
    pybase64.b64decode(
        "CgoAAAADtf/zq+chMuYBEACDoIAAAQAAHAIAEoS3TPxzyRphk5WcKv2qliqVyPGuOuxpBbgz6fW5ljeGEFVU8Wog"
        "nn2nWUS64hUZVqqm+R/PxybGQOOQQIQelwVVUiLtW/TWRog+9oY8nq8N2TgXdQJgqYMmr5pVVXad5EkFipmg0KK1"
        "yAACx4rd049OLJwLi1rdzekvd2u04Vwi5D+ThOuAP34uBZmEEn5cxKRftJHuh9wp2sRalo/v/6EsCPDHwfQZSgim"
        "N//6k53LciYR9Sji2bKSO8f32RnsQaq9YOOLnsnApYlAAA70NZqh0YcwTf5///g="
    ),
    bytes.fromhex("0000000c6176314381004c00"),
)

pytestmark = pytest.mark.parametrize("kind", ["AVIF", "HEIF"])


@pytest.fixture(autouse=True, scope="module")
def heif_can_be_written() -> None:
    learn_heif()


def tags(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = "PLANTED-EXIF"
    return data


def xmp(orientation: int) -> bytes:
    name = "tiff:Orientation"  # with a blank, which hides it from pillow-heif and not from Pillow
    return f"<x:xmpmeta><{name}>{orientation} </{name}>PLANTED-XMP</x:xmpmeta>".encode()


def shows(accepted: Accepted, rows: Sequence[Sequence[Colour]] = UPRIGHT) -> bool:
    """As near as what was lossy before, and with half as many colours."""
    found = read_blocks(accepted.path, len(rows[0]), len(rows))
    return all(
        alike(*pair, 14)
        for found_row, row in zip(found, rows, strict=True)
        for pair in zip(found_row, row, strict=True)
    )


async def test_a_photo_becomes_a_jpeg(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    accepted = await accept(intake, shelf, encoded(blocks(UPRIGHT, 64), kind), "IMG_0001.HEIC")
    assert accepted.picture.media_type == "image/jpeg"
    assert accepted.size == SIZE
    assert shows(accepted)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("said", ["by boxes", "by boxes and metadata", "against metadata"])
async def test_an_orientation_is_applied_once_and_the_boxes_have_the_word(
    intake: Intake, shelf: Shelf, kind: Kind, said: str, orientation: int
) -> None:
    items = still(
        Coded.of(kind, turned(blocks(UPRIGHT, 64), orientation)), *turn_boxes(orientation)
    )
    match said:
        case "by boxes and metadata":
            items += [exif_item(tags(orientation)), xmp_item(xmp(orientation))]
        case "against metadata":
            items += [exif_item(tags(9 - orientation)), xmp_item(xmp(9 - orientation))]
        case _:
            pass
    accepted = await accept(intake, shelf, file_of(kind, items))
    assert accepted.size == SIZE
    assert shows(accepted)


@pytest.mark.parametrize("metadata", [exif_item(tags(6)), xmp_item(xmp(6))])
async def test_metadata_alone_turn_nothing(
    intake: Intake, shelf: Shelf, kind: Kind, metadata: Item
) -> None:
    items = still(Coded.of(kind, blocks(UPRIGHT, 64)))
    assert shows(await accept(intake, shelf, file_of(kind, [*items, metadata])))


async def test_a_turned_photo_of_pillows_own_making_is_upright(
    intake: Intake, shelf: Shelf, kind: Kind
) -> None:
    data = encoded(turned(blocks(UPRIGHT, 64), 6), kind, exif=tags(6).tobytes())
    assert shows(await accept(intake, shelf, data))


async def test_tiles_are_put_together(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    """As phones keep anything large."""
    tile = Coded.of(kind, blocks([[RED, GREEN]], 64))
    accepted = await accept(intake, shelf, file_of(kind, grid(tile, 3, 2)))
    assert accepted.size == (384, 128)
    assert shows(accepted, [[RED, GREEN] * 3] * 2)
    accepted = await accept(intake, shelf, file_of(kind, grid(tile, 24, 36)))
    assert accepted.size == (LONG_SIDE_MAX, 1536)


async def test_other_brands_are_known(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    """Android writes the general ones first."""
    items = still(Coded.of(kind, blocks(UPRIGHT, 64)))
    own = {"AVIF": (b"mif1", b"msf1"), "HEIF": (b"mif1", b"msf1", b"heix", b"hevc")}[kind]
    for brand in own:
        assert shows(await accept(intake, shelf, file_of(kind, items, brand))), brand


async def test_10_bits_become_8(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    coded = AVIF_OF_10_BITS
    if kind == "HEIF":
        deep = b"".join(
            struct.pack("<3H", *(value * 257 for value in colour))
            for row in UPRIGHT
            for colour in [colour for colour in row for _ in range(64)] * 64
        )
        target = io.BytesIO()
        # The library leaves its options untyped.
        pillow_heif.encode("RGB;16", SIZE, deep, target, quality=90)  # pyright: ignore[reportUnknownMemberType]
        coded = Coded.inside("HEIF", SIZE, target.getvalue())
        assert b"pixi\0\0\0\0\x03\x0a\x0a\x0a" in target.getvalue()
    assert shows(await accept(intake, shelf, file_of(kind, still(coded))))


async def test_alpha_is_kept(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    image = blocks([[(*RED, 0), (*RED, 128), (*BLUE, 255)]], 64, "RGBA")
    accepted = await accept(intake, shelf, encoded(image, kind, quality=95))
    assert accepted.picture.media_type == "image/png"
    found = read_blocks(accepted.path, 3, 1)[0]
    assert all(abs(a[3] - b) < 8 for a, b in zip(found, (0, 128, 255), strict=True))
    assert alike(found[2], BLUE, 14)


async def test_colours_are_moved_from_their_profile(
    intake: Intake, shelf: Shelf, kind: Kind
) -> None:
    profile = box(b"colr", b"prof", icc_profile(2, 1, 0))
    items = still(Coded.of(kind, blocks([[RED, GREEN, BLUE]], 64)), profile)
    accepted = await accept(intake, shelf, file_of(kind, items))
    found = read_blocks(accepted.path, 3, 1)[0]
    swapped = [(40, 30, 220), (60, 190, 20), (210, 50, 30)]
    assert all(alike(*pair, 24) for pair in zip(found, swapped, strict=True))


async def test_of_several_pictures_there_is_the_first(
    intake: Intake, shelf: Shelf, kind: Kind
) -> None:
    frames = [blocks([[colour]], 64) for colour in (RED, GREEN, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert shows(await accept(intake, shelf, data), [[RED]])


async def test_nothing_but_pixels_comes_out(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    profile = box(b"colr", b"prof", icc_profile(0, 1, 2, b"PLANTED-ICC"))
    items = still(Coded.of(kind, blocks(UPRIGHT, 64)), profile)
    items += [exif_item(tags(1)), xmp_item(xmp(1))]
    data = file_of(kind, items) + box(b"free", PLANTED)
    assert data.count(PLANTED) >= 4
    accepted = await accept(intake, shelf, data)
    assert PLANTED not in accepted.data
    with Image.open(accepted.path) as image:
        assert not {"exif", "xmp", "icc_profile"} & set(map(str, image.info))


async def test_the_model_makes_no_such_pictures(intake: Intake, shelf: Shelf, kind: Kind) -> None:
    """Discord does not show them everywhere."""
    blob = await keep(shelf, encoded(blocks(UPRIGHT, 64), kind))
    with pytest.raises(Notice) as caught:
        await intake.accept_result(blob)
    assert caught.value.word is Word.UNREADABLE


@pytest.mark.parametrize("size", [(16_448, 64), (8_064, 6_048)])
async def test_bounds_are_judged_by_what_the_boxes_say(
    intake: Intake, tmp_path: Path, kind: Kind, size: tuple[int, int]
) -> None:
    path = tmp_path / "photo"
    path.write_bytes(file_of(kind, still(Coded.of(kind, blocks([[RED]], 64)), says_size=size)))
    with pytest.raises(Notice, match=r"16,384 pixels|40 megapixels") as caught:
        await intake.accept_upload(path, "photo.heic")
    assert caught.value.word is Word.TOO_LARGE
