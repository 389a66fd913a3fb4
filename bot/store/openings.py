"""Openings: the pictures that a modal was opened for. They are kept beside the modal, whose
`custom_id` names only the opening, so that it can be sent after a restart.
"""

from dataclasses import dataclass

from bot.store.database import Transaction
from bot.store.exchanges import Meant

KEPT_MS = 24 * 3_600_000
"""About as long as Discord's links to other people's pictures live."""


@dataclass(frozen=True, slots=True)
class Opening:
    """`member_id` is who opened it, and alone may send it; `source_id` is the exchange whose
    pictures these are, if they are ours.
    """

    id: int
    member_id: int
    pictures: tuple[Meant, ...]
    source_id: int | None


async def add(tx: Transaction, opening: Opening) -> None:
    """Notes an opening, and forgets those of before yesterday."""
    await tx.run("DELETE FROM opening WHERE opened_ms < :oldest_ms", oldest_ms=tx.now_ms - KEPT_MS)
    for position, picture in enumerate(opening.pictures):
        await tx.run(
            "INSERT INTO opening (id, position, name, url, picture_id, source_id, member_id,"
            " opened_ms) VALUES (:id, :position, :name, :url, :picture_id, :source_id, :member_id,"
            " :now_ms)"
            " ON CONFLICT (id, position) DO NOTHING",
            id=opening.id,
            position=position,
            name=picture.name,
            url=picture.url,
            picture_id=picture.picture_id,
            source_id=opening.source_id,
            member_id=opening.member_id,
            now_ms=tx.now_ms,
        )


async def find(tx: Transaction, opening_id: int) -> Opening | None:
    """None for one that is forgotten."""
    rows = await tx.all(
        "SELECT name, url, picture_id, source_id, member_id FROM opening WHERE id = :id"
        " ORDER BY position",
        id=opening_id,
    )
    if not rows:
        return None
    pictures = tuple(Meant(row["name"], row["url"], row["picture_id"]) for row in rows)
    return Opening(opening_id, rows[0]["member_id"], pictures, rows[0]["source_id"])
