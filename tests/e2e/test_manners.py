"""The manners of answers: how long they usually take, how they are taken away by a cross, and what
becomes of very long ones.
"""

import tracemalloc
from dataclasses import replace

import pytest

from bot.sandbox.discord.shapes import Permission
from bot.sandbox.openrouter import Say, Stall, answer
from bot.sandbox.openrouter.request import count_text_tokens
from bot.ui import showing
from tests.e2e import scenes
from tests.e2e.cast import enter
from tests.e2e.stage import Stage, last_line

CROSS = "\N{CROSS MARK}"


async def paint(stage: Stage, times: int, took_s: int) -> None:
    """So many pictures at once, each of which takes so long."""
    stage.model.gate.close()
    used = [await stage.mara.command(stage.channel, "imagine", prompt="fox") for _ in range(times)]
    await stage.model.gate.arrived(times)
    stage.clock.pushed_ms += took_s * 1_000
    stage.model.gate.open()
    for one in used:
        await one.finished()
    await stage.until_idle()


async def test_the_time_to_expect_is_learnt_and_past_it_that_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(showing, "EDIT_PAUSE_S", 0.02)
    monkeypatch.setattr(showing, "ELAPSED_PAUSE_S", 0.04)
    stage.limit(running_per_member_max=10)
    await stage.start()
    await paint(stage, 5, took_s=40)
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.model.gate.arrived()
    await stage.channel.wait_for(
        lambda one: one is used.original and ", usually about 4" in one.content
    )
    stage.clock.pushed_ms += 60_000
    await stage.channel.wait_for(
        lambda one: one is used.original and ", longer than usual (about 4" in one.content
    )
    stage.model.gate.open()
    (made,) = await stage.answers(stage.channel, used.id)
    assert last_line(made).startswith("-# $")


async def test_of_another_kind_nothing_is_promised(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(showing, "EDIT_PAUSE_S", 0.02)
    monkeypatch.setattr(showing, "ELAPSED_PAUSE_S", 0.04)
    stage.limit(running_per_member_max=10)
    await stage.start()
    await paint(stage, 5, took_s=40)
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "ask", prompt="what is red?")
    await stage.model.gate.arrived()
    await stage.channel.wait_for(lambda one: one is used.original and " s*" in one.content)
    assert used.original is not None
    assert "usual" not in used.original.content
    stage.model.gate.open()
    await used.finished()


@pytest.mark.parametrize("where", ["thread", "direct"])
async def test_a_cross_by_the_one_who_asked_deletes_an_answer(stage: Stage, where: str):
    await stage.start()
    channel = stage.mara.dm
    if where == "thread":
        channel, _ = await stage.ask_in_thread("a boat")
    asked = await stage.mara.say(channel, "a red fox")
    (made,) = await stage.answers(channel, asked.id)
    await stage.until_idle()
    await stage.mara.react(made, "\N{THUMBS UP SIGN}")
    await stage.mara.react(made, CROSS)
    await stage.discord.wait_until(lambda: made.deleted, 20)
    assert not asked.deleted


@pytest.mark.cell(scenes.CROSS)
async def test_a_cross_is_heard_from_the_one_who_asked_alone_also_after_a_restart(stage: Stage):
    cast = await enter(stage)
    answers = {when: (await stage.ask_in_thread("a fox"))[1][-1] for when in scenes.WHEN}
    async for when in cast.before_and_after():
        for _, person in cast.people(pressing=True)[1:]:
            await person.react(answers[when], CROSS)
        await stage.ask_in_thread("a boat")
        assert not answers[when].deleted
        await stage.mara.react(answers[when], CROSS)
        await stage.discord.wait_until(lambda gone=answers[when]: gone.deleted, 10)


async def test_a_cross_by_somebody_else_or_under_something_else_deletes_nothing(stage: Stage):
    momo = stage.discord.add_person("Momo")
    stage.server.join(momo, [stage.server.add_role("Moderators", Permission.MANAGE_MESSAGES)])
    await stage.start()
    thread, (first,) = await stage.ask_in_thread("a boat")
    asked = await stage.mara.say(thread, "a red fox")
    (second,) = await stage.answers(thread, asked.id)
    await stage.until_idle()
    await stage.theo.react(first, CROSS)
    await momo.react(first, CROSS)
    await stage.mara.react(asked, CROSS)
    await stage.mara.react(second, CROSS)
    await stage.discord.wait_until(lambda: second.deleted, 20)
    assert not first.deleted
    assert not asked.deleted


LONG = "\n\n".join(f"Line {n}: " + "word " * 96 for n in range(1_290)).strip()
"""Nearly 128,000 tokens."""


def may_be_long(stage: Stage) -> None:
    openrouter = replace(stage.settings.openrouter, max_tokens=128_000)
    stage.settings = replace(stage.settings, openrouter=openrouter)


async def test_an_answer_of_128000_tokens_is_one_file_with_few_edits(stage: Stage):
    may_be_long(stage)
    assert 126_000 < count_text_tokens(LONG) <= 128_000
    stage.model.script(answer(Say(LONG, words_per_delta=60)))
    await stage.start()
    since_s = stage.clock.monotonic_s()
    used = await stage.mara.command(stage.channel, "ask", prompt="tell me everything")
    made = await stage.answers(stage.channel, used.id, 60)
    took_s = stage.clock.monotonic_s() - since_s
    assert [len(message.attachments) for message in made] == [1]
    assert made[0].attachments[0].data.decode() == LONG
    assert made[0].content.startswith("Line 0: word")
    assert made[0].edits <= took_s / 2 + 1


@pytest.mark.long
async def test_an_answer_of_128000_tokens_takes_little_memory(stage: Stage):
    may_be_long(stage)
    stage.model.script(answer(Say(LONG, words_per_delta=30), Stall()))
    await stage.start()
    tracemalloc.start()
    try:
        used = await stage.mara.command(stage.channel, "ask", prompt="tell me everything")
        await stage.channel.wait_for(
            lambda one: one is used.original and "Line 1289: word" in one.content, 60
        )
        held = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(True, "*/bot/*"), tracemalloc.Filter(False, "*/bot/sandbox/*")]
        )
    finally:
        tracemalloc.stop()
    assert sum(each.size for each in held.statistics("filename")) < 5 * 1024 * 1024
