"""The buttons under answers."""

import logging

import aiohttp
import discord
from discord.ext import commands

from bot import words
from bot.errors import StoreUnavailable
from bot.ui.controls import Controls

log = logging.getLogger(__name__)


class Buttons(commands.Cog):
    """Hands presses on."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        try:
            try:
                await self._controls.pressed(interaction)
            except StoreUnavailable as error:
                log.error("interaction %d: %s", interaction.id, error.sentence)  # noqa: TRY400
                await interaction.response.send_message(
                    words.refusal(error.word, error.sentence), ephemeral=True
                )
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("interaction %d: not answered: %r", interaction.id, error)
