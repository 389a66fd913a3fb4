"""A backup holds what the database held, is there whole or not at all, and holds nobody up."""

import asyncio
import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot.errors import StartError
from bot.store import backup
from bot.store.database import Database, Transaction, migrate
from bot.store.folder import DataFolder
from tests.ledger.support import SetClock


async def add(tx: Transaction, scope: str, payload: str = "-") -> None:
    await tx.run(
        "INSERT INTO synced (scope, payload_sha256) VALUES (:scope, :payload)",
        scope=scope,
        payload=payload,
    )


async def count(tx: Transaction) -> int:
    row = await tx.one("SELECT count(*) AS number FROM synced")
    assert row is not None
    return row["number"]


async def test_it_is_a_database_that_a_bot_can_be_started_on(
    database: Database, path: Path, tmp_path: Path, clock: SetClock
):
    await database.write(lambda tx: add(tx, "a"))  # in the write-ahead log, not in the file yet
    file = tmp_path / "kept.db"
    assert backup.back_up(path, file) == file.stat().st_size
    assert await migrate(file) == []
    async with Database(file, clock) as restored:
        assert await restored.read(count) == 1
    assert file.stat().st_mode & 0o077 == 0


async def test_who_writes_does_not_wait_for_it(database: Database, path: Path, tmp_path: Path):
    async def fill(tx: Transaction) -> None:
        for number in range(48):
            await add(tx, f"large {number}", "x" * 1_000_000)

    await database.write(fill)
    file = tmp_path / "kept.db"
    written = 0
    async with asyncio.TaskGroup() as group:
        making = group.create_task(asyncio.to_thread(backup.back_up, path, file))
        while not making.done():
            await database.write(partial(add, scope=f"small {written}"))
            written += 1
    assert written > 2
    with closing(sqlite3.connect(file)) as copy:
        (rows,) = copy.execute("SELECT count(*) FROM synced").fetchone()
    assert 48 <= rows < 48 + written


async def test_a_damaged_database_makes_none_and_the_one_before_stays(path: Path, tmp_path: Path):
    file = tmp_path / "kept.db"
    backup.back_up(path, file)
    before = file.read_bytes()
    with path.open("r+b") as opened:
        opened.seek(8 * 4096)
        opened.write(b"\xff" * 4096 * 8)
    with pytest.raises(StartError, match=r"kept\.db"):
        backup.back_up(path, file)
    assert file.read_bytes() == before
    assert not any(name.endswith(".part") for name in os.listdir(tmp_path))  # noqa: PTH208  # names


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
async def test_no_part_of_the_database_is_its_own_backup(path: Path, end: str):
    part = path.with_name(f"{path.name}{end}")
    part.touch()
    with pytest.raises(StartError, match="is the database itself"):
        backup.back_up(path, part)


async def test_one_a_day_is_kept_for_a_week(path: Path, tmp_path: Path):
    folder = DataFolder(tmp_path)
    assert path == folder.database
    folder.backups.mkdir()
    (folder.backups / "easel-2026-10-31.db.part").write_bytes(b"killed")
    for day in range(1, 10):
        assert backup.back_up_daily(folder, f"2026-11-{day:02}")
        assert not backup.back_up_daily(folder, f"2026-11-{day:02}")
    kept = sorted(each.name for each in folder.backups.iterdir())
    assert kept == [f"easel-2026-11-{day:02}.db" for day in range(3, 10)]
    assert folder.latest_backup() == folder.backups / "easel-2026-11-09.db"


async def test_one_made_after_the_clock_was_set_back_is_kept(path: Path, tmp_path: Path):
    folder = DataFolder(tmp_path)
    for day in range(1, 9):
        backup.back_up_daily(folder, f"2027-01-{day:02}")
    backup.back_up_daily(folder, "2026-11-24")
    assert (folder.backups / "easel-2026-11-24.db").exists()
    assert len(list(folder.backups.iterdir())) == backup.DAILY_KEPT


@pytest.mark.parametrize(("page", "length"), [(0, 4096), (8, 4096), (20, 300)])
async def test_a_damaged_database_is_refused_at_the_start_with_the_way_back(
    path: Path, tmp_path: Path, page: int, length: int
):
    folder = DataFolder(tmp_path)
    backup.back_up_daily(folder, "2026-11-24")
    with path.open("r+b") as opened:
        opened.seek(page * 4096)
        opened.write(b"\xff" * length)
    with pytest.raises(StartError, match=r"is damaged.*/backups/easel-2026-11-24\.db: move"):
        await migrate(path)
