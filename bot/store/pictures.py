"""Pictures: what is known about each image whose bytes are on the shelf. Never the bytes."""

from dataclasses import dataclass
from typing import Literal

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


async def get(tx: Transaction, picture_id: str) -> Picture | None:
    """The picture of this id, or None."""
    row = await tx.one(
        "SELECT id, media_type, width, height, size_bytes FROM picture WHERE id = :id",
        id=picture_id,
    )
    if row is None:
        return None
    return Picture(row["id"], row["media_type"], row["width"], row["height"], row["size_bytes"])
