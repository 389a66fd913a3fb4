"""Which exchanges are being worked on: one task each, started for a new one or by the sweep for one
that was left, and given time at a stop. What is done in a task is `exchange.py`'s.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from bot.clock import Clock
from bot.exchange import Exchanges
from bot.store import exchanges
from bot.store.database import Database

SWEEP_PAUSE_S = 60.0

log = logging.getLogger(__name__)


class Underway:
    """The tasks of a process's exchanges. `spawn` starts a task that the app owns."""

    def __init__(
        self,
        exchanges: Exchanges,
        database: Database,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._exchanges = exchanges
        self._database = database
        self._clock = clock
        self._spawn = spawn
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._lined_up: list[int] = []
        self._stopped = False

    async def line_up(self) -> None:
        """Finds what nobody is working on and gives it its places, oldest first: before anything
        new is heard, so that nothing passes what was asked earlier.
        """
        try:
            open_ids = await self._database.read(exchanges.open_ids)
        except Exception:
            log.exception("the sweep has to wait")
            return
        for exchange_id in open_ids:
            if exchange_id in self._tasks or self._exchanges.has_place(exchange_id):
                continue
            try:
                await self._exchanges.line_up(exchange_id)
            except Exception:
                log.exception("exchange %d has to wait", exchange_id)
                continue
            self._lined_up.append(exchange_id)

    def start(self, exchange_id: int) -> None:
        """Lets an exchange go its way in a task of its own; nothing if it is on its way already, or
        once all was stopped: then the next start takes it up.
        """
        if exchange_id not in self._tasks and not self._stopped:
            task = self._tasks[exchange_id] = self._spawn(self._exchanges.resume(exchange_id))
            task.add_done_callback(lambda _: self._tasks.pop(exchange_id, None))

    def go_on(self, exchange_id: int) -> None:
        """As `start`, also where its task is about to end: then right after that."""
        task = self._tasks.get(exchange_id)
        if task is None:
            self.start(exchange_id)
        else:
            task.add_done_callback(lambda _: self.start(exchange_id))

    async def sweep(self) -> None:
        """At start-up and ever again: takes up what nobody is working on. Never returns."""
        while True:
            await self.line_up()
            for exchange_id in self._lined_up:
                self.start(exchange_id)
            self._lined_up.clear()
            await self._clock.sleep(SWEEP_PAUSE_S)

    async def stop(self, grace_s: float) -> None:
        """Admits nothing more, gives what runs `grace_s` to end, and leaves the rest, which is
        noted in its rows, to the next start.
        """
        self._exchanges.close()
        for exchange_id, task in self._tasks.items():
            if self._exchanges.may_be_left(exchange_id):
                task.cancel()
        deadline_s = self._clock.monotonic_s() + grace_s
        while tasks := set(self._tasks.values()):
            left_s = deadline_s - self._clock.monotonic_s()
            _, late = await asyncio.wait(tasks, timeout=max(0.0, left_s))
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._stopped = True
