"""What one member says in one conversation within two seconds is one request."""

import asyncio

import pytest

from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Call, Say
from bot.store import exchanges
from tests.e2e.photos import png, said
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, GREEN, RED


async def place(stage: Stage, where: str) -> Channel:
    if where == "direct":
        return stage.mara.dm
    thread, _ = await stage.ask_in_thread("a boat")
    return thread


@pytest.mark.parametrize("where", ["thread", "direct"])
async def test_messages_in_a_row_are_one_request(stage: Stage, where: str):
    await stage.start()
    channel = await place(stage, where)
    before = len(stage.model.calls)
    first = await stage.mara.say(channel, "paint a fox", files=[("a.png", png(RED))])
    await stage.mara.say(channel, files=[("b.png", png(GREEN)), ("c.png", png(BLUE))])
    last = await stage.mara.say(channel, "in the snow")
    stage.discord.redeliver(last)
    stage.discord.redeliver(first)
    made = await stage.answers(channel, first.id)
    await stage.until_idle()
    assert len(stage.model.calls) == before + 1
    call = stage.model.calls[-1]
    assert said(call)[-1] == ("user", "paint a fox\nin the snow")
    assert len(call.pictures[-3:]) == 3
    assert [one for one in stage.ours(channel) if one.id > first.id] == made
    assert made[0].reply_to is first


async def test_others_and_later_ones_are_requests_of_their_own(stage: Stage):
    await stage.start()
    thread = await place(stage, "thread")
    before = len(stage.model.calls)
    first = await stage.mara.say(thread, "who is red?")
    await stage.theo.say(thread, "who is blue?")
    await stage.answers(thread, first.id)
    await stage.until_idle()
    await stage.mara.say(thread, "and why?")
    await stage.until_idle()
    await stage.model.until(lambda: len(stage.model.calls) == before + 3)


async def test_what_joined_is_edited_and_deleted_like_any_other(stage: Stage):
    await stage.start()
    stage.model.script(Say("Hello."), Say("Both."), Say("So."))
    thread, _ = await stage.ask_in_thread("who are you?")
    first = await stage.mara.say(thread, "who is red?")
    second = await stage.mara.say(thread, "my code is 1234")
    third = await stage.mara.say(thread, "who is blew?")
    await stage.answers(thread, third.id)
    await stage.until_idle()
    await stage.mara.delete(second)
    await stage.mara.edit_message(third, "who is blue?")
    await thread.wait_for(lambda one: "You changed your request." in one.content)
    asked = await stage.theo.say(thread, "and why?")
    made = await stage.answers(thread, asked.id)
    assert last_line(made[-1]).startswith("-# $")
    spoken = [text for role, text in said(stage.model.calls[-1]) if role == "user"]
    assert spoken == ["who are you?", "who is red?\nwho is blue?", "and why?"]
    assert not first.deleted


async def several(stage: Stage) -> tuple[Channel, Message, Message]:
    """Words, then more of them with two pictures and a document: one request, answered."""
    await stage.start()
    stage.model.script(Say("Hello."), Say("I see."), Say("So."), Say("Again."))
    thread, _ = await stage.ask_in_thread("who are you?")
    first = await stage.mara.say(thread, "look")
    files = [("a.png", png(RED)), ("b.png", png(GREEN)), ("notes.txt", b"of foxes")]
    second = await stage.mara.say(thread, "at this", files=files)
    await stage.answers(thread, first.id)
    await stage.until_idle()
    call = stage.model.calls[-1]
    assert call.words.startswith("look\nat this")
    assert len(call.pictures) == 2
    assert "of foxes" in str(call.request)
    return thread, first, second


async def ask_on(stage: Stage, thread: Channel) -> Call:
    asked = await stage.theo.say(thread, "and why?")
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    return stage.model.calls[-1]


async def press_again(stage: Stage, thread: Channel, first: Message) -> Call:
    (shown,) = [one for one in stage.ours(thread) if one.reply_to is first and one.buttons]
    press = await stage.theo.click(shown, "Again")
    await press.answered()
    await stage.answers(thread, press.id)
    return stage.model.calls[-1]


async def test_the_files_of_a_joined_message_that_is_deleted_go_along_with_nothing_any_more(
    stage: Stage,
):
    thread, first, second = await several(stage)
    await stage.mara.delete(second)
    later = await ask_on(stage, thread)
    assert not later.pictures
    assert "foxes" not in str(later.request)
    assert ("user", "look") in said(later)
    again = await press_again(stage, thread, first)
    assert not again.pictures
    assert "foxes" not in str(again.request)
    assert said(again)[-1] == ("user", "look")


async def test_the_words_of_a_joined_message_that_is_deleted_leave_the_files_of_the_others(
    stage: Stage,
):
    thread, first, second = await several(stage)
    await stage.mara.delete(first)
    later = await ask_on(stage, thread)
    assert len(later.pictures) == 2
    assert "of foxes" in str(later.request)
    await stage.mara.delete(second)
    last = await ask_on(stage, thread)
    assert not last.pictures
    assert "at this" not in str(last.request)


async def test_files_edited_out_of_a_joined_message_go_along_no_more(stage: Stage):
    thread, first, second = await several(stage)
    _, green = stage.model.calls[-1].pictures
    del second.files[0], second.files[1]
    await stage.mara.edit_message(second, "at this")
    later = await ask_on(stage, thread)
    assert [each.sha256 for each in later.pictures] == [green.sha256]
    assert "foxes" not in str(later.request)
    again = await press_again(stage, thread, first)
    assert [each.sha256 for each in again.pictures] == [green.sha256]


async def test_a_joined_file_that_is_taken_back_before_it_is_asked_is_not_asked_about(
    stage: Stage,
):
    stage.limit(running_max=1)
    await stage.start()
    thread = await place(stage, "thread")
    stage.model.gate.close()
    running = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    first = await stage.mara.say(thread, "look")
    second = await stage.mara.say(thread, "at this", files=[("a.png", png(RED))])
    async with asyncio.timeout(10):
        while not await stage.read(lambda tx: exchanges.meant(tx, first.id)):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)
    await stage.mara.delete(second)
    async with asyncio.timeout(10):
        while not (await stage.read(lambda tx: exchanges.meant(tx, first.id)))[0].taken_back:  # noqa: ASYNC110  # nor this
            await asyncio.sleep(0.02)
    stage.model.gate.open()
    await stage.answers(thread, first.id)
    await stage.thread_of(running)
    call = next(one for one in stage.model.calls if one.words == "look")
    assert stage.sha256(png(RED)) not in [each.sha256 for each in call.pictures]
