"""Documents: the text and PDF files that a request brings. Their bytes are on the shelf; what they
may be is decided elsewhere.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.store import pruned
from bot.store.database import Transaction

Kind = Literal["text", "pdf"]


@dataclass(frozen=True, slots=True)
class Document:
    """A document on the shelf. `id` is the SHA-256 of what the model gets: UTF-8 text, or the PDF
    as it came; of text, `json_bytes` is its size inside of a JSON string. `tokens` is an estimate,
    `tokens_max` a bound.
    """

    id: str
    name: str
    kind: Kind
    size_bytes: int
    json_bytes: int
    tokens: int
    tokens_max: int


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that a request brings: a link to fetch it from, or on the shelf already. What was
    `taken_back` by its person is fetched and sent no more.
    """

    name: str
    announced_bytes: int
    url: str | None = None
    document: Document | None = None
    taken_back: bool = False


async def add(tx: Transaction, exchange_id: int, attached: Sequence[Attached]) -> None:
    """Notes what a new exchange brings, in order."""
    for position, each in enumerate(attached):
        await tx.run(
            "INSERT INTO document (exchange_id, position, name, announced_bytes, url)"
            " VALUES (:exchange_id, :position, :name, :announced_bytes, :url)",
            exchange_id=exchange_id,
            position=position,
            name=each.name,
            announced_bytes=each.announced_bytes,
            url=each.url,
        )
        if each.document is not None:
            await note_held(tx, exchange_id, position, each.document)


async def note_held(tx: Transaction, exchange_id: int, position: int, document: Document) -> None:
    """Notes that it is on the shelf; its link is forgotten."""
    await tx.run(
        "UPDATE document SET url = NULL, blob_id = :blob_id, kind = :kind,"
        " size_bytes = :size_bytes, json_bytes = :json_bytes, tokens = :tokens,"
        " tokens_max = :tokens_max WHERE exchange_id = :exchange_id AND position = :position",
        exchange_id=exchange_id,
        position=position,
        blob_id=document.id,
        kind=document.kind,
        size_bytes=document.size_bytes,
        json_bytes=document.json_bytes,
        tokens=document.tokens,
        tokens_max=document.tokens_max,
    )
    await pruned.forget(tx, document.id)


async def of_exchange(tx: Transaction, exchange_id: int) -> list[Attached]:
    """What a request brings, in order, also what was taken back."""
    rows = await tx.all(
        "SELECT * FROM document WHERE exchange_id = :exchange_id ORDER BY position",
        exchange_id=exchange_id,
    )
    return [
        Attached(
            name=row["name"],
            announced_bytes=row["announced_bytes"],
            url=row["url"],
            document=_document(row),
            taken_back=bool(row["taken_back"]),
        )
        for row in rows
    ]


async def brought(
    tx: Transaction, conversation_id: int, first_id: int, before_id: int
) -> dict[int, list[Document]]:
    """The documents on the shelf that the requests of a conversation from one to before another
    brought, in order, by exchange; without those that people took back.
    """
    rows = await tx.all(
        "SELECT document.* FROM exchange JOIN document ON document.exchange_id = exchange.id"
        " WHERE exchange.conversation_id = :conversation_id"
        " AND exchange.id >= :first_id AND exchange.id < :before_id AND document.taken_back = 0"
        " AND document.blob_id NOT IN (SELECT blob_id FROM pruned)"
        " ORDER BY document.exchange_id, document.position",
        conversation_id=conversation_id,
        first_id=first_id,
        before_id=before_id,
    )
    found: dict[int, list[Document]] = {}
    for row in rows:
        if (document := _document(row)) is not None:
            found.setdefault(row["exchange_id"], []).append(document)
    return found


def _document(row: sqlite3.Row) -> Document | None:
    if row["blob_id"] is None:
        return None
    return Document(
        id=row["blob_id"],
        name=row["name"],
        kind=row["kind"],
        size_bytes=row["size_bytes"],
        json_bytes=row["json_bytes"],
        tokens=row["tokens"],
        tokens_max=row["tokens_max"],
    )
