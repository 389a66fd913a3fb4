"""One message of an answer: edited when it is there, posted when it is not, and never twice. What
stands in it is decided elsewhere.
"""

import logging
from typing import cast

import aiohttp
import discord

from bot.store import messages
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.ui import controls, known_again, layout
from bot.ui.places import may_pass
from bot.ui.sending import KEEP, Files, Sending, no_files

NONCE_MEMORY_MS = 60_000
"""Discord remembers a nonce "for the past few minutes"; within this a repeat needs no look back.
https://discord.com/developers/docs/resources/message#create-message (2026-08)."""
LOOK_BACK_MESSAGES = 100

log = logging.getLogger(__name__)


class Posting(Sending):
    """Puts messages where they belong."""

    async def put(
        self,
        exchange: Exchange,
        part: int,
        content: str,
        files: Files = no_files,
        buttons: discord.ui.View | None = None,
    ) -> None:
        """Makes `part` of the exchange's answer show this content, exactly these files, and these
        buttons; without any given, those of an answer in the making.
        """
        view = controls.while_running(exchange.id) if buttons is None else buttons
        posted = await self._here(exchange)
        if part in posted and await self.edited(exchange, posted[part], content, files, view):
            return
        if not self._nonce_is_known(exchange) and await self._find(exchange, part, content, files):
            posted = await self._here(exchange)
            if await self.edited(exchange, posted[part], content, files, view):
                return
        await self._post(exchange, part, posted, content, files, view)

    def _nonce_is_known(self, exchange: Exchange) -> bool:
        """Whether Discord itself recognises a repeat of what was sent for this exchange."""
        age_ms = self._clock.now_ms() - exchange.created_ms
        return 0 <= age_ms < NONCE_MEMORY_MS  # below 0 the clock was set back since

    async def ping(self, exchange: Exchange, content: str) -> None:
        """One line under the answer that pings the one who asked and nobody else, once ever. Where
        Discord refuses it there is none.
        """
        posted = await self._known(exchange)
        if messages.PING in posted or messages.ANSWER not in posted:
            return
        if not self._nonce_is_known(exchange) and await self._find(
            exchange, messages.PING, content
        ):
            return
        mentions = discord.AllowedMentions(
            everyone=False,
            roles=False,
            replied_user=False,
            users=[discord.Object(exchange.member_id)],
        )
        answer = posted[messages.ANSWER]
        try:
            message = await self._send(
                exchange,
                messages.PING,
                answer.channel_id,
                content,
                reply_to=answer.id,
                mentions=mentions,
            )
        except discord.DiscordServerError:
            raise
        except discord.HTTPException as error:
            log.info("exchange %d: no ping (%d)", exchange.id, error.code)
            return
        await self._note(message, exchange, messages.PING)

    async def ends(self, exchange: Exchange, part: int) -> bool:
        """Whether this part is noted and shows the end: by its small line or, where the server
        hides that, by having no button of an answer in the making. False if it cannot be seen.
        """
        posted = (await self._known(exchange)).get(part)
        message = None if posted is None else await self._seen(posted)
        if message is None or exchange.shows_cost or exchange.word is not None:
            return message is not None and layout.above_line(message.content) is not None
        return not controls.is_running(message, exchange.id)

    async def amend(self, exchange: Exchange, line: str) -> bool:
        """Puts another small line in place of the one that ends the exchange's last message, and
        leaves what stands above it. False if there is none, or none can be seen.
        """
        posted = await self._known(exchange)
        last = posted.get(max(posted, default=messages.PING))
        if last is None or last.part == messages.PING:
            return False
        message = await self._seen(last)
        above = None if message is None else layout.above_line(message.content)
        return above is not None and await self.edited(exchange, last, f"{above}{line}", None, KEEP)

    async def adopt_response(self, exchange: Exchange) -> bool:
        """Notes the response of the exchange's interaction as its answer message, if it is there
        and the token lives.
        """
        if exchange.token is None:
            return False
        if messages.ANSWER in await self._known(exchange):
            return True
        try:
            # discord.py formats the id into the path; "@original" is Discord's name for it.
            original = cast("int", "@original")
            response = await self._webhook(exchange.token).fetch_message(original)
        except discord.HTTPException as error:
            if error.status == 429 or error.status >= 500:
                raise  # it may be there all the same
            return False
        await self._note(response, exchange, messages.ANSWER)
        return True

    async def _post(
        self,
        exchange: Exchange,
        part: int,
        posted: dict[int, Posted],
        content: str,
        files: Files,
        buttons: discord.ui.View,
    ) -> None:
        answer = posted.get(messages.ANSWER)
        reply_to = known_again.reply_target(exchange)
        if answer is not None and part:
            reply_to = answer.id
        before = (await self._known(exchange)).get(part)
        message: discord.Message
        try:
            message = await self._send(
                exchange,
                part,
                exchange.answer_channel_id,
                content,
                reply_to=reply_to,
                mentions=discord.AllowedMentions.none(),
                files=files,
                buttons=buttons,
                instead_of=before,
            )
        except discord.Forbidden as error:
            if exchange.token is None:
                raise
            # Where Easel itself may not speak, the answer to a command may. This knows no nonce.
            if await self._find(exchange, part, content, files):
                posted = await self._known(exchange)
                if await self.edited(exchange, posted[part], content, files, buttons):
                    return
            message = await self._follow_up(exchange.token, content, files, buttons, refused=error)
        await self._note(message, exchange, part)
        if before is not None and before.id != message.id:
            await self._take_away(before, message.channel.id)
        if message.content != content.strip():
            # Discord knew the nonce: this is the message posted before a crash.
            posted = await self._known(exchange)
            await self.edit(exchange, posted[part], content, files, buttons)

    async def _take_away(self, replaced: Posted, channel_id: int) -> None:
        """A message that could not be edited, and shows an answer in the making for ever; of one
        that has moved elsewhere something else is made.
        """
        if replaced.channel_id != channel_id:
            return
        channel = self._client.get_partial_messageable(channel_id)
        try:
            await channel.get_partial_message(replaced.id).delete()
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.info("exchange %d: message %d stays: %r", replaced.exchange_id, replaced.id, error)

    async def _find(
        self, exchange: Exchange, part: int, content: str, files: Files = no_files
    ) -> bool:
        """Looks through the channel since the exchange for a message that shows this part and was
        posted before a crash, and notes it; False if there is none, or none can be seen. Raises
        what may pass.
        """
        made = list(files())
        names = {known_again.stem(file.filename) for file in made}
        for file in made:
            file.close()
        noted = {known.id for known in (await self._known(exchange)).values()}
        channel = self._client.get_partial_messageable(exchange.answer_channel_id)
        try:
            async for message in channel.history(
                after=discord.Object(exchange.id), limit=LOOK_BACK_MESSAGES, oldest_first=True
            ):
                if message.author != self._client.user or message.id in noted:
                    continue
                shows = known_again.shows(message, exchange, part, content, names, noted)
                if shows and await self._is_free(message):
                    await self._note(message, exchange, part)
                    return True
        except discord.HTTPException as error:
            if may_pass(error):
                raise  # it may be there
            log.info("exchange %d: no look back into its channel", exchange.id)
        return False

    async def _is_free(self, message: discord.Message) -> bool:
        """Whether the message is noted for no exchange."""
        return await self._database.read(lambda tx: messages.find(tx, message.id)) is None

    async def _here(self, exchange: Exchange) -> dict[int, Posted]:
        """Its messages at its place, by part: of one that has moved all stand there anew."""
        known = await self._known(exchange)
        if exchange.moved is None:
            return known
        there = exchange.answer_channel_id
        return {part: posted for part, posted in known.items() if posted.channel_id == there}
