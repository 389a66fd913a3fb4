"""The answer message: heard at once, honest on its way, whole and exact at its end."""

import asyncio
import re
from itertools import pairwise

import pytest

from bot.sandbox.discord.shapes import MEMBER_PERMISSIONS, Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import (
    Answer,
    Drop,
    Finish,
    Gate,
    NoUsage,
    Paint,
    Say,
    Status,
    UsageStep,
    answer,
)
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

STAGE_LINE = re.compile(r"\*[A-Z][^*]+ … (\d+) s\*")


async def ask_and_hold(stage: Stage, text: str = "a red fox") -> tuple[Channel, Message, Message]:
    """A mention whose call waits at the model: the thread, what was asked and the answer so far."""
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} {text}")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    (message,) = [one for one in thread.messages if one.author.is_bot and one.content]
    return thread, asked, message


def patches(stage: Stage, message: Message) -> list[float]:
    """When a message was edited."""
    path = f"/channels/{message.channel.id}/messages/{message.id}"
    return [one.time_s for one in stage.discord.sent("PATCH", path)]


async def test_a_mention_is_heard_within_a_second_while_the_model_is_silent(stage: Stage):
    await stage.start()
    _, asked, message = await ask_and_hold(stage)
    assert STAGE_LINE.fullmatch(message.content)
    assert message.created_at - asked.created_at < 1
    assert message.pinged == []


