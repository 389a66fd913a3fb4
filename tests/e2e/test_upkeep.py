"""A running Easel is looked at, backed up and put back by the program's other commands."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bot.clock import SystemClock, day_number, day_text
from bot.store.folder import DataFolder
from bot.ui.gateway import RETRY_PAUSE_S
from tests.e2e.process import done, easel, ended, refused, running, secrets, write_config
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


async def test_health_is_ok_while_it_runs_and_not_before_or_after(stage: Stage, tmp_path: Path):
    config = str(write_config(stage, tmp_path))
    assert "No Easel runs" in await refused(await easel("health", "--config", config))
    async with running(Path(config), secrets(stage)) as process:
        await until(lambda: is_connected(stage))
        assert (await done("health", "--config", config)).startswith("ok: heard ")
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0
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


async def test_a_damaged_database_is_replaced_by_the_backup_of_the_day(
    stage: Stage, tmp_path: Path
):
    config, environment = write_config(stage, tmp_path), secrets(stage)
    folder = DataFolder(stage.settings.storage.data_dir)
    daily = folder.backups / f"easel-{today()}.db"
    async with running(config, environment) as process:
        thread, _ = await stage.ask_in_thread("a fox")
        await stage.until_idle()
        await until(daily.exists)
        # The daily one was made before; this one holds the exchange.
        said = await done("backup", "--config", str(config), str(daily))
        assert said.startswith(f"{daily} holds the database (")
        process.kill()
        await process.wait()
    folder.database.write_bytes(b"\0" * 8192)
    told = await refused(await easel("run", "--config", str(config), environment=environment))
    assert str(daily) in told
    for name in ("easel.db", "easel.db-wal", "easel.db-shm"):
        (folder.path / name).unlink(missing_ok=True)
    folder.database.write_bytes(daily.read_bytes())
    async with running(config, environment):
        asked = await stage.mara.say(thread, "make it night")
        answer = await stage.answers(thread, asked.id)
        assert last_line(answer[-1]).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_backup_that_does_not_fit_leaves_the_one_before(stage: Stage, tmp_path: Path):
    config = str(write_config(stage, tmp_path))
    await done("migrate", "--config", config)
    file = tmp_path / "kept.db"
    await done("backup", "--config", config, str(file))
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
