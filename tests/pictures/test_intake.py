"""Pictures as they should be, in every form that people have them in."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bot.pictures.intake import Intake
from bot.pictures.pixels import LONG_SIDE_MAX, PNG_BYTES_MAX
from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture
from tests.pictures.paint import (
    BLACK,
    BLUE,
    GOLD,
    GREEN,
    RED,
    WHITE,
    alike,
    blocks,
    chunk,
    encoded,
    icc_profile,
    jpeg_segments,
    noise,
    png_chunks,
    raw_png,
    read_blocks,
    turned,
)
from tests.pictures.support import Accepted, accept, keep

UPRIGHT = [[RED, GREEN, BLUE], [WHITE, BLACK, GOLD]]


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = "PLANTED-EXIF"
    return data.tobytes()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
async def test_every_orientation_comes_out_upright(
    intake: Intake, shelf: Shelf, orientation: int, image_format: str
) -> None:
    stored = turned(blocks(UPRIGHT), orientation)
    options = {"PNG": {}, "JPEG": {"quality": 95}, "WEBP": {"lossless": True}}[image_format]
    data = encoded(stored, image_format, exif=exif(orientation), **options)
    accepted = await accept(intake, shelf, data)
    assert accepted.size == (48, 32)
    assert accepted.shows(*UPRIGHT)


async def test_a_large_turned_photo_is_upright_and_small(intake: Intake, shelf: Shelf) -> None:
    stored = turned(blocks(UPRIGHT), 6).transform(
        (3200, 4800), Image.Transform.EXTENT, (0, 0, 32, 48)
    )
    accepted = await accept(intake, shelf, encoded(stored, "JPEG", exif=exif(6)))
    assert accepted.size == (LONG_SIDE_MAX, 1365)
    assert accepted.shows(*UPRIGHT)


@pytest.mark.parametrize("value", [0, 9, 65535])
async def test_an_orientation_that_is_none_is_ignored(
    intake: Intake, shelf: Shelf, value: int
) -> None:
    accepted = await accept(intake, shelf, encoded(blocks(UPRIGHT), "PNG", exif=exif(value)))
    assert accepted.shows(*UPRIGHT)


async def test_broken_exif_spoils_no_picture(intake: Intake, shelf: Shelf) -> None:
    broken = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\xff\xff\xff\xff" * 40
    accepted = await accept(intake, shelf, encoded(blocks(UPRIGHT), "JPEG", exif=broken))
    assert accepted.shows(*UPRIGHT)


CLEAR = (0, 0, 0, 0)
HALF = (220, 30, 40, 128)
SEEN = (30, 50, 210, 255)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
async def test_alpha_is_kept(intake: Intake, shelf: Shelf, image_format: str) -> None:
    image = blocks([[CLEAR, HALF, SEEN]], mode="RGBA")
    accepted = await accept(intake, shelf, encoded(image, image_format, lossless=True))
    assert accepted.picture.media_type == "image/png"
    assert [colour[3] for colour in read_blocks(accepted.path, 3, 1)[0]] == [0, 128, 255]
    assert accepted.shows([CLEAR, HALF, SEEN])


async def test_alpha_is_kept_when_made_smaller_and_bleeds_no_colour(
    intake: Intake, shelf: Shelf
) -> None:
    hidden_green = (0, 255, 0, 0)
    image = blocks([[hidden_green, SEEN]], side=2048, mode="RGBA")
    accepted = await accept(intake, shelf, encoded(image, "PNG"))
    assert accepted.size == (2048, 1024)
    with Image.open(accepted.path) as small:
        edge = small.getpixel((1024, 500))
    assert isinstance(edge, tuple)
    assert edge[1] <= 60  # no green where the clear side's colour was


async def test_noise_with_alpha_becomes_webp_with_alpha(intake: Intake, shelf: Shelf) -> None:
    accepted = await accept(intake, shelf, encoded(noise(1300, 1200, "RGBA"), "PNG"))
    assert accepted.picture.media_type == "image/webp"
    with Image.open(accepted.path) as image:
        assert image.mode == "RGBA"


async def test_noise_without_alpha_becomes_jpeg(intake: Intake, shelf: Shelf) -> None:
    accepted = await accept(intake, shelf, encoded(noise(1300, 1200), "PNG"))
    assert accepted.picture.media_type == "image/jpeg"
    assert accepted.picture.size_bytes < PNG_BYTES_MAX


async def test_alpha_that_hides_nothing_is_dropped(intake: Intake, shelf: Shelf) -> None:
    accepted = await accept(intake, shelf, encoded(blocks(UPRIGHT).convert("RGBA"), "PNG"))
    with Image.open(accepted.path) as image:
        assert image.mode == "RGB"
    assert accepted.shows(*UPRIGHT)


async def test_of_an_animation_there_is_the_first_frame(intake: Intake, shelf: Shelf) -> None:
    frames = [blocks([[colour]]) for colour in (RED, GREEN, BLUE)]
    for image_format in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:])
        accepted = await accept(intake, shelf, data)
        assert accepted.shows([RED]), image_format
        with Image.open(accepted.path) as image:
            assert getattr(image, "n_frames", 1) == 1


async def test_a_clear_colour_of_a_gif_is_clear(intake: Intake, shelf: Shelf) -> None:
    image = blocks([[RED, GREEN]]).quantize(4)
    index = image.getpixel((4, 4))
    accepted = await accept(intake, shelf, encoded(image, "GIF", transparency=index))
    found = read_blocks(accepted.path, 2, 1)[0]
    assert found[0][3] == 0
    assert alike(found[1], GREEN)


async def test_a_palette_with_half_clear_colours_keeps_them(intake: Intake, shelf: Shelf) -> None:
    image = blocks([[RED, GREEN, BLUE]]).quantize(4)
    order = [image.getpixel((x, 4)) for x in (8, 24, 40)]
    alphas = bytearray(b"\xff" * 4)
    for index, alpha in zip(order, (0, 128, 255), strict=True):
        assert isinstance(index, int)
        alphas[index] = alpha
    accepted = await accept(intake, shelf, encoded(image, "PNG", transparency=bytes(alphas)))
    found = read_blocks(accepted.path, 3, 1)[0]
    assert [colour[3] for colour in found] == [0, 128, 255]
    assert alike(found[2], BLUE)


async def test_cmyk_keeps_its_colours(intake: Intake, shelf: Shelf) -> None:
    data = encoded(blocks(UPRIGHT).convert("CMYK"), "JPEG", quality=95)
    assert (await accept(intake, shelf, data)).shows(*UPRIGHT)


def rows_of_16_bit(*rows: Sequence[int]) -> bytes:
    return b"".join(b"\0" + b"".join(v.to_bytes(2, "big") for v in row) for row in rows)


async def test_grey_of_16_bits_keeps_its_greys(intake: Intake, shelf: Shelf) -> None:
    pixels = rows_of_16_bit([0, 0x1234, 0x8000, 0xFFFF])
    accepted = await accept(intake, shelf, raw_png((4, 1), 16, 0, pixels))
    assert accepted.shows([(0, 0, 0), (0x12,) * 3, (0x80,) * 3, (255,) * 3])


async def test_grey_of_16_bits_keeps_its_clear_grey(intake: Intake, shelf: Shelf) -> None:
    pixels = rows_of_16_bit([0, 0x8001, 0x8000, 0xFFFF])
    key = chunk(b"tRNS", b"\x80\x00")
    accepted = await accept(intake, shelf, raw_png((4, 1), 16, 0, pixels, key))
    found = read_blocks(accepted.path, 4, 1)[0]
    assert [colour[3] for colour in found] == [255, 255, 0, 255]


async def test_colour_of_16_bits_keeps_its_clear_colour(intake: Intake, shelf: Shelf) -> None:
    pixels = rows_of_16_bit([0x8000, 0x1000, 0, 0xFFFF, 0x2000, 0])
    key = chunk(b"tRNS", b"\x80\x00\x10\x00\x00\x00")
    accepted = await accept(intake, shelf, raw_png((2, 1), 16, 2, pixels, key))
    found = read_blocks(accepted.path, 2, 1)[0]
    assert found[0][3] == 0
    assert alike(found[1], (255, 0x20, 0))


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
async def test_black_and_white_and_grey_are_read(intake: Intake, shelf: Shelf, mode: str) -> None:
    image = blocks([[BLACK, WHITE]]).convert(mode)
    assert (await accept(intake, shelf, encoded(image, "PNG"))).shows([BLACK, WHITE])


async def test_a_jpeg_with_more_pictures_behind_it_is_a_jpeg(intake: Intake, shelf: Shelf) -> None:
    data = encoded(blocks(UPRIGHT), "MPO", save_all=True, append_images=[blocks([[RED]])])
    accepted = await accept(intake, shelf, data)
    assert accepted.picture.media_type == "image/jpeg"
    assert accepted.shows(*UPRIGHT)


@pytest.mark.parametrize(
    ("image_format", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB")]
)
async def test_colours_are_moved_from_their_profile(
    intake: Intake, shelf: Shelf, image_format: str, mode: str
) -> None:
    image = blocks([[RED, GREEN, BLUE]]).convert(mode)
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, 48, 4))
    options = {"icc_profile": icc_profile(2, 1, 0), "quality": 95, "lossless": True}
    accepted = await accept(intake, shelf, encoded(image, image_format, **options))
    swapped = [(40, 30, 220), (60, 190, 20), (210, 50, 30)]
    assert all(
        alike(found, wanted, 16)
        for found, wanted in zip(read_blocks(accepted.path, 3, 1)[0], swapped, strict=True)
    )


@pytest.mark.parametrize("profile", [b"junk", icc_profile(0, 1, 2)[:300]])
async def test_a_broken_profile_is_ignored(intake: Intake, shelf: Shelf, profile: bytes) -> None:
    accepted = await accept(intake, shelf, encoded(blocks(UPRIGHT), "PNG", icc_profile=profile))
    assert accepted.shows(*UPRIGHT)


async def test_a_profile_for_colours_on_grey_is_ignored(intake: Intake, shelf: Shelf) -> None:
    image = blocks([[BLACK, WHITE]]).convert("L")
    data = encoded(image, "PNG", icc_profile=icc_profile(0, 1, 2))
    assert (await accept(intake, shelf, data)).shows([BLACK, WHITE])


PLANTED = b"PLANTED"
PROFILE = icc_profile(0, 1, 2, b"PLANTED-ICC")
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>PLANTED-XMP</x:xmpmeta>"


def planted_png(image: Image.Image) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("PLANTED-key", "PLANTED-text")
    info.add_text("PLANTED-zkey", "PLANTED-ztext", zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add(b"prVt", b"PLANTED-private", after_idat=True)
    data = encoded(image, "PNG", pnginfo=info, exif=exif(1), icc_profile=PROFILE, dpi=(72, 72))
    return data + b"PLANTED-trailer"


def planted_jpeg(image: Image.Image) -> bytes:
    options = {"comment": b"PLANTED-comment", "xmp": XMP, "icc_profile": PROFILE}
    data = encoded(image, "JPEG", exif=exif(1), dpi=(72, 72), **options)
    photoshop = b"\xff\xed" + (2 + 15).to_bytes(2, "big") + b"PLANTED-segment"
    return data[:2] + photoshop + data[2:] + b"PLANTED-trailer"


def planted_webp(image: Image.Image) -> bytes:
    data = encoded(image, "WEBP", exif=exif(1), xmp=XMP, icc_profile=PROFILE)
    return data + b"PLANTED-trailer"


def planted_gif(image: Image.Image) -> bytes:
    return encoded(image, "GIF", comment=b"PLANTED-comment") + b"PLANTED-trailer"


def assert_only_pixels(accepted: Accepted) -> None:
    assert PLANTED not in accepted.data
    with Image.open(accepted.path) as image:
        image.load()
        assert not image.getexif()
        assert not {"icc_profile", "exif", "xmp", "comment", "dpi"} & {
            str(key) for key, value in image.info.items() if value
        }
    match accepted.picture.media_type:
        case "image/png":
            assert set(png_chunks(accepted.data)) == {b"IHDR", b"IDAT", b"IEND"}
        case "image/jpeg":
            # JFIF, tables, frame, scan, end.
            assert set(jpeg_segments(accepted.data)) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}
            assert accepted.data.endswith(b"\xff\xd9")
        case _:
            riff_bytes = int.from_bytes(accepted.data[4:8], "little") + 8
            assert len(accepted.data) == riff_bytes
            assert not any(name in accepted.data for name in (b"ICCP", b"EXIF", b"XMP "))


@pytest.mark.parametrize("plant", [planted_png, planted_jpeg, planted_webp, planted_gif])
async def test_nothing_but_pixels_comes_out(
    intake: Intake, shelf: Shelf, plant: Callable[[Image.Image], bytes]
) -> None:
    data = plant(blocks(UPRIGHT))
    assert PLANTED in data
    assert_only_pixels(await accept(intake, shelf, data))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_nothing_but_pixels_comes_out_of_a_large_one_either(
    intake: Intake, shelf: Shelf, mode: str
) -> None:
    accepted = await accept(intake, shelf, planted_png(noise(1300, 1200, mode)))
    assert accepted.picture.media_type in {"image/jpeg", "image/webp"}
    assert_only_pixels(accepted)


@pytest.mark.parametrize("size", [(2048, 10), (2049, 10), (10, 5000), (16384, 3), (1, 1)])
async def test_the_long_side_is_bounded(
    intake: Intake, shelf: Shelf, size: tuple[int, int]
) -> None:
    accepted = await accept(intake, shelf, encoded(Image.new("RGB", size, RED), "PNG"))
    assert max(accepted.size) == min(LONG_SIDE_MAX, max(size))
    assert min(accepted.size) >= 1


async def test_the_same_upload_twice_is_one_picture(intake: Intake, shelf: Shelf) -> None:
    data = encoded(blocks(UPRIGHT), "PNG")
    first, second = await accept(intake, shelf, data), await accept(intake, shelf, data)
    assert first.picture == second.picture


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (planted_png(blocks(UPRIGHT)), "image/png"),
        (planted_jpeg(blocks(UPRIGHT)), "image/jpeg"),
        (planted_webp(blocks(UPRIGHT)), "image/webp"),
        (planted_gif(blocks(UPRIGHT)), "image/gif"),
    ],
)
async def test_what_the_model_made_is_kept_byte_for_byte(
    intake: Intake, shelf: Shelf, data: bytes, media_type: str
) -> None:
    blob = await keep(shelf, data)
    picture = await intake.accept_result(blob)
    assert picture == Picture(blob.id, media_type, 48, 32, len(data))
    assert shelf.path(blob.id).read_bytes() == data


async def test_an_upload_stays_the_callers(intake: Intake, tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    buffer = io.BytesIO()
    blocks(UPRIGHT).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    await intake.accept_upload(path, "mine.png")
    assert path.read_bytes() == buffer.getvalue()
