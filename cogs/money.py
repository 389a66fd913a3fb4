"""/spend for everyone, /report for admins. Only reads: the figures are the ledger's."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.ledger import reports
from bot.ledger.budgets import BudgetLimits
from bot.store.database import Database
from bot.ui.reports import member_embed, server_embed

Period = Literal["today", "week", "month", "last-month", "year", "all"]
By = Literal["member", "day", "model", "kind", "channel"]


class Money(commands.Cog):
    """Shows people the books: a member their own, admins those of their server."""

    report = app_commands.Group(
        name="report",
        description="What this server spends",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    def __init__(self, database: Database, limits: BudgetLimits) -> None:
        self._database = database
        self._limits = limits

    @app_commands.command(description="What you spent, and what is left")
    @app_commands.describe(period="Which time; this month without it")
    async def spend(
        self, interaction: discord.Interaction[discord.Client], period: Period = "month"
    ) -> None:
        report = await self._database.read(
            lambda tx: reports.member_report(tx, self._limits, interaction.user.id, period)
        )
        await interaction.response.send_message(embed=member_embed(report, period), ephemeral=True)

    @report.command(description="Totals, top members, models and days of this server")
    @app_commands.describe(
        period="Which time; this month without it",
        by="One breakdown instead of the overview",
        member="Only this member",
    )
    async def show(
        self,
        interaction: discord.Interaction[discord.Client],
        period: Period = "month",
        by: By | None = None,
        member: discord.User | None = None,
    ) -> None:
        server_id = interaction.guild_id
        if server_id is None:
            await interaction.response.send_message(words.servers_only(), ephemeral=True)
            return
        breakdowns: tuple[By, ...] = ("member", "model", "day") if by is None else (by,)
        report = await self._database.read(
            lambda tx: reports.server_report(
                tx, server_id, period, breakdowns, None if member is None else member.id
            )
        )
        server = interaction.guild.name if interaction.guild is not None else ""
        await interaction.response.send_message(
            embed=server_embed(report, period, server), ephemeral=True
        )
