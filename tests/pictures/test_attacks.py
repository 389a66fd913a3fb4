"""Pictures made to break or to hold up whoever opens them: each is used or refused with the right
word, and the workshop's process stays within its bounds of time and memory, and alive.
"""

import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import Notice, Word
from bot.pictures.intake import UPLOAD_BYTES_MAX, Intake
from bot.pictures.pixels import normalise
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import JOB_TIMEOUT_S, Workshop
from tests.pictures.attacks import ANIMATED, BOMBS, BROKEN, LIES, METADATA, Make
from tests.pictures.boxes import Coded, file_of, grid, learn_heif
from tests.pictures.paint import BLUE, GREEN, RED, alike, encoded, noise, read_blocks
from tests.pictures.support import accept, keep

SECONDS_MAX = JOB_TIMEOUT_S / 2
PEAK_MIB_MAX = 700
"""Of the process, with about 30 of its own. Its bound is of address space, which is more."""

LONG = {
    *("heic grid", "avif of a smaller size", "gif of huge frames", "webp of huge frames"),
    *("png with alpha", "png of 16 bits", "gif with a clear colour", "avif with alpha"),
    *("heic in tiles", "jpeg photoshop", "jpeg exif"),
}
"""Those that take longer than a second."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.fixture(autouse=True, scope="module")
def heif_can_be_written() -> None:
    learn_heif()


@asynccontextmanager
async def within_bounds(workshop: Workshop) -> AsyncGenerator[None]:
    """What is done inside takes neither long nor much memory, and ends no process."""
    pid = await workshop.run(os.getpid)
    process = Path("/proc") / str(pid)
    (process / "clear_refs").write_text("5")  # its peak is that of now
    begun_s = time.monotonic()
    yield
    seconds = time.monotonic() - begun_s
    assert await workshop.run(os.getpid) == pid
    (peak,) = (
        int(line.split()[1]) // 1024
        for line in (process / "status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    print(f"{seconds:.2f} s, at most {peak} MiB")
    assert seconds < SECONDS_MAX
    assert peak < PEAK_MIB_MAX


def table(attacks: dict[str, Make]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "make",
        [
            pytest.param(make, id=name, marks=[pytest.mark.long] if name in LONG else [])
            for name, make in attacks.items()
        ],
    )


async def refused_result(intake: Intake, shelf: Shelf, data: bytes) -> bool:
    """Whether the same bytes, coming from the model, are no picture."""
    blob = await keep(shelf, data)
    try:
        await intake.accept_result(blob)
    except Notice as notice:
        assert notice.word is Word.UNREADABLE  # noqa: PT017
        return True
    return False


@table(BOMBS)
async def test_a_bomb_is_too_large(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    assert len(data) <= 200_000
    async with within_bounds(workshop):
        with pytest.raises(Notice, match=r"“bomb\.png” is too large") as caught:
            await accept(intake, shelf, data, "bomb.png")
        assert await refused_result(intake, shelf, data)
    assert caught.value.word is Word.TOO_LARGE


@table(BROKEN)
async def test_what_is_broken_on_purpose_is_unreadable(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    assert len(data) <= UPLOAD_BYTES_MAX
    async with within_bounds(workshop):
        with pytest.raises(Notice, match="cannot be read as a picture") as caught:
            await accept(intake, shelf, data)
        await refused_result(intake, shelf, data)
    assert caught.value.word is Word.UNREADABLE


@table(LIES)
async def test_what_lies_is_used_or_unreadable(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    async with within_bounds(workshop):
        try:
            await accept(intake, shelf, data)
        except Notice as notice:
            assert notice.word is Word.UNREADABLE  # noqa: PT017
        await refused_result(intake, shelf, data)


@table(METADATA)
async def test_monstrous_metadata_are_left_behind(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    assert len(data) <= UPLOAD_BYTES_MAX
    async with within_bounds(workshop):
        accepted = await accept(intake, shelf, data)
        await refused_result(intake, shelf, data)
    assert accepted.size == (128, 64)
    assert len(accepted.data) < 20_000
    assert all(
        alike(*pair, 14)
        for pair in zip(read_blocks(accepted.path, 2, 1)[0], (RED, GREEN), strict=True)
    )


@table(ANIMATED)
async def test_of_an_animated_giant_there_is_the_first_frame(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    assert len(data) <= UPLOAD_BYTES_MAX
    async with within_bounds(workshop):
        accepted = await accept(intake, shelf, data)
        await refused_result(intake, shelf, data)
    assert alike(read_blocks(accepted.path, 2, 1)[0][0], RED, 14)
    with Image.open(accepted.path) as image:
        assert getattr(image, "n_frames", 1) == 1


def largest(mode: str, image_format: str, **options: object) -> Make:
    return lambda: encoded(Image.new(mode, (8_000, 5_000), 99), image_format, **options)


def clear(image_format: str, **options: object) -> Make:
    def make() -> bytes:
        image = Image.new("RGB", (8_000, 5_000), BLUE)
        image.putalpha(Image.new("L", image.size, 99))
        return encoded(image, image_format, **options)

    return make


LARGEST: dict[str, Make] = {
    "png with alpha": clear("PNG", compress_level=1),
    "png of 16 bits": largest("I;16", "PNG", compress_level=1),
    "png palette": largest("P", "PNG", compress_level=1, transparency=0),
    "gif with a clear colour": largest("P", "GIF", transparency=99),
    "jpeg of four colours": largest("CMYK", "JPEG"),
    "avif with alpha": clear("AVIF", speed=10),
    "heic in tiles": lambda: file_of(
        "HEIF", grid(Coded.of("HEIF", Image.new("RGB", (512, 512), GREEN)), 15, 10)
    ),
}


@table(LARGEST)
async def test_the_largest_of_a_kind_is_used(
    intake: Intake, shelf: Shelf, workshop: Workshop, make: Make
) -> None:
    data = make()
    async with within_bounds(workshop):
        accepted = await accept(intake, shelf, data)
    assert max(accepted.size) == 2048


@pytest.mark.parametrize("name", ["photo.jpg", "photo.heic", "a.exe"])
@pytest.mark.parametrize("image_format", ["PNG", "AVIF", "HEIF"])
async def test_a_wrong_name_is_no_matter(
    intake: Intake, shelf: Shelf, image_format: str, name: str
) -> None:
    data = encoded(Image.new("RGB", (64, 64), RED), image_format)
    assert alike(read_blocks((await accept(intake, shelf, data, name)).path, 1, 1)[0][0], RED)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "HEIF"])
async def test_a_file_cut_anywhere_is_unreadable(
    workshop: Workshop, tmp_path: Path, image_format: str
) -> None:
    image = noise(128, 128)
    data = encoded(image.quantize(64) if image_format == "GIF" else image, image_format)
    source, target = tmp_path / "source", tmp_path / "target"
    target.touch()
    for share in range(100):
        source.write_bytes(data[: len(data) * share // 100])
        with pytest.raises(Notice) as caught:
            await workshop.run(normalise, str(source), str(target), "cut")
        assert caught.value.word is Word.UNREADABLE, share
