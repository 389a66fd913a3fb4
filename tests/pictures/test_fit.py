import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from bot.errors import Notice, Word
from bot.pictures.fit import Fit, Fitted
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture
from tests.pictures.paint import (
    BLUE,
    GREEN,
    RED,
    Colour,
    alike,
    blocks,
    encoded,
    icc_profile,
    noise,
    raw_png,
)
from tests.pictures.support import files, keep

MIB = 1024 * 1024
LIMITS = [100 * MIB, 25 * MIB, 8 * MIB, 3 * MIB, MIB, 400_000, 100_000]


async def shelve(intake: Intake, shelf: Shelf, data: bytes) -> Picture:
    return await intake.accept_result(await keep(shelf, data))


def grainy(rows: Sequence[Sequence[Colour]], side: int, mode: str = "RGB") -> Image.Image:
    """Squares under so much noise that they need room, and can still be told apart."""
    image = blocks(rows, side=side, mode="RGB")
    grained = Image.blend(image, noise(image.width, image.height), 0.25)
    if mode == "RGBA":
        half = Image.new("L", image.size, 255)
        half.paste(0, (0, 0, image.width // len(rows[0]), image.height))
        grained.putalpha(half)
    return grained


def means(image: Image.Image, columns: int) -> list[Colour]:
    """The mean colours, as RGBA, of what stands in the middle of each column."""
    clear = image.convert("RGBA")
    wide = clear.width // columns
    found: list[Colour] = []
    for column in range(columns):
        left = wide * column
        inside = clear.crop((left + wide // 4, 0, left + wide * 3 // 4, clear.height))
        found.append(tuple(round(value) for value in ImageStat.Stat(inside).mean))
    return found


async def test_what_fits_goes_as_it_is(intake: Intake, shelf: Shelf, fit: Fit) -> None:
    for image_format, suffix in (("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")):
        data = encoded(noise(40, 30), image_format)
        picture = await shelve(intake, shelf, data)
        fitted = await fit.fit(picture, len(data))
        assert fitted == Fitted(shelf.path(picture.id), suffix, changed=False)
        assert (await fit.fit(picture, len(data) - 1)).changed


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_picture_is_fitted_under_any_limit(
    intake: Intake, shelf: Shelf, fit: Fit, limit: int
) -> None:
    original = grainy([[RED, GREEN, BLUE]], 768)
    data = encoded(original, "PNG", compress_level=1)
    picture = await shelve(intake, shelf, data)
    fitted = await fit.fit(picture, limit)
    if len(data) <= limit:
        assert not fitted.changed
        return
    assert fitted.path.stat().st_size <= limit
    assert fitted.suffix == fitted.path.suffix == ".jpg"
    with Image.open(fitted.path) as image:
        assert image.format == "JPEG"
        assert abs(image.width / image.height - 3) < 0.05
        # What is left out is no more than a limit of that size asks for.
        assert fitted.path.stat().st_size > limit * 0.6 or image.size == original.size
        found = means(image, 3)
    assert all(alike(*pair, 4) for pair in zip(found, means(original, 3), strict=True))
    # The original is untouched.
    assert shelf.path(picture.id).read_bytes() == data


@pytest.mark.parametrize("limit", LIMITS)
async def test_alpha_is_kept_under_any_limit(
    intake: Intake, shelf: Shelf, fit: Fit, limit: int
) -> None:
    original = grainy([[RED, GREEN, BLUE]], 640, "RGBA")
    data = encoded(original, "PNG", compress_level=1)
    picture = await shelve(intake, shelf, data)
    fitted = await fit.fit(picture, limit)
    assert fitted.changed == (len(data) > limit)
    assert fitted.path.stat().st_size <= limit
    assert fitted.suffix == (".webp" if fitted.changed else ".png")
    with Image.open(fitted.path) as image:
        found = means(image, 3)
    assert [colour[3] for colour in found] == [0, 255, 255]
    assert all(alike(*pair, 4) for pair in zip(found[1:], means(original, 3)[1:], strict=True))


@pytest.mark.parametrize(
    ("mode", "limit"),
    [
        ("RGB", MIB),
        pytest.param("RGB", 10 * MIB, marks=pytest.mark.long),
        pytest.param("RGBA", MIB, marks=pytest.mark.long),
    ],
)
async def test_the_largest_of_the_model_fits(
    intake: Intake, shelf: Shelf, fit: Fit, mode: str, limit: int
) -> None:
    """And what is hardest to make small, too: it is nothing but noise."""
    data = encoded(noise(3840, 2160, mode), "PNG", compress_level=1)
    assert len(data) > 23 * MIB
    fitted = await fit.fit(await shelve(intake, shelf, data), limit)
    assert limit * 0.5 < fitted.path.stat().st_size <= limit
    with Image.open(fitted.path) as image:
        assert image.mode == mode
        assert (image.size == (3840, 2160)) == (limit > MIB)


def kinds() -> Iterator[tuple[str, bytes, Image.Image]]:
    """Of each kind one that needs room, and what is to be seen of it."""
    plain = grainy([[RED, GREEN, BLUE]], 256)
    clear = grainy([[RED, GREEN, BLUE]], 256, "RGBA")
    grey = plain.convert("L")
    deep = Image.frombytes("I;16", grey.size, bytes(v for v in grey.tobytes() for _ in (0, 1)))
    few = clear.quantize(128, Image.Quantize.FASTOCTREE)
    ink = plain.convert("CMYK")
    yield "png of 16 bits", encoded(deep, "PNG"), grey
    yield "png palette with alpha", encoded(few, "PNG"), few
    yield "png grey with alpha", encoded(clear.convert("LA"), "PNG"), clear.convert("LA")
    yield "gif with a clear colour", encoded(clear, "GIF"), clear
    yield "gif of frames", encoded(plain, "GIF", save_all=True, append_images=[clear] * 2), plain
    yield "jpeg of four colours", encoded(ink, "JPEG", quality=100), ink
    yield "webp", encoded(plain, "WEBP", lossless=True), plain
    yield "webp with alpha", encoded(clear, "WEBP", lossless=True), clear


async def test_every_kind_keeps_its_colours_and_its_alpha(
    intake: Intake, shelf: Shelf, fit: Fit
) -> None:
    for name, data, shown in kinds():
        fitted = await fit.fit(await shelve(intake, shelf, data), len(data) // 2)
        wanted = means(shown, 3)
        is_clear = wanted[0][3] == 0
        assert fitted.suffix == (".webp" if is_clear else ".jpg"), name
        with Image.open(fitted.path) as image:
            found = means(image, 3)
        assert found[0][3] == wanted[0][3], name
        seen = slice(1, 3) if is_clear else slice(0, 3)
        for pair in zip(found[seen], wanted[seen], strict=True):
            assert alike(*pair, 6), name


async def test_colours_hardly_change_where_quality_alone_suffices(
    intake: Intake, shelf: Shelf, fit: Fit
) -> None:
    original = grainy([[RED, GREEN], [BLUE, RED]], 512)
    data = encoded(original, "PNG")
    fitted = await fit.fit(await shelve(intake, shelf, data), len(data) - 1)
    with Image.open(fitted.path) as image:
        assert image.size == original.size
        difference = ImageStat.Stat(ImageChops.difference(image, original))
    assert max(difference.mean) < 8


async def test_colours_of_a_profile_are_kept(intake: Intake, shelf: Shelf, fit: Fit) -> None:
    original = grainy([[RED, BLUE]], 256)
    data = encoded(original, "PNG", icc_profile=icc_profile(2, 1, 0))
    fitted = await fit.fit(await shelve(intake, shelf, data), len(data) // 4)
    swapped = [(blue, green, red) for red, green, blue, _ in means(original, 2)]
    with Image.open(fitted.path) as image:
        assert all(alike(*pair, 16) for pair in zip(means(image, 2), swapped, strict=True))


async def test_doing_it_again_gives_the_same_file_without_work(
    intake: Intake, shelf: Shelf, fit: Fit
) -> None:
    picture = await shelve(intake, shelf, encoded(noise(300, 300), "PNG"))
    first = await fit.fit(picture, 60_000)
    before = first.path.stat()
    assert await fit.fit(picture, 60_000) == first
    after = first.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    other = await fit.fit(picture, 40_000)
    assert other.path != first.path
    assert other.path.stat().st_size <= 40_000


async def test_the_same_fit_twice_at_once_is_one_file(
    intake: Intake, shelf: Shelf, fit: Fit
) -> None:
    picture = await shelve(intake, shelf, encoded(noise(300, 300), "PNG"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(fit.fit(picture, 60_000)) for _ in range(3)]
    assert len({task.result() for task in tasks}) == 1
    assert len(files(shelf)) == 2


async def test_a_copy_that_an_earlier_run_left_is_made_anew(
    intake: Intake, shelf: Shelf, fit: Fit, tmp_path: Path
) -> None:
    picture = await shelve(intake, shelf, encoded(noise(300, 300), "PNG"))
    first = await fit.fit(picture, 60_000)
    async with Shelf(tmp_path / "shelf"):  # as the next start does
        assert not first.path.exists()
        assert shelf.path(picture.id).exists()
    again = await fit.fit(picture, 60_000)
    assert again == first
    assert again.path.exists()


async def test_an_impossible_limit_is_a_notice(intake: Intake, shelf: Shelf, fit: Fit) -> None:
    picture = await shelve(intake, shelf, encoded(noise(300, 300), "PNG"))
    with pytest.raises(Notice, match="100 bytes") as caught:
        await fit.fit(picture, 100)
    assert caught.value.word is Word.TOO_LARGE
    assert len(files(shelf)) == 1


async def test_extreme_shapes_fit(intake: Intake, shelf: Shelf, fit: Fit) -> None:
    for size, mode in (((16_384, 2), "RGBA"), ((2, 16_384), "RGBA"), ((16_000, 20), "RGB")):
        picture = await shelve(intake, shelf, encoded(noise(*size, mode), "PNG"))
        fitted = await fit.fit(picture, picture.size_bytes - 1)
        assert fitted.path.stat().st_size < picture.size_bytes


async def test_damage_found_while_fitting_is_a_notice(
    intake: Intake, shelf: Shelf, fit: Fit
) -> None:
    # The checksums are right, so the intake lets it pass; the pixels are missing.
    data = raw_png((600, 600), 8, 2, noise(100, 100).tobytes())
    picture = await shelve(intake, shelf, data)
    with pytest.raises(Notice) as caught:
        await fit.fit(picture, 20_000)
    assert caught.value.word is Word.UNREADABLE
    assert len(files(shelf)) == 1
