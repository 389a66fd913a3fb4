"""What people do to messages after they were heard: the context follows what they edit or delete,
whoever edits what they asked last is offered to run it again, and a cross deletes an answer.
"""

import logging

import aiohttp
import discord

from bot import words
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.store import exchanges, messages, requests
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Step
from bot.store.messages import Posted
from bot.ui import controls
from bot.ui.deleting import Deleting
from bot.ui.reading import Reading

CROSSES = {"\N{CROSS MARK}"}

log = logging.getLogger(__name__)


class Changes:
    """Follows what people do to messages."""

    def __init__(
        self, client: discord.Client, database: Database, reading: Reading, deleting: Deleting
    ) -> None:
        self._client = client
        self._database = database
        self._reading = reading
        self._deleting = deleting

    async def edited(self, message: discord.Message) -> None:
        """Nothing, if it is not the request of an exchange or it is the same."""
        files = self._reading.files_of(message)
        if files is not None:
            pictures = [each.name for each in files.pictures]
            documents = [each.name for each in files.documents]
            await self._database.write(
                lambda tx: requests.keep_files(
                    tx, message.id, message.author.id, pictures=pictures, documents=documents
                )
            )
        prompt = self._reading.words_of(message)
        if prompt is None or len(prompt) > PROMPT_LETTERS_MAX:
            return

        async def operation(tx: Transaction) -> tuple[Exchange, dict[int, Posted]] | None:
            changed = await requests.note_words(tx, message.id, message.author.id, prompt)
            if changed is None:
                return None
            exchange = await exchanges.get(tx, changed)
            if not (exchange.prompt or message.attachments):
                return None  # there is nothing left to run
            if exchange.step is Step.WAIT or not await requests.is_last(tx, changed):
                return None  # the new words are asked already, or others since
            return exchange, await messages.of_exchange(tx, changed)

        found = await self._database.write(operation)
        if found is not None and messages.OFFER not in found[1]:
            await self._offer(*found)

    async def deleted(self, message_id: int) -> None:
        """Nothing, if it is not the request of an exchange."""
        await self._database.write(lambda tx: requests.forget(tx, message_id))

    async def reacted(self, message_id: int, member_id: int, emoji: str) -> None:
        """A cross by the one who asked deletes an answer; nothing else means anything."""
        if emoji not in CROSSES:
            return

        async def operation(tx: Transaction) -> int | None:
            posted = await messages.find(tx, message_id)
            if posted is None or await exchanges.member_of(tx, posted.exchange_id) != member_id:
                return None
            return posted.exchange_id

        exchange_id = await self._database.read(operation)
        if exchange_id is not None:
            claimed = await self._deleting.claim(exchange_id)
            if claimed:
                await self._deleting.delete(exchange_id, claimed)

    async def _offer(self, exchange: Exchange, posted: dict[int, Posted]) -> None:
        """One line where the answer stands, with a button; once for an exchange."""
        answer = posted.get(messages.ANSWER)
        channel_id = exchange.answer_channel_id if answer is None else answer.channel_id
        in_place = channel_id == exchange.channel_id or answer is None
        reference = discord.MessageReference(
            message_id=exchange.id if in_place or answer is None else answer.id,
            channel_id=channel_id,
            fail_if_not_exists=False,
        )
        try:
            message = await self._client.get_partial_messageable(channel_id).send(
                words.offer_again(),
                view=controls.only_again(exchange.id),
                nonce=f"{exchange.id}-offer",
                reference=reference,
                mention_author=False,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
            log.info("exchange %d: not offered again: %r", exchange.id, error)
            return
        await self._database.write(
            lambda tx: messages.note(tx, message.id, exchange.id, messages.OFFER, channel_id)
        )
