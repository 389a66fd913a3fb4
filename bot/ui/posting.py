"""One message of an answer: edited when it is there, posted when it is not, and never twice. What
stands in it is decided elsewhere.
"""

import logging
from collections.abc import Callable, Sequence
from typing import cast

import discord

from bot.clock import Clock
from bot.store import messages
from bot.store.database import Database
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.ui import controls, known_again, layout

NONCE_MEMORY_MS = 60_000
"""Discord remembers a nonce "for the past few minutes"; within this a repeat needs no look back.
https://discord.com/developers/docs/resources/message#create-message (2026-08)."""
LOOK_BACK_MESSAGES = 100
ARCHIVED = 50083
"""An archived thread takes no edits."""
NO_HISTORY = 160002
"""A reply needs the right to read what it replies to."""

KEEP: discord.ui.View = discord.utils.MISSING
"""Instead of other buttons: those that a message has."""

Files = Callable[[], Sequence[discord.File]]
"""Makes the files anew for every attempt: a `discord.File` can be sent once."""

log = logging.getLogger(__name__)


def no_files() -> Sequence[discord.File]:
    return ()


class Posting:
    """Puts messages where they belong. Errors of Discord that no other way mends are raised.

    `given_up` names exchanges of which an edit was given up and may still arrive.
    """

    def __init__(self, client: discord.Client, database: Database, clock: Clock) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self.given_up: set[int] = set()
        self._awake: set[int] = set()

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
        posted = await self._known(exchange)
        if part in posted and await self.edited(exchange, posted[part], content, files, view):
            return
        if not self._nonce_is_known(exchange) and await self._find(exchange, part, content, files):
            posted = await self._known(exchange)
            if await self.edited(exchange, posted[part], content, files, view):
                return
        await self._post(exchange, part, posted, content, files, view)

    def _nonce_is_known(self, exchange: Exchange) -> bool:
        """Whether Discord itself recognises a repeat of what was sent for this exchange."""
        return self._clock.now_ms() - exchange.created_ms < NONCE_MEMORY_MS

    async def edited(
        self,
        exchange: Exchange,
        posted: Posted,
        content: str,
        files: Files | None,
        buttons: discord.ui.View,
    ) -> bool:
        """Edits a message, in an archived thread, too; False if it is gone or may not be edited."""
        try:
            try:
                await self.edit(exchange, posted, content, files, buttons)
            except discord.HTTPException as error:
                if error.code != ARCHIVED:
                    raise
                await self._open_again(posted.channel_id)
                await self.edit(exchange, posted, content, files, buttons)
        except (discord.NotFound, discord.Forbidden) as error:
            log.info(
                "exchange %d: part %d cannot be edited (%d)", exchange.id, posted.part, error.code
            )
            return False
        return True

    async def _open_again(self, thread_id: int) -> None:
        thread = await self._client.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)

    async def edit(
        self,
        exchange: Exchange,
        posted: Posted,
        content: str,
        files: Files | None,
        buttons: discord.ui.View,
    ) -> None:
        """Edits a message that is there; without `files` its attachments stay."""
        attachments = discord.utils.MISSING if files is None else list(files())
        if (
            exchange.token is not None
            and posted.part == messages.ANSWER
            and exchange.id not in self._awake
        ):
            # "Thinking" ends with the first edit, which has to come by the interaction's token.
            try:
                await self._webhook(exchange.token).edit_message(
                    posted.id,
                    content=content,
                    attachments=attachments,
                    view=buttons,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
                self._awake.add(exchange.id)
                return
            except discord.HTTPException as error:
                if error.status not in {401, 404}:
                    raise
                log.info("exchange %d: the interaction's token is dead", exchange.id)
                attachments = discord.utils.MISSING if files is None else list(files())
        channel = self._client.get_partial_messageable(posted.channel_id)
        await channel.get_partial_message(posted.id).edit(
            content=content,
            attachments=attachments,
            view=buttons,
            allowed_mentions=discord.AllowedMentions.none(),
        )

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

    async def _seen(self, posted: Posted) -> discord.Message | None:
        """The message as it stands; None if it cannot be seen."""
        channel = self._client.get_partial_messageable(posted.channel_id)
        try:
            return await channel.fetch_message(posted.id)
        except discord.DiscordServerError:
            raise
        except discord.HTTPException:
            return None

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
        except discord.HTTPException:
            return False
        await self._note(response, exchange, messages.ANSWER)
        return True

    def forget(self, exchange_id: int) -> None:
        """The exchange has ended; nothing of it is kept in memory."""
        self._awake.discard(exchange_id)
        self.given_up.discard(exchange_id)

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
        reply_to = answer.id if answer is not None and part else None
        if reply_to is None and exchange.token is None:
            # A message of the thread's own channel cannot be replied to inside the thread.
            reply_to = exchange.id if exchange.answer_channel_id == exchange.channel_id else None
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
                instead_of=posted.get(part),
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
        if message.content != content.strip():
            # Discord knew the nonce: this is the message posted before a crash.
            posted = await self._known(exchange)
            await self.edit(exchange, posted[part], content, files, buttons)

    async def _follow_up(
        self,
        token: str,
        content: str,
        files: Files,
        buttons: discord.ui.View,
        *,
        refused: discord.Forbidden,
    ) -> discord.Message:
        """A message by the interaction's token; raises what was `refused` if that is dead."""
        try:
            return await self._webhook(token).send(
                content,
                files=list(files()),
                view=buttons,
                allowed_mentions=discord.AllowedMentions.none(),
                wait=True,
            )
        except discord.HTTPException as error:
            if error.status in {401, 404}:
                raise refused from error
            raise

    async def _send(
        self,
        exchange: Exchange,
        part: int,
        channel_id: int,
        content: str,
        *,
        reply_to: int | None,
        mentions: discord.AllowedMentions,
        files: Files = no_files,
        buttons: discord.ui.View = KEEP,
        instead_of: Posted | None = None,
    ) -> discord.Message:
        channel = self._client.get_partial_messageable(channel_id)
        # Discord might answer the nonce of a message that is gone with that message.
        first = exchange.id if instead_of is None else instead_of.id
        nonce = f"{first}-{'ping' if part == messages.PING else part}"
        if reply_to is not None:
            try:
                return await channel.send(
                    content,
                    files=list(files()),
                    nonce=nonce,
                    view=buttons,
                    allowed_mentions=mentions,
                    mention_author=False,
                    reference=discord.MessageReference(
                        message_id=reply_to, channel_id=channel_id, fail_if_not_exists=False
                    ),
                )
            except discord.Forbidden as error:
                if error.code != NO_HISTORY:
                    raise
        return await channel.send(
            content, files=list(files()), nonce=nonce, view=buttons, allowed_mentions=mentions
        )

    async def _find(
        self, exchange: Exchange, part: int, content: str, files: Files = no_files
    ) -> bool:
        """Looks through the channel since the exchange for a message that shows this part and was
        posted before a crash, and notes it; False if there is none, or none can be seen.

        It is known by the name of one of its files. Without one, the answer message is known by
        what it replies to, in its own thread by replying to nothing, or as an answer to the
        exchange's interaction; any other by its content as a reply to what is noted.
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
                if message.type is discord.MessageType.thread_starter_message:
                    continue  # it stands for the request, and takes neither edits nor replies
                carried = {
                    stem
                    for stem in (known_again.stem(file.filename) for file in message.attachments)
                    if stem.startswith("easel-")
                }
                if carried:
                    ours = not carried.isdisjoint(names)
                elif part == messages.ANSWER:
                    ours = known_again.may_be_answer(message, exchange)
                else:
                    target = message.reference and message.reference.message_id
                    ours = message.content == content.strip() and target in noted
                if ours and await self._is_free(message):
                    await self._note(message, exchange, part)
                    return True
        except discord.HTTPException:
            log.info("exchange %d: no look back into its channel", exchange.id)
        return False

    async def _is_free(self, message: discord.Message) -> bool:
        """Whether the message is noted for no exchange."""
        return await self._database.read(lambda tx: messages.find(tx, message.id)) is None

    async def _known(self, exchange: Exchange) -> dict[int, Posted]:
        return await self._database.read(lambda tx: messages.of_exchange(tx, exchange.id))

    async def _note(
        self, message: discord.Message | discord.WebhookMessage, exchange: Exchange, part: int
    ) -> None:
        await self.note(message.id, exchange.id, part, message.channel.id)

    async def note(self, message_id: int, exchange_id: int, part: int, channel_id: int) -> None:
        """Notes which message shows a part of an exchange."""
        await self._database.write(
            lambda tx: messages.note(tx, message_id, exchange_id, part, channel_id)
        )

    def _webhook(self, token: str) -> discord.Webhook:
        assert self._client.application_id is not None
        return discord.Webhook.partial(self._client.application_id, token, client=self._client)
