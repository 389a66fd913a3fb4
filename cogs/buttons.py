"""The buttons under answers, and the modals they open."""

import logging

import aiohttp
import discord
from discord.ext import commands

from bot import words
from bot.errors import Notice, StoreUnavailable, Word
from bot.ui.presses import Presses

log = logging.getLogger(__name__)


class Buttons(commands.Cog):
    """Hands presses on."""

    def __init__(self, presses: Presses) -> None:
        self._presses = presses

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        try:
            try:
                await self._presses.pressed(interaction)
            except (discord.DiscordException, aiohttp.ClientError, TimeoutError):
                raise
            except StoreUnavailable as error:
                log.error("interaction %d: %s", interaction.id, error.sentence)  # noqa: TRY400 - as foreseen
                await self._fail(interaction, error)
            except Exception:
                log.exception("interaction %d failed", interaction.id)
                await self._fail(interaction, Notice(Word.OWNER, words.our_fault()))
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("interaction %d: not answered: %r", interaction.id, error)

    @staticmethod
    async def _fail(interaction: discord.Interaction[discord.Client], notice: Notice) -> None:
        if not interaction.response.is_done():
            await interaction.response.send_message(
                words.refusal(notice.word, notice.sentence), ephemeral=True
            )
