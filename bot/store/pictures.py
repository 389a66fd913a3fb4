"""Pictures: what is known about each image whose bytes are on the shelf. Never the bytes."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from bot.store import pruned
from bot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Picture:
    """An image we hold. `id` is the SHA-256 of its bytes in hex; `media_type` is told from the
    bytes; `width` and `height` are pixels.
    """

    id: str
    media_type: str
    width: int
    height: int
    size_bytes: int


async def add(tx: Transaction, picture: Picture, source: Literal["member", "model"]) -> None:
    """Notes a picture that is on the shelf. The same bytes again change nothing: the first source
    and time stay.
    """
    await tx.run(
        "INSERT INTO picture (id, media_type, width, height, size_bytes, source, created_ms)"
        " VALUES (:id, :media_type, :width, :height, :size_bytes, :source, :created_ms)"
        " ON CONFLICT (id) DO NOTHING",
        id=picture.id,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size_bytes=picture.size_bytes,
        source=source,
        created_ms=tx.now_ms,
    )
    await pruned.forget(tx, picture.id)


async def meant(
    tx: Transaction, conversation_id: int, first_id: int, before_id: int
) -> dict[int, list[Picture]]:
    """The pictures on the shelf that the requests of a conversation from one to before another are
    about, in order, by exchange; without those that people took back.
    """
    rows = await tx.all(
        "SELECT meant.exchange_id, picture.id, picture.media_type, picture.width, picture.height,"
        " picture.size_bytes FROM exchange JOIN meant ON meant.exchange_id = exchange.id"
        " JOIN picture ON picture.id = meant.picture_id"
        " WHERE exchange.conversation_id = :conversation_id"
        " AND exchange.id >= :first_id AND exchange.id < :before_id AND meant.taken_back = 0"
        " AND picture.id NOT IN (SELECT blob_id FROM pruned)"
        " ORDER BY meant.exchange_id, meant.position",
        conversation_id=conversation_id,
        first_id=first_id,
        before_id=before_id,
    )
    found: dict[int, list[Picture]] = {}
    for row in rows:
        found.setdefault(row["exchange_id"], []).append(_picture(row))
    return found


async def get(tx: Transaction, picture_id: str) -> Picture | None:
    """The picture of this id, or None."""
    row = await tx.one(
        "SELECT id, media_type, width, height, size_bytes FROM picture WHERE id = :id",
        id=picture_id,
    )
    if row is None:
        return None
    return _picture(row)


def _picture(row: sqlite3.Row) -> Picture:
    return Picture(row["id"], row["media_type"], row["width"], row["height"], row["size_bytes"])
