"""/help."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.guide import guide


class Guide(commands.Cog):
    """Shows the way."""

    def __init__(
        self, tree: app_commands.CommandTree[discord.Client], *, message_content: bool
    ) -> None:
        self._tree = tree
        self._message_content = message_content

    @app_commands.command(description="What Easel does, and how to ask")
    async def help(self, interaction: discord.Interaction[discord.Client]) -> None:
        me = interaction.client.user
        shown = guide(
            self._tree,
            "@Easel" if me is None else me.mention,
            message_content=self._message_content,
            admin=interaction.guild_id is not None and interaction.permissions.manage_guild,
        )
        await interaction.response.send_message(embed=shown, ephemeral=True)
