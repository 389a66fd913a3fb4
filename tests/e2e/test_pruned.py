"""A picture that is not kept any more: which never are let go, and what its buttons say."""

import asyncio
import json
import os
import time
from functools import partial
from pathlib import Path

from bot import words
from bot.pictures.pruning import DAY_MS, LIVE_DAYS
from bot.sandbox.openrouter import NoUsage, Paint, answer
from bot.store import pruned
from bot.store.folder import DataFolder
from tests.e2e.stage import Stage


def shelf(stage: Stage) -> list[Path]:
    return sorted(DataFolder(stage.settings.storage.data_dir).shelf.glob("??/??/*"))


async def start_later(stage: Stage, days: int) -> None:
    """Starts the bot anew when all files are years old, and the conversations these days."""
    for path in shelf(stage):
        os.utime(path, (0, 0))
    stage.clock.pushed_ms += days * DAY_MS
    stage.discord.world.now = lambda: time.time() + stage.clock.pushed_ms / 1000
    await stage.start()


async def until_shelved(stage: Stage, count: int) -> None:
    """Returns once so many files are left: the disk tells nobody."""
    async with asyncio.timeout(10):
        while len(shelf(stage)) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_buttons_of_a_picture_that_is_gone_say_so(stage: Stage):
    await stage.start()
    thread, (first,) = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(thread, "make it night", reply_to=first)
    (second,) = await stage.answers(thread, asked.id)
    await stage.until_idle()
    await stage.stop()
    await start_later(stage, LIVE_DAYS + 1)
    await until_shelved(stage, 0)
    calls = len(stage.model.calls)
    original = await (await stage.mara.click(first, "Original")).finished()
    assert original.content == words.original_pruned("Picture 1")
    again = await stage.mara.click(second, "Again")
    modal = await stage.mara.click(first, "Edit")
    await modal.answered()
    for press in (again, await stage.mara.submit(modal, Prompt="make it day")):
        await press.answered()
        assert press.ephemeral
        (refusal,) = press.messages
        assert refusal.content == f"{words.no_longer_kept()}\n-# unreadable · not charged"
    assert len(stage.model.calls) == calls


async def test_who_goes_on_is_told_by_the_model(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    await stage.stop()
    await start_later(stage, LIVE_DAYS + 1)
    await until_shelved(stage, 0)
    asked = await stage.mara.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    call = stage.model.calls[-1]
    assert not call.pictures
    assert "is not kept any more" in json.dumps(call.request)


async def test_a_restored_database_without_its_pictures_goes_on(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    await stage.stop()
    lost = [path.name for path in shelf(stage)]
    for path in shelf(stage):
        path.unlink()
    await stage.start()
    async with asyncio.timeout(10):
        while not await stage.read(partial(pruned.among, blob_ids=lost)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    asked = await stage.mara.say(thread, "a hare")
    (message,) = await stage.answers(thread, asked.id)
    assert message.attachments


async def test_a_reply_to_a_picture_that_is_gone_takes_it_from_discord(stage: Stage):
    await stage.start()
    thread, (shown,) = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    await stage.stop()
    await start_later(stage, LIVE_DAYS + 1)
    await until_shelved(stage, 0)
    asked = await stage.mara.say(thread, "make it night", reply_to=shown)
    (message,) = await stage.answers(thread, asked.id)
    assert message.attachments
    assert len(stage.model.calls[-1].pictures) == 1


async def test_the_current_picture_of_a_conversation_that_goes_on_stays(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(thread, "a hare")
    (message,) = await stage.answers(thread, asked.id)
    await stage.until_idle()
    await stage.stop()
    await start_later(stage, LIVE_DAYS - 1)
    await until_shelved(stage, 1)
    assert stage.sha256(message.attachments[0].data) == shelf(stage)[0].name


async def test_pictures_of_what_is_under_way_stay(stage: Stage):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 10**6
    stage.limit(unresolved_s=86_400.0 * 1_000)
    await stage.start()
    await stage.ask_in_thread("a fox")
    thread, _ = await stage.ask_in_thread("a hare")
    await stage.stop()
    await start_later(stage, LIVE_DAYS + 1)
    await until_shelved(stage, 1)
    assert thread.messages
