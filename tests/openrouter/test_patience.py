import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from bot.openrouter.patience import Patience

SOON_S = 0.02
LATE_S = 60.0


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    patience = Patience()
    yield patience
    patience.close()


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def silence() -> None:
    await asyncio.Event().wait()


async def at_once() -> str:
    return "data"


async def test_what_comes_in_time_is_given(patience: Patience):
    assert await patience.wait(at_once(), after(LATE_S)) == "data"


async def test_a_wait_ends_at_its_time_and_its_work_with_it(patience: Patience):
    ended: list[str] = []

    async def work() -> None:
        try:
            await silence()
        finally:
            ended.append("work")

    begun_s = after(0)
    with pytest.raises(TimeoutError):
        await patience.wait(work(), after(SOON_S))
    assert ended == ["work"]
    assert SOON_S <= after(0) - begun_s < LATE_S / 10


async def test_a_shorter_wait_after_a_longer_one_ends_at_its_own_time(patience: Patience):
    await patience.wait(at_once(), after(LATE_S))
    async with asyncio.timeout(LATE_S / 10):
        with pytest.raises(TimeoutError):
            await patience.wait(silence(), after(SOON_S))


async def test_a_longer_wait_after_a_shorter_one_is_not_cut_short(patience: Patience):
    await patience.wait(at_once(), after(SOON_S))
    begun_s = after(0)
    with pytest.raises(TimeoutError):
        await patience.wait(silence(), after(3 * SOON_S))
    assert after(0) - begun_s >= 3 * SOON_S


async def test_between_two_waits_nothing_is_cut_short(patience: Patience):
    await patience.wait(at_once(), after(SOON_S))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2 * SOON_S):
            await silence()
    assert await patience.wait(at_once(), after(LATE_S)) == "data"


async def test_a_wait_that_timed_out_leaves_the_task_as_it_was(patience: Patience):
    task = asyncio.current_task()
    assert task is not None
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await patience.wait(silence(), after(SOON_S))
        assert task.cancelling() == 0
    assert await patience.wait(at_once(), after(LATE_S)) == "data"


async def test_an_error_of_the_work_passes_through(patience: Patience):
    async def broken() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await patience.wait(broken(), after(LATE_S))


async def waiting(work: Coroutine[Any, Any, None], until_s: float) -> asyncio.Task[None]:
    """A task that waits for the work, from now on."""

    async def run() -> None:
        patience = Patience()
        try:
            await patience.wait(work, until_s)
        finally:
            patience.close()

    task = asyncio.get_running_loop().create_task(run())
    await asyncio.sleep(0)
    return task


async def test_another_s_cancellation_is_not_taken_for_a_time_out():
    task = await waiting(silence(), after(LATE_S))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_at_the_very_end_of_a_wait_is_not_lost():
    until_s = after(SOON_S)
    task = await waiting(silence(), until_s)
    # Both come in one turn of the loop.
    asyncio.get_running_loop().call_at(until_s, task.cancel)
    await asyncio.wait([task])
    assert task.cancelled()
