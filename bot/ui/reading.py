"""From Discord objects to a Request: what is asked, which pictures are meant, where the answer
belongs, and what can be seen to be impossible. It reads and decides nothing about money.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence

import discord

from bot import words
from bot.errors import Notice, Word
from bot.exchange import Request
from bot.store import conversations, exchanges, messages, pieces
from bot.store.conversations import Place
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Meant

UPLOAD_BYTES_MAX_ELSEWHERE = 10 * 1024 * 1024
"""Of one file where no server says otherwise, as discord.py has it."""
PICTURES_MAX = 16
PROMPT_LETTERS_MAX = 6_000
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif")
PERSON_TYPES = {discord.MessageType.default, discord.MessageType.reply}
THREADED = {discord.ChannelType.text, discord.ChannelType.news}

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
        if message.author.bot or message.webhook_id is not None:
            return None
        if message.type not in PERSON_TYPES:
            return None
        mentioned = self._is_mentioned(message)
        ours = await self._database.read(lambda tx: conversations.is_open(tx, message.channel.id))
        server_id = _server_id(message)
        heard = server_id == 0 or (ours and self._message_content)
        if not mentioned and not heard:
            return None
        prompt = self._prompt(message)
        meant, refusal = await self._meant(message)
        if not prompt and not meant and refusal is None:
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
            ),
            place=place,
            meant=tuple(meant),
            refusal=refusal,
        )

    def is_greeting(self, message: discord.Message) -> bool:
        """Whether somebody only mentioned Easel, with nothing to do."""
        return (
            not message.author.bot
            and message.type in PERSON_TYPES
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

    def _prompt(self, message: discord.Message) -> str:
        """The words without the mention of Easel, other mentions as names."""
        text = message.content
        me = self._client.user
        for user in message.mentions:
            name = "" if user == me else f"@{user.display_name}"
            text = re.sub(rf"<@!?{user.id}>", lambda _, name=name: name, text)
        for role in message.role_mentions:
            own = role.tags is not None and me is not None and role.tags.bot_id == me.id
            text = text.replace(f"<@&{role.id}>", "" if own else f"@{role.name}")
        return text.strip()

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

    async def _meant(self, message: discord.Message) -> tuple[list[Meant], Notice | None]:
        """Own attachments first, then the pictures of the message replied to or forwarded: from the
        shelf if it is ours.
        """
        if message.attachments:
            return _attached(message.attachments)
        reference = message.reference
        if reference is None or reference.message_id is None:
            return [], None
        shown_id = reference.message_id
        shown = await self._database.read(lambda tx: _pictures_shown(tx, shown_id))
        if shown is None and message.message_snapshots:
            shown = _shown_pictures(message)
        elif shown is None:
            replied = reference.resolved
            if replied is None:
                try:
                    replied = await message.channel.fetch_message(shown_id)
                except discord.HTTPException:
                    log.info("message %d: what it replies to cannot be read", message.id)
            shown = _shown_pictures(replied) if isinstance(replied, discord.Message) else []
        return shown[:PICTURES_MAX], None

    async def command(
        self,
        interaction: discord.Interaction[discord.Client],
        *,
        command: str,
        prompt: str,
        attachments: Iterable[discord.Attachment | None] = (),
        shape: str | None = None,
        size: str | None = None,
    ) -> Request:
        """The request in a slash command; it answers where it was used."""
        channel_id = interaction.channel_id or 0
        ours = await self._database.read(lambda tx: conversations.is_open(tx, channel_id))
        place: Place = "thread" if ours else "chain"
        if interaction.guild_id is None:
            place = "direct"
        conversation_id = interaction.id if place == "chain" else channel_id
        meant, refusal = _attached([each for each in attachments if each is not None])
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
                prompt=prompt.strip(),
                upload_bytes_max=min(
                    interaction.filesize_limit, _upload_bytes_max(interaction.guild)
                ),
                answer_channel_id=channel_id,
                shape=shape,
                size=size,
                token=interaction.token,
                edits=bool(meant),
            ),
            place=place,
            meant=tuple(meant),
            refusal=refusal,
        )


def _server_id(message: discord.Message) -> int:
    """0 in direct messages only: of a server that discord.py does not know yet there is no guild,
    but the event says which it is.
    """
    if message.guild is not None:
        return message.guild.id
    channel = message.channel
    return (channel.guild_id or 0) if isinstance(channel, discord.PartialMessageable) else 0


def _upload_bytes_max(guild: discord.Guild | None) -> int:
    return UPLOAD_BYTES_MAX_ELSEWHERE if guild is None else guild.filesize_limit


def _is_picture(attachment: discord.Attachment) -> bool:
    """What calls itself a picture; what it is, its bytes will say."""
    kind = attachment.content_type or ""
    return kind.startswith("image/") or attachment.filename.lower().endswith(PICTURE_SUFFIXES)


def _attached(attachments: Sequence[discord.Attachment]) -> tuple[list[Meant], Notice | None]:
    for attachment in attachments:
        if not _is_picture(attachment):
            sentence = words.not_a_picture(attachment.filename)
            return [], Notice(Word.UNREADABLE, sentence)
    if len(attachments) > PICTURES_MAX:
        return [], Notice(Word.TOO_LARGE, words.too_many_pictures(PICTURES_MAX))
    return [Meant(each.filename, url=each.url) for each in attachments], None


def _shown_pictures(message: discord.Message | discord.MessageSnapshot) -> list[Meant]:
    """The pictures that a message of somebody else shows: attached, embedded, in components, or
    forwarded. Discord leaves out of `attachments` what an embed or a component shows.
    """
    found = [
        Meant(each.filename, url=each.url) for each in message.attachments if _is_picture(each)
    ]
    for embed in message.embeds:
        for media in (embed.image, embed.thumbnail):
            if media.proxy_url or media.url:
                found.append(Meant("picture", url=media.proxy_url or media.url))
                break
    found.extend(
        Meant("picture", url=media.proxy_url or media.url)
        for media in _media(message.components)
        if media.content_type is None or media.content_type.startswith("image/")
    )
    if isinstance(message, discord.Message):
        for snapshot in message.message_snapshots:
            found.extend(_shown_pictures(snapshot))
    return found


def _media(components: Iterable[discord.Component]) -> Iterator[discord.UnfurledMediaItem]:
    """What components show, in order, also inside of others."""
    for component in components:
        match component:
            case discord.MediaGalleryComponent():
                yield from (item.media for item in component.items)
            case discord.ThumbnailComponent() | discord.FileComponent():
                yield component.media
            case discord.SectionComponent():
                yield from _media([component.accessory])
            case discord.Container():
                yield from _media(component.children)
            case _:
                pass


async def _pictures_shown(tx: Transaction, message_id: int) -> list[Meant] | None:
    """The pictures of ours that a message shows, from the shelf; None if it is not ours."""
    posted = await messages.find(tx, message_id)
    if posted is None:
        return None
    answer = await pieces.of_exchange(tx, posted.exchange_id)
    pictures = [(piece.part, piece.picture) for piece in answer if piece.picture is not None]
    here = [picture for part, picture in pictures if part == posted.part]
    return [
        Meant("picture", picture_id=picture.id)
        for picture in here or [picture for _, picture in pictures]
    ]


async def _conversation_of(tx: Transaction, message_id: int) -> int | None:
    posted = await messages.find(tx, message_id)
    if posted is None:
        return None
    return (await exchanges.get(tx, posted.exchange_id)).conversation_id
