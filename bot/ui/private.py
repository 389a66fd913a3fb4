"""Answers that only the one who asked sees: each of their messages goes by an interaction's token
alone.
"""

import discord

from bot import words
from bot.errors import Notice, Word
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.ui import controls
from bot.ui.posting import Posting
from bot.ui.sending import Files, no_files


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
        """By the token: Easel's own name sees none of it. Raises TokenDead."""
        if exchange.token is None:
            raise TokenDead
        try:
            await self._edit_by_token(exchange.token, posted, content, files, buttons)
        except discord.HTTPException as error:
            if error.status == 401:
                raise TokenDead from error
            raise

    async def ping(self, exchange: Exchange, content: str) -> None:
        """Nothing: a ping would tell others."""
