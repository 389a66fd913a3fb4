"""How things are measured: in rounds, cases and floors shuffled, each case divided by the floor of
its own round, and the median of that told. What is measured is in the other modules.
"""

import asyncio
import gc
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.bench.wire import ROOT

ROUNDS = 9
QUICK_ROUNDS = 3
TOLERANCE = 1.5
"""A figure beyond so many times its bound fails the run: shared machines are noisy."""
SLEEP_S = 0.001

Check = Callable[[], None]
"""Raises AssertionError if a case did not do what it should have done. It is not timed."""
Case = Callable[[], Awaitable[Check]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a case. CPU is that of the whole process, threads included."""

    cpu_s: float
    wall_s: float
    lag_s: float = 0.0
    """How late a task that sleeps a millisecond woke at worst; 0 if that was not looked at."""


Round = Mapping[str, Sample]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `value` passes if it is at most `bound`; both are in `unit`."""

    row: str
    what: str
    value: float
    unit: str
    bound: float
    floor: str
    best: str
    target: str
    case: str = ""
    """What was measured, before it was divided by its floor."""

    @property
    def passed(self) -> bool:
        return self.value <= self.bound

    @property
    def fails_the_run(self) -> bool:
        return self.value > TOLERANCE * self.bound


class Lag:
    """Watches the running loop, from `async with` to its end."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.worst_at_work_s = 0.0
        """The longest that the loop itself was at work: where the machine has too few cores, most
        of a stall is waiting for one of them. Waiting for another thread is not told apart.
        """

    async def watch(self) -> None:
        """Sleeps and wakes until it is cancelled."""
        clock, worked = time.monotonic, time.thread_time
        while True:
            due, work = clock() + SLEEP_S, worked()
            await asyncio.sleep(SLEEP_S)
            late = clock() - due
            self.worst_s = max(self.worst_s, late)
            self.worst_at_work_s = max(self.worst_at_work_s, min(late, worked() - work))

    def forget(self) -> None:
        self.worst_s = self.worst_at_work_s = 0.0


@asynccontextmanager
async def watching() -> AsyncGenerator[Lag]:
    """A Lag that watches meanwhile."""
    lag = Lag()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(lag.watch())
        await asyncio.sleep(0.02)
        lag.forget()
        try:
            yield lag
        finally:
            # One more turn, so that a stall at the very end is seen.
            await asyncio.sleep(2 * SLEEP_S)
            task.cancel()


@asynccontextmanager
async def bystanding() -> AsyncGenerator[Lag]:
    """The lag of a process of its own that only sleeps meanwhile: what the machine adds. Told at
    the end.
    """
    lag = Lag()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bystander"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield lag
    finally:
        process.stdin.close()
        lag.worst_s = float(await process.stdout.readline())
        await process.wait()


async def sample(case: Case, *, lag: bool = False) -> Sample:
    """One run of the case; with `lag` the loop is watched, which costs CPU."""
    gc.collect()
    if lag:
        async with watching() as watch:
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            check = await case()
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        check()
        return Sample(cpu_s, wall_s, watch.worst_s)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    check = await case()
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    check()
    return Sample(cpu_s, wall_s)


async def rounds(
    cases: Mapping[str, Case],
    count: int,
    *,
    lag: bool = False,
    between: Callable[[], None] | None = None,
) -> list[Round]:
    """Runs every case once to warm up, then `count` times in shuffled order; `between` is called
    before each run.
    """
    done: list[Round] = []
    for number in range(count + 1):
        order = list(cases)
        random.shuffle(order)
        samples: dict[str, Sample] = {}
        for name in order:
            if between is not None:
                between()
            samples[name] = await sample(cases[name], lag=lag)
        if number:
            done.append(samples)
    return done


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(
    done: Sequence[Round], case: Callable[[Round], float], floor: Callable[[Round], float]
) -> float:
    """The median over rounds of the case divided by the floor of the same round."""
    return median([case(each) / floor(each) for each in done])


def cpu(name: str) -> Callable[[Round], float]:
    return lambda samples: samples[name].cpu_s


def wall(name: str) -> Callable[[Round], float]:
    return lambda samples: samples[name].wall_s


def lag_of(name: str) -> Callable[[Round], float]:
    return lambda samples: samples[name].lag_s


def ms(done: Sequence[Round], of: Callable[[Round], float]) -> float:
    """The median of what is measured in seconds, in milliseconds."""
    return 1000 * median([of(each) for each in done])
