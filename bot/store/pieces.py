"""Pieces: what the model answered, text and pictures in its order."""

import sqlite3
from dataclasses import dataclass

from bot.store.database import Transaction
from bot.store.pictures import Picture


@dataclass(frozen=True, slots=True)
class Piece:
    """Either text or a picture; `part` is the message of the answer that shows it, once it does."""

    text: str | None = None
    picture: Picture | None = None
    part: int | None = None


async def add(tx: Transaction, exchange_id: int, position: int, piece: Piece) -> None:
    """Notes a piece of an answer. The picture's own row must be there."""
    await tx.run(
        "INSERT INTO piece (exchange_id, position, text, picture_id)"
        " VALUES (:exchange_id, :position, :text, :picture_id)",
        exchange_id=exchange_id,
        position=position,
        text=piece.text,
        picture_id=None if piece.picture is None else piece.picture.id,
    )


async def of_exchange(tx: Transaction, exchange_id: int) -> list[Piece]:
    """An exchange's pieces in the model's order."""
    rows = await tx.all(
        "SELECT piece.text, piece.part, picture.id, picture.media_type, picture.width,"
        " picture.height, picture.size_bytes"
        " FROM piece LEFT JOIN picture ON picture.id = piece.picture_id"
        " WHERE piece.exchange_id = :exchange_id ORDER BY piece.position",
        exchange_id=exchange_id,
    )
    return [_piece(row) for row in rows]


async def of_conversation(
    tx: Transaction, conversation_id: int, first_id: int, before_id: int
) -> dict[int, list[Piece]]:
    """The same of every exchange of a conversation from one to before another, by exchange. A
    picture that is not kept any more is a piece with nothing in it.
    """
    rows = await tx.all(
        "SELECT piece.exchange_id, piece.text, piece.part, picture.id, picture.media_type,"
        " picture.width, picture.height, picture.size_bytes"
        " FROM exchange JOIN piece ON piece.exchange_id = exchange.id"
        " LEFT JOIN picture ON picture.id = piece.picture_id"
        " AND picture.id NOT IN (SELECT blob_id FROM pruned)"
        " WHERE exchange.conversation_id = :conversation_id"
        " AND exchange.id >= :first_id AND exchange.id < :before_id"
        " ORDER BY piece.exchange_id, piece.position",
        conversation_id=conversation_id,
        first_id=first_id,
        before_id=before_id,
    )
    found: dict[int, list[Piece]] = {}
    for row in rows:
        found.setdefault(row["exchange_id"], []).append(_piece(row))
    return found


def _piece(row: sqlite3.Row) -> Piece:
    picture = None
    if row["id"] is not None:
        picture = Picture(
            row["id"], row["media_type"], row["width"], row["height"], row["size_bytes"]
        )
    return Piece(row["text"], picture, row["part"])


async def note_part(tx: Transaction, exchange_id: int, position: int, part: int) -> None:
    """Notes which message of the answer shows this piece (a text's is where it begins)."""
    await tx.run(
        "UPDATE piece SET part = :part WHERE exchange_id = :exchange_id AND position = :position",
        exchange_id=exchange_id,
        position=position,
        part=part,
    )


async def pictures_of(tx: Transaction, exchange_id: int) -> int:
    """How many pictures of an answer are on the shelf."""
    row = await tx.one(
        "SELECT COUNT(picture_id) AS number FROM piece WHERE exchange_id = :id", id=exchange_id
    )
    return 0 if row is None else row["number"]
