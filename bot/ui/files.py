"""The files that messages and commands bring or show: which of them are pictures, which documents,
and why one cannot be taken, as far as it says itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import discord

from bot import words
from bot.conversation import documents
from bot.errors import Notice, Word
from bot.store import spoilers
from bot.store.documents import Attached
from bot.store.exchanges import Meant

PICTURES_MAX = 16
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif")


@dataclass(frozen=True, slots=True)
class Files:
    """What a request is about; or why it is refused."""

    pictures: tuple[Meant, ...] = ()
    documents: tuple[Attached, ...] = ()
    refusal: Notice | None = None


def attached(attachments: Sequence[discord.Attachment]) -> Files:
    """A person's own files, each of which has to be of use."""
    pictures: list[Meant] = []
    others: list[Attached] = []
    for each in attachments:
        if looks_like_picture(each.filename, each.content_type):
            pictures.append(_picture(each))
            continue
        refusal = documents.refusal(each.filename, each.content_type, each.size)
        if refusal is not None:
            return Files(refusal=refusal)
        others.append(Attached(each.filename, each.size, each.url))
    if len(pictures) > PICTURES_MAX:
        return Files(refusal=Notice(Word.TOO_LARGE, words.too_many_pictures(PICTURES_MAX)))
    most = documents.DOCUMENTS_MAX
    if len(others) > most:
        return Files(refusal=Notice(Word.TOO_LARGE, words.too_many_documents(most)))
    if sum(each.announced_bytes for each in others) > documents.FILE_BYTES_MAX:
        bound = words.byte_size(documents.FILE_BYTES_MAX)
        return Files(refusal=Notice(Word.TOO_LARGE, words.documents_too_large(bound)))
    return Files(tuple(pictures), tuple(others))


def pictures_alone(attachments: Sequence[discord.Attachment]) -> Files:
    """The files of what takes nothing but pictures."""
    for each in attachments:
        if not looks_like_picture(each.filename, each.content_type):
            return Files(refusal=Notice(Word.UNREADABLE, words.not_a_picture(each.filename)))
    return attached(attachments)


def shown(message: discord.Message) -> Files:
    """The pictures and documents that a message of somebody else shows; if it shows files and none
    of these is among them, why they cannot be meant.
    """
    pictures: list[Meant] = []
    taken: list[Attached] = []
    refusals: list[Notice] = []
    for each, media_type in _files(message):
        if isinstance(each, Meant):
            pictures.append(each)
            continue
        refusal = documents.refusal(each.name, media_type, each.announced_bytes)
        if refusal is None:
            taken.append(each)
        else:
            refusals.append(refusal)
    if refusals and not pictures and not taken:
        return Files(refusal=refusals[0])
    return Files(tuple(pictures[:PICTURES_MAX]), tuple(taken[: documents.DOCUMENTS_MAX]))


def looks_like_picture(name: str, media_type: str | None) -> bool:
    """What calls itself a picture; what it is, its bytes will say."""
    return (media_type or "").startswith("image/") or name.lower().endswith(PICTURE_SUFFIXES)


def _picture(attachment: discord.Attachment) -> Meant:
    """A spoiler says so by its name, also where Discord marks it otherwise."""
    name = attachment.filename.removeprefix(spoilers.PREFIX)
    hidden = attachment.is_spoiler()
    return Meant(f"{spoilers.PREFIX}{name}" if hidden else name, url=attachment.url)


def _files(
    message: discord.Message | discord.MessageSnapshot,
) -> Iterator[tuple[Meant | Attached, str | None]]:
    """What a message shows, with the media type that it has by its own account: attached, embedded,
    in components, or forwarded. Discord leaves out of `attachments` what the others show.
    """
    for each in message.attachments:
        if looks_like_picture(each.filename, each.content_type):
            yield _picture(each), each.content_type
        else:
            yield Attached(each.filename, each.size, each.url), each.content_type
    for embed in message.embeds:
        for media in (embed.image, embed.thumbnail):
            if media.proxy_url or media.url:
                yield Meant("picture", url=media.proxy_url or media.url), None
                break
    for media in _media(message.components):
        name = PurePosixPath(urlsplit(media.url).path).name
        if media.content_type is None or looks_like_picture(name, media.content_type):
            yield Meant(name or "picture", url=media.proxy_url or media.url), media.content_type
        else:
            yield Attached(name or "file", 0, media.url), media.content_type
    if isinstance(message, discord.Message):
        for snapshot in message.message_snapshots:
            yield from _files(snapshot)


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
