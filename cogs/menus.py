"""The menus of a message."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.beginning import Beginning
from bot.ui.pointing import Pointing
from bot.ui.presses import Presses


class Menus(commands.Cog):
    """What a message's menu offers. discord.py has no decorator for these inside of a cog."""

    def __init__(
        self,
        tree: app_commands.CommandTree[discord.Client],
        presses: Presses,
        pointing: Pointing,
        beginning: Beginning,
    ) -> None:
        self._presses = presses
        self._pointing = pointing
        self._beginning = beginning
        for name, callback in (
            ("Edit picture", self.edit_picture),
            ("Describe picture", self.describe_picture),
            ("Continue here", self.continue_here),
            ("Cost and details", self.cost_and_details),
        ):
            tree.add_command(app_commands.ContextMenu(name=name, callback=callback))

    async def edit_picture(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        await self._presses.edit_message(interaction, message)

    async def describe_picture(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        request = await self._pointing.describe(interaction, message)
        await self._beginning.begin(interaction, request)

    async def continue_here(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        request = await self._pointing.go_on(interaction, message)
        await self._beginning.begin(interaction, request)

    async def cost_and_details(
        self, interaction: discord.Interaction[discord.Client], message: discord.Message
    ) -> None:
        await self._presses.details_of_message(interaction, message.id)
