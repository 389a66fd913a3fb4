"""Where an answer may stand that cannot stand where it was asked: in the channel that its thread is
of, as a reply to the message that began it, and then in the person's direct messages. Each move is
noted before anything is posted there, so that a repeat goes there at once.
"""

import logging
from dataclasses import replace

import aiohttp
import discord

from bot import words
from bot.store import messages, moves
from bot.store.database import Database
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.ui import controls

UPLOAD_BYTES_MAX_DIRECT = 10 * 1024 * 1024
"""Of one file in direct messages, as discord.py has it."""
_CLOSED = {50008, 160005}
"""Beside what is gone or forbidden: a forum takes no messages, and a locked thread none of ours."""

log = logging.getLogger(__name__)


def is_closed(error: discord.HTTPException) -> bool:
    """Whether Easel cannot write where it tried to."""
    return isinstance(error, discord.NotFound | discord.Forbidden) or error.code in _CLOSED


def may_pass(error: discord.HTTPException) -> bool:
    """Whether the same may be taken later: Discord fails, is too busy, or has a token replaced."""
    return error.status >= 500 or error.status in {401, 429}


def heading(exchange: Exchange) -> str | None:
    """What stands above an answer that has moved: whom it is for, or where it was asked."""
    if exchange.moved is None or exchange.private:
        return None
    if exchange.has_no_response:
        return words.meant_for(exchange.member_id)
    if exchange.moved == "channel":
        return words.moved_to_channel(exchange.member_id)
    return words.moved_to_person(exchange.channel_id)


class Places:
    """Finds the next place of an answer, and says at the last one where it went."""

    def __init__(self, client: discord.Client, database: Database) -> None:
        self._client = client
        self._database = database

    async def next(self, exchange: Exchange) -> Exchange | None:
        """The exchange as one that is answered where its answer may stand after this place was
        closed, which is noted; None where nothing is left.
        """
        moved = await self._in_channel(exchange) or await self._direct(exchange)
        if moved is not None:
            log.info("exchange %d: moves to %s", exchange.id, moved.moved)
            await self._database.write(lambda tx: moves.note_moved(tx, moved))
        return moved

    async def without_response(self, exchange: Exchange) -> Exchange:
        """The exchange as one whose command or button Discord did not let be acknowledged, which is
        noted: its answer stands by itself where it was used, and says whom it is for.
        """
        moved = replace(exchange, moved="channel", token=None)
        await self._database.write(lambda tx: moves.note_moved(tx, moved))
        return moved

    async def _in_channel(self, exchange: Exchange) -> Exchange | None:
        """Of a thread's own channel, and of where it was asked to open one."""
        if exchange.private or exchange.moved not in {None, "channel"}:
            return None
        parent_id = await self._database.read(lambda tx: moves.parent_of(tx, exchange))
        order = [exchange.channel_id] if parent_id is None else [exchange.channel_id, parent_id]
        here = exchange.answer_channel_id
        later = order[order.index(here) + 1 :] if here in order else order
        if not later:
            return None
        return replace(exchange, answer_channel_id=later[0], moved="channel", token=None)

    async def _direct(self, exchange: Exchange) -> Exchange | None:
        if exchange.server_id == 0 or exchange.moved == "direct":
            return None
        try:
            channel = await self._client.create_dm(discord.Object(exchange.member_id))
        except discord.HTTPException as error:
            if may_pass(error):
                raise
            log.info("exchange %d: no direct messages (%d)", exchange.id, error.code)
            return None
        return replace(
            exchange,
            answer_channel_id=channel.id,
            moved="direct",
            token=None,
            upload_bytes_max=min(exchange.upload_bytes_max, UPLOAD_BYTES_MAX_DIRECT),
        )

    async def leave_word(self, exchange: Exchange, before: list[Posted]) -> None:
        """Says in those of its messages that stand elsewhere where the answer is now, as far as
        they can be edited still, and forgets them.
        """
        line = words.moved_to_person_alone(exchange.member_id)
        if exchange.moved == "channel":
            line = words.moved_away(exchange.answer_channel_id)
        for posted in before:
            if posted.part < messages.ANSWER or posted.channel_id == exchange.answer_channel_id:
                continue
            channel = self._client.get_partial_messageable(posted.channel_id)
            try:
                await channel.get_partial_message(posted.id).edit(
                    content=line,
                    attachments=[],
                    view=controls.none(),
                    allowed_mentions=discord.AllowedMentions.none(),
                )
            except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
                log.info("exchange %d: no word of its move: %r", exchange.id, error)
            await self._forget(posted)

    async def _forget(self, posted: Posted) -> None:
        await self._database.write(lambda tx: messages.forget(tx, posted.id))
