"""Where an answer stands: the thread that a mention opens, or the channel itself where no thread
may be opened.
"""

import logging

import discord

from bot import words
from bot.store import conversations, exchanges
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange
from bot.ui import markdown
from bot.ui.places import may_pass

ARCHIVE_AFTER_MINUTES = 1_440
THREAD_EXISTS = 160004
"""A message can have one thread: https://discord.com/developers/docs/topics/opcodes-and-status-codes
(2026-08)."""

log = logging.getLogger(__name__)


class Threads:
    """Opens the threads of conversations."""

    def __init__(self, client: discord.Client, database: Database) -> None:
        self._client = client
        self._database = database

    async def settle(self, exchange: Exchange) -> int:
        """The channel the answer stands in, noted. A thread's id is the id of its first message,
        so that a repeat finds the thread that is there already. Raises what may pass.
        """
        channel_id = exchange.channel_id
        if exchange.opens_thread:
            try:
                await self._open(exchange)
                channel_id = exchange.id
            except (discord.HTTPException, ValueError) as error:
                if isinstance(error, discord.HTTPException) and may_pass(error):
                    raise  # it may even be there
                # ValueError: of a server that discord.py does not know right now.
                log.warning("exchange %d: no thread, answers in place: %r", exchange.id, error)

        async def operation(tx: Transaction) -> None:
            await exchanges.note_answer_channel(tx, exchange.id, channel_id)
            if exchange.opens_thread and channel_id == exchange.channel_id:
                await conversations.become_chain(tx, exchange.conversation_id)

        await self._database.write(operation)
        return channel_id

    async def _open(self, exchange: Exchange) -> None:
        channel = self._client.get_partial_messageable(
            exchange.channel_id, guild_id=exchange.server_id or None
        )
        named = "" if exchange.spoiler else markdown.plain(exchange.prompt)
        try:
            await channel.get_partial_message(exchange.id).create_thread(
                name=named or words.thread_name(),
                auto_archive_duration=ARCHIVE_AFTER_MINUTES,
            )
        except discord.HTTPException as error:
            if error.code != THREAD_EXISTS:
                raise
