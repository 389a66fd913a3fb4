"""Reaches the one who owns the application: by direct message, and in the log whatever happens."""

import logging

import aiohttp
import discord

from bot.store import told
from bot.store.database import Database

AGAIN_AFTER_MS = 24 * 3_600 * 1_000
"""The same sentence is not told twice within this."""

log = logging.getLogger(__name__)


class Owner:
    """The application's owner, or its team's."""

    def __init__(self, client: discord.Client, database: Database) -> None:
        self._client = client
        self._database = database

    async def tell(self, sentence: str) -> None:
        """Says it in the log and, unless it was said within a day, by direct message. Not being
        able to is only logged: the log has it.
        """
        log.error("for the owner: %s", sentence)
        if not await self._database.write(lambda tx: told.claim(tx, sentence, AGAIN_AFTER_MS)):
            return
        try:
            application = await self._client.application_info()
            team = application.team
            owner_id = application.owner.id
            if team is not None and team.owner_id is not None:
                owner_id = team.owner_id
            owner = await self._client.fetch_user(owner_id)
            await owner.send(sentence)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the owner has no direct message of it: %r", error)
