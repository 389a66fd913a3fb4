"""/budget for admins, whom Discord decides about, and /limit for everyone."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.ui.budgets import Budgets

Scope = Literal["server", "role-pot", "role-member", "everyone", "member"]
Window = Literal["day", "week", "month", "ever"]
Interaction = discord.Interaction[discord.Client]
AMOUNT = "US dollars, such as 5 or 12.50"
ROLE = "Which role, for role-pot and role-member"
MEMBER = "Which member, for member"


class Budget(commands.Cog):
    """Hands wishes about limits on, and the answers back, privately."""

    budget = app_commands.Group(
        name="budget",
        description="What may be spent in this server",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    @budget.command(name="set", description="Set what may be spent, by whom and within which time")
    @app_commands.describe(
        scope="Whose spending: the server's, a role's together, each of a role, each member, one",
        limit=f"{AMOUNT}; 0 admits nothing",
        window="Within a calendar day, week or month of this server's time zone, or ever",
        role=ROLE,
        member=MEMBER,
    )
    async def put(
        self,
        interaction: Interaction,
        scope: Scope,
        limit: str,
        window: Window,
        role: discord.Role | None = None,
        member: discord.User | None = None,
    ) -> None:
        if (server_id := interaction.guild_id) is None:
            await _say(interaction, words.servers_only())
            return
        told = await self._budgets.put(
            server_id, interaction.user.id, scope, window, limit, role, member
        )
        await _say(interaction, told)

    @budget.command(description="What is spent, held and left of each budget, and when it resets")
    async def show(self, interaction: Interaction) -> None:
        if (guild := interaction.guild) is None:
            await _say(interaction, words.servers_only())
            return
        embed = await self._budgets.show(guild)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @budget.command(description="Who changed which budget, and who was granted more")
    async def history(self, interaction: Interaction) -> None:
        if (guild := interaction.guild) is None:
            await _say(interaction, words.servers_only())
            return
        embed = await self._budgets.history(guild)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @budget.command(description="Take a budget away")
    @app_commands.describe(
        scope="Whose spending it counts", window="Within which time", role=ROLE, member=MEMBER
    )
    async def remove(
        self,
        interaction: Interaction,
        scope: Scope,
        window: Window,
        role: discord.Role | None = None,
        member: discord.User | None = None,
    ) -> None:
        if (guild := interaction.guild) is None:
            await _say(interaction, words.servers_only())
            return
        told = await self._budgets.remove(guild, interaction.user.id, scope, window, role, member)
        await _say(interaction, told)

    @budget.command(description="Give a member more room in their present windows")
    @app_commands.describe(
        member="Who gets it", amount=AMOUNT, reason="Why; it is kept with the grant"
    )
    async def grant(
        self,
        interaction: Interaction,
        member: discord.User,
        amount: str,
        reason: str = "",
    ) -> None:
        if (server_id := interaction.guild_id) is None:
            await _say(interaction, words.servers_only())
            return
        told = await self._budgets.grant(
            interaction.id, server_id, interaction.user.id, member, amount, reason
        )
        await _say(interaction, told)

    @app_commands.command(description="A lower limit of your own, for all you ask of Easel")
    @app_commands.describe(
        amount=f"{AMOUNT}; none takes it away", window="Within a calendar day, week, month, or ever"
    )
    async def limit(self, interaction: Interaction, amount: str, window: Window) -> None:
        told = await self._budgets.limit_oneself(
            interaction.user, interaction.guild_id or 0, amount, window
        )
        await _say(interaction, told)


async def _say(interaction: Interaction, sentence: str) -> None:
    await interaction.response.send_message(sentence, ephemeral=True)
