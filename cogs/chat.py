"""Messages: mentions, our threads and direct messages."""

import asyncio
import logging
from weakref import WeakValueDictionary

import aiohttp
import discord
from discord.ext import commands

from bot import words
from bot.errors import StoreUnavailable
from bot.exchange import Exchanges
from bot.ui.reading import Reading
from bot.underway import Underway

log = logging.getLogger(__name__)


class Chat(commands.Cog):
    """Turns messages into exchanges."""

    def __init__(self, exchanges: Exchanges, underway: Underway, reading: Reading) -> None:
        self._exchanges = exchanges
        self._underway = underway
        self._reading = reading
        self._doors: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        # Every event is a task of its own. They begin in the order of the messages, and before
        # the first await each takes its place at the door, so that none is read past another.
        door = self._doors.setdefault(message.channel.id, asyncio.Lock())
        async with door:
            await self._hear(message)

    async def _hear(self, message: discord.Message) -> None:
        try:
            request = await self._reading.message(message)
            admission = None if request is None else await self._exchanges.admit(request)
        except StoreUnavailable as error:
            log.error("message %d: %s", message.id, error.sentence)  # noqa: TRY400 - as foreseen
            if self._reading.is_addressed(message):
                await self._reply(message, words.refusal(error.word, error.sentence))
            return
        if admission is None:
            if self._reading.is_greeting(message):
                await self._reply(message, words.hello())
        elif admission.fresh:
            self._underway.start(message.id)

    @staticmethod
    async def _reply(message: discord.Message, text: str) -> None:
        try:
            # The nonce makes a repeated event harmless.
            await message.reply(text, mention_author=False, nonce=str(message.id))
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("message %d: not told: %r", message.id, error)
