"""From a message that somebody points at by its menu to a Request: to describe its picture, or to
go on from it. It is answered where the menu was used.
"""

from dataclasses import replace

import discord

from bot import words
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.errors import Notice, Word
from bot.request import Request
from bot.store import exchanges, messages
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange
from bot.ui.reading import Reading
from bot.ui.visitors import may_read, may_speak

Interaction = discord.Interaction[discord.Client]


class Pointing:
    """Reads the menus of messages that ask the model for something."""

    def __init__(self, reading: Reading, database: Database) -> None:
        self._reading = reading
        self._database = database

    async def describe(self, interaction: Interaction, message: discord.Message) -> Request:
        """To describe the pictures of a message, whoever it is from; privately, if it is that."""
        source, is_answer = await self._database.read(lambda tx: _source(tx, message.id))
        request = await self._reading.command(
            interaction,
            command="describe",
            prompt=words.describe_request(),
            may_paint=False,
            private=source is not None and source.private,
        )
        pictures, refusal = await self._reading.shown_in(message)
        if not pictures and refusal is None:
            refusal = Notice(Word.UNREADABLE, words.no_picture_there())
        if not is_answer and source is not None and not may_read(interaction, source):
            refusal = Notice(Word.PERMISSION, words.request_deleted())
        return _about(interaction, request, request.exchange, pictures, refusal)

    async def go_on(self, interaction: Interaction, message: discord.Message) -> Request:
        """To go on from a message: from an answer of Easel's, or with the words and the pictures of
        somebody's message as the request; in the conversation that it belongs to, in that of the
        thread or direct messages it stands in, or in a new one.
        """
        source, is_answer = await self._database.read(lambda tx: _source(tx, message.id))
        said = words.go_on_from_here() if is_answer else self._reading.words_in(message)
        pictures, refusal = await self._reading.shown_in(message)
        if said:
            refusal = None  # what else is attached does not matter then
        elif not pictures and refusal is None:
            refusal = Notice(Word.UNREADABLE, words.nothing_to_go_on_from())
        if len(said) > PROMPT_LETTERS_MAX:
            refusal = Notice(Word.TOO_LARGE, words.prompt_too_long(PROMPT_LETTERS_MAX))
        if not is_answer and source is not None and not may_read(interaction, source):
            refusal = Notice(Word.PERMISSION, words.request_deleted())
        request = await self._reading.command(
            interaction,
            command="continue",
            prompt=said or words.look_at_this(),
            private=source is not None and source.private,
        )
        asked = request.exchange
        if source is not None:
            asked = replace(
                asked,
                conversation_id=source.conversation_id,
                source_id=source.id,
                history_before_id=source.id + 1 if is_answer else source.id,
            )
        elif request.place == "chain":
            asked = replace(asked, conversation_id=message.id)
        return _about(interaction, request, asked, pictures, refusal)


def _about(
    interaction: Interaction,
    request: Request,
    asked: Exchange,
    pictures: list[exchanges.Meant],
    refusal: Notice | None,
) -> Request:
    """The request about these pictures; what is forbidden where it was asked goes first."""
    if not may_speak(interaction):
        refusal = Notice(Word.PERMISSION, words.may_not_ask_here())
    return replace(
        request,
        exchange=replace(asked, edits=bool(pictures)),
        meant=tuple(pictures),
        refusal=request.refusal or refusal,
    )


async def _source(tx: Transaction, message_id: int) -> tuple[Exchange | None, bool]:
    """The exchange that a message belongs to, and whether it shows its answer."""
    posted = await messages.find(tx, message_id)
    if posted is not None:
        return await exchanges.get(tx, posted.exchange_id), True
    if await exchanges.is_known(tx, message_id):
        return await exchanges.get(tx, message_id), False
    return None, False
