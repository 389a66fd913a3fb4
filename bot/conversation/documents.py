"""Documents that people attach: which are taken, what they count, and how they come onto the shelf
before their links die. What is done to their bytes is `extract`'s.
"""

import asyncio
from math import ceil
from pathlib import PurePosixPath
from weakref import WeakValueDictionary

from bot import words
from bot.conversation.extract import TEXT_BYTES_MAX, Pdf, Text, extract
from bot.conversation.page import EXTRACTED_BYTES_MAX
from bot.conversation.window import BYTES_PER_TOKEN, SEEN_TOKENS_MAX
from bot.errors import Notice, Word
from bot.fetch import Fetch
from bot.pictures.shelf import Blob, Shelf
from bot.pictures.workshop import Workshop
from bot.store import documents, exchanges
from bot.store.database import Database
from bot.store.documents import Attached, Document

DOCUMENTS_MAX = 10
"""As many as a message of Discord can have."""
FILE_BYTES_MAX = 16 * 1024 * 1024
"""Of a PDF, an office document or a page, and of all documents of a request: encoded, it leaves
room for pictures in the 30 MB that OpenRouter is known to take."""
PACKED_SUFFIXES = (".pdf", ".docx", ".xlsx", ".pptx", ".html", ".htm", ".xhtml")

PAGE_TEXT_TOKENS = 1_000
"""Of a page full of print."""
PAGE_SEEN_TOKENS = 1_500
"""Of a page as it looks, on average."""
PAGE_TOKENS_MAX = SEEN_TOKENS_MAX + PAGE_TEXT_TOKENS
"""A bound of an ordinary page: this model takes PDF as it is, charged as input tokens
(https://openrouter.ai/docs/features/multimodal/pdfs, 2026-08), each page as a picture and as its
text. A page with more text than print has counts by its text."""
UNKNOWN_TOKENS_MAX = 10_000_000
"""Of a PDF whose text cannot be measured: more than any window, which bounds every hold."""

REFUSED_TYPES = ("audio/", "video/", "font/")
NO_FILM = "video/mp2t"
"""What programs in TypeScript are taken for, by their suffix."""
REFUSED_SUFFIXES = (
    *(".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".jar", ".apk", ".iso", ".dmg"),
    *(".exe", ".dll", ".msi", ".bin", ".so", ".class", ".pyc", ".db", ".sqlite", ".psd", ".ai"),
    *(".mp3", ".wav", ".ogg", ".flac", ".m4a", ".mp4", ".mov", ".avi", ".mkv", ".webm"),
    *(".ttf", ".otf", ".woff", ".woff2"),
    *(".doc", ".xls", ".ppt", ".odt", ".ods", ".odp", ".pages", ".numbers", ".key", ".epub"),
)


def refusal(name: str, media_type: str | None, size_bytes: int) -> Notice | None:
    """Why a file cannot be taken, by what it calls itself; its bytes will say more."""
    suffix = PurePosixPath(name).suffix.lower()
    said = media_type or ""
    of_refused_type = said.startswith(REFUSED_TYPES) and not said.startswith(NO_FILM)
    if suffix in REFUSED_SUFFIXES or of_refused_type:
        return Notice(Word.UNREADABLE, words.file_not_taken(name))
    bytes_max = _bytes_max(name)
    if size_bytes > bytes_max:
        return _too_large(name, bytes_max)
    return None


def expected_tokens(attached: Attached) -> int:
    """What a file counts at least by its bound, before it is read."""
    if attached.document is not None:
        return attached.document.tokens_max
    if attached.name.lower().endswith(PACKED_SUFFIXES):
        return PAGE_TOKENS_MAX
    return attached.announced_bytes


class Documents:
    """Fetches, checks and keeps the documents that people attach."""

    def __init__(self, database: Database, shelf: Shelf, workshop: Workshop, fetch: Fetch) -> None:
        self._database = database
        self._shelf = shelf
        self._workshop = workshop
        self._fetch = fetch
        # One document of each member at a time is in the workshop or waits for it.
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def bring_home(self, exchange_id: int) -> None:
        """Puts every document of the request that is only a link yet onto the shelf.

        Raises Notice (unreadable, too-large) for the first that cannot be used. Of several requests
        of one member, one document is read at a time, so that others' pass.
        """
        attached = await self._database.read(lambda tx: documents.of_exchange(tx, exchange_id))
        if all(each.url is None for each in attached):
            return
        asked = await self._database.read(lambda tx: exchanges.get(tx, exchange_id))
        turn = self._turns.setdefault(asked.member_id, asyncio.Lock())
        for position, each in enumerate(attached):
            if each.url is not None:
                document = await self._take_in(each.name, each.url, turn)
                await self._note(exchange_id, position, document)

    async def _note(self, exchange_id: int, position: int, document: Document) -> None:
        await self._database.write(
            lambda tx: documents.note_held(tx, exchange_id, position, document)
        )

    async def _take_in(self, name: str, url: str, turn: asyncio.Lock) -> Document:
        bytes_max = _bytes_max(name)
        async with (
            self._shelf.receive(bytes_max) as incoming,
            self._shelf.receive(EXTRACTED_BYTES_MAX) as text,
        ):
            try:
                await self._fetch.download(url, incoming, bytes_max)
            except Notice as notice:
                if notice.word is Word.TOO_LARGE:
                    raise _too_large(name, bytes_max) from notice
                raise
            async with turn:
                read = await self._workshop.run(
                    extract,
                    str(incoming.path),
                    str(text.path),
                    name,
                    unreadable=words.document_unreadable(name),
                )
            match read:
                case Text(json_bytes):
                    return of_text(await text.adopt(), name, json_bytes)
                case Pdf(pages, text_bytes):
                    return of_pdf(await incoming.keep(), name, pages, text_bytes)


def of_text(blob: Blob, name: str, json_bytes: int) -> Document:
    """Text on the shelf: a token is at least one of its bytes."""
    tokens = ceil(blob.size_bytes / BYTES_PER_TOKEN)
    return Document(blob.id, name, "text", blob.size_bytes, json_bytes, tokens, blob.size_bytes)


def of_pdf(blob: Blob, name: str, pages: int, text_bytes: tuple[int, ...] | None) -> Document:
    if text_bytes is None:
        tokens, tokens_max = pages * (PAGE_SEEN_TOKENS + PAGE_TEXT_TOKENS), UNKNOWN_TOKENS_MAX
    else:
        tokens = pages * PAGE_SEEN_TOKENS + ceil(sum(text_bytes) / BYTES_PER_TOKEN)
        tokens_max = sum(max(PAGE_TOKENS_MAX, SEEN_TOKENS_MAX + each) for each in text_bytes)
    return Document(blob.id, name, "pdf", blob.size_bytes, 0, tokens, tokens_max)


def _bytes_max(name: str) -> int:
    return FILE_BYTES_MAX if name.lower().endswith(PACKED_SUFFIXES) else TEXT_BYTES_MAX


def _too_large(name: str, bytes_max: int) -> Notice:
    return Notice(Word.TOO_LARGE, words.document_too_large(name, words.byte_size(bytes_max)))
