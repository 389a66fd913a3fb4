"""What the model is asked, and the bytes of that request. A picture or document is encoded from the
shelf while the body is being sent, so that no request is ever whole in memory. How it is sent is
not decided here.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot import words
from bot.errors import Notice, Word
from bot.pictures.shelf import Shelf
from bot.store.documents import Document
from bot.store.pictures import Picture

TEXT_HOP_BYTES = 256 * 1024
"""Of a text document, read and encoded per hop."""
_ESCAPES = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n"), (b"\t", b"\\t"))
"""Other characters that JSON has to escape are in no text on the shelf."""


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class PicturePart:
    picture: Picture


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """Text goes as text under its name, a PDF as the file that it is."""

    document: Document


@dataclass(frozen=True, slots=True)
class Message:
    """Pictures and documents only in a user's message: providers refuse them elsewhere. Text goes
    before them, as OpenRouter advises, and documents before pictures.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[TextPart | PicturePart | DocumentPart, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `user` is opaque (hashed) and stands for one person; `session_id` for one
    conversation, at most 256 characters. `aspect_ratio` such as `16:9`, `image_size` 1K or 2K. The
    pictures of the answer are kept with tags that begin with `tag`, if there is one.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    may_paint: bool
    aspect_ratio: str | None
    image_size: str | None
    user: str
    session_id: str
    tag: str = ""


class Body:
    """The bytes of one request, to be sent once: a repeated request needs a new one."""

    def __init__(self, call: Call, modalities: Sequence[str], shelf: Shelf) -> None:
        self._shelf = shelf
        self._pieces = _pieces(call, modalities)
        self._sent_bytes = 0
        self.size_bytes = sum(map(_size_bytes, self._pieces))

    @property
    def has_left(self) -> bool:
        """Every byte was handed over to be sent. Until then nobody can act on this request."""
        return self._sent_bytes == self.size_bytes

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Raises Notice(OWNER) where a file cannot be read, or is not as long as announced."""
        due_bytes = 0
        for piece in self._pieces:
            due_bytes += _size_bytes(piece)
            if isinstance(piece, bytes):
                self._sent_bytes += len(piece)
                yield piece
                continue
            async for block in self._encoded(piece):
                self._sent_bytes += len(block)
                if self._sent_bytes <= due_bytes:
                    yield block
            if self._sent_bytes != due_bytes:
                raise Notice(Word.OWNER, words.shelf_failed())

    def _encoded(self, piece: Picture | Document) -> AsyncIterator[bytes]:
        if isinstance(piece, Document) and piece.kind == "text":
            return self._as_json(piece)
        return self._shelf.read_base64(piece.id)

    async def _as_json(self, document: Document) -> AsyncIterator[bytes]:
        path = self._shelf.path(document.id)
        for offset in range(0, document.size_bytes, TEXT_HOP_BYTES):
            yield await self._shelf.run(_escaped, path, offset)


def _escaped(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(TEXT_HOP_BYTES)
    for plain, escape in _ESCAPES:
        data = data.replace(plain, escape)
    return data


def _pieces(call: Call, modalities: Sequence[str]) -> list[bytes | Picture | Document]:
    """The JSON of a request, with a Picture or Document wherever its encoded bytes go."""
    fields: dict[str, object] = {
        "model": call.model,
        "modalities": modalities,
        "max_tokens": call.max_tokens,
        "stream": True,
        "user": call.user,
        "session_id": call.session_id,
    }
    wishes = {"aspect_ratio": call.aspect_ratio, "image_size": call.image_size}
    image_config = {name: value for name, value in wishes.items() if value is not None}
    if image_config:
        fields["image_config"] = image_config
    pieces: list[bytes | Picture | Document] = []
    text = json.dumps(fields).removesuffix("}") + ', "messages": ['
    for number, message in enumerate(call.messages):
        text += ", " if number else ""
        for part in _message(message):
            if isinstance(part, Picture | Document):
                pieces += [text.encode(), part]
                text = ""
            else:
                text += part
    return [*pieces, f"{text}]}}".encode()]


def _message(message: Message) -> Iterator[str | Picture | Document]:
    text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
    pictures = [part.picture for part in message.parts if isinstance(part, PicturePart)]
    documents = [part.document for part in message.parts if isinstance(part, DocumentPart)]
    if not pictures and not documents:
        yield json.dumps({"role": message.role, "content": text})
        return
    assert message.role == "user"
    first = json.dumps({"type": "text", "text": text})
    yield f'{{"role": "user", "content": [{first}'
    for document in documents:
        yield from _document(document)
    for picture in pictures:
        url = f"data:{picture.media_type};base64,"
        yield f', {{"type": "image_url", "image_url": {{"detail": "high", "url": "{url}'
        yield picture
        yield '"}}'
    yield "]}"


def _document(document: Document) -> Iterator[str | Document]:
    if document.kind == "text":
        begin = json.dumps(f"File “{document.name}”:\n\n")
        yield f', {{"type": "text", "text": {begin[:-1]}'
        yield document
        yield json.dumps(f"\n\n(End of “{document.name}”.)")[1:] + "}"
        return
    name = json.dumps(document.name)
    yield f', {{"type": "file", "file": {{"filename": {name}, '
    yield '"file_data": "data:application/pdf;base64,'
    yield document
    yield '"}}'


def _size_bytes(piece: bytes | Picture | Document) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    if isinstance(piece, Document) and piece.kind == "text":
        return piece.json_bytes
    return (piece.size_bytes + 2) // 3 * 4
