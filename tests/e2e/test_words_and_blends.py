"""/ask, /describe and /blend: what is asked, answered and booked, wherever they are used."""

from typing import Any

import pytest

from bot.ledger import reports
from bot.money import NanoUsd
from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import Paint, Say, Stall, answer
from bot.store.database import Transaction
from tests.e2e.photos import meant, model_saw, png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, GOLD, GREEN, RED

USES: dict[str, dict[str, Any]] = {
    "ask": {"prompt": "why is the sky blue?"},
    "describe": {"picture": ("cat.png", png(RED))},
    "blend": {"picture1": ("a.png", png(RED)), "picture2": ("b.png", png(BLUE))},
}
KINDS = {"ask": "text", "describe": "describe", "blend": "blend"}
ROOM_FOR_TEXT = NanoUsd(200_000_000)
"""For a text of some length, and for no picture."""

each_command = pytest.mark.parametrize("command", USES)


async def kinds(stage: Stage) -> list[str]:
    async def read(tx: Transaction) -> list[str]:
        return [row.kind async for row in reports.spend_rows(tx, "all")]

    return await stage.read(read)


def instructions(stage: Stage) -> str:
    """What the model was told beside the person's words."""
    messages: Any = stage.model.calls[-1].request["messages"]
    return messages[0]["content"]


@pytest.mark.parametrize("direct", [False, True], ids=["server", "direct"])
@each_command
async def test_it_answers_where_it_was_used_and_is_booked_under_its_kind(
    stage: Stage, command: str, direct: bool
):
    await stage.start()
    channel: Channel = stage.mara.dm if direct else stage.channel
    used = await stage.mara.command(channel, command, **USES[command])
    await used.answered()
    assert not used.ephemeral
    (message,) = await stage.answers(channel, used.id)
    assert message is used.original
    assert last_line(message).startswith("-# $0.")
    assert len(message.attachments) == (1 if command == "blend" else 0)
    await stage.until_idle()
    assert await kinds(stage) == [KINDS[command]]
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


@pytest.mark.parametrize("command", ["ask", "describe"])
async def test_words_are_asked_for_as_text_alone_and_nothing_is_held_for_pictures(
    stage: Stage, command: str
):
    stage.budget(member_day_nano_usd=ROOM_FOR_TEXT)
    await stage.start()
    used = await stage.mara.command(stage.channel, command, **USES[command])
    await stage.answers(stage.channel, used.id)
    request = stage.model.calls[-1].request
    assert request["modalities"] == ["text"]
    assert isinstance(request["max_tokens"], int)
    assert 1_000 <= request["max_tokens"] < 16_000  # lowered to what the budget has room for


async def test_where_text_alone_is_not_offered_both_are_asked_for_from_then_on(stage: Stage):
    stage.model.text_only_accepted = False
    await stage.start()
    for prompt in ("one?", "two?"):
        used = await stage.mara.command(stage.channel, "ask", prompt=prompt)
        (message,) = await stage.answers(stage.channel, used.id)
        assert last_line(message).startswith("-# $0.")
    asked = [call.request["modalities"] for call in stage.model.calls]
    assert asked == [["text"], ["image", "text"], ["image", "text"]]


async def test_a_question_goes_with_its_picture(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel, "ask", prompt="what is this?", file=("cat.png", png(GREEN))
    )
    await stage.answers(stage.channel, used.id)
    assert stage.model.calls[-1].words == "what is this?"
    await model_saw(stage, GREEN)


async def test_a_description_is_of_the_picture(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "describe", **USES["describe"])
    await stage.answers(stage.channel, used.id)
    await model_saw(stage, RED)
    assert "Describe the picture" in instructions(stage)


async def test_a_blend_takes_its_pictures_in_order_and_the_words_if_there_are_any(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel,
        "blend",
        picture1=("a.png", png(RED)),
        picture2=("b.png", png(GREEN)),
        picture3=("c.png", png(BLUE)),
        picture4=("d.png", png(GOLD)),
        prompt="as a stamp",
    )
    await stage.answers(stage.channel, used.id)
    await model_saw(stage, RED, GREEN, BLUE, GOLD)
    assert stage.model.calls[-1].words == "as a stamp"
    assert "all the pictures" in instructions(stage)


@each_command
async def test_a_budget_without_room_refuses_it_privately_at_once(stage: Stage, command: str):
    stage.budget(member_day_nano_usd=NanoUsd(1))
    await stage.start()
    used = await stage.mara.command(stage.channel, command, **USES[command])
    await used.answered()
    assert used.ephemeral
    (message,) = used.messages
    assert "your daily budget" in message.content
    assert last_line(message) == "-# budget · not charged"
    assert not stage.ours(stage.channel)
    assert not stage.model.calls


@each_command
async def test_what_waited_in_line_is_answered_by_the_next_start(stage: Stage, command: str):
    stage.limit(running_max=1, stop_grace_s=0.0)
    stage.model.script(answer(Stall()))
    await stage.start()
    first = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    await stage.model.until(lambda: len(stage.model.calls) == 1)
    used = await stage.mara.command(stage.channel, command, **USES[command])
    await used.answered()
    await stage.stop()
    assert len(stage.model.calls) == 1
    await stage.start()
    (message,) = await stage.answers(stage.channel, used.id)
    assert message is used.original
    assert last_line(message).startswith("-# $0.")
    assert len(meant(stage.model.calls[-1])) == len(USES[command]) - (command == "ask")
    await stage.thread_of(first)


@each_command
async def test_what_ran_at_a_stop_says_what_became_of_it(stage: Stage, command: str):
    stage.limit(stop_grace_s=0.0)
    stage.model.script(answer(Paint() if command == "blend" else Say("The sky"), Stall()))
    await stage.start()
    used = await stage.mara.command(stage.channel, command, **USES[command])
    await stage.model.until(lambda: bool(stage.model.calls) and stage.model.calls[-1].status == 200)
    if command == "blend":
        await stage.until_kept()
    await stage.stop()
    await stage.start()
    await stage.until_books_closed()
    await stage.until_idle()
    assert used.original is not None
    assert len(used.original.attachments) == (1 if command == "blend" else 0)
    start = "-# $0." if command == "blend" else "-# recovered · charged $0."
    assert last_line(used.original).startswith(start)
    assert await kinds(stage) == [KINDS[command]]
    assert len(stage.model.calls) == 1
