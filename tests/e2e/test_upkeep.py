"""A running Easel is looked at, backed up and put back by the program's other commands."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import App
from bot.clock import SystemClock, day_number, day_text
from bot.errors import StartError
from bot.store.backup import back_up
from bot.store.database import migrate
from bot.store.folder import DataFolder
from bot.ui.gateway import RETRY_PAUSE_S
from tests.e2e.process import done, easel, refused, write_config
from tests.e2e.stage import MovableClock, Stage, last_line


def today() -> str:
    return day_text(day_number(SystemClock().now_ms()))


async def until(condition: Callable[[], bool]) -> None:
    """Asks ever again: files tell nobody when they change."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def is_connected(stage: Stage, connected: str = "true") -> bool:
    """Whether the heartbeat says so."""
    heartbeat = DataFolder(stage.settings.storage.data_dir).heartbeat
    return heartbeat.exists() and f'"connected": {connected}' in heartbeat.read_text("utf-8")


async def test_health_is_ok_while_it_runs_and_not_after(stage: Stage, tmp_path: Path):
    config = str(write_config(stage, tmp_path))
    await stage.start()
    await until(lambda: is_connected(stage))
    assert (await done("health", "--config", config)).startswith("ok: heard ")
    await stage.stop()
    assert "No Easel runs" in await refused(await easel("health", "--config", config))


async def test_a_lost_connection_is_seen_in_the_heartbeat(stage: Stage):
    class HeldClock(MovableClock):
        """Reconnecting waits until it is let go."""

        hold = asyncio.Event()

        async def sleep(self, seconds: float) -> None:
            await (self.hold.wait() if seconds == RETRY_PAUSE_S else super().sleep(seconds))

    stage.clock = clock = HeldClock()
    await stage.start()
    await until(lambda: is_connected(stage))
    stage.discord.drop_connections()
    await until(lambda: is_connected(stage, "false"))
    clock.hold.set()
    await until(lambda: is_connected(stage))


async def test_a_damaged_database_is_replaced_by_the_backup_of_the_day(stage: Stage):
    folder = DataFolder(stage.settings.storage.data_dir)
    daily = folder.backups / f"easel-{today()}.db"
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    await until(daily.exists)
    # The daily one was made before; this one holds the exchange.
    await asyncio.to_thread(back_up, folder.database, daily)
    await stage.stop()
    folder.database.write_bytes(b"\0" * 8192)
    with pytest.raises(StartError, match=re.escape(f"The latest backup is {daily}")):
        await App(stage.settings).run(asyncio.Event(), lambda: None)
    for name in ("easel.db", "easel.db-wal", "easel.db-shm"):
        (folder.path / name).unlink(missing_ok=True)
    folder.database.write_bytes(daily.read_bytes())
    await stage.start()
    asked = await stage.mara.say(thread, "make it night")
    (message,) = await stage.answers(thread, asked.id)
    assert last_line(message).startswith("-# $0.")
    await stage.until_idle()
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_backup_that_does_not_fit_leaves_the_one_before(stage: Stage, tmp_path: Path):
    config = str(write_config(stage, tmp_path))
    folder = DataFolder(stage.settings.storage.data_dir)
    folder.path.mkdir()
    await migrate(folder.database)
    file = tmp_path / "kept.db"
    said = await done("backup", "--config", config, str(file))
    assert said.startswith(f"{file} holds the database (")
    before = file.read_bytes()
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'ulimit -f 64; exec "$@"', "sh"),
        *(sys.executable, "-m", "bot", "backup", "--config", config, str(file)),
        env={"PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert "could not be made" in await refused(process)
    assert file.read_bytes() == before
    assert not any(name.endswith(".part") for name in os.listdir(tmp_path))  # noqa: PTH208  # names


async def test_the_owner_is_told_that_a_backup_failed_and_easel_runs(stage: Stage):
    folder = DataFolder(stage.settings.storage.data_dir)
    folder.path.mkdir()
    folder.backups.write_bytes(b"no folder")
    await stage.start()
    await until(lambda: bool(stage.ours(stage.owner.dm)))
    (told,) = stage.ours(stage.owner.dm)
    assert f"easel-{today()}.db could not be made (File exists)" in told.content
    _, (message,) = await stage.ask_in_thread("a fox")
    assert message.attachments
