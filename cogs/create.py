"""/imagine and /edit."""

import logging
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.errors import Word
from bot.exchange import Exchanges
from bot.request import Request
from bot.ui.answer import DiscordAnswers
from bot.ui.reading import PROMPT_LETTERS_MAX, Reading
from bot.underway import Underway

Shape = Literal["square", "portrait", "landscape", "tall", "wide"]
Size = Literal["1K", "2K"]
Prompt = app_commands.Range[str, 1, PROMPT_LETTERS_MAX]

log = logging.getLogger(__name__)


class Create(commands.Cog):
    """Turns the commands that make pictures into exchanges."""

    def __init__(
        self,
        exchanges: Exchanges,
        underway: Underway,
        reading: Reading,
        answers: DiscordAnswers,
    ) -> None:
        self._exchanges = exchanges
        self._underway = underway
        self._reading = reading
        self._answers = answers

    @app_commands.command(description="Paint a picture")
    @app_commands.describe(
        prompt="What to paint",
        shape="The shape of the picture",
        size="About how many pixels on a side; 2K costs more",
        reference="A picture to go by",
        reference2="One more",
        reference3="One more",
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
    ) -> None:
        request = await self._reading.command(
            interaction,
            command="imagine",
            prompt=prompt,
            attachments=(reference, reference2, reference3),
            shape=shape,
            size=size,
        )
        await self._begin(interaction, request)

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
        await self._begin(interaction, request)

    async def _begin(
        self, interaction: discord.Interaction[discord.Client], request: Request
    ) -> None:
        if not request.exchange.prompt:
            await interaction.response.send_message(
                words.refusal(Word.UNREADABLE, words.nothing_asked()), ephemeral=True
            )
            return
        admission = await self._exchanges.admit(request)
        if not admission.fresh:
            return
        if admission.refusal is not None:
            await self._answers.acknowledge(interaction, admission)
            return
        try:
            await self._answers.acknowledge(interaction, admission)
        except Exception:
            # It is admitted and holds its place: its answer comes without this one, and nobody
            # may be told that it failed.
            log.exception("interaction %d: not acknowledged", interaction.id)
        finally:
            self._underway.start(request.exchange.id)
