"""Reaches the one who owns the application: by direct message, and in the log whatever happens."""

import asyncio
import logging

import aiohttp
import discord

from bot import words
from bot.errors import StoreUnavailable
from bot.store import told
from bot.store.database import Database, Transaction

AGAIN_AFTER_MS = 24 * 3_600 * 1_000
"""The same sentence is not told twice within this."""
LASTING = (words.key_refused(), words.credit_used_up())
"""What stays so until somebody acts: told once until it works again, and not twice within
`LASTING_AGAIN_AFTER_MS`: the last of the credit is enough for some requests, and not for others."""
LASTING_AGAIN_AFTER_MS = 3_600 * 1_000
NEVER_AGAIN_MS = 2**60
REACH_TIMEOUT_S = 60.0

log = logging.getLogger(__name__)


class Owner:
    """The application's owner, or its team's."""

    def __init__(self, client: discord.Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._telling: set[str] = set()
        self._is_lost = False

    async def tell(self, sentence: str) -> None:
        """Says it in the log and, unless it was said within a day, by direct message."""
        log.error("for the owner: %s", sentence)
        await self.reach(sentence)

    async def reach(self, sentence: str) -> bool:
        """Whether the owner has it by direct message, from now or from within a day. Where they
        cannot be reached the log says so once, and it may be tried again.
        """
        if sentence in self._telling:
            return False
        self._telling.add(sentence)
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                await self._reach(sentence)
        except (
            discord.HTTPException,
            aiohttp.ClientError,
            TimeoutError,
            StoreUnavailable,
        ) as error:
            if not self._is_lost:
                log.warning("the owner cannot be reached by direct message: %r", error)
            self._is_lost = True
            return False
        finally:
            self._telling.discard(sentence)
        self._is_lost = False
        return True

    async def works_again(self) -> None:
        """What lasted is over, and is news when it comes again, if not at once."""

        async def end(tx: Transaction) -> None:
            for sentence in LASTING:
                await told.date_back(tx, sentence, NEVER_AGAIN_MS - LASTING_AGAIN_AFTER_MS)

        try:
            await self._database.write(end)
        except StoreUnavailable as error:
            log.warning("what the owner was told is not forgotten: %s", error.sentence)

    async def _reach(self, sentence: str) -> None:
        again_after_ms = NEVER_AGAIN_MS if sentence in LASTING else AGAIN_AFTER_MS
        if not await self._database.read(lambda tx: told.is_news(tx, sentence, again_after_ms)):
            return
        application = await self._client.application_info()
        team = application.team
        owner_id = application.owner.id
        if team is not None and team.owner_id is not None:
            owner_id = team.owner_id
        owner = await self._client.fetch_user(owner_id)
        await owner.send(sentence)
        await self._database.write(lambda tx: told.note(tx, sentence))
