"""What one member says in one conversation within two seconds is one request."""

import pytest

from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import Say
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
