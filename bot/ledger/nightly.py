"""The audit that a running bot makes every night, and tells its owner of."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot import words
from bot.clock import Clock, utc
from bot.errors import StartError
from bot.ledger.audit import AskKey, audit
from bot.store import told
from bot.store.database import Database, Transaction

LATE_HOUR = 23
"""Of UTC: so that the sum of a day that is compared is of nearly all of it."""
NOT_AGAIN_MS = 3 * 3_600_000
OVERDUE_MS = 25 * 3_600_000
"""Who was not running late in the evening is looked at when they are."""
DIFFERENCES_TOLD = 5
_SUBJECT = "audit"

log = logging.getLogger(__name__)


class Nightly:
    """`path` is the database's: the audit reads for long, so it opens its own. `tell_owner` may
    take its time.
    """

    def __init__(
        self,
        path: Path,
        database: Database,
        clock: Clock,
        ask_key: AskKey,
        tell_owner: Callable[[str], Awaitable[None]],
    ) -> None:
        self._path = path
        self._database = database
        self._clock = clock
        self._ask_key = ask_key
        self._tell_owner = tell_owner

    async def look(self) -> bool:
        """Makes the audit if it is due, and tells the owner of what is wrong; whether it did."""
        if not await self._database.read(self._is_due):
            return False
        await self._database.write(lambda tx: told.note(tx, _SUBJECT))
        wrong: list[str] = []
        try:
            async with Database(self._path, self._clock, read_only=True) as own:
                findings = [each async for each in audit(own, self._clock, self._ask_key)]
            wrong += [each.sentence for each in findings if not each.is_right]
        except StartError as error:
            wrong.append(str(error))
        log.info("the nightly audit found %d differences", len(wrong))
        if wrong:
            more = max(0, len(wrong) - DIFFERENCES_TOLD)
            await self._tell_owner(words.audit_failed(wrong[:DIFFERENCES_TOLD], more))
        return True

    async def _is_due(self, tx: Transaction) -> bool:
        is_late = utc(tx.now_ms).hour >= LATE_HOUR
        return await told.is_news(tx, _SUBJECT, NOT_AGAIN_MS if is_late else OVERDUE_MS)
