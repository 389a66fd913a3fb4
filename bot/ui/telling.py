"""How people hear, privately, that nothing came of a command or a press: refused before anything
was done, or failed at whatever stage.
"""

import logging
from collections.abc import Awaitable

import aiohttp
import discord

from bot import words
from bot.errors import Notice, Word

THINKING = discord.InteractionResponseType.deferred_channel_message
UPDATING = discord.InteractionResponseType.deferred_message_update
UNSAID = (discord.DiscordException, aiohttp.ClientError, TimeoutError)
"""What is raised where Discord does not take an answer."""

Interaction = discord.Interaction[discord.Client]

log = logging.getLogger(__name__)


async def refuse(interaction: Interaction, word: Word, sentence: str) -> None:
    """As the first answer. Raises what is `UNSAID`."""
    await interaction.response.send_message(words.refusal(word, sentence), ephemeral=True)


async def tell(interaction: Interaction, notice: Notice) -> None:
    """At whatever stage: as the first answer, or in place of what was announced by a deferral.
    Nothing, where an answer was given already or Discord does not take it.
    """
    text = words.refusal(notice.word, notice.sentence)
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True)
        elif interaction.response.type is THINKING:
            await interaction.edit_original_response(content=text)
        elif interaction.response.type is UPDATING:
            await interaction.followup.send(text, ephemeral=True)
    except UNSAID as error:
        log.warning("interaction %d: not told: %r", interaction.id, error)


async def answered(interaction: Interaction, work: Awaitable[object]) -> None:
    """Awaits what a press asks for. Raises nothing: whatever fails in it is told, unless Discord
    is what failed.
    """
    try:
        await work
    except UNSAID as error:
        log.warning("interaction %d: not answered: %r", interaction.id, error)
    except Notice as notice:
        log.error("interaction %d: %s", interaction.id, notice.sentence)  # noqa: TRY400 - as foreseen
        await tell(interaction, notice)
    except Exception:
        log.exception("interaction %d failed", interaction.id)
        await tell(interaction, Notice(Word.OWNER, words.our_fault()))
