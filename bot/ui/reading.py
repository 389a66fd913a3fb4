"""From Discord objects to a Request: what is asked, which pictures are meant, where the answer
belongs, and what can be seen to be impossible. It reads and decides nothing about money.
"""

import asyncio
import logging
import re
import unicodedata
from collections.abc import Iterable

import aiohttp
import discord

from bot import words
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.errors import Notice, Word
from bot.request import Request
from bot.store import conversations, exchanges, messages, pieces, pruned, spoilers
from bot.store.conversations import Place
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Meant
from bot.ui import markdown
from bot.ui.files import PICTURES_MAX, Files, attached, pictures_alone, shown
from bot.ui.visitors import visitor

UPLOAD_BYTES_MAX_ELSEWHERE = 10 * 1024 * 1024
"""Of one file where no server says otherwise, as discord.py has it."""
REPLIED_TIMEOUT_S = 5.0
"""For asking Discord what a message replies to; discord.py alone would try for half a minute."""
PERSON_TYPES = {discord.MessageType.default, discord.MessageType.reply}
THREADED = {discord.ChannelType.text, discord.ChannelType.news}
_BLANK = re.compile(
    r"[\s\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What shows nothing and is no control or format character: fillers, joiners, variations."""

log = logging.getLogger(__name__)


class Reading:
    """Reads messages and commands. Needs the database to know our threads and our messages."""

    def __init__(
        self, client: discord.Client, database: Database, *, message_content: bool
    ) -> None:
        self._client = client
        self._database = database
        self._message_content = message_content

    async def message(self, message: discord.Message) -> Request | None:
        """The request in a message; None when it is not for Easel, or says nothing at all."""
        if not _is_persons(message):
            return None
        mentioned = self._is_mentioned(message)
        ours = await self._database.read(lambda tx: conversations.is_open(tx, message.channel.id))
        server_id = _server_id(message)
        heard = server_id == 0 or (ours and self._message_content)
        if not mentioned and not heard:
            return None
        prompt = self._prompt(message)
        files = await self._meant(message)
        meant, refusal = files.pictures, files.refusal
        if not prompt and not meant and not files.documents and refusal is None:
            return None
        place, conversation_id = await self._place(message, server_id, ours=ours)
        opens_thread = place == "thread" and not ours
        may = self._permissions(message)
        if may is not None:
            in_thread = isinstance(message.channel, discord.Thread)
            if not (may.send_messages_in_threads if in_thread else may.send_messages):
                return None  # nothing could be said here, not even this
            if not may.attach_files:
                refusal = Notice(Word.PERMISSION, words.may_not_attach())
        if len(prompt) > PROMPT_LETTERS_MAX:
            refusal = Notice(Word.TOO_LARGE, words.prompt_too_long(PROMPT_LETTERS_MAX))
        return Request(
            exchange=Exchange(
                id=message.id,
                conversation_id=conversation_id,
                command="message",
                server_id=server_id,
                channel_id=message.channel.id,
                member_id=message.author.id,
                prompt=prompt,
                upload_bytes_max=_upload_bytes_max(message.guild),
                answer_channel_id=message.channel.id,
                opens_thread=opens_thread,
                edits=bool(meant),
                parent_channel_id=_parent_id(message.channel),
                spoiler=markdown.is_covered(message.content),
            ),
            place=place,
            meant=meant,
            documents=files.documents,
            refusal=refusal,
            visitor=visitor(message.author, message.channel),
        )

    def is_addressed(self, message: discord.Message) -> bool:
        """Whether it is for Easel, as far as can be told while the database cannot be asked."""
        if not _is_persons(message):
            return False
        channel, me = message.channel, self._client.user
        own = isinstance(channel, discord.Thread) and me is not None and channel.owner_id == me.id
        heard = not _server_id(message) or (own and self._message_content)
        return heard or self._is_mentioned(message)

    def words_of(self, message: discord.Message) -> str | None:
        """What a person's message says now; None where that is not told, or where it says and
        brings nothing at all.
        """
        if not self._is_told(message):
            return None
        return self._prompt(message) or ("" if message.attachments or message.content else None)

    def files_of(self, message: discord.Message) -> Files | None:
        """The files that a person's message still has; None where that is not told, or where a
        message without any may have been about those of another.
        """
        if not self._is_told(message) or (message.reference and not message.attachments):
            return None
        return attached(message.attachments)

    def _is_told(self, message: discord.Message) -> bool:
        told = self._message_content or not _server_id(message) or self._is_mentioned(message)
        return told and _is_persons(message)

    def is_greeting(self, message: discord.Message) -> bool:
        """Whether somebody only mentioned Easel, with nothing to do."""
        return (
            _is_persons(message)
            and self._is_mentioned(message)
            and bool(message.content)  # without it, a sticker that replies to Easel
            and not message.attachments
            and not self._prompt(message)
        )

    def _is_mentioned(self, message: discord.Message) -> bool:
        me = self._client.user
        if any(user == me for user in message.mentions):
            return True
        return any(
            role.tags is not None and me is not None and role.tags.bot_id == me.id
            for role in message.role_mentions
        )

    def words_in(self, message: discord.Message) -> str:
        """What a message says that somebody points at, or one that it forwards."""
        forwarded = [snapshot.content for snapshot in message.message_snapshots]
        return self._prompt(message) or visible("\n".join(forwarded).strip())

    def _prompt(self, message: discord.Message) -> str:
        """The words without the mention of Easel, other mentions as names. A forum post's title
        belongs to its first message.
        """
        text = message.content
        me = self._client.user
        for user in message.mentions:
            name = "" if user == me else f"@{user.display_name}"
            text = re.sub(rf"<@!?{user.id}>", lambda _, name=name: name, text)
        for role in message.role_mentions:
            own = role.tags is not None and me is not None and role.tags.bot_id == me.id
            text = text.replace(f"<@&{role.id}>", "" if own else f"@{role.name}")
        return visible(markdown.uncovered(f"{_title(message)}\n\n{text.strip()}"))

    async def _place(
        self, message: discord.Message, server_id: int, *, ours: bool
    ) -> tuple[Place, int]:
        if ours or server_id == 0:
            return ("thread" if server_id else "direct"), message.channel.id
        may = self._permissions(message)
        if message.channel.type in THREADED and (
            may is None or (may.create_public_threads and may.send_messages_in_threads)
        ):
            return "thread", message.id
        reference = message.reference
        if reference is not None and (replied_id := reference.message_id) is not None:
            chain = await self._database.read(lambda tx: _conversation_of(tx, replied_id))
            if chain is not None:
                return "chain", chain
        return "chain", message.id

    @staticmethod
    def _permissions(message: discord.Message) -> discord.Permissions | None:
        """Easel's own here; None where they are not known."""
        if message.guild is None or isinstance(message.channel, discord.PartialMessageable):
            return None
        return message.channel.permissions_for(message.guild.me)

    async def _meant(self, message: discord.Message) -> Files:
        """Own attachments first, then the files of the message replied to or forwarded: from the
        shelf if it is ours.
        """
        if message.attachments:
            return attached(message.attachments)
        reference = message.reference
        if reference is None or reference.message_id is None:
            return Files()
        shown_id = reference.message_id
        ours = await self._database.read(lambda tx: _pictures_shown(tx, shown_id))
        if ours is not None:
            return Files(tuple(ours[:PICTURES_MAX]))
        if message.message_snapshots:
            return shown(message)
        try:
            replied = await self._replied_to(message, reference, shown_id)
        except Notice as unread:
            return Files(refusal=unread)
        return shown(replied)

    async def shown_in(self, message: discord.Message) -> tuple[list[Meant], Notice | None]:
        """The pictures of a message somebody points at, from the shelf if it is ours; why there
        are none, if it shows files.
        """
        ours = await self._database.read(lambda tx: _pictures_shown(tx, message.id))
        if ours is not None:
            return ours[:PICTURES_MAX], None
        files = shown(message)
        return list(files.pictures), files.refusal

    async def _replied_to(
        self, message: discord.Message, reference: discord.MessageReference, replied_id: int
    ) -> discord.Message:
        """Raises Notice where it cannot be read: something else must not be painted for it."""
        replied = reference.resolved
        if replied is None:
            try:
                async with asyncio.timeout(REPLIED_TIMEOUT_S):
                    replied = await message.channel.fetch_message(replied_id)
            except discord.NotFound as error:
                raise Notice(Word.UNREADABLE, words.replied_to_deleted()) from error
            except discord.Forbidden as error:
                raise Notice(Word.PERMISSION, words.replied_to_hidden()) from error
            except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
                log.warning("message %d: what it replies to is not read: %r", message.id, error)
                raise Notice(Word.UNREADABLE, words.replied_to_unread()) from error
        if not isinstance(replied, discord.Message):
            raise Notice(Word.UNREADABLE, words.replied_to_deleted())
        if not self._message_content and _server_id(message) and _is_empty(replied):
            raise Notice(Word.PERMISSION, words.replied_to_hidden())
        return replied

    async def command(
        self,
        interaction: discord.Interaction[discord.Client],
        *,
        command: str,
        prompt: str,
        attachments: Iterable[discord.Attachment | None] = (),
        shape: str | None = None,
        size: str | None = None,
        may_paint: bool = True,
        private: bool = False,
    ) -> Request:
        """The request in a slash command; it answers where it was used. What is `private` is no
        part of a conversation that others see; direct messages are that already.
        """
        private = private and interaction.guild_id is not None
        channel_id = interaction.channel_id or 0
        ours = await self._database.read(lambda tx: conversations.is_open(tx, channel_id))
        place: Place = "thread" if ours and not private else "chain"
        if interaction.guild_id is None:
            place = "direct"
        conversation_id = interaction.id if place == "chain" else channel_id
        given = [each for each in attachments if each is not None]
        files = attached(given) if command == "ask" else pictures_alone(given)
        meant, refusal = files.pictures, files.refusal
        if not interaction.app_permissions.attach_files and interaction.guild_id is not None:
            refusal = Notice(Word.PERMISSION, words.may_not_attach())
        return Request(
            exchange=Exchange(
                id=interaction.id,
                conversation_id=conversation_id,
                command=command,
                server_id=interaction.guild_id or 0,
                channel_id=channel_id,
                member_id=interaction.user.id,
                prompt=visible(markdown.uncovered(prompt)),
                upload_bytes_max=min(
                    interaction.filesize_limit, _upload_bytes_max(interaction.guild)
                ),
                answer_channel_id=channel_id,
                may_paint=may_paint,
                shape=shape,
                size=size,
                token=interaction.token,
                edits=bool(meant),
                private=private,
                parent_channel_id=_parent_id(interaction.channel),
                spoiler=markdown.is_covered(prompt),
            ),
            place=place,
            meant=meant,
            documents=files.documents,
            refusal=refusal,
            visitor=visitor(interaction.user, interaction.channel),
        )


def visible(text: str) -> str:
    """The text as it is, or nothing where all of it is invisible."""
    left = (letter for letter in text if not _BLANK.match(letter))
    return text if any(unicodedata.category(letter) not in {"Cc", "Cf"} for letter in left) else ""


def _is_persons(message: discord.Message) -> bool:
    return not message.author.bot and message.webhook_id is None and message.type in PERSON_TYPES


def _title(message: discord.Message) -> str:
    """Of the forum post that a message begins."""
    channel = message.channel
    if not isinstance(channel, discord.Thread) or channel.id != message.id:
        return ""
    return channel.name if isinstance(channel.parent, discord.ForumChannel) else ""


def _server_id(message: discord.Message) -> int:
    """0 in direct messages only: of a server that discord.py does not know yet there is no guild,
    but the event says which it is.
    """
    if message.guild is not None:
        return message.guild.id
    channel = message.channel
    return (channel.guild_id or 0) if isinstance(channel, discord.PartialMessageable) else 0


def _parent_id(channel: object) -> int | None:
    """Of the channel that a thread is of, if it is one that discord.py knows; what is said in a
    private one is nothing for the others there.
    """
    if isinstance(channel, discord.Thread) and not channel.is_private():
        return channel.parent_id
    return None


def _upload_bytes_max(guild: discord.Guild | None) -> int:
    return UPLOAD_BYTES_MAX_ELSEWHERE if guild is None else guild.filesize_limit


def _is_empty(message: discord.Message) -> bool:
    """Whether a person's message comes without anything, as it does where Discord hides it."""
    anything = message.content or message.attachments or message.embeds or message.components
    return not (anything or message.stickers or message.is_system())


async def _pictures_shown(tx: Transaction, message_id: int) -> list[Meant] | None:
    """The pictures of ours that a message shows, from the shelf; None if it is not ours, or if they
    are not kept any more: Discord may have them still.
    """
    posted = await messages.find(tx, message_id)
    if posted is None:
        return None
    spoiler = (await exchanges.get(tx, posted.exchange_id)).spoiler
    answer = await pieces.of_exchange(tx, posted.exchange_id)
    pictures = [(piece.part, piece.picture) for piece in answer if piece.picture is not None]
    here = [picture.id for part, picture in pictures if part == posted.part]
    ids = here or [picture.id for _, picture in pictures]
    if await pruned.among(tx, ids):
        return None
    name = f"{spoilers.PREFIX if spoiler else ''}picture"
    return [Meant(name, picture_id=picture_id) for picture_id in ids]


async def _conversation_of(tx: Transaction, message_id: int) -> int | None:
    posted = await messages.find(tx, message_id)
    if posted is None:
        return None
    return (await exchanges.get(tx, posted.exchange_id)).conversation_id
