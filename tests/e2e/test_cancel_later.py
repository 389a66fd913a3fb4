"""*Cancel* of what was left by a restart, or waits in line behind a click."""

import asyncio

import pytest

from bot.money import nano_usd
from bot.sandbox.discord.world import Channel, Message
from bot.underway import Underway
from tests.e2e.stage import Stage, last_line


async def in_the_making(stage: Stage) -> Message:
    """Mara's picture, asked for in direct messages, once its answer has *Cancel*."""
    await stage.mara.say(stage.mara.dm, "a fox")
    return await stage.mara.dm.wait_for(lambda one: bool(one.buttons), 20)


async def occupy(stage: Stage, *, also: bool = False) -> None:
    """One request at the model, where one runs at a time, and maybe one more in line."""
    stage.limit(running_max=1, stop_grace_s=0.0)
    await stage.start()
    stage.model.gate.close()
    await stage.theo.command(stage.channel, "ask", prompt="what is a boat?")
    await stage.model.gate.arrived()
    if also:
        used = await stage.ada.command(stage.channel, "ask", prompt="what is a lake?")
        await used.answered()


async def is_cancelled(stage: Stage, message: Message) -> None:
    """Presses, and fails unless that ends it."""
    press = await stage.mara.click(message, "Cancel")
    await press.answered()
    assert not press.ephemeral
    await stage.discord.wait_until(lambda: last_line(message).startswith("-# cancelled · "), 20)


async def is_over(stage: Stage, place: Channel, message: Message) -> None:
    """Fails unless all comes to its end, and the message is the one answer."""
    stage.model.gate.open()
    await stage.until_idle()
    await stage.until_books_closed()
    assert stage.ours(place) == [message]
    assert last_line(message).startswith("-# cancelled · ")
    assert not message.buttons


async def test_what_waited_at_a_stop_runs_after_it_and_is_cancelled(stage: Stage):
    await occupy(stage)
    message = await in_the_making(stage)
    await stage.stop()
    await stage.start()
    await stage.mara.dm.wait_for(lambda _: "painting" in message.content, 20)
    await is_cancelled(stage, message)
    await is_over(stage, stage.mara.dm, message)


async def test_what_waits_in_line_after_a_restart_is_cancelled_for_nothing(stage: Stage):
    await occupy(stage, also=True)
    message = await in_the_making(stage)
    await stage.stop()
    calls = len(stage.model.calls)
    await stage.start()
    await stage.discord.wait_until(lambda: len(stage.model.calls) > calls, 20)
    await is_cancelled(stage, message)
    assert last_line(message) == "-# cancelled · not charged"
    await is_over(stage, stage.mara.dm, message)
    assert "a fox" not in [call.words for call in stage.model.calls]


async def test_a_press_before_it_is_taken_up_again_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    go_on, sweep = asyncio.Event(), Underway.sweep

    async def late(underway: Underway) -> None:
        await go_on.wait()
        await sweep(underway)

    await occupy(stage)
    message = await in_the_making(stage)
    await stage.stop()
    monkeypatch.setattr(Underway, "sweep", late)
    await stage.start()
    press = await stage.mara.click(message, "Cancel")
    await press.answered()
    assert not press.ephemeral
    go_on.set()
    await stage.discord.wait_until(lambda: last_line(message).startswith("-# cancelled · "), 20)
    assert last_line(message) == "-# cancelled · not charged"
    await is_over(stage, stage.mara.dm, message)


async def test_what_is_confirmed_while_others_run_is_cancelled_for_nothing(stage: Stage):
    stage.limit(ask_above_nano_usd=nano_usd("0.10"))
    await occupy(stage)
    stage.model.gate.open()
    message = await stage_question(stage)
    stage.model.gate.close()
    await stage.theo.command(stage.channel, "ask", prompt="what is a lake?")
    await stage.model.gate.arrived()
    await (await stage.mara.click(message, "Confirm")).answered()
    await is_cancelled(stage, message)
    assert last_line(message) == "-# cancelled · not charged"
    await is_over(stage, stage.mara.dm, message)


async def stage_question(stage: Stage) -> Message:
    await stage.mara.say(stage.mara.dm, "a fox")
    return await stage.mara.dm.wait_for(
        lambda one: any(each["label"] == "Confirm" for each in one.buttons), 20
    )
