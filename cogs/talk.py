"""/ask and /describe: answers in words alone."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.ui.beginning import Beginning
from bot.ui.reading import Reading


class Talk(commands.Cog):
    """Turns the commands that are answered in words into exchanges."""

    def __init__(self, reading: Reading, beginning: Beginning) -> None:
        self._reading = reading
        self._beginning = beginning

    @app_commands.command(description="Ask something; the answer comes in words")
    @app_commands.describe(prompt="What you want to know", file="A file that it is about")
    async def ask(
        self,
        interaction: discord.Interaction[discord.Client],
        prompt: app_commands.Range[str, 1, PROMPT_LETTERS_MAX],
        file: discord.Attachment | None = None,
    ) -> None:
        request = await self._reading.command(
            interaction, command="ask", prompt=prompt, attachments=(file,), may_paint=False
        )
        await self._beginning.begin(interaction, request)

    @app_commands.command(description="Have a picture described in words")
    @app_commands.describe(picture="The picture to describe")
    async def describe(
        self, interaction: discord.Interaction[discord.Client], picture: discord.Attachment
    ) -> None:
        request = await self._reading.command(
            interaction,
            command="describe",
            prompt=words.describe_request(),
            attachments=(picture,),
            may_paint=False,
        )
        await self._beginning.begin(interaction, request)
