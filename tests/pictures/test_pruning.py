"""The shelf is held to a size and an age; the oldest go first, and a kill in between is no harm."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.pictures.pruning import FRESH_MS, Pruning
from bot.pictures.shelf import Blob, Shelf
from bot.store import pictures, pruned
from bot.store.database import Database, migrate
from bot.store.pictures import Picture
from tests.ledger.support import DAY_MS, HOUR_MS, NOW_MS, SetClock

SIZE = 1_000


class Kept:
    """A shelf, its database, and files of a thousand bytes each."""

    def __init__(self, folder: Path, database: Database, shelf: Shelf) -> None:
        self.folder = folder
        self.database = database
        self.shelf = shelf

    async def put(self, number: int, *, age_ms: int, has_row: bool = True) -> str:
        async with self.shelf.receive(SIZE) as incoming:
            await incoming.write(f"{number:04}".encode() * (SIZE // 4))
            blob = await incoming.keep()
        if has_row:
            await self.note(blob)
        moment_ns = (NOW_MS - age_ms) * 1_000_000
        os.utime(self.shelf.path(blob.id), ns=(moment_ns, moment_ns))
        return blob.id

    async def note(self, blob: Blob) -> None:
        picture = Picture(blob.id, "image/png", 1, 1, blob.size_bytes)
        await self.database.write(lambda tx: pictures.add(tx, picture, "model"))

    async def prune(self, *, bytes_max: int = 10**9, days_max: int = 180) -> set[str]:
        """What is on the shelf then."""
        pruning = Pruning(
            self.database, self.shelf, SetClock(), bytes_max=bytes_max, days_max=days_max
        )
        await pruning.look()
        return {one.id for one in await self.shelf.stored()}

    async def gone(self, *ids: str) -> set[str]:
        return await self.database.read(lambda tx: pruned.among(tx, ids))


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    await migrate(tmp_path / "easel.db")
    async with (
        Database(tmp_path / "easel.db", SetClock()) as database,
        Shelf(tmp_path / "shelf") as shelf,
    ):
        yield Kept(tmp_path, database, shelf)


async def test_what_is_too_old_goes_and_that_is_noted(kept: Kept):
    old = await kept.put(1, age_ms=181 * DAY_MS)
    young = await kept.put(2, age_ms=179 * DAY_MS)
    assert await kept.prune() == {young}
    assert await kept.gone(old, young) == {old}


async def test_beyond_its_size_the_oldest_go_and_no_more_than_that(kept: Kept):
    ids = [await kept.put(number, age_ms=(200 - number) * HOUR_MS) for number in range(120)]
    assert await kept.prune(bytes_max=115 * SIZE) == set(ids[5:])
    assert await kept.prune(bytes_max=115 * SIZE) == set(ids[5:])


async def test_what_is_fresh_stays_whatever_its_size_with_or_without_a_row(kept: Kept):
    ids = [await kept.put(number, age_ms=FRESH_MS - 1, has_row=bool(number)) for number in range(2)]
    assert await kept.prune(bytes_max=SIZE) == set(ids)


async def test_a_file_that_nobody_knows_goes_once_no_backup_knows_it(kept: Kept):
    await kept.put(1, age_ms=8 * DAY_MS, has_row=False)
    unknown = await kept.put(2, age_ms=6 * DAY_MS, has_row=False)
    known = await kept.put(3, age_ms=8 * DAY_MS)
    assert await kept.prune() == {unknown, known}


async def test_what_comes_again_is_there_again_and_young(kept: Kept):
    first = await kept.put(1, age_ms=181 * DAY_MS)
    assert await kept.prune() == set()
    assert await kept.put(1, age_ms=0) == first
    assert await kept.gone(first) == set()
    assert await kept.prune() == {first}


async def test_the_same_bytes_once_more_make_a_file_young(kept: Kept):
    first = await kept.put(1, age_ms=181 * DAY_MS)
    async with kept.shelf.receive(SIZE) as incoming:
        await incoming.write(b"0001" * (SIZE // 4))
        assert (await incoming.keep()).id == first
    assert await kept.prune() == {first}


@pytest.mark.parametrize(("age_ms", "stays"), [(2 * FRESH_MS, True), (181 * DAY_MS, False)])
async def test_what_was_noted_before_a_kill_is_found_again(kept: Kept, age_ms: int, stays: bool):
    noted = await kept.put(1, age_ms=age_ms)
    await kept.database.write(
        lambda tx: tx.run("INSERT INTO pruned (blob_id, pruned_ms) VALUES (:id, 0)", id=noted)
    )
    assert await kept.prune() == ({noted} if stays else set())
    assert await kept.gone(noted) == (set() if stays else {noted})


async def test_a_shelf_that_was_away_is_there_again(kept: Kept, tmp_path: Path):
    ids = {await kept.put(number, age_ms=2 * FRESH_MS) for number in range(3)}
    folders = [path for path in (tmp_path / "shelf").iterdir() if len(path.name) == 2]
    for folder in folders:
        folder.rename(tmp_path / folder.name)
    assert await kept.prune() == set()
    assert await kept.gone(*ids) == ids
    for folder in folders:
        (tmp_path / folder.name).rename(folder)
    assert await kept.prune() == ids
    assert await kept.gone(*ids) == set()


async def test_a_clock_that_was_set_back_makes_nothing_old(kept: Kept):
    future = await kept.put(1, age_ms=-400 * DAY_MS)
    assert await kept.prune(bytes_max=1) == {future}


async def test_what_is_missing_is_noted_as_gone_until_it_comes_again(kept: Kept):
    first = await kept.put(1, age_ms=0)
    kept.shelf.path(first).unlink()
    assert await kept.prune() == set()
    assert await kept.gone(first) == {first}
    await kept.put(1, age_ms=0)
    assert await kept.gone(first) == set()
