"""kill -9 at each of the six steps and between them: one result or one truthful notice, at most one
call at the model, no hold left open, and books that equal the account.
"""

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter import NoUsage, Paint, Say, Stall, Status, answer
from tests.e2e.killing import By, Killing
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line

BEFORE_THE_CALL = ("step:wait", "posted:0", "message", "step:hold", "step:call")
WITH_THE_PICTURE = ("received", "shelved", "picture")
AFTER_THE_CALL = ("step:settle", "step:answer", "shown", "step:done")
LATE_S = 600
"""Long enough for Discord to have forgotten a nonce."""
DEAD_TOKEN_S = 1_000
PHOTO = ("photo.png", png((200, 60, 40)))


@pytest.fixture
def by_message(stage: Stage, tmp_path: Path) -> Killing:
    return Killing(stage, tmp_path, "message")


@pytest.fixture
def by_command(stage: Stage, tmp_path: Path) -> Killing:
    return Killing(stage, tmp_path, "command")


@pytest.fixture(params=["message", pytest.param("command", marks=pytest.mark.long)])
def killing(stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> Killing:
    by: By = request.param
    return Killing(stage, tmp_path, by)


@pytest.mark.parametrize("point", BEFORE_THE_CALL)
async def test_killed_before_the_call_left_it_is_made_by_the_next_start(
    killing: Killing, point: str
):
    await killing.die(point, killing.ask)
    assert not killing.stage.model.calls
    await killing.result("usage")
    assert len(killing.stage.model.calls) == 1


async def test_killed_before_its_thread_was_noted_there_is_one_thread(by_message: Killing):
    await by_message.die("opened", by_message.ask)
    await by_message.result("usage")
    assert [thread.starter for thread in by_message.stage.channel.threads] == [by_message.asked]


@pytest.mark.parametrize("point", WITH_THE_PICTURE)
async def test_killed_with_the_picture_here_it_is_the_result(killing: Killing, point: str):
    await killing.die(point, killing.ask)
    await killing.result("generation")
    assert len(killing.stage.model.calls) == 1


@pytest.mark.parametrize("point", AFTER_THE_CALL)
async def test_killed_after_the_call_the_result_is_shown_once(killing: Killing, point: str):
    await killing.die(point, killing.ask)
    await killing.result("usage")
    assert len(killing.stage.model.calls) == 1


async def test_killed_before_the_call_left_for_certain_it_is_not_made_again(killing: Killing):
    await killing.die("state:sent", killing.ask)
    message = await killing.notice()
    assert last_line(message).startswith("-# unknown · charged ≈ $0.")
    assert not killing.stage.model.calls
    await killing.check_books("estimate")


async def test_killed_while_the_call_is_on_its_way_it_is_not_made_again(killing: Killing):
    gate = killing.stage.model.gate
    gate.close()
    await killing.die("none", killing.ask, gate.arrived)
    gate.open()
    message = await killing.notice()
    assert last_line(message).startswith("-# unknown · charged ≈ $0.")
    assert len(killing.stage.model.calls) == 1
    await killing.check_books("estimate")


async def test_killed_after_the_headers_the_notice_says_what_it_cost(killing: Killing):
    await killing.die("generation", killing.ask)
    message = await killing.notice()
    assert last_line(message).startswith("-# recovered · ")
    assert len(killing.stage.model.calls) == 1
    await killing.check_books("generation")


async def test_killed_in_mid_text_the_notice_says_what_it_cost(by_message: Killing):
    stage = by_message.stage
    stage.model.script(answer(Say("A fox is an animal that"), Stall()))

    async def text_shows() -> None:
        await stage.discord.wait_until(
            lambda: "A fox is" in "".join(message.content for message in by_message.shown)
        )

    await by_message.die("none", by_message.ask, text_shows)
    message = await by_message.notice()
    assert last_line(message).startswith("-# recovered · charged $0.")
    assert "*" not in last_line(message)
    await by_message.check_books("generation")


async def test_the_notice_says_first_that_the_cost_is_not_known(by_message: Killing):
    stage = by_message.stage
    stage.model.generation_misses = 1_000_000
    await by_message.die("generation", by_message.ask)
    await stage.start()
    await stage.discord.wait_until(
        lambda: "-# unknown · cost not known yet" in by_message.shown[-1].content
    )
    stage.model.generation_misses = 0
    (message,) = await by_message.at_rest()
    assert last_line(message).startswith("-# recovered · ")
    await by_message.check_books("generation")


async def test_a_cost_that_nobody_tells_stays_unknown_and_is_estimated(by_message: Killing):
    by_message.stage.model.generation_misses = 1_000_000
    by_message.stage.limit(unresolved_s=0.5)
    await by_message.die("generation", by_message.ask)
    message = await by_message.notice()
    assert last_line(message).startswith("-# unknown · charged ≈ $0.")
    await by_message.check_books("estimate")


async def test_killed_while_an_attachment_comes_it_is_fetched_again(killing: Killing):
    discord = killing.stage.discord
    hold = asyncio.Event()
    discord.faults.append(Fault("GET", "/cdn/.*", hold=hold))

    async def is_fetched() -> None:
        await discord.wait_until(lambda: not discord.faults)

    await killing.die("none", lambda: killing.ask("add a hat", PHOTO), is_fetched)
    hold.set()
    await killing.result("usage")
    (call,) = killing.stage.model.calls
    assert len(call.pictures) == 1


@pytest.mark.parametrize("point", ["step:done", "state:settled"])
async def test_killed_before_a_late_cost_is_shown_it_is_shown(by_message: Killing, point: str):
    by_message.stage.model.script(answer(Say("Here."), Paint(), NoUsage()))
    await by_message.die(point, by_message.ask)
    await by_message.result("generation")
    assert len(by_message.stage.model.calls) == 1


async def test_killed_with_a_text_here_it_is_the_result(by_message: Killing):
    await by_message.die("text", lambda: by_message.ask("what is a fox?"))
    (message,) = await by_message.rest()
    assert message.content.startswith("I am a stand-in")
    assert last_line(message).startswith("-# $0.")
    await by_message.check_books("generation")


@pytest.mark.parametrize("point", ["posted:0", "step:call", "shown"])
async def test_started_long_after_it_still_shows_one_message(by_message: Killing, point: str):
    await by_message.die(point, by_message.ask)
    by_message.later(LATE_S)
    await by_message.result("usage")
    assert len(by_message.stage.mara.pings) <= 1


@pytest.mark.parametrize("point", ["step:wait", "posted:0", "step:call", "step:answer"])
async def test_started_after_the_token_died_the_command_is_answered_once(
    by_command: Killing, point: str
):
    await by_command.die(point, by_command.ask)
    by_command.later(DEAD_TOKEN_S)
    messages = await by_command.rest()
    # Discord itself says of a "thinking" that outlived its token that nobody answered.
    (message,) = [message for message in messages if not message.thinking]
    assert len(message.attachments) == 1
    assert len(by_command.stage.mara.pings) <= 1
    await by_command.check_books("usage")


async def test_killed_ever_again_on_the_way_it_comes_to_one_result(by_message: Killing):
    await by_message.die("opened", by_message.ask)
    for point in ("posted:0", "step:hold", "step:call", "received", "step:settle", "shown"):
        await by_message.die(point)
    await by_message.result("generation")
    await by_message.stage.stop()
    await by_message.result("generation")
    assert len(by_message.stage.model.calls) == 1


@pytest.mark.parametrize("point", ["posted:0", "posted:1", "shown"])
async def test_killed_between_the_messages_of_an_answer_none_is_doubled(
    by_message: Killing, point: str
):
    stage = by_message.stage
    stage.model.script(answer(Say("Before."), Paint(), Say("After.")))
    await by_message.die(point, by_message.ask)
    first, second = await by_message.rest()
    assert first.content == "Before."
    assert len(first.attachments) == 1
    assert second.content.startswith("After.\n-# $0.")
    assert second.reply_to is first
    await by_message.check_books("usage")


async def test_killed_before_a_refusal_is_said_it_is_said_once(by_message: Killing):
    by_message.settings = "[budgets]\nmember_day_usd = 0\n"
    await by_message.die("step:answer", by_message.ask)
    message = await by_message.notice()
    assert last_line(message) == "-# budget · not charged"
    await by_message.check_books()


async def test_killed_before_a_retry_it_is_made_by_the_next_start(by_message: Killing):
    by_message.stage.model.script(Status(429))
    await by_message.die("state:voided", by_message.ask)
    await by_message.result("usage")
    assert [call.status for call in by_message.stage.model.calls] == [429, 200]


async def test_killed_with_others_in_line_each_is_answered_once(by_message: Killing):
    stage = by_message.stage
    gate = stage.model.gate
    gate.close()

    async def ask_twice() -> None:
        await by_message.ask()
        await gate.arrived()
        assert by_message.asked is not None
        thread = await stage.thread_of(by_message.asked)
        await stage.theo.say(thread, "a hare")

    async def waits() -> None:
        await stage.discord.wait_until(lambda: len(by_message.shown) == 2)

    await by_message.die("none", ask_twice, waits)
    gate.open()
    await by_message.rest()
    lines = [last_line(message) for message in by_message.shown]
    assert lines[0].startswith("-# unknown · charged ≈")
    assert lines[1].startswith("-# $0.")
    assert [call.words for call in stage.model.calls] == ["a fox", "a hare"]
    await by_message.check_books("estimate", "usage")
