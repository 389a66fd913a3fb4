"""Takes an answer's messages away, as a person wishes. The books stay, and so do the pictures."""

import logging

import aiohttp
import discord

from bot.store import exchanges, messages
from bot.store.database import Database, Transaction
from bot.store.messages import Posted

log = logging.getLogger(__name__)


class Deleting:
    """Deletes what shows an exchange."""

    def __init__(self, client: discord.Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._under_way: set[int] = set()

    async def claim(self, exchange_id: int) -> list[Posted]:
        """Notes that the answer is to go, and gives the messages that show it; none when it is
        gone or about to go. Whoever got some calls `delete`.
        """

        async def operation(tx: Transaction) -> list[Posted]:
            await exchanges.note_deleted(tx, exchange_id)
            if (await exchanges.get(tx, exchange_id)).deleted_ms is None:
                return []  # it is in the making still
            return list((await messages.of_exchange(tx, exchange_id)).values())

        if exchange_id in self._under_way:
            return []
        self._under_way.add(exchange_id)
        found: list[Posted] = []
        try:
            found = await self._database.write(operation)
        finally:
            if not found:
                self._under_way.discard(exchange_id)
        return found

    async def delete(self, exchange_id: int, claimed: list[Posted]) -> bool:
        """Whether all of it is gone; what is not can be claimed again."""
        try:
            gone = [await self._delete_one(posted) for posted in claimed]
        finally:
            self._under_way.discard(exchange_id)
        return all(gone)

    async def forget(self, exchange_id: int, claimed: list[Posted]) -> None:
        """They are gone by another way."""
        for posted in claimed:
            await self._database.write(lambda tx, gone=posted: messages.forget(tx, gone.id))
        self._under_way.discard(exchange_id)

    async def _delete_one(self, posted: Posted) -> bool:
        channel = self._client.get_partial_messageable(posted.channel_id)
        try:
            await channel.get_partial_message(posted.id).delete()
        except discord.NotFound:
            pass
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("exchange %d: a message stays: %r", posted.exchange_id, error)
            return False
        await self._database.write(lambda tx: messages.forget(tx, posted.id))
        return True
