"""Progress on its way: it never keeps a result waiting, and many who wait keep still."""

import asyncio

import pytest

from bot.sandbox.discord.wire import Fault
from bot.ui import showing
from tests.e2e.stage import Stage, last_line

EDIT = r"/channels/\d+/messages/\d+"


async def until_taken(stage: Stage) -> None:
    """Returns when every fault has begun."""
    async with asyncio.timeout(10):
        while stage.discord.faults:  # noqa: ASYNC110  # a request that hangs tells nobody
            await asyncio.sleep(0.01)


async def test_an_edit_that_hangs_neither_delays_the_result_nor_overwrites_it(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    late, again = asyncio.Event(), asyncio.Event()
    stage.discord.faults.append(Fault("PATCH", EDIT, hold=late))
    await until_taken(stage)
    stage.discord.faults.append(Fault("PATCH", EDIT, skip=1, hold=again))
    stage.model.gate.open()
    async with asyncio.timeout(5):
        (message,) = await stage.answers(thread, asked.id)
    await until_taken(stage)
    late.set()  # Discord carries out what hung
    await thread.wait_for(lambda one: "*Thinking" in one.content)
    again.set()
    await thread.wait_for(lambda one: last_line(one).startswith("-# $"))
    await stage.until_idle()
    assert stage.ours(thread) == [message]
    assert last_line(message).startswith("-# $")
    assert len(message.attachments) == 1


async def test_an_edit_that_hangs_is_given_up_and_the_next_one_shows_progress(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(showing, "EDIT_PAUSE_S", 0.02)
    monkeypatch.setattr(showing, "ELAPSED_PAUSE_S", 0.04)
    monkeypatch.setattr(showing, "EDIT_TIMEOUT_S", 0.2)
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    hold = asyncio.Event()
    stage.discord.faults.append(Fault("PATCH", EDIT, hold=hold))
    await until_taken(stage)
    stage.clock.pushed_ms += 60_000
    await thread.wait_for(lambda one: " … 6" in one.content)
    hold.set()
    stage.model.gate.open()
    await stage.answers(thread, asked.id)


async def test_who_waits_is_shown_anew_only_when_the_place_has_changed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    for name in ("ELAPSED_PAUSE_S", "WAITING_PAUSE_S"):
        monkeypatch.setattr(showing, name, 0.04)
    monkeypatch.setattr(showing, "EDIT_PAUSE_S", 0.02)
    stage.limit(running_max=1, running_per_member_max=1)
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} one")
    await stage.model.gate.arrived()
    late = await stage.theo.say(stage.channel, f"{stage.me} two")
    runs, waits = await stage.thread_of(asked), await stage.thread_of(late)
    message = await waits.wait_for(lambda one: "Waiting in line at place 1 …*" in one.content)
    edits = message.edits
    (running,) = stage.ours(runs)
    before = running.edits
    await stage.discord.wait_until(lambda: running.edits >= before + 10)
    assert message.edits == edits
    stage.model.gate.open()
    await stage.answers(waits, late.id)
