"""Pictures made to break something: each is used correctly or refused in one sentence."""

import asyncio
import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.errors import Notice, Word
from bot.pictures.intake import UPLOAD_BYTES_MAX, Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from tests.pictures.paint import (
    GREEN,
    RED,
    blocks,
    chunk,
    encoded,
    noise,
    raw_png,
)
from tests.pictures.support import accept, files, keep

FORMATS = ["PNG", "JPEG", "WEBP", "GIF"]


async def refusal(intake: Intake, shelf: Shelf, data: bytes, name: str = "photo.png") -> Notice:
    with pytest.raises(Notice) as caught:
        await accept(intake, shelf, data, name)
    assert files(shelf) == []
    return caught.value


def busy_picture(image_format: str) -> bytes:
    """Enough bytes that a cut in the middle is one in its pixels."""
    image = noise(120, 90).quantize(64) if image_format == "GIF" else noise(120, 90)
    return encoded(image, image_format)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("image_format", FORMATS)
async def test_a_cut_file_is_refused_by_its_name(
    intake: Intake, shelf: Shelf, image_format: str, share: float
) -> None:
    data = busy_picture(image_format)
    notice = await refusal(intake, shelf, data[: int(len(data) * share)], "cut.png")
    assert notice.word is Word.UNREADABLE
    assert "“cut.png”" in notice.sentence
    assert "PNG, JPEG, WebP, GIF, AVIF and HEIC" in notice.sentence


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
async def test_a_flipped_bit_in_a_png_is_refused(intake: Intake, shelf: Shelf, at: float) -> None:
    data = bytearray(busy_picture("PNG"))
    data[int(len(data) * at)] ^= 0x10
    assert (await refusal(intake, shelf, bytes(data))).word is Word.UNREADABLE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(40),
        b"GIF89a",
        b"<html><body>photo.png</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(60),
        b"\0" * 10_000,
        encoded(blocks([[RED]]), "BMP"),
        encoded(blocks([[RED]]), "TIFF"),
        encoded(blocks([[RED]]), "ICO"),
        encoded(blocks([[RED]]), "JPEG2000"),
        encoded(blocks([[RED]]), "PDF"),
        encoded(blocks([[RED]]), "PPM"),
    ],
)
async def test_what_is_of_no_kind_that_is_read_is_unreadable(
    intake: Intake, shelf: Shelf, data: bytes
) -> None:
    assert (await refusal(intake, shelf, data)).word is Word.UNREADABLE
    blob = await keep(shelf, data)
    with pytest.raises(Notice) as caught:
        await intake.accept_result(blob)
    assert caught.value.word is Word.UNREADABLE


async def test_the_type_is_told_from_the_bytes_not_from_the_name(
    intake: Intake, shelf: Shelf
) -> None:
    accepted = await accept(intake, shelf, encoded(blocks([[RED]]), "JPEG"), "song.mp3")
    assert accepted.picture.media_type == "image/jpeg"


