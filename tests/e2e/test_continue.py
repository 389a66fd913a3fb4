"""The button *Continue* under a cut answer."""

import json

import pytest

from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Drop, Finish, Say, Stall, answer
from bot.sandbox.openrouter.script import Answer
from tests.e2e.stage import Stage, last_line

CUTS = [
    pytest.param(answer(Say("Once upon a time"), Finish("length")), id="length"),
    pytest.param(answer(Say("Once upon a time"), Drop()), id="drop"),
]


def labels(message: Message) -> list[str]:
    return [part["label"] for part in message.buttons]


async def cut(stage: Stage, how: Answer) -> tuple[Channel, Message]:
    stage.model.script(how, answer(Say("there was a fox.")))
    await stage.start()
    thread, shown = await stage.ask_in_thread("tell me a story")
    await stage.until_books_closed()
    return thread, shown[-1]


@pytest.mark.parametrize("how", CUTS)
async def test_a_cut_answer_goes_on_from_what_there_is(stage: Stage, how: Answer):
    thread, shown = await cut(stage, how)
    assert labels(shown)[0] == "Continue"
    assert last_line(shown).startswith("-# cut · ")
    press = await stage.theo.click(shown, "Continue")
    await press.answered()
    assert not press.ephemeral
    (more,) = await stage.answers(thread, press.id)
    assert more.content.startswith("there was a fox.")
    assert "Continue" not in labels(more)
    sent = json.dumps(stage.model.calls[-1].request["messages"])
    assert "tell me a story" in sent
    assert "Once upon a time" in sent
    assert "Go on" in stage.model.calls[-1].words


async def test_it_goes_on_after_a_restart_with_nothing_that_was_said_since(stage: Stage):
    thread, shown = await cut(stage, answer(Say("Once upon a time"), Finish("length")))
    asked = await stage.theo.say(thread, "something else entirely")
    await stage.answers(thread, asked.id)
    await stage.stop()
    await stage.start()
    press = await stage.mara.click(shown, "Continue")
    await press.answered()
    await stage.answers(thread, press.id)
    sent = json.dumps(stage.model.calls[-1].request["messages"])
    assert "Once upon a time" in sent
    assert "something else entirely" not in sent


async def test_what_had_come_when_easel_was_stopped_is_shown_and_goes_on(stage: Stage):
    stage.limit(stop_grace_s=0.0)
    stage.model.script(answer(Say("Once upon a time"), Stall()), answer(Say("there was a fox.")))
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} tell me a story")
    thread = await stage.thread_of(asked)
    await thread.wait_for(lambda one: one.content.startswith("Once upon a time"))
    await stage.stop()
    await stage.start()
    (shown,) = await stage.answers(thread, asked.id)
    assert shown.content.startswith("Once upon a time\n")
    assert "stopped" in shown.content
    assert last_line(shown).startswith("-# cut · ")
    press = await stage.mara.click(shown, "Continue")
    (more,) = await stage.answers(thread, press.id)
    assert more.content.startswith("there was a fox.")
    await stage.until_books_closed()
    assert len(stage.model.calls) == 2


async def test_what_was_cut_before_anything_came_offers_nothing_to_go_on_from(stage: Stage):
    stage.model.script(answer(Drop()))
    await stage.start()
    _, shown = await stage.ask_in_thread("tell me a story")
    assert labels(shown[-1]) == []
