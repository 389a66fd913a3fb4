"""The menus of a message."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.presses import Presses


class Menus(commands.Cog):
    """What a message's menu offers. discord.py has no decorator for these inside of a cog."""

    def __init__(self, tree: app_commands.CommandTree[discord.Client], presses: Presses) -> None:
        self._presses = presses
        for name, callback in (
            ("Edit picture", self.edit_picture),
            ("Cost and details", self.cost_and_details),
        ):
            tree.add_command(app_commands.ContextMenu(name=name, callback=callback))

    async def edit_picture(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        await self._presses.edit_message(interaction, message)

    async def cost_and_details(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        await self._presses.details_of_message(interaction, message.id)
