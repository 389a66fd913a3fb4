"""AVIF and HEIC, as phones send them: read like any photo, within the same bounds."""

from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from bot.errors import Notice, Word
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from tests.pictures.paint import alike, blocks, encoded, icc_profile, noise, read_blocks, turned

RED, GREEN, BLUE, WHITE = (200, 40, 40), (40, 180, 60), (40, 60, 200), (240, 240, 240)
ROWS = ((RED, GREEN, BLUE), (WHITE, BLUE, RED))
PHONE = ("AVIF", "HEIF")
PLANTED = b"planted-secret-words"


@pytest.fixture(autouse=True, scope="module")
def heif_can_be_written() -> None:
    # The library leaves its options untyped.
    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = PLANTED.decode()
    return tags.tobytes()


def photo(image_format: str, image: Image.Image | None = None, **options: Any) -> bytes:
    made = blocks(ROWS, side=32) if image is None else image
    return encoded(made, image_format, quality=95, **options)


async def accepted(intake: Intake, folder: Path, data: bytes) -> tuple[str, str]:
    """Media type and id of what was accepted."""
    path = folder / "photo"
    path.write_bytes(data)
    picture = await intake.accept_upload(path, "photo.heic")
    return picture.media_type, picture.id


@pytest.mark.parametrize("image_format", PHONE)
async def test_a_photo_is_read_and_becomes_a_jpeg(
    intake: Intake, shelf: Shelf, tmp_path: Path, image_format: str
):
    media_type, picture_id = await accepted(intake, tmp_path, photo(image_format))
    assert media_type == "image/jpeg"
    found = read_blocks(shelf.path(picture_id), 3, 2)
    for row, wanted in zip(found, ROWS, strict=True):
        assert all(alike(one, other, 14) for one, other in zip(row, wanted, strict=True))


@pytest.mark.parametrize("image_format", PHONE)
@pytest.mark.parametrize("orientation", [3, 6, 8])
async def test_an_orientation_is_applied_once(
    intake: Intake, shelf: Shelf, tmp_path: Path, image_format: str, orientation: int
):
    upright = blocks(ROWS, side=32)
    data = photo(image_format, turned(upright, orientation), exif=exif(orientation))
    _, picture_id = await accepted(intake, tmp_path, data)
    with Image.open(shelf.path(picture_id)) as image:
        assert image.size == upright.size
    found = read_blocks(shelf.path(picture_id), 3, 2)
    assert alike(found[0][0], RED, 14)
    assert alike(found[1][2], RED, 14)
    assert alike(found[1][0], WHITE, 14)


@pytest.mark.parametrize("image_format", PHONE)
async def test_alpha_is_kept(intake: Intake, shelf: Shelf, tmp_path: Path, image_format: str):
    image = blocks(ROWS, side=32).convert("RGBA")
    # To its types the size may also be an array of NumPy, which is not installed.
    ramp = Image.linear_gradient("L").resize(image.size)  # pyright: ignore[reportUnknownMemberType]
    image.putalpha(ramp)
    _, picture_id = await accepted(intake, tmp_path, photo(image_format, image))
    with Image.open(shelf.path(picture_id)) as copy:
        assert copy.mode == "RGBA"
        low, high = copy.getchannel("A").getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert low < 20
    assert high > 235


@pytest.mark.parametrize("image_format", PHONE)
async def test_nothing_but_pixels_comes_out(
    intake: Intake, shelf: Shelf, tmp_path: Path, image_format: str
):
    profile = icc_profile(0, 1, 2, PLANTED)
    data = photo(image_format, exif=exif(1), xmp=PLANTED, icc_profile=profile)
    assert PLANTED in data
    _, picture_id = await accepted(intake, tmp_path, data)
    assert PLANTED not in shelf.path(picture_id).read_bytes()


@pytest.mark.parametrize("image_format", PHONE)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
async def test_a_truncated_photo_is_refused(
    intake: Intake, tmp_path: Path, image_format: str, share: float
):
    whole = photo(image_format, noise(256, 256))
    with pytest.raises(Notice) as raised:
        await accepted(intake, tmp_path, whole[: int(len(whole) * share)])
    assert raised.value.word is Word.UNREADABLE


@pytest.mark.parametrize("image_format", PHONE)
async def test_too_many_pixels_are_refused_by_the_header(
    intake: Intake, tmp_path: Path, image_format: str
):
    data = photo(image_format, Image.new("RGB", (16_000, 2_600), RED))
    assert len(data) < 500_000
    with pytest.raises(Notice) as raised:
        await accepted(intake, tmp_path, data)
    assert raised.value.word is Word.TOO_LARGE
    assert "megapixels" in raised.value.sentence
