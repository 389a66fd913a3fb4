"""A time limit for each of many short waits in a row, such as for the next bytes of an answer. What
is waited for, and how long, is not decided here.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """As `asyncio.timeout_at` around one wait after the other, with one timer for all of them: it
    is set anew only when it rings too early, or would ring too late. A timer for every wait costs
    more than reading 16 KiB does. For one task at a time; `close` it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        # of the wait under way
        self._task: asyncio.Task[object] | None = None
        self._until_s = 0.0
        self._is_over = False

    async def wait(self, work: Awaitable[T], until_s: float) -> T:
        """What the work gives. Raises TimeoutError when the loop's clock shows `until_s` first."""
        task = asyncio.current_task()
        assert task is not None
        cancelled = task.cancelling()
        self._task, self._until_s, self._is_over = task, until_s, False
        if self._timer is None or self._timer.when() > until_s:
            self._set_timer()
        try:
            return await work
        except asyncio.CancelledError as error:
            # Whoever else cancels the task means more than this wait.
            if self._is_over and task.cancelling() - 1 <= cancelled:
                raise TimeoutError from error
            raise
        finally:
            if self._is_over:
                task.uncancel()
            self._task = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._until_s:
            self._set_timer()
        else:
            self._is_over = True
            self._task.cancel()
