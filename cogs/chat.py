"""Messages: mentions, our threads and direct messages."""

import asyncio
import logging
from collections.abc import Awaitable
from weakref import WeakValueDictionary

import aiohttp
import discord
from discord.ext import commands

from bot import words
from bot.errors import Notice, StoreUnavailable, Word
from bot.exchange import Exchanges
from bot.ui.changes import Changes
from bot.ui.reading import Reading
from bot.underway import Underway

log = logging.getLogger(__name__)


class Chat(commands.Cog):
    """Turns messages into exchanges."""

    def __init__(
        self, exchanges: Exchanges, underway: Underway, reading: Reading, changes: Changes
    ) -> None:
        self._exchanges = exchanges
        self._underway = underway
        self._reading = reading
        self._changes = changes
        self._doors: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        # Every event is a task of its own. They begin in the order of the messages, and before
        # the first await each takes its place at the door, so that none is read past another.
        async with self._door(message.channel.id):
            await self._hear(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        async with self._door(payload.channel_id):
            await self._follow(self._changes.edited(payload.message))

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        async with self._door(payload.channel_id):
            await self._follow(self._changes.deleted(payload.message_id))

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        async with self._door(payload.channel_id):
            for message_id in payload.message_ids:
                await self._follow(self._changes.deleted(message_id))

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        emoji = payload.emoji.name or ""
        await self._follow(self._changes.reacted(payload.message_id, payload.user_id, emoji))

    def _door(self, channel_id: int) -> asyncio.Lock:
        return self._doors.setdefault(channel_id, asyncio.Lock())

    @staticmethod
    async def _follow(change: Awaitable[None]) -> None:
        try:
            await change
        except StoreUnavailable as error:
            log.error("a change of a message: %s", error.sentence)  # noqa: TRY400 - as foreseen

    async def _hear(self, message: discord.Message) -> None:
        try:
            request = await self._reading.message(message)
            admission = None if request is None else await self._exchanges.admit(request)
        except StoreUnavailable as error:
            log.error("message %d: %s", message.id, error.sentence)  # noqa: TRY400 - as foreseen
            await self._fail(message, error)
            return
        except Exception:
            log.exception("message %d failed", message.id)
            await self._fail(message, Notice(Word.OWNER, words.our_fault()))
            return
        if admission is None:
            if self._reading.is_greeting(message):
                await self._reply(message, words.hello())
        elif admission.fresh:
            self._underway.start(message.id)

    async def _fail(self, message: discord.Message, notice: Notice) -> None:
        if self._reading.is_addressed(message):
            await self._reply(message, words.refusal(notice.word, notice.sentence))

    @staticmethod
    async def _reply(message: discord.Message, text: str) -> None:
        try:
            # The nonce makes a repeated event harmless.
            await message.reply(text, mention_author=False, nonce=str(message.id))
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("message %d: not told: %r", message.id, error)