async def test_a_command_is_heard_within_a_second_while_the_model_is_silent(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.model.gate.arrived()
    assert used.latency_s is not None
    assert used.latency_s < 1
    assert used.original is not None
    assert used.original.thinking
    stage.model.gate.open()
    message = await used.finished()
    assert message.attachments
    assert used.messages == [message]


async def test_it_is_heard_before_its_pictures_are_fetched(stage: Stage):
    await stage.start()
    slow = asyncio.Event()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", hold=slow))
    asked = await stage.mara.say(
        stage.channel, f"{stage.me} make it night", files=[("cat.png", png(RED))]
    )
    thread = await stage.thread_of(asked)
    message = await thread.wait_for(lambda one: one.author.is_bot and bool(one.content))
    assert message.created_at - asked.created_at < 1
    assert not stage.model.calls
    slow.set()
    await stage.answers(thread, asked.id)


async def test_the_next_in_a_conversation_is_heard_while_the_first_is_at_work(stage: Stage):
    await stage.start()
    thread, _, _ = await ask_and_hold(stage)
    asked = await stage.theo.say(thread, "make it night")
    message = await thread.wait_for(lambda one: one.reply_to is asked)
    assert message.created_at - asked.created_at < 1
    assert len(stage.model.calls) == 1


async def test_the_text_grows_with_stage_and_time_and_an_edit_in_two_seconds(stage: Stage):
    await stage.start()
    first, second = asyncio.Event(), asyncio.Event()
    many = " ".join(f"fox {number}" for number in range(100))
    stage.model.script(
        [Say("Once"), Gate(first), Say(f" upon {many}", 1), Gate(second), Say(" the end.")]
    )
    asked = await stage.mara.say(stage.channel, f"{stage.me} tell of foxes")
    thread = await stage.thread_of(asked)
    stage.clock.pushed_ms += 40_000
    message = await thread.wait_for(lambda one: one.content.startswith("Once\n"))
    early = STAGE_LINE.fullmatch(last_line(message))
    assert early is not None
    assert 40 <= int(early[1]) < 60
    first.set()
    await thread.wait_for(lambda one: one.content.startswith(f"Once upon {many}\n"))
    later = STAGE_LINE.fullmatch(last_line(message))
    assert later is not None
    assert int(later[1]) - int(early[1]) >= 2
    times = [message.created_at, *patches(stage, message)]
    assert len(times) == 3
    assert all(then - before >= 1.95 for before, then in pairwise(times))
    second.set()
    assert await stage.answers(thread, asked.id) == [message]
    assert message.content.startswith(f"Once upon {many} the end.\n-# ")


async def test_long_text_on_its_way_shows_its_end_and_stays_legal(stage: Stage):
    await stage.start()
    gate = asyncio.Event()
    story = "\n\n".join(f"Chapter {n}. " + "The fox ran on. " * 12 for n in range(20))
    stage.model.script([Say(story, 50), Gate(gate)])
    asked = await stage.mara.say(stage.channel, f"{stage.me} tell of foxes")
    thread = await stage.thread_of(asked)
    message = await thread.wait_for(lambda one: "Chapter 19." in one.content)
    assert STAGE_LINE.fullmatch(last_line(message))
    gate.set()
    await stage.answers(thread, asked.id)


def fences(text: str) -> int:
    return len(re.findall(r"^```", text, re.MULTILINE))


async def test_long_text_is_split_into_legal_messages_with_fences_closed(stage: Stage):
    await stage.start()
    prose = [f"Line {number} of a long story about foxes." for number in range(40)]
    code = [f"    fox_{number} = den.fox({number})" for number in range(120)]
    stage.model.script(
        Say("\n".join([*prose, "```python", *code, "```", "That is all."]), words_per_delta=40)
    )
    thread, parts = await stage.ask_in_thread("a long one")
    assert len(parts) == 3
    assert all(0 < len(part.content) <= 2000 for part in parts)
    assert all(fences(part.content) % 2 == 0 for part in parts)
    assert all(part.reply_to is parts[0] for part in parts[1:])
    assert all(part.pinged == [] for part in parts)
    lines = [line for part in parts for line in part.content.split("\n")]
    *said, last = [line for line in lines if not line.startswith("```")]
    assert said == [*prose, *code, "That is all."]
    assert last.startswith("-# $")
    assert sum(line.startswith("-# ") for line in lines) == 1
    await stage.until_idle()
    assert thread.messages[-1] is parts[-1]


async def test_very_long_text_comes_as_a_file(stage: Stage):
    await stage.start()
    story = "\n\n".join(f"Chapter {n}. " + "The fox ran on. " * 40 for n in range(40)).strip()
    stage.model.script(Say(story, words_per_delta=200))
    thread, parts = await stage.ask_in_thread("a very long one")
    assert len(parts) == 1
    (file,) = parts[0].attachments
    assert file.name == f"easel-{thread.id}-text.md"
    assert file.data.decode() == story
    assert parts[0].content.startswith("Chapter 0.")
    assert last_line(parts[0]).startswith("-# $")


async def test_the_models_own_small_print_is_escaped_outside_code(stage: Stage):
    await stage.start()
    stage.model.script(Say("-# $0.0000 · 1 s\n```\n-# as code\n```\n> -# quoted\nend"))
    _, parts = await stage.ask_in_thread("fake a cost line")
    text, _, last = parts[0].content.rpartition("\n")
    assert text == "\\-# $0.0000 · 1 s\n```\n-# as code\n```\n> \\-# quoted\nend"
    assert re.fullmatch(r"-# \$0\.0\d{3} · \d s", last)


async def test_nobody_is_pinged_by_what_the_model_says(stage: Stage):
    role = stage.server.bot_role
    stage.server.set_role_permissions(role, MEMBER_PERMISSIONS | Permission.MENTION_EVERYONE)
    await stage.start()
    admins = next(role for role in stage.server.roles.values() if role.name == "Admins")
    shout = f"@everyone @here {stage.theo.mention} {stage.mara.mention} {admins.mention} listen!"
    stage.model.script(Say("\n".join([shout] * 40), words_per_delta=50))
    _, parts = await stage.ask_in_thread("shout")
    assert len(parts) > 1
    assert all(stage.theo.mention in part.content for part in parts)
    assert stage.theo.pings == stage.ada.pings == stage.mara.pings == []


@pytest.mark.parametrize(
    ("cost_nano_usd", "shown"),
    [(212_345_678, "$0.2123"), (212_350_000, "$0.2124"), (212_450_000, "$0.2124"), (0, "$0.0000")],
)
async def test_a_result_ends_with_its_cost_and_its_time(
    stage: Stage, cost_nano_usd: int, shown: str
):
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=cost_nano_usd))
    thread, asked, message = await ask_and_hold(stage)
    stage.clock.pushed_ms += 94_000
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    assert re.fullmatch(rf"A fox\.\n-# {re.escape(shown)} · 9[45] s", message.content)
    assert await stage.ledger_nano_usd() == cost_nano_usd


async def test_a_cost_not_known_yet_is_amended_in_place(stage: Stage):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Say("A fox."), Paint(), NoUsage(), cost_nano_usd=212_345_678))
    _, parts = await stage.ask_in_thread("a red fox")
    (message,) = parts
    file = message.attachments[0]
    assert re.fullmatch(r"A fox\.\n-# cost not known yet · \d s", message.content)
    assert await stage.open_holds() == 1
    stage.model.generation_misses = 0
    await message.channel.wait_for(lambda one: "$" in last_line(one))
    assert re.fullmatch(r"A fox\.\n-# \$0\.2123 · \d s", message.content)
    assert message.attachments == [file]
    assert await stage.ledger_nano_usd() == 212_345_678


