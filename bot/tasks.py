"""The one owner of tasks. What runs beside something else is started here and nowhere else, so that
nothing outlives what it works for.
"""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)


class Tasks:
    """A context: a task in it that fails is logged and harms no other, and none outlives it."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Starts it. Any, because what a coroutine yields and is sent is asyncio's own affair."""
        task = self._group.create_task(_supervised(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


async def _supervised(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("a task failed")
