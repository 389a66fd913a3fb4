"""Pruning: what nobody needs goes from the shelf, the oldest first, once it is too old or the shelf
too large. That it is gone is noted first, so that a kill in between leaves a file that is found
again, and never a row whose file is missing without a word.
"""

import logging
from functools import partial

from bot.clock import Clock
from bot.pictures.disk import Stored
from bot.pictures.shelf import Shelf
from bot.store import needed
from bot.store.database import Database

LIVE_DAYS = 30
"""A conversation in which nothing was asked for so long may lose its current picture, too."""
FRESH_MS = 3_600_000
"""What was put onto the shelf, or again, since then stays: its row may come yet."""
UNKNOWN_DAYS = 7
"""A file that no row knows stays so long: that of any backup may, once it is put back."""
BATCH = 50
"""Files that are let go in one write, so that nobody waits for long."""
DAY_MS = 86_400_000

log = logging.getLogger(__name__)


class Pruning:
    """Holds the shelf to a size and its files to an age since they came, or came again."""

    def __init__(
        self, database: Database, shelf: Shelf, clock: Clock, *, bytes_max: int, days_max: int
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._clock = clock
        self._bytes_max = bytes_max
        self._days_max = days_max

    async def look(self) -> None:
        """Lets go of what is due; of what is needed never anything. What is missing, as after a
        restore, is noted as gone, and what is back as there.
        """
        now_ms = self._clock.now_ms()
        # Read first, for a file is there before its row.
        known, gone_before = await self._database.read(needed.known)
        stored = await self._shelf.stored()
        await self._compare(known - gone_before, gone_before, {one.id for one in stored})
        old = [one for one in stored if one.since_ms < now_ms - FRESH_MS]
        lost = [
            one
            for one in old
            if one.id not in known and one.since_ms < now_ms - UNKNOWN_DAYS * DAY_MS
        ]
        await self._shelf.remove([one.id for one in lost], now_ms - FRESH_MS)
        left = [one for one in old if one.id in known]
        excess = sum(one.size_bytes for one in stored) - sum(one.size_bytes for one in lost)
        excess -= self._bytes_max
        count = len(lost)
        for start in range(0, len(left), BATCH):
            due: list[Stored] = []
            left_over = excess
            for one in left[start : start + BATCH]:
                if left_over > 0 or one.since_ms < now_ms - self._days_max * DAY_MS:
                    due.append(one)
                    left_over -= one.size_bytes
            if not due:
                break
            gone = await self._let_go([one.id for one in due], now_ms)
            excess -= sum(one.size_bytes for one in due if one.id in gone)
            count += len(gone)
        if count:
            log.info("%d files were let go from the shelf", count)
        if excess > 0:
            log.warning("the shelf is %d bytes over its size, and all of it is needed", excess)

    async def _compare(self, kept: set[str], gone: set[str], there: set[str]) -> None:
        """Notes what is not as it was noted."""
        missing = sorted(kept - there)
        if missing:
            log.error("%d files are missing on the shelf", len(missing))
        for ids, note in ((missing, needed.note_gone), (sorted(gone & there), needed.note_back)):
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                await self._database.write(partial(note, blob_ids=batch))

    async def _let_go(self, blob_ids: list[str], now_ms: int) -> set[str]:
        live_from_ms = now_ms - LIVE_DAYS * DAY_MS
        gone = await self._database.write(lambda tx: needed.let_go(tx, blob_ids, live_from_ms))
        await self._shelf.remove(gone, now_ms - FRESH_MS)
        return set(gone)
