"""The buttons under answers, and the modals they open."""

import discord
from discord.ext import commands

from bot.ui.presses import Presses
from bot.ui.telling import answered


class Buttons(commands.Cog):
    """Hands presses on."""

    def __init__(self, presses: Presses) -> None:
        self._presses = presses

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        await answered(interaction, self._presses.pressed(interaction))
