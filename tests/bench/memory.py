"""Rows about memory: how much the peak of resident memory rises while something is done once, in a
fresh process for each. Linux alone tells it.

As a program it is that process: its arguments are the server's address and certificate, a folder,
the name of what to do, and a number.
"""

import asyncio
import ctypes
import gc
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from bot.pictures.fit import Fit
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from tests.bench.files import BODY_PICTURES, body_pictures
from tests.bench.material import MB, line_key, picture_bytes, picture_sha256
from tests.bench.measure import Figure
from tests.bench.ours import Setting, call, listen, model
from tests.bench.photos import put
from tests.bench.uploads import UPLOAD_BYTES, UPLOADS, upload, uploader
from tests.bench.wire import ROOT, Wire

RUNS = 3
WARM_BYTES = 200_000
WARM_UPLOAD_BYTES = 4_000_000
"""Many of the pieces that aiohttp reads: else all that is seen is how its threads' heaps first grow
to that size.
"""
SMALL_LINE_BYTES = 1_500_000
LARGE_LINE_BYTES = 15 * MB
"""Of a picture: 2 and 20 MB of base64."""
IS_TOLD = sys.platform == "linux"

Act = Callable[[], Awaitable[None]]


def told(field: str) -> float:
    """A field of this process's status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / MB
    raise KeyError(field)


def settle() -> float:
    """Gives back what is free, begins a new peak, and tells what is resident now, in MB."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return told("VmRSS")


async def rise(act: Act) -> float:
    """By how much the peak rises while it is done, in MB."""
    before = settle()
    await act()
    return told("VmHWM") - before


async def line(wire: Wire, folder: Path, size_bytes: int) -> float:
    """One answer with a picture of so many bytes."""
    async with Shelf(folder) as shelf, model(wire, wire.plain, shelf) as ours:
        for number in range(3):
            await listen(ours, call(line_key(WARM_BYTES, number)))
        ids: list[str] = []

        async def act() -> None:
            ids.extend((await listen(ours, call(line_key(size_bytes, 0)))).pictures)

        grown = await rise(act)
    assert ids == [picture_sha256(size_bytes, 0)]
    return grown


async def body(wire: Wire, folder: Path, count: int) -> float:
    """One request with so many pictures of 3 MB."""
    async with Shelf(folder) as shelf, model(wire, wire.plain, shelf) as ours:
        pictures = await body_pictures(shelf, BODY_PICTURES)
        picture_bytes.cache_clear()
        small = await put(shelf, picture_bytes(WARM_BYTES, 0), (1, 1))
        for _ in range(3):
            await listen(ours, call("body/warm", [small]))

        async def act() -> None:
            assert (await listen(ours, call("body/memory", pictures[:count]))).texts == 1

        return await rise(act)


async def uploads(wire: Wire, folder: Path, count: int) -> float:
    """So many uploads of 10 MiB at once."""
    async with AsyncExitStack() as stack:
        shelf = await stack.enter_async_context(Shelf(folder))
        workshop = await stack.enter_async_context(Workshop())
        session = await stack.enter_async_context(uploader(wire))
        fit = Fit(shelf, workshop)
        pictures = [await put(shelf, picture_bytes(UPLOAD_BYTES, n), (1, 1)) for n in range(count)]
        picture_bytes.cache_clear()
        small = await put(shelf, picture_bytes(WARM_UPLOAD_BYTES, 0), (1, 1))

        for _ in range(3):
            await upload(session, fit, [small] * count)

        async def act() -> None:
            await upload(session, fit, pictures)

        return await rise(act)


PROBES = {"line": line, "body": body, "uploads": uploads}


def measure(wire: Wire, probe: str, number: int) -> float:
    """The median rise of the peak over a few fresh processes, in MB."""
    found: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.bench.memory"),
                    *(wire.plain, str(wire.certificate), folder, probe, str(number)),
                ],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
            )
            found.append(float(ran.stdout))
    return statistics.median(found)


async def streams(setting: Setting) -> list[Figure]:
    """Memory per stream at 20 MB, beside its own at 2 MB."""
    if not IS_TOLD:
        return []
    small = await asyncio.to_thread(measure, setting.wire, "line", SMALL_LINE_BYTES)
    large = await asyncio.to_thread(measure, setting.wire, "line", LARGE_LINE_BYTES)
    floor = f"at 2 MB {small:.1f} MB"
    return [
        Figure("stream-memory", "a stream at 20 MB, more than at 2 MB", large - small, "MB", 1.0,
               floor, "+ 0-0.7 MB", "≤ + 1 MB", f"{large:.1f} MB"),
        Figure("stream-memory", "a stream at 20 MB", large, "MB", 4.0, floor, "1.1-2", "≤ 4 MB"),
    ]  # fmt: skip


async def uploading(setting: Setting) -> list[Figure]:
    """Memory of eight uploads at once."""
    if not IS_TOLD:
        return []
    grown = await asyncio.to_thread(measure, setting.wire, "uploads", UPLOADS)
    return [
        Figure("upload-memory", f"{UPLOADS} × 10 MiB at once", grown, "MB", 4.0, "nothing",
               "0.9 MB", "≤ 4 MB")
    ]  # fmt: skip


async def bodies(setting: Setting) -> list[Figure]:
    """Memory of a request with one picture and with four."""
    if not IS_TOLD:
        return []
    one = await asyncio.to_thread(measure, setting.wire, "body", 1)
    four = await asyncio.to_thread(measure, setting.wire, "body", BODY_PICTURES)
    floor = f"1 × 3 MB {one:.1f} MB"
    return [
        Figure("body-memory", "a request with 4 × 3 MB, more than with 1", four - one, "MB", 0.5,
               floor, "+ 0", "≤ + 0.5 MB", f"{four:.1f} MB"),
        Figure("body-memory", "a request with 4 × 3 MB", four, "MB", 4.0, floor, "2.6",
               "≤ 4 MB"),
    ]  # fmt: skip


def main() -> None:
    origin, certificate, folder, probe, number = sys.argv[1:]
    wire = Wire(origin, None, Path(certificate))
    print(asyncio.run(PROBES[probe](wire, Path(folder), int(number))))


if __name__ == "__main__":
    main()
