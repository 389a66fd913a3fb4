"""What has to stay on the shelf: the files of every exchange that is not at its end, and the
current picture of a conversation that goes on. What nobody needs may go, which is noted first.
"""

from collections.abc import Iterable

from bot.store import context, pruned
from bot.store.database import Transaction

_ALL = 2**63 - 1


async def known(tx: Transaction) -> tuple[set[str], set[str]]:
    """All that was ever on the shelf for somebody, and what of it is noted as gone."""
    rows = await tx.all(
        "SELECT id FROM picture UNION SELECT blob_id AS id FROM document WHERE blob_id IS NOT NULL"
    )
    gone = await tx.all("SELECT blob_id FROM pruned")
    return {row["id"] for row in rows}, {row["blob_id"] for row in gone}


async def let_go(tx: Transaction, blob_ids: Iterable[str], live_from_ms: int) -> list[str]:
    """Notes that those of these are gone that nobody needs, and gives them. A conversation goes on
    if anything was asked in it since `live_from_ms`.
    """
    gone = [each for each in blob_ids if not await _is_needed(tx, each, live_from_ms)]
    await note_gone(tx, gone)
    return gone


async def note_gone(tx: Transaction, blob_ids: Iterable[str]) -> None:
    """Notes that these are not on the shelf any more."""
    for blob_id in blob_ids:
        await tx.run(
            "INSERT INTO pruned (blob_id, pruned_ms) VALUES (:blob_id, :now_ms)"
            " ON CONFLICT (blob_id) DO NOTHING",
            blob_id=blob_id,
            now_ms=tx.now_ms,
        )


async def note_back(tx: Transaction, blob_ids: Iterable[str]) -> None:
    """Notes that these are on the shelf all the same."""
    for blob_id in blob_ids:
        await pruned.forget(tx, blob_id)


async def _is_needed(tx: Transaction, blob_id: str, live_from_ms: int) -> bool:
    if await tx.one("SELECT 1 FROM opening WHERE picture_id = :blob_id LIMIT 1", blob_id=blob_id):
        return True
    rows = await tx.all(
        "SELECT conversation_id, max(step <> 'done' OR waits = 1) AS is_open FROM exchange"
        " WHERE id IN (SELECT exchange_id FROM piece WHERE picture_id = :blob_id"
        " UNION SELECT exchange_id FROM meant WHERE picture_id = :blob_id"
        " UNION SELECT exchange_id FROM document WHERE blob_id = :blob_id)"
        " GROUP BY conversation_id",
        blob_id=blob_id,
    )
    if any(row["is_open"] for row in rows):
        return True
    for row in rows:
        conversation_id = row["conversation_id"]
        if await tx.one(
            "SELECT 1 FROM exchange WHERE conversation_id = :conversation_id"
            " AND created_ms >= :live_from_ms LIMIT 1",
            conversation_id=conversation_id,
            live_from_ms=live_from_ms,
        ):
            last = await context.last_picture(tx, conversation_id, _ALL)
            if last is not None and last.id == blob_id:
                return True
    return False
