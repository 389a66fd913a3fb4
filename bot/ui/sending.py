"""One message of ours in Discord: sent, edited, seen, and noted, by Easel's own name or by an
interaction's token. Whether it has to be sent at all is decided elsewhere.
"""

import logging
from collections.abc import Callable, Sequence

import discord

from bot.clock import Clock
from bot.store import messages
from bot.store.database import Database
from bot.store.exchanges import Exchange
from bot.store.messages import Posted

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


class Sending:
    """Errors of Discord that no other way mends are raised. `given_up` names exchanges of which an
    edit was given up and may still arrive.
    """

    def __init__(self, client: discord.Client, database: Database, clock: Clock) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self.given_up: set[int] = set()
        self._awake: set[int] = set()

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
        if (
            exchange.token is not None
            and posted.part == messages.ANSWER
            and exchange.id not in self._awake
        ):
            # "Thinking" ends with the first edit, which has to come by the interaction's token.
            try:
                await self._edit_by_token(exchange.token, posted, content, files, buttons)
                self._awake.add(exchange.id)
                return
            except discord.HTTPException as error:
                if error.status not in {401, 404}:
                    raise
                log.info("exchange %d: the interaction's token is dead", exchange.id)
        channel = self._client.get_partial_messageable(posted.channel_id)
        await channel.get_partial_message(posted.id).edit(
            content=content,
            attachments=discord.utils.MISSING if files is None else list(files()),
            view=buttons,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _edit_by_token(
        self,
        token: str,
        posted: Posted,
        content: str,
        files: Files | None,
        buttons: discord.ui.View,
    ) -> None:
        await self._webhook(token).edit_message(
            posted.id,
            content=content,
            attachments=discord.utils.MISSING if files is None else list(files()),
            view=buttons,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _seen(self, posted: Posted) -> discord.Message | None:
        """The message as it stands; None if it cannot be seen."""
        channel = self._client.get_partial_messageable(posted.channel_id)
        try:
            return await channel.fetch_message(posted.id)
        except discord.DiscordServerError:
            raise
        except discord.HTTPException:
            return None

    def forget(self, exchange_id: int) -> None:
        """The exchange has ended; nothing of it is kept in memory."""
        self._awake.discard(exchange_id)
        self.given_up.discard(exchange_id)

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
