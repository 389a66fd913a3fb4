"""Rows about many pictures that arrive at once in the whole chain."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from discord.app_commands import CommandTree

from tests.bench.chain import Spans, StandIns, chain, noting
from tests.bench.material import MB
from tests.bench.measure import Figure, bystanding, median, watching
from tests.bench.memory import IS_TOLD, RUNS, settle, told
from tests.bench.ours import Setting
from tests.bench.wire import ROOT

MIB = 1024 * 1024
PICTURES = 20
PICTURE_BYTES = 10 * MIB
REFITS = 8
SPEEDS = ((6 * MB, "arriving at 6 MB/s each"), (0, "as fast as they are read"))
STALL_MS = 20.0
SPEND = ((CommandTree, "_call", "spend"),)
"""Discord's event has been read, to Discord's answer to the acknowledgement."""
IN_FLIGHT = 8
SMALL_BYTES, LARGE_BYTES = 2 * MIB, 15 * MIB


async def crowd(setting: Setting) -> list[Figure]:
    """The loop's longest stall and the wait of a `/spend`, with 20 pictures of 10 MiB arriving at
    once while eight others are refitted: at the speed of a network, and as fast as they are read.
    """
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=setting.folder) as name, noting(*SPEND) as spans:
        async with chain(Path(name)) as (others, _):
            for turn, (bytes_per_s, speed) in enumerate(SPEEDS):
                rounds: list[_Round] = []
                for number in range(setting.rounds + 1):
                    done = await _round(others, spans, bytes_per_s, 100 * turn + number)
                    if number:
                        rounds.append(done)
                found += _figures(f"{PICTURES} × 10 MiB {speed}", rounds)
    return found


@dataclass(frozen=True, slots=True)
class _Round:
    stall_ms: float
    at_work_ms: float
    bystander_ms: float
    spends_ms: list[float]
    in_bot_ms: list[float]
    """The same spends, in the bot alone."""
    refits: int


async def _round(others: StandIns, spans: Spans, bytes_per_s: int, seed: int) -> _Round:
    spans.begin()
    wanted: dict[str, object] = {"size_bytes": PICTURE_BYTES, "refits": REFITS, "spends": True}
    async with bystanding() as machine, watching() as lag:
        done = await others.tell(
            "crowd", **wanted, count=PICTURES, seed=seed, bytes_per_s=bytes_per_s
        )
    return _Round(
        1000 * lag.worst_s,
        1000 * lag.worst_at_work_s,
        1000 * machine.worst_s,
        [1000 * spend_s for spend_s in done["spends"]],
        [1000 * (end_s - begin_s) for begin_s, end_s in spans.of("spend")],
        done["refits_meanwhile"],
    )


def _figures(crowd: str, rounds: Sequence[_Round]) -> list[Figure]:
    place = f"{crowd}, {min(done.refits for done in rounds)} of {REFITS} refits meanwhile"
    floor_ms = median([done.bystander_ms for done in rounds])
    stalls_ms = [done.stall_ms for done in rounds]
    at_work_ms = [done.at_work_ms for done in rounds]
    longest_ms = [max(done.spends_ms) for done in rounds]
    in_bot_ms = median([max(done.in_bot_ms) for done in rounds])
    usual_ms = median([spend_ms for done in rounds for spend_ms in done.spends_ms])
    return [
        Figure(
            "crowd", f"{place}: longest stall of the loop", median(stalls_ms), "ms",
            max(STALL_MS, 2 * floor_ms + 2), f"a process that only sleeps {floor_ms:.1f} ms", "-",
            "≤ 20 ms (2 × + 2 ms, where that is more)", f"worst of all {max(stalls_ms):.1f} ms",
        ),
        Figure(
            "crowd", f"{place}: the loop's own CPU in its longest turns", median(at_work_ms), "ms",
            STALL_MS, "-", "-", "≤ 20 ms", f"worst of all {max(at_work_ms):.1f} ms",
        ),
        Figure(
            "crowd", f"{place}: longest wait of a /spend", median(longest_ms), "ms", 300.0,
            "-", "-", "≤ 300 ms",
            f"worst of all {max(longest_ms):.0f} ms, median {usual_ms:.0f} ms; "
            f"the longest in the bot alone {in_bot_ms:.0f} ms",
        ),
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
        Figure("flight", f"{what}, more than at 2 MiB", large - small, "MB", 1.0, floor, "-",
               "no more (≤ + 1 MB, as of a stream)", f"{large:.1f} MB"),
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
        wanted: dict[str, object] = {"count": IN_FLIGHT, "refits": 0, "spends": False}
        for number in range(2):
            await others.tell("crowd", **wanted, size_bytes=200_000, seed=number)
        before = settle()
        await others.tell("crowd", **wanted, size_bytes=size_bytes, seed=9)
        return (told("VmHWM") - before) / IN_FLIGHT


if __name__ == "__main__":
    print(asyncio.run(_grown(Path(sys.argv[1]), int(sys.argv[2]))))
