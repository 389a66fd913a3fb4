"""/imagine, /edit and /blend."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.ui.beginning import Beginning
from bot.ui.reading import Reading

Shape = Literal["square", "portrait", "landscape", "tall", "wide"]
Size = Literal["1K", "2K"]
Prompt = app_commands.Range[str, 1, PROMPT_LETTERS_MAX]


class Create(commands.Cog):
    """Turns the commands that make pictures into exchanges."""

    def __init__(self, reading: Reading, beginning: Beginning) -> None:
        self._reading = reading
        self._beginning = beginning

    @app_commands.command(description="Paint a picture")
    @app_commands.describe(
        prompt="What to paint",
        shape="The shape of the picture",
        size="About how many pixels on a side; 2K costs more",
        reference="A picture to go by",
        reference2="One more",
        reference3="One more",
        private="Only you see the answer",
    )
    async def imagine(
        self,
        interaction: discord.Interaction[discord.Client],
        prompt: Prompt,
        shape: Shape | None = None,
        size: Size | None = None,
        reference: discord.Attachment | None = None,
        reference2: discord.Attachment | None = None,
        reference3: discord.Attachment | None = None,
        private: bool = False,
    ) -> None:
        request = await self._reading.command(
            interaction,
            command="imagine",
            prompt=prompt,
            attachments=(reference, reference2, reference3),
            shape=shape,
            size=size,
            private=private,
        )
        await self._beginning.begin(interaction, request)

    @app_commands.command(description="Change a picture")
    @app_commands.describe(
        picture="The picture to change",
        prompt="What to change",
        picture2="One more picture to take from",
        picture3="One more",
        shape="The shape of the result; without it the picture keeps its own",
    )
    async def edit(
        self,
        interaction: discord.Interaction[discord.Client],
        picture: discord.Attachment,
        prompt: Prompt,
        picture2: discord.Attachment | None = None,
        picture3: discord.Attachment | None = None,
        shape: Shape | None = None,
    ) -> None:
        request = await self._reading.command(
            interaction,
            command="edit",
            prompt=prompt,
            attachments=(picture, picture2, picture3),
            shape=shape,
        )
        await self._beginning.begin(interaction, request)

    @app_commands.command(description="Make one picture out of several")
    @app_commands.describe(
        picture1="A picture to blend",
        picture2="The picture to blend it with",
        picture3="One more",
        picture4="One more",
        prompt="How to blend them",
    )
    async def blend(
        self,
        interaction: discord.Interaction[discord.Client],
        picture1: discord.Attachment,
        picture2: discord.Attachment,
        picture3: discord.Attachment | None = None,
        picture4: discord.Attachment | None = None,
        prompt: Prompt | None = None,
    ) -> None:
        request = await self._reading.command(
            interaction,
            command="blend",
            prompt=(prompt or "").strip() or words.blend_request(),
            attachments=(picture1, picture2, picture3, picture4),
        )
        await self._beginning.begin(interaction, request)
