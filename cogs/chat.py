"""Messages: mentions, our threads and direct messages."""

import asyncio
import contextlib
from weakref import WeakValueDictionary

import discord
from discord.ext import commands

from bot import words
from bot.errors import StoreUnavailable
from bot.exchange import Exchanges
from bot.ui.reading import Reading


class Chat(commands.Cog):
    """Turns messages into exchanges."""

    def __init__(self, exchanges: Exchanges, reading: Reading) -> None:
        self._exchanges = exchanges
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
        request = await self._reading.message(message)
        if request is not None:
            try:
                admission = await self._exchanges.admit(request)
            except StoreUnavailable as error:
                await message.reply(error.sentence, mention_author=False)
                return
            if admission.fresh:
                self._exchanges.start(request.exchange.id)
        elif self._reading.is_greeting(message):
            with contextlib.suppress(discord.Forbidden):
                # The nonce makes a repeated event harmless.
                await message.reply(words.hello(), mention_author=False, nonce=str(message.id))
