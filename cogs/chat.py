"""Messages: mentions, our threads and direct messages."""

import contextlib

import discord
from discord.ext import commands

from bot import words
from bot.exchange import Exchanges
from bot.ui.reading import Reading


class Chat(commands.Cog):
    """Turns messages into exchanges."""

    def __init__(self, exchanges: Exchanges, reading: Reading) -> None:
        self._exchanges = exchanges
        self._reading = reading

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        request = await self._reading.message(message)
        if request is not None:
            admission = await self._exchanges.admit(request)
            if admission.fresh:
                self._exchanges.start(request.exchange.id)
        elif self._reading.is_greeting(message):
            with contextlib.suppress(discord.Forbidden):
                # The nonce makes a repeated event harmless.
                await message.reply(words.hello(), mention_author=False, nonce=str(message.id))
