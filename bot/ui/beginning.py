"""The beginning of what an interaction asks for: a command, a menu or a modal becomes an exchange,
or is refused as its first answer.
"""

import logging

import discord

from bot import words
from bot.errors import Word
from bot.exchange import Exchanges
from bot.request import Request
from bot.ui.answer import DiscordAnswers
from bot.ui.telling import refuse
from bot.underway import Underway

log = logging.getLogger(__name__)


class Beginning:
    """Admits the requests of interactions and answers these, before anything else is done."""

    def __init__(self, exchanges: Exchanges, underway: Underway, answers: DiscordAnswers) -> None:
        self._exchanges = exchanges
        self._underway = underway
        self._answers = answers

    async def begin(
        self, interaction: discord.Interaction[discord.Client], request: Request
    ) -> None:
        """Sets the exchange on its way, or says privately why not."""
        brings = bool(request.meant or request.documents) and request.exchange.command == "message"
        if not request.exchange.prompt and not brings:
            await refuse(interaction, Word.UNREADABLE, words.nothing_asked())
            return
        admission = await self._exchanges.admit(request)
        if not admission.fresh:
            return
        if admission.refusal is not None:
            await self._answers.acknowledge(interaction, admission, private=True)
            return
        try:
            private = request.exchange.private
            await self._answers.acknowledge(interaction, admission, private=private)
        except Exception:
            # It is admitted and holds its place: its answer comes without this one, and nobody
            # may be told that it failed.
            log.exception("interaction %d: not acknowledged", interaction.id)
        finally:
            self._underway.start(request.exchange.id)
