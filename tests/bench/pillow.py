"""Rows about Pillow's work, which happens in the workshop's process, floors included."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bot.pictures.pixels import inspect, refit
from bot.pictures.strip import is_whole, strip
from bot.pictures.workshop import Workshop
from tests.bench.measure import Case, Check, Figure, lag_of, ms, ratio, rounds, wall
from tests.bench.ours import Setting
from tests.bench.photos import encoded, photo

SIZES = ((1024, 1024), (1536, 1024), (2048, 2048), (3840, 2160))
FOUR_K = (3840, 2160)
NO_LIMIT = 1 << 30


def load_png(source: str) -> int:
    """The floor of all work on a PNG. Gives its width."""
    with Image.open(source, formats=("PNG",)) as image:
        image.load()
        return image.width


def copy_bytes(source: str, target: str) -> None:
    """The floor of all that keeps the pixels as they are written."""
    Path(target).write_bytes(Path(source).read_bytes())


def save_png(folder: Path, size: tuple[int, int], number: int = 0) -> Path:
    path = folder / f"photo-{size[0]}x{size[1]}-{number}.png"
    if not path.exists():
        path.write_bytes(encoded(photo(size, number), "PNG", compress_level=1))
    return path


def in_workshop(
    workshop: Workshop, check: Callable[[], None], job: Callable[..., object], *arguments: object
) -> Case:
    async def run() -> Check:
        await workshop.run(job, *arguments)
        return check

    return run


def _nothing() -> None:
    """The job's own errors are check enough."""


async def jpeg(setting: Setting) -> list[Figure]:
    """A PNG made a JPEG in a file."""
    found: list[Figure] = []
    target = setting.folder / "target"
    target.touch()
    async with Workshop() as workshop:
        for size in SIZES:
            source = save_png(setting.folder, size)

            def check(size: tuple[int, int] = size) -> None:
                with Image.open(target) as image:
                    assert (image.format, image.size) == ("JPEG", size)

            cases = {
                "ours": in_workshop(workshop, check, refit, str(source), str(target), NO_LIMIT),
                "load": in_workshop(workshop, _nothing, load_png, str(source)),
            }
            done = await rounds(cases, setting.rounds)
            found.append(
                Figure(
                    "jpeg", f"PNG to JPEG file, {size[0]}×{size[1]}, wall",
                    ratio(done, wall("ours"), wall("load")), "×", 1.35,
                    f"load png {ms(done, wall('load')):.1f} ms", "1.05-1.25", "≤ 1.35",
                    f"{ms(done, wall('ours')):.1f} ms",
                )
            )  # fmt: skip
    return found


async def encode_lag(setting: Setting) -> list[Figure]:
    """The loop's lag beside the re-encode of a 4K picture."""
    source, target = save_png(setting.folder, FOUR_K), setting.folder / "target"
    target.touch()

    def progressive() -> int:
        with Image.open(source) as image:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=92, progressive=True)
            return len(buffer.getvalue())

    async def floor() -> Check:
        size_bytes = await asyncio.to_thread(progressive)

        def check() -> None:
            assert size_bytes

        return check

    async with Workshop() as workshop:
        cases = {
            "ours": in_workshop(workshop, _nothing, refit, str(source), str(target), NO_LIMIT),
            "thread": floor,
        }
        done = await rounds(cases, setting.rounds, lag=True)
    return [
        Figure(
            "encode-lag", "4K re-encode, share of the lag",
            ratio(done, lag_of("ours"), lag_of("thread")), "×", 1 / 10,
            f"progressive JPEG in a thread {ms(done, lag_of('thread')):.1f} ms", "1/60 (1.4 ms)",
            "≤ 1/10", f"{ms(done, lag_of('ours')):.2f} ms",
        )
    ]  # fmt: skip


async def accept(setting: Setting) -> list[Figure]:
    """What it costs to accept a PNG, beside decoding it."""
    source = str(save_png(setting.folder, (1536, 1024)))
    async with Workshop() as workshop:
        cases = {
            "ours": in_workshop(workshop, _nothing, inspect, source, ""),
            "load": in_workshop(workshop, _nothing, load_png, source),
        }
        done = await rounds(cases, setting.rounds)
    return [
        *await _stripped(setting),
        Figure(
            "accept", "a PNG accepted (header, cap, verify), wall",
            ratio(done, wall("ours"), wall("load")), "×", 0.05,
            f"load png {ms(done, wall('load')):.1f} ms", "0.02", "≤ 0.05",
            f"{ms(done, wall('ours')):.2f} ms",
        )
    ]  # fmt: skip


async def _stripped(setting: Setting) -> list[Figure]:
    """A PNG without its metadata; and the same with the look whether its pixels are whole."""
    source, target = save_png(setting.folder, (1536, 1024)), setting.folder / "target"
    target.touch()

    def check() -> None:
        assert target.read_bytes() == source.read_bytes()

    paths = (str(source), str(target))
    async with Workshop() as workshop:
        cases = {
            "ours": in_workshop(workshop, check, strip, *paths, 2048, NO_LIMIT),
            "copy": in_workshop(workshop, check, copy_bytes, *paths),
            "proved": in_workshop(workshop, check, proved, *paths),
            "load": in_workshop(workshop, _nothing, load_png, str(source)),
        }
        done = await rounds(cases, setting.rounds)
    return [
        Figure(
            "accept", "a PNG without its metadata, wall",
            ratio(done, wall("ours"), wall("copy")), "×", 1.8,
            f"copy of the bytes {ms(done, wall('copy')):.1f} ms", "1.0 (CRC 1.5)",
            "≤ 1.8", f"{ms(done, wall('ours')):.1f} ms",
        ),
        Figure(
            "accept", "the same and its pixels unpacked to prove them, wall",
            ratio(done, wall("proved"), wall("load")), "×", 1.0,
            f"load png {ms(done, wall('load')):.1f} ms", "-", "less than decoding it",
            f"{ms(done, wall('proved')):.1f} ms, "
            f"{ratio(done, wall('proved'), wall('copy')):.1f} × the copy",
        ),
    ]  # fmt: skip


def proved(source: str, target: str) -> None:
    """As it is done with a member's file."""
    size = strip(source, target, 2048, NO_LIMIT)
    assert size is not None
    assert is_whole(target, *size)
