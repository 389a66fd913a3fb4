"""*Describe picture* and *Continue here*: on whose messages, where, and with what."""

from dataclasses import replace

import pytest

from bot.ledger import reports
from bot.money import NanoUsd
from bot.sandbox.openrouter import Paint, Say, Stall, answer
from bot.store.database import Transaction
from tests.e2e.photos import meant, model_saw, png, said, shas
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, RED

MENUS = ("Describe picture", "Continue here")
each_menu = pytest.mark.parametrize("menu", MENUS)


async def kinds(stage: Stage) -> list[str]:
    async def read(tx: Transaction) -> list[str]:
        return [row.kind async for row in reports.spend_rows(tx, "all")]

    return sorted(await stage.read(read))


@pytest.mark.parametrize("direct", [False, True], ids=["server", "direct"])
async def test_a_picture_of_anybodys_message_is_described_where_it_stands(
    stage: Stage, direct: bool
):
    await stage.start()
    if direct:
        shown = await stage.mara.say(stage.mara.dm, "mine", files=[("cat.png", png(RED))])
        await stage.answers(stage.mara.dm, shown.id)
    else:
        shown = await stage.theo.say(stage.channel, "mine", files=[("cat.png", png(RED))])
    used = await stage.mara.menu(shown, "Describe picture")
    (message,) = await stage.answers(shown.channel, used.id)
    assert message is used.original
    await model_saw(stage, RED)
    assert stage.model.calls[-1].request["modalities"] == ["text"]
    assert "describe" in await kinds(stage)


async def test_a_picture_of_easels_is_described_from_the_shelf(stage: Stage):
    await stage.start()
    _, (painted,) = await stage.ask_in_thread("a red fox")
    used = await stage.theo.menu(painted, "Describe picture")
    await stage.answers(painted.channel, used.id)
    assert meant(stage.model.calls[-1]) == shas(stage, painted)


async def test_somebodys_words_and_pictures_become_the_first_turn(stage: Stage):
    await stage.start()
    theirs = await stage.theo.say(stage.channel, "a stamp of this", files=[("b.png", png(BLUE))])
    used = await stage.mara.menu(theirs, "Continue here")
    (message,) = await stage.answers(stage.channel, used.id)
    assert message is used.original
    assert len(message.attachments) == 1
    assert said(stage.model.calls[-1]) == [("user", "a stamp of this")]
    await model_saw(stage, BLUE)
    assert await kinds(stage) == ["edit"]
    used = await stage.ada.menu(message, "Continue here")
    await stage.answers(stage.channel, used.id)
    assert said(stage.model.calls[-1])[0] == ("user", "a stamp of this")
    assert meant(stage.model.calls[-1]) == shas(stage, message)


async def test_an_earlier_answer_goes_on_without_what_was_said_after_it(stage: Stage):
    await stage.start()
    thread, (first,) = await stage.ask_in_thread("tell of foxes?")
    later = await stage.mara.say(thread, "and of whales?")
    await stage.answers(thread, later.id)
    used = await stage.mara.menu(first, "Continue here")
    await stage.answers(thread, used.id)
    told = str(said(stage.model.calls[-1]))
    assert "tell of foxes?" in told
    assert "and of whales?" not in told


async def test_in_direct_messages_it_goes_on_in_that_conversation(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.mara.dm, "tell of foxes?")
    (answered,) = await stage.answers(stage.mara.dm, asked.id)
    used = await stage.mara.menu(answered, "Continue here")
    (message,) = await stage.answers(stage.mara.dm, used.id)
    assert message is used.original
    assert said(stage.model.calls[-1])[0] == ("user", "tell of foxes?")


async def test_menus_see_what_they_are_used_on_without_the_content_intent(stage: Stage):
    stage.settings = replace(
        stage.settings, discord=replace(stage.settings.discord, message_content=False)
    )
    stage.discord.message_content_enabled = False
    await stage.start()
    theirs = await stage.theo.say(stage.channel, "why is the sky blue?")
    used = await stage.mara.menu(theirs, "Continue here")
    await stage.answers(stage.channel, used.id)
    assert stage.model.calls[-1].words == "why is the sky blue?"


@each_menu
async def test_a_message_with_nothing_to_take_is_refused_privately(stage: Stage, menu: str):
    await stage.start()
    text = "no picture" if menu == "Describe picture" else ""
    files = [] if text else [("notes.bin", b"\0\1\2")]
    theirs = await stage.theo.say(stage.channel, text, files=files)
    used = await stage.mara.menu(theirs, menu)
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == "-# unreadable · not charged"
    assert not stage.model.calls


@each_menu
async def test_a_budget_without_room_refuses_it_privately_at_once(stage: Stage, menu: str):
    stage.budget(member_day_nano_usd=NanoUsd(1))
    await stage.start()
    theirs = await stage.theo.say(stage.channel, "a cat", files=[("cat.png", png(RED))])
    used = await stage.mara.menu(theirs, menu)
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == "-# budget · not charged"
    assert not stage.ours(stage.channel)


@each_menu
async def test_what_ran_at_a_stop_says_what_became_of_it(stage: Stage, menu: str):
    stage.limit(stop_grace_s=0.0)
    paints = menu == "Continue here"
    stage.model.script(answer(Paint() if paints else Say("A cat"), Stall()))
    await stage.start()
    theirs = await stage.theo.say(stage.channel, "a cat", files=[("cat.png", png(RED))])
    used = await stage.mara.menu(theirs, menu)
    await stage.model.until(lambda: bool(stage.model.calls) and stage.model.calls[-1].status == 200)
    if paints:
        await stage.until_kept()
    await stage.stop()
    await stage.start()
    await stage.until_books_closed()
    await stage.until_idle()
    assert used.original is not None
    assert len(used.original.attachments) == int(paints)
    start = "-# $0." if paints else "-# recovered · charged $0."
    assert last_line(used.original).startswith(start)
    assert len(stage.model.calls) == 1


async def test_continuing_a_private_answer_stays_private(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=True)
    await used.answered()
    await stage.until_idle()
    assert used.original is not None
    more = await stage.mara.menu(used.original, "Continue here")
    await more.answered()
    await stage.until_idle()
    assert more.ephemeral
    assert said(stage.model.calls[-1])[0] == ("user", "a fox")
    assert not stage.ours(stage.channel)
