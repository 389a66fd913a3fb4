"""The answer: the one Discord message in which an exchange shows progress and becomes its result.
It translates rows into messages; when and why is `exchange.py`'s to say.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import aiohttp
import discord

from bot import words
from bot.clock import Clock
from bot.errors import Notice, Unreachable, Word
from bot.ledger.book import Book, Charge
from bot.money import dollars
from bot.pictures.fit import Fit
from bot.request import Admission
from bot.store import messages, moves, pieces
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.store.pieces import Piece
from bot.ui import controls, layout
from bot.ui.content import Content, above
from bot.ui.layout import Part
from bot.ui.places import Places, heading, is_closed, may_pass
from bot.ui.posting import Posting
from bot.ui.private import PrivatePosting, TokenDead
from bot.ui.sending import KEEP
from bot.ui.showing import Showing
from bot.ui.threads import Threads

PING_AFTER_MS = 20_000
REFIT_SHARE = 0.5
TOO_LARGE_CODE = 40005
PAUSES_S = (1.0, 3.0, 9.0)
"""Before each further attempt when Discord fails. What is not delivered then, the sweep tries."""
LATE_EDIT_S = 10.0
"""How long after it was given up an edit may still arrive: Discord carries out what it has received
within a few seconds, and what it has not received goes with its connection."""

log = logging.getLogger(__name__)


class DiscordAnswers:
    """Where people see an exchange, on Discord."""

    def __init__(
        self,
        *,
        client: discord.Client,
        database: Database,
        book: Book,
        fit: Fit,
        clock: Clock,
    ) -> None:
        self._client = client
        self._database = database
        self._book = book
        self._content = Content(fit)
        self._clock = clock
        self._posting = Posting(client, database, clock)
        self._private = PrivatePosting(client, database, clock)
        self._threads = Threads(client, database)
        self._places = Places(client, database)

    def _posting_of(self, exchange: Exchange) -> Posting:
        return self._private if exchange.shows_by_token else self._posting

    async def acknowledge(
        self,
        interaction: discord.Interaction[discord.Client],
        admission: Admission,
        *,
        private: bool,
    ) -> None:
        """The first answer to an interaction: the refusal, privately, or "thinking"."""
        if admission.refusal is not None:
            line = words.notice_line(admission.refusal.word, None, estimated=False, known=True)
            try:
                await interaction.response.send_message(
                    f"{admission.refusal.sentence}\n{line}", ephemeral=True
                )
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                log.warning("interaction %d: its refusal was not said: %r", interaction.id, error)
            return
        try:
            response = await interaction.response.defer(thinking=True, ephemeral=private)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # It may have been accepted all the same: the exchange goes on, and its first edit
            # finds the response or posts a message of its own.
            log.warning("exchange %d: not acknowledged: %r", interaction.id, error)
            return
        if response is not None and response.message_id is not None:
            await self._posting.note(
                response.message_id, interaction.id, messages.ANSWER, interaction.channel_id or 0
            )

    async def open(self, exchange: Exchange) -> None:
        """Makes sure that the answer message, and its thread, is there and noted."""
        await self._reach(lambda: self._open(exchange))

    async def ask(self, exchange: Exchange) -> None:
        """Shows in the answer message what has to be confirmed, with the buttons for it; again
        where an edit that was given up may have overwritten it since.
        """

        async def put() -> None:
            buttons = controls.to_confirm(exchange.id)
            await posting.put(exchange, messages.ANSWER, exchange.sentence or "", buttons=buttons)

        posting = self._posting_of(exchange)
        await self._reach(put)
        if exchange.id in posting.given_up:
            await self._clock.sleep(LATE_EDIT_S)
            await self._reach(put)
            posting.given_up.discard(exchange.id)

    async def _reach(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does what has to be seen before anything is paid for."""
        try:
            await self._patiently(work)
        except (discord.NotFound, discord.Forbidden) as error:
            raise Notice(Word.PERMISSION, words.may_not_speak()) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable from error
        except discord.HTTPException as error:
            if may_pass(error):
                raise Unreachable from error
            raise

    async def _open(self, exchange: Exchange) -> None:
        if messages.ANSWER in await self._posted(exchange):
            return
        if await self._posting.adopt_response(exchange):
            return
        if exchange.private:
            return  # nothing is shown before its end
        if exchange.token is not None:
            exchange = await self._places.without_response(exchange)
        channel_id = exchange.answer_channel_id
        if channel_id == exchange.channel_id:
            channel_id = await self._threads.settle(exchange)
        await self._posting.put(
            replace(exchange, answer_channel_id=channel_id),
            messages.ANSWER,
            words.stage_line(words.reading(), 0),
        )

    def showing(self, exchange: Exchange) -> Showing:
        """Keeps the answer message up to date while entered."""
        return Showing(exchange, self._database, self._posting_of(exchange), self._clock)

    async def deliver(self, exchange: Exchange) -> None:
        """Turns the answer message into the result or the notice, part by part, then pings. Where
        an edit that was given up may have overwritten it since, it is put there again.
        """
        posting = self._posting_of(exchange)
        await self._patiently(lambda: self._deliver(exchange))
        if exchange.id in posting.given_up:
            await self._clock.sleep(LATE_EDIT_S)
            await self._patiently(lambda: self._deliver(exchange))
        posting.forget(exchange.id)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it again after a pause when Discord, or the way to it, fails."""
        for pause_s in (*PAUSES_S, None):
            try:
                await work()
                break
            except (aiohttp.ClientError, TimeoutError, discord.DiscordServerError):
                if pause_s is None:
                    raise
                await self._clock.sleep(pause_s)

    async def _deliver(self, exchange: Exchange) -> None:
        if exchange.deleted_ms is not None:
            return
        made, charge = await self._read(exchange)
        parts = _lay_out(exchange, made, charge)
        # A repeat long after an answer that was there in time is nothing to ping for.
        was_in_time = (
            exchange.took_s * 1000 <= PING_AFTER_MS
            and self._is_late(exchange)
            and await self._posting.ends(exchange, len(parts) - 1)
        )
        place = await self._show(exchange, made, charge)
        if place is None or place.moved not in {None, "channel"} or not place.pings:
            return
        if place.moved or (self._is_late(exchange) and not was_in_time):
            painted = any(piece.picture for piece in made)
            line = (
                words.ping(exchange.member_id, painted=painted)
                if made
                else words.ping_notice(exchange.member_id)
            )
            await self._posting_of(place).ping(place, line)

    def _is_late(self, exchange: Exchange) -> bool:
        waited_ms = self._clock.now_ms() - exchange.created_ms - exchange.waited_ms
        return waited_ms > PING_AFTER_MS

    async def _show(
        self, exchange: Exchange, made: Sequence[Piece], charge: Charge
    ) -> Exchange | None:
        """Where the answer stands or, if that is closed, at the next place that is not; gives the
        exchange as it is answered there. None if it is shown nowhere: where nobody can be reached
        it waits.
        """
        before = await self._posted(exchange)
        place: Exchange | None = exchange
        while place is not None:
            shown = await self._show_at(place, made, charge)
            if shown is not None:
                if place.moved is not None:
                    await self._places.leave_word(place, list(before.values()))
                return place if shown else None
            place = await self._places.next(place)
        await self._database.write(lambda tx: moves.note_waits(tx, exchange.id))
        return None

    async def _show_at(
        self, exchange: Exchange, made: Sequence[Piece], charge: Charge
    ) -> bool | None:
        """At one place: the answer, or (False) its end alone if Discord does not take it. None if
        the place is closed to Easel.
        """
        parts = _lay_out(exchange, made, charge)

        async def note_parts(tx: Transaction) -> None:
            for number, part in enumerate(parts):
                for position in part.positions:
                    await pieces.note_part(tx, exchange.id, position, number)

        await self._database.write(note_parts)
        end = layout.lay_out([], words.not_showable(), last_line(exchange, charge))
        for shown in (parts, end):
            try:
                await self._put_parts(exchange, shown, controls.under_pieces(exchange, made))
                return shown is parts
            except TokenDead:
                log.info("exchange %d: the interaction's token is dead", exchange.id)
                return None
            except discord.HTTPException as error:
                if may_pass(error):
                    raise
                if is_closed(error):
                    log.warning("exchange %d: closed to Easel (%d)", exchange.id, error.code)
                    return None
                # Nothing mends what Discord does not take; the end has to be told all the same.
                log.exception("exchange %d: cannot be shown", exchange.id)
        return None

    async def _put_parts(
        self, exchange: Exchange, parts: Sequence[Part], buttons: discord.ui.View
    ) -> None:
        first_picture = 1
        for number, part in enumerate(parts):
            under = buttons if number == len(parts) - 1 else controls.none()
            await self._put_part(exchange, number, part, first_picture, under)
            first_picture += len(part.pictures)

    async def _put_part(
        self,
        exchange: Exchange,
        number: int,
        part: Part,
        first_picture: int,
        buttons: discord.ui.View,
    ) -> None:
        """One message; refused as too large it is made smaller once, and then comes without files:
        the text and the cost have to arrive, and the pictures stay on the shelf.
        """
        numbered = await self._content.pictures(part, first_picture)
        text = await self._content.text(part)
        for share in (1.0, REFIT_SHARE):
            try:
                files = await self._content.files(exchange, numbered, part.file_text, share)
                await self._posting_of(exchange).put(exchange, number, text, files, buttons)
                return
            except discord.HTTPException as error:
                if error.status != 413 and error.code != TOO_LARGE_CODE:
                    raise
                log.info("exchange %d: over the upload limit at %s", exchange.id, share)
            except Notice as notice:
                if notice.word not in {Word.TOO_LARGE, Word.UNREADABLE}:
                    raise
                log.warning("exchange %d: a picture cannot be fitted", exchange.id)
        files = await self._content.files(exchange, [], part.file_text, REFIT_SHARE)
        refused = above(text, words.upload_refused())
        await self._posting_of(exchange).put(exchange, number, refused, files, buttons)

    async def amend(self, exchange: Exchange) -> None:
        """Corrects the last line of a delivered answer: its cost is known now."""
        made, charge = await self._read(exchange)
        line = last_line(exchange, charge)
        if line is None:
            return
        parts = _lay_out(exchange, made, charge)
        posting = self._posting_of(exchange)

        async def work() -> None:
            if await posting.amend(exchange, line):
                return
            # Where Easel itself sees nothing, the interaction's token may still write.
            if last := (await self._posted(exchange)).get(len(parts) - 1):
                text = await self._content.text(parts[-1])
                await posting.edited(exchange, last, text, None, KEEP)

        try:
            await self._patiently(work)
        except (discord.HTTPException, TokenDead) as error:
            if isinstance(error, discord.HTTPException) and may_pass(error):
                raise  # the sweep comes back to it
            log.warning("exchange %d: its cost line stays as it is: %r", exchange.id, error)

    async def _posted(self, exchange: Exchange) -> dict[int, Posted]:
        return await self._database.read(lambda tx: messages.of_exchange(tx, exchange.id))

    async def _read(self, exchange: Exchange) -> tuple[list[Piece], Charge]:
        async def operation(tx: Transaction) -> tuple[list[Piece], Charge]:
            return await pieces.of_exchange(tx, exchange.id), await self._book.charge(
                tx, exchange.id
            )

        return await self._database.read(operation)


def _lay_out(exchange: Exchange, made: Sequence[Piece], charge: Charge) -> list[Part]:
    return layout.lay_out(made, exchange.sentence, last_line(exchange, charge), heading(exchange))


def last_line(exchange: Exchange, charge: Charge) -> str | None:
    """The small line that ends an exchange: what it cost, from the ledger. A server may hide that
    of a result.
    """
    if exchange.word is not None:
        return words.notice_line(
            exchange.word,
            dollars(charge.cost) if charge.cost else None,
            estimated=charge.estimated,
            known=not charge.open,
        )
    if not exchange.shows_cost:
        return None
    cost = None if charge.open else dollars(charge.cost)
    return words.result_line(cost, exchange.took_s, estimated=charge.estimated)
