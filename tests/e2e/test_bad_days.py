"""The machine's bad days, on a file system of its own: a disk that fills or cannot be written, and
a database that another process keeps. What was paid for is kept as far as there is any room.
"""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.pictures.room import SPARE_BYTES
from bot.settings import StorageSettings
from bot.store import database as store
from bot.store.folder import DataFolder
from tests.e2e.process import easel, refused, secrets, write_config
from tests.e2e.stage import Stage, last_line

DISK_BYTES = 4 * SPARE_BYTES
TIMEOUT_S = 10.0


def mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "easel", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def on_disk(disk: Path, stage: Stage) -> Stage:
    stage.settings = replace(stage.settings, storage=StorageSettings(data_dir=disk / "data"))
    return stage


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Takes all the room that is left, but for so much."""
    usage = os.statvfs(disk)
    file = disk / "filler"
    with file.open("wb", buffering=0) as opened:
        taken = usage.f_bavail * usage.f_frsize - leave_bytes
        os.posix_fallocate(opened.fileno(), 0, taken)
        with contextlib.suppress(OSError):
            while not leave_bytes:  # what was given back meanwhile
                opened.seek(0, os.SEEK_END)
                opened.write(bytes(4096))
    return file


async def until_spare(disk: Path) -> Path:
    """The file that keeps some room, once it does: a file tells nobody."""
    file = DataFolder(disk / "data").shelf / "spare"
    async with asyncio.timeout(TIMEOUT_S):
        while not file.exists() or file.stat().st_size < SPARE_BYTES:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return file


async def test_a_picture_under_way_is_kept_when_the_disk_fills(on_disk: Stage, disk: Path):
    stage = on_disk
    stage.model.gate.close()
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(TIMEOUT_S):
        await stage.model.gate.arrived()
    await until_spare(disk)
    filler = fill(disk)
    stage.model.gate.open()
    (message,) = await stage.answers(await stage.thread_of(asked), asked.id)
    assert message.attachments
    assert last_line(message).startswith("-# $0.")
    filler.unlink()
    await stage.until_idle()
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_with_no_room_at_all_the_person_is_told_once_there_is_some(
    on_disk: Stage, disk: Path
):
    stage = on_disk
    stage.model.gate.close()
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(TIMEOUT_S):
        await stage.model.gate.arrived()
    (await until_spare(disk)).unlink()
    filler = fill(disk)
    stage.model.gate.open()
    other = await stage.theo.say(stage.channel, f"{stage.me} a hare")
    (refusal,) = await stage.answers(stage.channel, other.id)
    assert last_line(refusal) == "-# owner · not charged"
    filler.unlink()
    (message,) = await stage.answers(await stage.thread_of(asked), asked.id)
    await stage.until_idle()
    assert last_line(message).startswith("-# ")
    assert "not charged" not in last_line(message)
    assert [call.words for call in stage.model.calls] == ["a fox"]
    assert await stage.open_holds() == 0
    booked, charged = await stage.ledger_nano_usd(), stage.model.account.total_nano_usd
    assert booked == charged or "≈" in last_line(message)


async def test_nothing_is_paid_for_that_might_not_be_kept(on_disk: Stage, disk: Path):
    stage = on_disk
    await stage.start()
    await until_spare(disk)
    fill(disk, leave_bytes=SPARE_BYTES // 2)
    thread, (message,) = await stage.ask_in_thread("a fox")
    assert "nearly full" in message.content
    assert last_line(message) == "-# owner · not charged"
    assert not stage.model.calls
    (disk / "filler").unlink()
    asked = await stage.mara.say(thread, "a fox")
    (message,) = await stage.answers(thread, asked.id)
    assert message.attachments
    (told,) = stage.ours(stage.owner.dm)
    assert "nearly full" in told.content


async def test_a_folder_that_cannot_be_written_is_one_sentence(
    on_disk: Stage, disk: Path, tmp_path: Path
):
    stage = on_disk
    await stage.start()
    await stage.stop()
    mount("-o", "remount,ro", str(disk))
    config = write_config(stage, tmp_path)
    told = await refused(await easel("run", "--config", str(config), environment=secrets(stage)))
    assert "Read-only file system" in told


async def test_who_asks_while_another_process_keeps_the_database_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "BUSY_TIMEOUT_MS", 50)
    await stage.start()
    path = DataFolder(stage.settings.storage.data_dir).database
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        (refusal,) = await stage.answers(stage.channel, asked.id)
        assert "locked" in refusal.content
        assert last_line(refusal) == "-# owner · not charged"
    _, (message,) = await stage.ask_in_thread("a hare")
    assert message.attachments


async def test_a_database_locked_over_a_paid_call_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "BUSY_TIMEOUT_MS", 50)
    stage.model.pause_after_picture.close()
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(TIMEOUT_S):
        await stage.model.pause_after_picture.arrived()
    await stage.until_kept()
    path = DataFolder(stage.settings.storage.data_dir).database
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stage.model.pause_after_picture.open()
        async with asyncio.timeout(TIMEOUT_S):
            await stage.model.until(lambda: stage.model.calls[0].ended)
    (message,) = await stage.answers(await stage.thread_of(asked), asked.id)
    await stage.until_idle()
    assert message.attachments
    assert len(stage.model.calls) == 1
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
