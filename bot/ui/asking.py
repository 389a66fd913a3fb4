"""From a pressed button or a submitted modal to a Request: what is asked anew, changed, or gone on
with. Where it belongs and what is forbidden there is read as of a command.
"""

from collections.abc import Sequence
from dataclasses import replace

import discord

from bot import words
from bot.errors import Notice, Word
from bot.request import Request
from bot.store import documents, exchanges, pieces
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Meant
from bot.store.openings import Opening
from bot.ui.files import looks_like_picture
from bot.ui.modals import File, Wish
from bot.ui.reading import Reading
from bot.ui.visitors import may_speak

Interaction = discord.Interaction[discord.Client]


class Asking:
    """Reads presses that ask the model for something."""

    def __init__(self, reading: Reading, database: Database) -> None:
        self._reading = reading
        self._database = database

    async def again(self, interaction: Interaction, source: Exchange) -> Request:
        """The same request with the same history, without what was taken back of it, of whoever
        pressed.
        """
        meant = await self._database.read(lambda tx: exchanges.meant(tx, source.id))
        brought = await self._database.read(lambda tx: documents.of_exchange(tx, source.id))
        request = await self._reading.command(
            interaction,
            command=source.command,
            prompt=source.prompt,
            shape=source.shape,
            size=source.size,
            may_paint=source.may_paint,
            private=source.private,
        )
        again = replace(request, documents=tuple(each for each in brought if not each.taken_back))
        left = tuple(each for each in meant if not each.taken_back)
        return _of(interaction, again, source, left, before_id=source.history_end)

    async def go_on(self, interaction: Interaction, source: Exchange) -> Request:
        """To go on where the source's answer was cut, whatever was said after it."""
        request = await self._reading.command(
            interaction,
            command=source.command,
            prompt=words.go_on(),
            shape=source.shape,
            size=source.size,
            may_paint=source.may_paint,
            private=source.private,
        )
        return _of(interaction, request, source, (), before_id=source.id + 1)

    async def edit(
        self, interaction: Interaction, opening: Opening, wish: Wish, source: Exchange | None
    ) -> Request:
        """To change the pictures that a modal was opened for, as it says."""
        request = await self._reading.command(
            interaction,
            command="edit",
            prompt=wish.prompt,
            shape=wish.shape,
            size=wish.size,
            private=source is not None and source.private,
        )
        more, refusal = _pictures(wish.files)
        if refusal is not None and request.refusal is None:
            request = replace(request, refusal=refusal)
        return _of(interaction, request, source, (*opening.pictures, *more))


def _of(
    interaction: Interaction,
    request: Request,
    source: Exchange | None,
    meant: tuple[Meant, ...],
    *,
    before_id: int | None = None,
) -> Request:
    """The request as one that came from another, in its conversation."""
    asked = replace(request.exchange, edits=bool(meant))
    if source is not None:
        asked = replace(
            asked,
            conversation_id=source.conversation_id,
            source_id=source.id,
            history_before_id=before_id,
            private=source.private and interaction.guild_id is not None,
        )
    refusal = request.refusal
    if not may_speak(interaction):
        refusal = Notice(Word.PERMISSION, words.may_not_ask_here())
    return replace(request, exchange=asked, meant=meant, refusal=refusal)


def _pictures(files: Sequence[File]) -> tuple[list[Meant], Notice | None]:
    for file in files:
        if not looks_like_picture(file.name, file.media_type):
            return [], Notice(Word.UNREADABLE, words.not_a_picture(file.name))
    return [Meant(file.name, url=file.url) for file in files], None


async def pictures_of(tx: Transaction, exchange_id: int, number: int | None) -> list[Meant]:
    """The picture of this number in an answer, all of them without one; from the shelf."""
    made = await pieces.of_exchange(tx, exchange_id)
    pictures = [piece.picture for piece in made if piece.picture is not None]
    if number is not None:
        pictures = pictures[number - 1 : number] if number else []
    return [Meant("picture", picture_id=picture.id) for picture in pictures]
