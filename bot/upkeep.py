"""What needs to be done ever again, whatever people ask: room on the disk, a backup a day, an audit
a night. What is done is the shelf's, the store's and the ledger's; here is when, and who is told
that it failed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.clock import Clock, day_number, day_text
from bot.errors import Notice, StartError
from bot.pictures.shelf import Shelf
from bot.store import backup
from bot.store.folder import DataFolder

PAUSE_S = 3_600.0

log = logging.getLogger(__name__)


class Upkeep:
    """`tell_owner` says a sentence to the owner once; it may take its time. Each of `looks` looks
    whether something more is due, and does it then.
    """

    def __init__(
        self,
        folder: DataFolder,
        shelf: Shelf,
        clock: Clock,
        tell_owner: Callable[[str], Awaitable[None]],
        looks: Sequence[Callable[[], Awaitable[object]]],
    ) -> None:
        self._folder = folder
        self._shelf = shelf
        self._clock = clock
        self._tell_owner = tell_owner
        self._looks = looks

    async def run(self) -> None:
        """At the start and every hour: whatever is due. Never returns, whatever it runs into."""
        while True:
            for due in (self._keep_room, self._back_up, *self._looks):
                try:
                    await due()
                except Exception:
                    log.exception("what was due was not done this time")
            await self._clock.sleep(PAUSE_S)

    async def _back_up(self) -> None:
        day = day_text(day_number(self._clock.now_ms()))
        try:
            if await asyncio.to_thread(backup.back_up_daily, self._folder, day):
                log.info("the backup of %s is made", day)
        except StartError as failed:
            await self._tell_owner(str(failed))

    async def _keep_room(self) -> None:
        try:
            await self._shelf.run(self._shelf.room.save)
            await self._shelf.run(self._shelf.room.check)
        except Notice as full:
            await self._tell_owner(full.sentence)
