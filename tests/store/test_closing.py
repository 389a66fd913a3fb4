"""Whoever is cancelled while a database closes, and again, leaves no thread behind: one would keep
the process from ending.
"""

import asyncio
import threading
from pathlib import Path

import pytest

from bot.store.database import Database
from tests.ledger.support import SetClock


def workers() -> set[threading.Thread]:
    """The threads of connections."""
    return {each for each in threading.enumerate() if "_connection_worker" in each.name}


@pytest.mark.parametrize("times", [1, 2, 3, 5, 20])
async def test_no_thread_stays(path: Path, clock: SetClock, times: int):
    before = workers()
    opened = asyncio.Event()

    async def hold() -> None:
        async with Database(path, clock):
            opened.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        holding = group.create_task(hold())
        await opened.wait()
        assert workers() - before
        for _ in range(times):
            holding.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([holding])
        async with asyncio.timeout(5):
            while workers() - before:  # noqa: ASYNC110  # a thread tells nobody
                await asyncio.sleep(0.01)
