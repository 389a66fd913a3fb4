"""Rows about many pictures that arrive at once in the whole chain."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.chain import chain
from tests.bench.measure import Figure, median, watching
from tests.bench.memory import IS_TOLD, RUNS, settle, told
from tests.bench.ours import Setting
from tests.bench.wire import ROOT

MIB = 1024 * 1024
PICTURES = 20
PICTURE_BYTES = 10 * MIB
REFITS = 8
SPENDS = 10
IN_FLIGHT = 8
SMALL_BYTES, LARGE_BYTES = 2 * MIB, 15 * MIB


async def crowd(setting: Setting) -> list[Figure]:
    """The loop's longest stall and the wait of a `/spend`, with 20 pictures of 10 MiB arriving at
    once while eight others are refitted.
    """
    stalls_ms: list[float] = []
    spends_ms: list[float] = []
    refits: list[int] = []
    wanted: dict[str, object] = {
        "count": PICTURES, "size_bytes": PICTURE_BYTES, "refits": REFITS, "spends": SPENDS,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        async with chain(Path(name)) as (others, _):
            for number in range(setting.rounds + 1):
                async with watching() as lag:
                    done = await others.tell("crowd", **wanted, seed=number)
                if number:
                    stalls_ms.append(1000 * lag.worst_s)
                    spends_ms.append(1000 * max(done["spends"]))
                    refits.append(done["refits_meanwhile"])
    place = f"{PICTURES} × 10 MiB arriving, {min(refits)} of {REFITS} refits meanwhile"
    return [
        Figure("crowd", f"{place}: longest stall of the loop", median(stalls_ms), "ms", 20.0, "-",
               "-", "≤ 20 ms", f"worst of all rounds {max(stalls_ms):.1f} ms"),
        Figure("crowd", f"{place}: longest wait of {SPENDS} /spend", median(spends_ms), "ms", 300.0,
               "-", "-", "≤ 300 ms", f"worst of all rounds {max(spends_ms):.0f} ms"),
    ]  # fmt: skip


async def in_flight(setting: Setting) -> list[Figure]:
    """Memory of each picture in flight, in the whole chain."""
    if not IS_TOLD:
        return []
    small = await asyncio.to_thread(_measure, setting.folder, SMALL_BYTES)
    large = await asyncio.to_thread(_measure, setting.folder, LARGE_BYTES)
    floor = f"at 2 MiB {small:.1f} MB"
    what = f"one of {IN_FLIGHT} pictures of 15 MiB in flight"
    return [
        Figure("flight", what, large, "MB", 4 * MIB / 1e6, floor, "-", "≤ 4 MiB"),
        Figure("flight", f"{what}, more than at 2 MiB", large - small, "MB", 0.5, floor, "-",
               "no more (≤ + 0.5 MB)", f"{large:.1f} MB"),
    ]  # fmt: skip


def _measure(folder: Path, size_bytes: int) -> float:
    found: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            ran = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "tests.bench.crowds", name, str(size_bytes)],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
            )
        found.append(float(ran.stdout))
    return statistics.median(found)


async def _grown(folder: Path, size_bytes: int) -> float:
    """By how much the peak rises for each picture in flight, in MB."""
    async with chain(folder) as (others, _):
        wanted: dict[str, object] = {"count": IN_FLIGHT, "refits": 0, "spends": 0}
        for number in range(2):
            await others.tell("crowd", **wanted, size_bytes=200_000, seed=number)
        before = settle()
        await others.tell("crowd", **wanted, size_bytes=size_bytes, seed=9)
        return (told("VmHWM") - before) / IN_FLIGHT


if __name__ == "__main__":
    print(asyncio.run(_grown(Path(sys.argv[1]), int(sys.argv[2]))))
