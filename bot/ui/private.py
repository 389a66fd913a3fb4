"""Answers that only the one who asked sees: each of their messages goes by the interaction's token
alone, and where that is dead into the person's direct messages.
"""

import logging
from dataclasses import replace

import discord

from bot import words
from bot.errors import Notice, Word
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.ui import controls
from bot.ui.posting import Files, Posting, no_files

UPLOAD_BYTES_MAX_DIRECT = 10 * 1024 * 1024
"""Of one file in direct messages, as discord.py has it."""

log = logging.getLogger(__name__)


class TokenDead(Notice):
    """The interaction takes no more messages: its token is dead, or it never knew of ours. A notice
    to the person where something had to be seen before the end.
    """

    def __init__(self) -> None:
        super().__init__(Word.PERMISSION, words.private_is_over())


class PrivatePosting(Posting):
    """Puts messages where only one person sees them. For these Discord knows no nonce and nobody
    can look back: a message whose noting a crash prevented may come twice.
    """

    async def put(
        self,
        exchange: Exchange,
        part: int,
        content: str,
        files: Files = no_files,
        buttons: discord.ui.View | None = None,
    ) -> None:
        """As in `Posting`; raises TokenDead where the token cannot carry it."""
        view = controls.while_running(exchange.id) if buttons is None else buttons
        posted = await self._known(exchange)
        if part in posted and await self.edited(exchange, posted[part], content, files, view):
            return
        if exchange.token is None:
            raise TokenDead
        try:
            webhook = self._webhook(exchange.token)
            webhook.type = discord.WebhookType.application  # else discord.py sends nothing private
            message = await webhook.send(
                content,
                files=list(files()),
                view=view,
                ephemeral=True,
                allowed_mentions=discord.AllowedMentions.none(),
                wait=True,
            )
        except discord.HTTPException as error:
            if error.status in {401, 404}:
                raise TokenDead from error
            raise
        await self._note(message, exchange, part)

    async def edit(
        self,
        exchange: Exchange,
        posted: Posted,
        content: str,
        files: Files | None,
        buttons: discord.ui.View,
    ) -> None:
        """By the token; by Easel's own name only what stands in direct messages is there."""
        if exchange.token is not None:
            try:
                await self._webhook(exchange.token).edit_message(
                    posted.id,
                    content=content,
                    attachments=discord.utils.MISSING if files is None else list(files()),
                    view=buttons,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
                return
            except discord.HTTPException as error:
                if error.status not in {401, 404}:
                    raise
        by_name = replace(exchange, token=None)
        await super().edit(by_name, posted, content, files, buttons)

    async def ping(self, exchange: Exchange, content: str) -> None:
        """Nothing: a ping would tell others."""

    async def directly(self, exchange: Exchange) -> Exchange | None:
        """The exchange as one that is answered in its person's direct messages, by ordinary
        messages; None where there are none.
        """
        try:
            channel = await self._client.create_dm(discord.Object(exchange.member_id))
        except (discord.NotFound, discord.Forbidden) as error:
            log.info("exchange %d: no direct messages (%d)", exchange.id, error.code)
            return None
        return replace(
            exchange,
            private=False,
            token=None,
            answer_channel_id=channel.id,
            upload_bytes_max=min(exchange.upload_bytes_max, UPLOAD_BYTES_MAX_DIRECT),
        )
