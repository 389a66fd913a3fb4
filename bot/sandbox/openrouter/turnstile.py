"""Holding calls back on purpose, and waiting for what they did, without sleeping. Only asyncio."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes those who wait for a condition whenever something has changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def note(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds. The caller limits the time."""
        while not condition():
            await self._event.wait()


class Turnstile:
    """Open, it lets everyone pass; closed, whoever comes waits until it opens again."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._changes = Changes()
        self.waiting = 0

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def arrived(self, count: int = 1) -> None:
        """Returns once so many wait here at the same time. The caller limits the time."""
        await self._changes.until(lambda: self.waiting >= count)

    async def passage(self) -> None:
        """Waits while it is closed."""
        if self._open.is_set():
            return
        self.waiting += 1
        self._changes.note()
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1
            self._changes.note()