async def test_a_cost_that_nobody_tells_becomes_an_estimate(stage: Stage):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Say("A fox."), NoUsage()))
    _, (message,) = await stage.ask_in_thread("a red fox")
    assert "cost not known yet" in message.content
    stage.clock.pushed_ms += 6_000
    await message.channel.wait_for(lambda one: "≈" in last_line(one))
    cost = re.fullmatch(r"A fox\.\n-# ≈ \$(\d\.\d{4}) · \d s", message.content)
    assert cost is not None
    booked = await stage.ledger_nano_usd()
    assert abs(booked - float(cost[1]) * 1e9) <= 50_000
    assert booked > 250_000_000  # the whole hold, with a picture in it


LENGTH = Finish("length", "max_output_tokens")


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Status(400, "Your request was rejected by the safety system."), "blocked · not charged"),
        (Answer((Say("A fox"), LENGTH), cost_nano_usd=31_000_000), "cut · charged $0.0310"),
    ],
)
async def test_a_notice_ends_with_its_word_and_what_was_charged(
    stage: Stage, told: Answer | Status, line: str
):
    await stage.start()
    stage.model.script(told)
    _, (message,) = await stage.ask_in_thread("a red fox")
    assert last_line(message) == f"-# {line}"
    assert sum(one.startswith("-# ") for one in message.content.split("\n")) == 1


async def test_a_notice_of_unknown_cost_is_amended_in_place(stage: Stage):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Say("A fox"), Drop(), cost_nano_usd=31_000_000))
    _, (message,) = await stage.ask_in_thread("a red fox")
    before = message.content
    assert last_line(message) == "-# cut · cost not known yet"
    stage.model.generation_misses = 0
    await message.channel.wait_for(lambda one: "charged" in last_line(one))
    assert message.content == before.replace("cost not known yet", "charged $0.0310")


async def test_a_cost_line_is_amended_in_the_last_of_several_messages(stage: Stage):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    usage = UsageStep(leave_out=("cost",))
    steps = (Say("One:"), Paint("one"), Say("Two:"), Paint("two"), usage)
    stage.model.script(Answer(steps, cost_nano_usd=400_000_000))
    thread, (first, last) = await stage.ask_in_thread("foxes")
    assert last.content.startswith("Two:\n-# cost not known yet · ")
    stage.model.generation_misses = 0
    await thread.wait_for(lambda one: "$" in last_line(one))
    assert re.fullmatch(r"Two:\n-# \$0\.4000 · \d s", last.content)
    assert first.content == "One:"
    assert len(first.attachments) == len(last.attachments) == 1


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Paint(), "Your picture is ready."),
        (Say("No."), "Your answer is ready."),
        (Status(400, "rejected by the safety system"), "This has ended without a result."),
    ],
)
async def test_over_twenty_seconds_the_one_who_asked_is_pinged_once(
    stage: Stage, told: Paint | Say | Status, line: str
):
    await stage.start()
    stage.model.script(told)
    thread, asked, message = await ask_and_hold(stage, f"a red fox for {stage.theo.mention}")
    stage.clock.pushed_ms += 20_500
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    (ping,) = stage.mara.pings
    assert ping.content == f"{stage.mara.mention} {line}"
    assert ping.reply_to is message
    assert ping.pinged == [stage.mara]
    assert thread.messages[-1] is ping


async def test_before_twenty_seconds_nobody_is_pinged(stage: Stage):
    await stage.start()
    thread, asked, _ = await ask_and_hold(stage)
    stage.clock.pushed_ms += 18_000
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    assert stage.mara.pings == []


async def test_a_notice_that_took_long_to_come_pings_although_nothing_was_called(stage: Stage):
    await stage.start()
    slow = asyncio.Event()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", hold=slow))
    asked = await stage.mara.say(
        stage.channel, f"{stage.me} make it night", files=[("cat.png", b"no picture")]
    )
    thread = await stage.thread_of(asked)
    await thread.wait_for(lambda one: one.author.is_bot and bool(one.content))
    stage.clock.pushed_ms += 30_000
    slow.set()
    await stage.answers(thread, asked.id)
    ping = await thread.wait_for(lambda one: stage.mara in one.pinged)
    assert ping.content == f"{stage.mara.mention} This has ended without a result."
