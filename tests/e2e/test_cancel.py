"""The button Cancel: what it ends, for whom, and what it costs."""

import asyncio

import httpx
import pytest

from bot.pictures.intake import Intake
from bot.pictures.shelf import Blob
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, Stall, answer
from bot.store.pictures import Picture
from tests.e2e.stage import Stage, last_line


async def in_the_making(stage: Stage, channel: Channel) -> Message:
    """The answer message with its button."""
    await stage.discord.wait_until(
        lambda: any(message.buttons for message in stage.ours(channel)), 20
    )
    return next(message for message in stage.ours(channel) if message.buttons)


async def test_what_waits_is_cancelled_for_nothing(stage: Stage):
    stage.limit(running_max=1)
    await stage.start()
    stage.model.gate.close()
    first = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    message = await in_the_making(stage, thread)
    press = await stage.mara.click(message, "Cancel")
    await press.answered()
    await stage.answers(thread, asked.id)
    assert stage.ours(thread) == [message]
    assert last_line(message) == "-# cancelled · not charged"
    assert not message.buttons
    stage.model.gate.open()
    await stage.answers(await stage.thread_of(first), first.id)
    assert [call.words for call in stage.model.calls] == ["a boat"]
    assert await stage.open_holds() == 0


async def test_a_cancelled_stream_says_what_it_cost_once_that_is_known(stage: Stage):
    stage.model.script(answer(Say("Here it comes."), Stall()))
    stage.model.generation_misses = 1_000_000
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    message = await in_the_making(stage, thread)
    await stage.discord.wait_until(lambda: "Here it comes." in message.content, 20)
    press = await stage.mara.click(message, "Cancel")
    await press.answered()
    await stage.discord.wait_until(
        lambda: last_line(message) == "-# cancelled · cost not known yet", 20
    )
    assert message.content.startswith("Here it comes.")
    stage.model.generation_misses = 0
    await stage.until_books_closed()
    await stage.until_idle()
    assert message.content.startswith("Here it comes.")
    assert last_line(message).startswith("-# cancelled · ")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
    assert len(stage.model.calls) == 1


async def test_a_picture_that_came_before_the_cancel_is_shown(stage: Stage):
    stage.model.script(answer(Paint(), Stall(), NoUsage()))
    await stage.start()
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    await interaction.answered()
    message = await in_the_making(stage, stage.channel)
    await stage.discord.wait_until(
        lambda: bool(list((stage.settings.storage.data_dir / "shelf").glob("tagged/*"))), 20
    )
    await (await stage.mara.click(message, "Cancel")).answered()
    await stage.until_books_closed()
    await stage.until_idle()
    assert last_line(message).startswith("-# cancelled · ")
    assert len(message.files) == 1


async def test_a_cancel_after_the_end_is_answered_and_changes_nothing(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    message = await in_the_making(stage, thread)
    buttons = list(message.components)
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    end = message.content
    message.components = buttons  # as it stands on a screen that is behind
    press = await stage.mara.click(message, "Cancel")
    await press.answered()
    assert press.ephemeral
    assert message.content == end


@pytest.mark.parametrize("command", [False, True])
async def test_a_picture_that_is_being_looked_at_is_shown_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, command: bool
):
    begun, go_on = asyncio.Event(), asyncio.Event()
    accept_result = Intake.accept_result

    async def slow(intake: Intake, blob: Blob) -> Picture:
        begun.set()
        await go_on.wait()
        return await accept_result(intake, blob)

    monkeypatch.setattr(Intake, "accept_result", slow)
    stage.model.script(answer(Paint(), Stall(), NoUsage()))
    await stage.start()
    if command:
        await (await stage.mara.command(stage.channel, "imagine", prompt="a fox")).answered()
        channel = stage.channel
    else:
        channel = await stage.thread_of(await stage.mara.say(stage.channel, f"{stage.me} a fox"))
    message = await in_the_making(stage, channel)
    await begun.wait()
    await (await stage.mara.click(message, "Cancel")).answered()
    go_on.set()
    await stage.until_books_closed()
    await stage.until_idle()
    assert last_line(message).startswith("-# cancelled · ")
    assert len(message.files) == 1


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a call has begun to connect, which the first one does for ever."""
    begun = asyncio.Event()

    class SlowToConnect(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and not begun.is_set():
                begun.set()
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    monkeypatch.setattr("httpx._client.AsyncHTTPTransport", SlowToConnect)
    return begun


async def test_what_is_cancelled_before_it_left_is_not_charged(stage: Stage, begun: asyncio.Event):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    message = await in_the_making(stage, await stage.thread_of(asked))
    await begun.wait()
    await (await stage.mara.click(message, "Cancel")).answered()
    await stage.until_idle()
    assert last_line(message) == "-# cancelled · not charged"
    assert await stage.open_holds() == 0
    assert await stage.ledger_nano_usd() == 0


async def test_what_is_stopped_before_it_left_is_made_by_the_next_start(
    stage: Stage, begun: asyncio.Event
):
    stage.limit(stop_grace_s=0.0)
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    await begun.wait()
    await stage.stop()
    await stage.start()
    (message,) = await stage.answers(thread, asked.id)
    assert last_line(message).startswith("-# $0.")
    await stage.until_idle()
    assert await stage.open_holds() == 0
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
