"""What is due is done, each by itself."""

import asyncio
from pathlib import Path

from bot.clock import SystemClock
from bot.pictures.shelf import Shelf
from bot.store.database import migrate
from bot.store.folder import DataFolder
from bot.upkeep import Upkeep


async def test_a_backup_that_fails_and_an_owner_who_is_not_told_keep_nothing_else_from_being_done(
    tmp_path: Path,
):
    folder = DataFolder(tmp_path)
    await migrate(folder.database)
    folder.backups.write_text("no folder")
    is_done = asyncio.Event()
    sentences: list[str] = []

    async def tell_owner(sentence: str) -> None:
        sentences.append(sentence)
        raise ConnectionResetError

    async def look() -> None:
        is_done.set()

    async with Shelf(folder.shelf) as shelf, asyncio.timeout(10), asyncio.TaskGroup() as group:
        upkeep = Upkeep(folder, shelf, SystemClock(), tell_owner, [look])
        running = group.create_task(upkeep.run())
        await is_done.wait()
        running.cancel()
    assert len(sentences) == 1
    assert str(folder.backups) in sentences[0]
