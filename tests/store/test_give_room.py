"""A write that finds the disk full is run once more, if room was given for it."""

from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.store.database import Database, Transaction
from tests.ledger.support import SetClock


@pytest.mark.parametrize("room", [True, False])
async def test_it_is_run_once_more_only_if_room_was_given(path: Path, clock: SetClock, room: bool):
    given: list[bool] = []

    def give_room() -> bool:
        given.append(room)
        return room

    async def fill(tx: Transaction) -> None:
        row = await tx.one("PRAGMA page_count")
        assert row is not None
        # SQLite's own bound stands for the disk's.
        await tx.all(f"PRAGMA max_page_count = {row[0] + 1_000 * sum(given)}")
        await tx.run("INSERT INTO synced VALUES ('large', :payload)", payload="c" * 1_000_000)

    async def count(tx: Transaction) -> int:
        return len(await tx.all("SELECT 1 FROM synced"))

    async with Database(path, clock, give_room=give_room) as database:
        if room:
            await database.write(fill)
        else:
            with pytest.raises(StoreUnavailable, match="disk is full"):
                await database.write(fill)
        assert await database.read(count) == room
    assert given == [room]
