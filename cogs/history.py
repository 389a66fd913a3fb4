"""/history: what was asked before."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.errors import Word
from bot.ledger.book import Book
from bot.store import moves
from bot.store.database import Database
from bot.ui import past
from bot.ui.past import Page
from bot.ui.telling import answered, refuse
from bot.underway import Underway

Period = Literal["today", "week", "month", "last-month", "year", "all"]

WAITING_MAX = 5
"""Answers that could not reach the person, which come now."""


class History(commands.Cog):
    """Shows people what they asked, and admins what was asked in their server."""

    def __init__(self, database: Database, book: Book, underway: Underway) -> None:
        self._database = database
        self._book = book
        self._underway = underway

    @app_commands.command(description="What you asked, with links and costs")
    @app_commands.describe(
        member="What this member asked in this server; needs Manage Server",
        period="Which time; this month without it",
    )
    async def history(
        self,
        interaction: discord.Interaction[discord.Client],
        member: discord.User | None = None,
        period: Period = "month",
    ) -> None:
        own = member is None or member.id == interaction.user.id
        whose = interaction.user if member is None else member
        server_id = None if own else interaction.guild_id or 0
        page = Page(whose.id, server_id, period, newest_id=interaction.id)
        if not past.may_see(interaction, page):
            await refuse(interaction, Word.PERMISSION, words.history_others_refused())
            return
        found = await self._database.read(lambda tx: past.lines(tx, self._book, page))
        await interaction.response.send_message(
            embed=past.embed(page, found, own=own), view=past.buttons(page, found), ephemeral=True
        )
        waiting = await self._database.write(
            lambda tx: moves.take_up_waiting(
                tx, interaction.user.id, interaction.token, WAITING_MAX
            )
        )
        for exchange_id in waiting:
            self._underway.start(exchange_id)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Turns a page."""
        if interaction.type is not discord.InteractionType.component:
            return
        page = past.read((interaction.data or {}).get("custom_id"))
        if page is None:
            return
        await answered(interaction, self._turn(interaction, page))

    async def _turn(self, interaction: discord.Interaction[discord.Client], page: Page) -> None:
        if not past.may_see(interaction, page):
            await refuse(interaction, Word.PERMISSION, words.history_others_refused())
            return
        found = await self._database.read(lambda tx: past.lines(tx, self._book, page))
        own = page.member_id == interaction.user.id
        await interaction.response.edit_message(
            embed=past.embed(page, found, own=own), view=past.buttons(page, found)
        )
