"""What another process reads of a running Easel, and when that is not well."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot import health
from bot.clock import SystemClock
from bot.errors import StartError
from bot.health import STALE_S, Beat, Heart, look
from bot.store import database as store
from bot.store.database import Database, migrate


class QuickClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(store, "BUSY_TIMEOUT_MS", 20)
    await migrate(tmp_path / "easel.db")
    async with Database(tmp_path / "easel.db", QuickClock()) as opened:
        yield opened


async def until(folder: Path, sentence: str) -> None:
    """Returns once a look says so."""
    async with asyncio.timeout(5):
        while True:
            try:
                told = look(folder, folder / "heartbeat")
            except StartError as error:
                told = str(error)
            if sentence in told:
                return
            await asyncio.sleep(0.01)


async def test_the_loop_the_connection_and_the_database_are_told(
    tmp_path: Path, database: Database
):
    connected = True
    heart = Heart(tmp_path / "heartbeat", database, QuickClock(), lambda: connected)
    await until(tmp_path, "No Easel runs")
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(heart.run())
        await until(tmp_path, "ok: ")
        connected = False
        await until(tmp_path, "without a connection")
        connected = True
        await until(tmp_path, "ok: ")
        with closing(sqlite3.connect(tmp_path / "easel.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await until(tmp_path, "another program keeps it locked")
        await until(tmp_path, "ok: ")
        beating.cancel()
    await until(tmp_path, "No Easel runs")


async def test_a_beat_that_cannot_be_written_does_not_end_the_others(
    tmp_path: Path, database: Database
):
    heart = Heart(tmp_path / "later" / "heartbeat", database, QuickClock(), lambda: True)
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(heart.run())
        await asyncio.sleep(0)
        await until(tmp_path / "later", "No Easel runs")
        (tmp_path / "later").mkdir()
        await until(tmp_path / "later", "ok: ")
        beating.cancel()


@pytest.mark.parametrize(
    ("age_s", "sentence"),
    [
        (STALE_S - 5, "ok: heard 25 s ago"),
        (STALE_S + 5, "last heard 35 s ago"),
        (-60, "No Easel runs"),  # written before the machine was started anew
    ],
)
def test_what_is_old_is_not_well(tmp_path: Path, age_s: float, sentence: str):
    file = tmp_path / "heartbeat"
    health.write(file, Beat(time.monotonic() - age_s, connected=True, database=None))
    try:
        told = look(tmp_path, file)
    except StartError as error:
        told = str(error)
    assert sentence in told


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[1]", b'{"uptime_s": "1"}'])
def test_what_is_no_heartbeat_is_none(tmp_path: Path, data: bytes):
    (tmp_path / "heartbeat").write_bytes(data)
    with pytest.raises(StartError, match="No Easel runs"):
        look(tmp_path, tmp_path / "heartbeat")
