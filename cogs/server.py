"""/server: the settings of a server, for its admins. Discord decides who they are."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.ui.server_settings import ServerSettings

VALUE_LETTERS_MAX = 2_000
Setting = Literal[
    "channels",
    "roles",
    "blocked",
    "cost_line",
    "ping",
    "persona",
    "time_zone",
    "notify",
    "ask_above_usd",
]


class Server(commands.Cog):
    """Hands an admin's wish on, and the answer back, privately."""

    server = app_commands.Group(
        name="server",
        description="How Easel behaves in this server",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings

    @server.command(description="What is set in this server, and who changed it last")
    async def show(self, interaction: discord.Interaction[discord.Client]) -> None:
        if (guild := interaction.guild) is None:
            await self._say(interaction, words.servers_only())
            return
        embed = await self._settings.show(guild)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @server.command(name="set", description="Change a setting of this server")
    @app_commands.describe(
        setting="What to change",
        value="Mentions or ids, on or off, a text, a time zone or dollars; none clears it",
    )
    async def change(
        self,
        interaction: discord.Interaction[discord.Client],
        setting: Setting,
        value: app_commands.Range[str, 1, VALUE_LETTERS_MAX],
    ) -> None:
        if (guild := interaction.guild) is None:
            await self._say(interaction, words.servers_only())
            return
        told = await self._settings.change(guild, interaction.user.id, setting, value)
        await self._say(interaction, told)

    @change.autocomplete("value")
    async def suggest(
        self, interaction: discord.Interaction[discord.Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        setting = getattr(interaction.namespace, "setting", None)
        found = await self._settings.suggestions(setting, typed)
        return [app_commands.Choice(name=each, value=each) for each in found]

    @server.command(description="Let Easel take no more requests in this server, or go on")
    async def pause(self, interaction: discord.Interaction[discord.Client]) -> None:
        if (server_id := interaction.guild_id) is None:
            await self._say(interaction, words.servers_only())
            return
        await self._say(interaction, await self._settings.pause(server_id, interaction.user.id))

    @staticmethod
    async def _say(interaction: discord.Interaction[discord.Client], sentence: str) -> None:
        await interaction.response.send_message(sentence, ephemeral=True)