def webp_header(width: int, height: int) -> bytes:
    """A WebP that is nothing but its canvas."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + (22).to_bytes(4, "little") + b"WEBPVP8X" + (10).to_bytes(4, "little") + canvas


def lossless_webp_header(width: int, height: int) -> bytes:
    bits = (width - 1 | (height - 1) << 14).to_bytes(4, "little")
    return b"RIFF" + (30).to_bytes(4, "little") + b"WEBPVP8L" + bytes(4) + b"\x2f" + bits + bytes(9)


def lossy_webp_header(width: int, height: int) -> bytes:
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"RIFF" + (30).to_bytes(4, "little") + b"WEBPVP8 " + bytes(7) + b"\x9d\x01\x2a" + size


def gif_header(width: int, height: int) -> bytes:
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"GIF89a" + size + b"\0\0\0," + bytes(4) + size + b"\0\x02\x02\x4c\x01\0;"


def jpeg_header(width: int, height: int) -> bytes:
    frame = b"\xff\xc0\0\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    scan = b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0"
    return b"\xff\xd8" + frame + b"\x03\x01\x11\0\x02\x11\0\x03\x11\0" + scan + bytes(9)


# None of these has the pixels that it speaks of: whoever tries to decode them finds them damaged,
# so that the refusal as too large shows that nothing was decoded.
@pytest.mark.parametrize(
    ("data", "bound"),
    [
        pytest.param(raw_png((20_000, 20_000), 8, 2, b"\0"), "40 megapixels", id="bomb"),
        pytest.param(raw_png((2**30, 2**30), 8, 6, b"\0"), "40 megapixels", id="absurd"),
        pytest.param(raw_png((1, 60_000), 8, 2, b"\0"), "16,384 pixels", id="tall"),
        pytest.param(raw_png((60_000, 1), 8, 2, b"\0"), "16,384 pixels", id="wide"),
        pytest.param(raw_png((6_400, 6_400), 8, 2, b"\0"), "40 megapixels", id="large"),
        pytest.param(jpeg_header(6_400, 6_400), "40 megapixels", id="large-jpeg"),
        pytest.param(jpeg_header(65_500, 2), "16,384 pixels", id="wide-jpeg"),
        pytest.param(gif_header(65_535, 65_535), "40 megapixels", id="absurd-gif"),
        pytest.param(gif_header(6_400, 6_400), "40 megapixels", id="large-gif"),
        pytest.param(webp_header(4_100, 4_100), "16 megapixels", id="large-webp"),
        pytest.param(webp_header(2**24, 2**24), "16,384 pixels", id="absurd-webp"),
        pytest.param(lossless_webp_header(4_100, 4_100), "16 megapixels", id="lossless-webp"),
        pytest.param(lossy_webp_header(4_100, 4_100), "16 megapixels", id="lossy-webp"),
        pytest.param(lossy_webp_header(16_383, 16_383), "16 megapixels", id="huge-webp"),
    ],
)
async def test_bounds_are_judged_before_anything_is_decoded(
    intake: Intake, shelf: Shelf, data: bytes, bound: str
) -> None:
    notice = await refusal(intake, shelf, data, "bomb.png")
    assert notice.word is Word.TOO_LARGE
    assert "“bomb.png”" in notice.sentence
    assert bound in notice.sentence
    blob = await keep(shelf, data)
    with pytest.raises(Notice) as caught:
        await intake.accept_result(blob)
    assert caught.value.word is Word.UNREADABLE


async def test_the_largest_within_the_bounds_is_taken(intake: Intake, shelf: Shelf) -> None:
    data = encoded(Image.new("RGB", (8_000, 5_000), RED), "PNG", compress_level=1)
    assert (await accept(intake, shelf, data)).size == (2048, 1280)
    data = encoded(Image.new("RGBA", (4_000, 4_000), (*RED, 200)), "WEBP", method=0)
    assert (await accept(intake, shelf, data)).size == (2048, 2048)


async def test_one_byte_over_the_bound_is_refused_unread(intake: Intake, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(encoded(blocks([[RED]]), "PNG"))
        file.truncate(UPLOAD_BYTES_MAX)
    await intake.accept_upload(path, "huge.png")
    with path.open("r+b") as file:
        file.truncate(UPLOAD_BYTES_MAX + 1)
    with pytest.raises(Notice, match=r"“huge\.png” is too large: at most 25 MiB") as caught:
        await intake.accept_upload(path, "huge.png")
    assert caught.value.word is Word.TOO_LARGE


@pytest.mark.parametrize("size", [(100, 100), (3, 1)])
async def test_a_png_that_lies_about_its_size_is_refused(
    intake: Intake, shelf: Shelf, size: tuple[int, int]
) -> None:
    one_row = b"\0" + bytes((*RED, *GREEN))
    assert (await accept(intake, shelf, raw_png((2, 1), 8, 2, one_row))).size == (2, 1)
    with pytest.raises(Notice) as caught:
        await accept(intake, shelf, raw_png(size, 8, 2, one_row))
    assert caught.value.word is Word.UNREADABLE


SCRIPT = b"/*<script>PLANTED</script><?php PLANTED ?>*/"


def archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("evil.sh", "echo PLANTED")
    return target.getvalue()


def gif_that_is_a_script() -> bytes:
    """Its width in bytes opens a comment of JavaScript, and its trailer closes it."""
    width = int.from_bytes(b"/*", "little")
    image = Image.new("P", (width, 20))
    image.putpalette(RED)
    return encoded(image, "GIF") + b"*/=1;alert('PLANTED')"


def jpeg_that_is_a_page() -> bytes:
    """What stands before the comment is no markup, and the comment hides what follows."""
    return encoded(blocks([[RED]]), "JPEG", comment=b"<html><!--PLANTED--><body>PLANTED<!--")


def webp_that_is_a_page() -> bytes:
    return encoded(blocks([[RED]]), "WEBP", xmp=b"<html>PLANTED</html>") + b"<script>PLANTED"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(blocks([[RED]]), "PNG") + archive(), id="png and zip"),
        pytest.param(encoded(blocks([[RED]]), "JPEG") + archive(), id="jpeg and zip"),
        pytest.param(encoded(blocks([[RED]]), "GIF", comment=SCRIPT) + archive(), id="gif and zip"),
        pytest.param(encoded(blocks([[RED]]), "AVIF") + archive(), id="avif and zip"),
        pytest.param(
            encoded(blocks([[RED]]), "AVIF")
            + struct.pack(">I", 8 + len(SCRIPT))
            + b"free"
            + SCRIPT,
            id="avif and script",
        ),
        pytest.param(
            encoded(blocks([[RED]]), "PNG")[:33]
            + chunk(b"evIl", SCRIPT)
            + encoded(blocks([[RED]]), "PNG")[33:],
            id="png and script",
        ),
        pytest.param(gif_that_is_a_script(), id="gif and script"),
        pytest.param(jpeg_that_is_a_page(), id="jpeg and page"),
        pytest.param(webp_that_is_a_page(), id="webp and page"),
    ],
)
async def test_of_a_polyglot_only_the_picture_is_left(
    intake: Intake, shelf: Shelf, data: bytes
) -> None:
    assert b"PLANTED" in data
    accepted = await accept(intake, shelf, data)
    assert accepted.shows([RED])
    assert b"PLANTED" not in accepted.data
    assert b"PK\x03\x04" not in accepted.data


async def test_a_name_cannot_speak_in_the_sentence(intake: Intake, shelf: Shelf) -> None:
    name = "@everyone **[x](https://evil.example)** <@1>\n-# `y` " + "z" * 99 + ".png"
    sentence = (await refusal(intake, shelf, b"junk", name)).sentence
    said = sentence[sentence.index("“") + 1 : sentence.index("”")]
    assert len(said) <= 60
    assert not set(said) & set("@*[]()<>`#\n:/|~\\")


async def test_the_workshop_lives_on_after_all_of_it(
    intake: Intake, shelf: Shelf, workshop: Workshop
) -> None:
    assert "“photo.png”" in (await refusal(intake, shelf, b"junk")).sentence
    assert (await accept(intake, shelf, encoded(blocks([[RED]]), "PNG"))).shows([RED])


SEEDS = [busy_picture(image_format) for image_format in FORMATS]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4)), min_size=1, max_size=6),
)
def test_a_mangled_file_is_a_picture_or_a_notice(
    workshop: Workshop, tmp_path: Path, seed: bytes, edits: list[tuple[float, bytes]]
) -> None:
    data = bytearray(seed)
    for share, patch in edits:
        at = int(share * len(data))
        data[at : at + len(patch)] = patch

    async def take() -> None:
        async with Shelf(tmp_path) as shelf:
            try:
                await accept(Intake(shelf, workshop), shelf, bytes(data))
            except Notice as notice:
                assert notice.word in {Word.UNREADABLE, Word.TOO_LARGE}  # noqa: PT017

    asyncio.run(take())
