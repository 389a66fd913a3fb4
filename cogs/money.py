"""/spend for everyone, /report for admins. The figures are the ledger's."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.ui.adjusting import Adjusting
from bot.ui.exporting import Exporting
from bot.ui.report_view import Look, ReportView
from bot.ui.telling import answered

Period = Literal["today", "week", "month", "last-month", "year", "all"]
By = Literal["member", "day", "model", "kind", "channel"]
Interaction = discord.Interaction[discord.Client]


class Money(commands.Cog):
    """Shows people the books: a member their own, admins those of their server."""

    report = app_commands.Group(
        name="report",
        description="What this server spends",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    def __init__(self, view: ReportView, exporting: Exporting, adjusting: Adjusting) -> None:
        self._view = view
        self._exporting = exporting
        self._adjusting = adjusting

    @app_commands.command(description="What you spent, and what is left")
    @app_commands.describe(period="Which time; this month without it")
    async def spend(self, interaction: Interaction, period: Period = "month") -> None:
        await self._view.spend(interaction, period)

    @report.command(description="Totals, top members, models and days of this server, with a chart")
    @app_commands.describe(
        period="Which time; this month without it",
        by="One breakdown instead of the overview",
        member="Only this member",
    )
    async def show(
        self,
        interaction: Interaction,
        period: Period = "month",
        by: By | None = None,
        member: discord.User | None = None,
    ) -> None:
        if interaction.guild_id is None:
            await interaction.response.send_message(words.servers_only(), ephemeral=True)
            return
        member_id = None if member is None else member.id
        await self._view.show(interaction, Look(interaction.guild_id, period, by, member_id))

    @report.command(description="Every entry of this server's books, as CSV files")
    @app_commands.describe(period="Which time; this month without it")
    async def export(self, interaction: Interaction, period: Period = "month") -> None:
        if interaction.guild_id is None:
            await interaction.response.send_message(words.servers_only(), ephemeral=True)
            return
        await self._exporting.send(interaction, interaction.guild_id, period)

    @report.command(description="Correct what a member was charged here, with a reason")
    @app_commands.describe(
        member="Whose",
        amount="US dollars such as 0.25; -0.25 gives back",
        reason="Why; it is kept with the correction",
    )
    async def adjust(
        self, interaction: Interaction, member: discord.User, amount: str, reason: str
    ) -> None:
        if interaction.guild_id is None:
            await interaction.response.send_message(words.servers_only(), ephemeral=True)
            return
        await self._adjusting.adjust(interaction, interaction.guild_id, member, amount, reason)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """The buttons under a report."""
        if interaction.type is not discord.InteractionType.component:
            return
        await answered(interaction, self._view.pressed(interaction))
