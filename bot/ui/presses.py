"""What a press of a button does, and the submit of a modal: who may, what is done, and the answer
to whoever pressed, which comes before anything of ours goes over a network.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import discord

from bot import words
from bot.confirming import Confirming
from bot.errors import Word
from bot.exchange import Exchanges
from bot.ledger.book import Book
from bot.store import exchanges, lineage, messages, openings, pieces, pruned
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Meant
from bot.store.openings import Opening
from bot.ui import controls, details
from bot.ui.asking import Asking, pictures_of
from bot.ui.beginning import Beginning
from bot.ui.controls import Pressed
from bot.ui.deleting import Deleting
from bot.ui.modals import EditModal, wish
from bot.ui.originals import Originals
from bot.ui.reading import Reading
from bot.ui.telling import refuse
from bot.ui.visitors import may_read, may_see
from bot.underway import Underway

Interaction = discord.Interaction[discord.Client]


class Presses:
    """Does what a button, a modal or a menu asks for."""

    def __init__(
        self,
        *,
        exchanges: Exchanges,
        confirming: Confirming,
        underway: Underway,
        database: Database,
        book: Book,
        reading: Reading,
        asking: Asking,
        beginning: Beginning,
        deleting: Deleting,
        originals: Originals,
    ) -> None:
        self._exchanges = exchanges
        self._confirming = confirming
        self._underway = underway
        self._database = database
        self._book = book
        self._reading = reading
        self._asking = asking
        self._beginning = beginning
        self._deleting = deleting
        self._originals = originals
        self._verbs: dict[str, Callable[[Interaction, Exchange, Pressed], Awaitable[None]]] = {
            "cancel": self._cancel,
            "confirm": self._confirm,
            "again": self._again,
            "continue": self._continue,
            "edit": self._edit,
            "details": self._details,
            "original": self._original,
            "delete": self._delete,
        }

    async def pressed(self, interaction: Interaction) -> None:
        """Nothing, if it is no press of one of our buttons and no submit of one of our modals."""
        data = cast("Mapping[str, object]", interaction.data or {})
        found = controls.read(data.get("custom_id"))
        if found is None:
            return
        if interaction.type is discord.InteractionType.modal_submit and found.verb == "modal":
            await self._submitted(interaction, found.exchange_id, data)
        elif interaction.type is discord.InteractionType.component and found.verb in self._verbs:
            exchange = await self._find(found.exchange_id)
            if exchange is None or not may_see(interaction, exchange):
                await refuse(interaction, Word.PERMISSION, words.unknown_answer())
            else:
                await self._verbs[found.verb](interaction, exchange, found)

    async def _find(self, exchange_id: int) -> Exchange | None:
        async def operation(tx: Transaction) -> Exchange | None:
            known = await exchanges.is_known(tx, exchange_id)
            return await exchanges.get(tx, exchange_id) if known else None

        return await self._database.read(operation)

    async def _cancel(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        """For the one who asked, and for moderators."""
        if not _is_own_or_moderated(interaction, exchange):
            await refuse(interaction, Word.PERMISSION, words.not_yours_to_cancel())
        elif self._exchanges.cancel(exchange):
            await interaction.response.defer()  # what is seen of it is the answer's own end
        elif await self._confirming.cancel(exchange.id):
            await self._go_on(interaction, exchange)
        else:
            await interaction.response.send_message(words.too_late_to_cancel(), ephemeral=True)

    async def _confirm(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        """For the one who asked alone: it is their budget."""
        if interaction.user.id != exchange.member_id:
            await refuse(interaction, Word.PERMISSION, words.not_yours_to_confirm())
        elif await self._confirming.confirm(exchange.id):
            await self._go_on(interaction, exchange)
        else:
            await interaction.response.send_message(words.nothing_to_confirm(), ephemeral=True)

    async def _go_on(self, interaction: Interaction, exchange: Exchange) -> None:
        try:
            await interaction.response.defer()
        finally:
            self._underway.go_on(exchange.id)

    async def _again(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        if not may_read(interaction, exchange):
            await refuse(interaction, Word.PERMISSION, words.request_deleted())
            return
        request = await self._asking.again(interaction, exchange)
        await self._beginning.begin(interaction, request)

    async def _continue(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        request = await self._asking.go_on(interaction, exchange)
        await self._beginning.begin(interaction, request)

    async def _edit(self, interaction: Interaction, exchange: Exchange, pressed: Pressed) -> None:
        pictures = await self._database.read(
            lambda tx: pictures_of(tx, exchange.id, pressed.number)
        )
        await self._open_edit(interaction, tuple(pictures), exchange.id)

    async def edit_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Opens the modal for the pictures of a message, whoever it is from."""
        pictures, refusal = await self._reading.shown_in(message)
        posted = await self._database.read(lambda tx: messages.find(tx, message.id))
        if refusal is not None:
            await refuse(interaction, refusal.word, refusal.sentence)
        else:
            source_id = None if posted is None else posted.exchange_id
            await self._open_edit(interaction, tuple(pictures), source_id)

    async def _open_edit(
        self, interaction: Interaction, pictures: tuple[Meant, ...], source_id: int | None
    ) -> None:
        """Opens the modal for these pictures, which are of the exchange `source_id` if ours."""
        if not pictures:
            await refuse(interaction, Word.UNREADABLE, words.no_picture_there())
            return
        opening = Opening(interaction.id, interaction.user.id, pictures, source_id)
        await self._database.write(lambda tx: openings.add(tx, opening))
        await interaction.response.send_modal(EditModal(opening.id))

    async def _submitted(
        self, interaction: Interaction, opening_id: int, data: Mapping[str, object]
    ) -> None:
        opening = await self._database.read(lambda tx: openings.find(tx, opening_id))
        if opening is None:
            await refuse(interaction, Word.UNREADABLE, words.modal_too_old())
            return
        source = None if opening.source_id is None else await self._find(opening.source_id)
        is_forged = opening.member_id != interaction.user.id
        if is_forged or (source is not None and not may_see(interaction, source)):
            await refuse(interaction, Word.PERMISSION, words.unknown_answer())
            return
        request = await self._asking.edit(interaction, opening, wish(data), source)
        await self._beginning.begin(interaction, request)

    async def _details(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        await self._show_details(interaction, exchange)

    async def details_of_message(self, interaction: Interaction, message_id: int) -> None:
        """Of the exchange that a message shows, or asked for."""
        posted = await self._database.read(lambda tx: messages.find(tx, message_id))
        exchange = await self._find(message_id if posted is None else posted.exchange_id)
        if exchange is None:
            await refuse(interaction, Word.UNREADABLE, words.not_easels())
        else:
            await self._show_details(interaction, exchange)

    async def _show_details(self, interaction: Interaction, exchange: Exchange) -> None:
        """Tells whoever wants to know all about an exchange."""
        own = interaction.user.id == exchange.member_id

        async def operation(tx: Transaction) -> details.Details:
            made = await lineage.of_exchange(tx, exchange.id)
            return details.details(made, await self._book.charge(tx, exchange.id), own=own)

        shown = await self._database.read(operation)
        await interaction.response.send_message(shown.text, files=shown.files(), ephemeral=True)

    async def _original(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        made = await self._database.read(lambda tx: pieces.of_exchange(tx, exchange.id))
        pictures = [piece.picture for piece in made if piece.picture is not None]
        if not pictures:
            await refuse(interaction, Word.UNREADABLE, words.no_picture_there())
            return
        gone = await self._database.read(
            lambda tx: pruned.among(tx, [picture.id for picture in pictures])
        )
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._originals.send(
            interaction,
            pictures,
            gone=gone,
            exchange_id=exchange.id,
            upload_bytes_max=exchange.upload_bytes_max,
        )

    async def _delete(self, interaction: Interaction, exchange: Exchange, _: Pressed) -> None:
        """For the one who asked, and for moderators."""
        if not _is_own_or_moderated(interaction, exchange):
            await refuse(interaction, Word.PERMISSION, words.not_yours_to_delete())
            return
        claimed = await self._deleting.claim(exchange.id)
        if not claimed:
            await interaction.response.send_message(words.deleted_already(), ephemeral=True)
            return
        if interaction.message is not None and interaction.message.flags.ephemeral:
            # What only one person sees can be deleted only by the token of its press.
            await interaction.response.defer()
            await interaction.delete_original_response()
            await self._deleting.forget(exchange.id, claimed)
            if any(posted.id != interaction.message.id for posted in claimed):
                await interaction.followup.send(words.dismiss_the_rest(), ephemeral=True)
            return
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
        finally:
            gone = await self._deleting.delete(exchange.id, claimed)
        await interaction.edit_original_response(
            content=words.deleted() if gone else words.not_deleted()
        )


def _is_own_or_moderated(interaction: Interaction, exchange: Exchange) -> bool:
    may = interaction.permissions.manage_messages and interaction.guild_id is not None
    return interaction.user.id == exchange.member_id or may
