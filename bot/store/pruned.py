"""What was on the shelf and is not there any more."""

from collections.abc import Iterable

from bot.store.database import Transaction


async def among(tx: Transaction, blob_ids: Iterable[str]) -> set[str]:
    """Those of these that are gone."""
    return {
        blob_id
        for blob_id in blob_ids
        if await tx.one("SELECT 1 FROM pruned WHERE blob_id = :blob_id", blob_id=blob_id)
    }


async def forget(tx: Transaction, blob_id: str) -> None:
    """It is on the shelf again."""
    await tx.run("DELETE FROM pruned WHERE blob_id = :blob_id", blob_id=blob_id)
