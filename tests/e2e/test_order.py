"""One thing after another: events that come twice or late, who waits for whom, what a new start
knows, and what of a conversation goes along.
"""

import asyncio
import re

import pytest

from bot.sandbox.discord.shapes import ChannelKind
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Gate, Paint, Say
from bot.sandbox.openrouter.request import count_text_tokens
from cogs.create import Create
from tests.e2e.photos import said
from tests.e2e.stage import Stage, last_line

WAIT_S = 10.0


async def until_calls(stage: Stage, number: int) -> None:
    async with asyncio.timeout(WAIT_S):
        await stage.model.until(lambda: sum(bool(c.request) for c in stage.model.calls) == number)


async def until_at_gate(stage: Stage, number: int) -> None:
    async with asyncio.timeout(WAIT_S):
        await stage.model.gate.arrived(number)


def asked_of_model(stage: Stage) -> list[str]:
    return [call.words for call in stage.model.calls]


async def until_answered(stage: Stage, thread: Channel, asked: Message) -> Message:
    """The answer in a thread that replies to this message, when it has come to its end."""
    return await thread.wait_for(
        lambda one: one.reply_to is asked and last_line(one).startswith("-# "), WAIT_S
    )


async def test_a_command_whose_event_comes_twice_is_answered_once(stage: Stage):
    await stage.start()
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    stage.discord.world.tell("INTERACTION_CREATE", interaction)
    await interaction.finished()
    stage.discord.world.tell("INTERACTION_CREATE", interaction)
    await stage.stop()
    await stage.start()
    stage.discord.world.tell("INTERACTION_CREATE", interaction)
    other = await stage.theo.command(stage.channel, "imagine", prompt="a boat")
    await other.finished()
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "a boat"]
    assert len(stage.ours(stage.channel)) == 2
    callbacks = stage.discord.sent("POST", rf"/interactions/{interaction.id}/.*/callback")
    assert len(callbacks) == 1


async def test_a_refusal_whose_event_comes_twice_is_said_once(stage: Stage):
    stage.limit(running_max=1, queue_max=0)
    await stage.start()
    stage.model.gate.close()
    await stage.mara.say(stage.channel, f"{stage.me} a fox")
    await until_at_gate(stage, 1)
    asked = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    stage.discord.redeliver(asked)
    await stage.answers(stage.channel, asked.id)
    stage.model.gate.open()
    await stage.until_idle()
    stage.discord.redeliver(asked)
    again = await stage.ada.say(stage.channel, f"{stage.me} a cat")
    await stage.answers(await stage.thread_of(again), again.id)
    assert [last_line(one) for one in stage.ours(stage.channel)] == ["-# busy · not charged"]
    assert asked_of_model(stage) == ["a fox", "a cat"]


async def test_a_refused_command_of_a_full_line_is_told_at_once_and_privately(stage: Stage):
    stage.limit(running_max=1, queue_max=0)
    await stage.start()
    stage.model.gate.close()
    await stage.mara.say(stage.channel, f"{stage.me} a fox")
    await until_at_gate(stage, 1)
    interaction = await stage.theo.command(stage.channel, "imagine", prompt="a boat")
    await interaction.answered()
    assert interaction.ephemeral
    assert [last_line(one) for one in interaction.messages] == ["-# busy · not charged"]
    assert await stage.open_holds() == 1


async def test_the_next_of_a_thread_is_called_when_the_first_is_over_and_knows_its_answer(
    stage: Stage,
):
    await stage.start()
    thread, _ = await stage.ask_in_thread("hello?")
    gates = [asyncio.Event(), asyncio.Event(), asyncio.Event()]
    stage.model.script(*[[Gate(gate), Say(f"Answer {n}.")] for n, gate in enumerate(gates)])
    people = (stage.mara, stage.theo, stage.mara)
    asked = [await one.say(thread, f"question {n}?") for n, one in enumerate(people)]
    for number, gate in enumerate(gates):
        await until_calls(stage, 2 + number)
        # Whoever comes later has been heard, and is not called before this one is over.
        for later in asked[number + 1 :]:
            await thread.wait_for(lambda one, later=later: one.reply_to is later, WAIT_S)
        assert asked_of_model(stage)[1:] == [f"question {n}?" for n in range(number + 1)]
        before = [text for role, text in said(stage.model.calls[-1]) if role == "assistant"]
        assert before[1:] == [f"Answer {n}." for n in range(number)]
        gate.set()
        answer = await until_answered(stage, thread, asked[number])
        assert answer.content.startswith(f"Answer {number}.")
    # Where each answer stands was decided when its request was heard, all of them at once.
    answered = [one.reply_to for one in stage.ours(thread)[1:]]
    assert len(answered) == len(asked)
    assert set(answered) == set(asked)


async def test_of_all_only_so_many_run_at_once(stage: Stage):
    stage.limit(running_max=2, running_per_member_max=2)
    await stage.start()
    stage.model.gate.close()
    for text in ("one", "two"):
        await stage.mara.say(stage.channel, f"{stage.me} {text}")
    await until_at_gate(stage, 2)
    late = await stage.theo.say(stage.channel, f"{stage.me} three")
    thread = await stage.thread_of(late)
    await thread.wait_for(lambda one: "Waiting in line at place 1" in one.content, WAIT_S)
    assert set(asked_of_model(stage)) == {"one", "two"}
    stage.model.gate.open()
    await stage.answers(thread, late.id)


async def test_one_member_in_many_places_runs_only_so_many_and_all_are_answered(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = [await stage.mara.say(stage.channel, f"{stage.me} {n}") for n in range(4)]
    direct = await stage.mara.say(stage.mara.dm, "direct")
    await until_at_gate(stage, 2)
    other = await stage.theo.command(stage.channel, "imagine", prompt="other")
    await until_at_gate(stage, 3)
    assert "other" in asked_of_model(stage)
    assert len(asked_of_model(stage)) == 3
    stage.model.gate.open()
    for each in asked:
        await stage.answers(await stage.thread_of(each), each.id)
    await stage.answers(stage.mara.dm, direct.id)
    await other.finished()
    await stage.until_books_closed()
    assert sorted(asked_of_model(stage)) == ["0", "1", "2", "3", "direct", "other"]


async def test_whoever_waits_is_served_before_another_of_one_who_just_was(stage: Stage):
    stage.limit(running_max=1)
    await stage.start()
    gates = [asyncio.Event() for _ in range(4)]
    stage.model.script(*[[Gate(gate), Say("Done.")] for gate in gates])
    threads: list[tuple[Channel, Message]] = []
    for one, text in (
        (stage.mara, "m1"),
        (stage.mara, "m2"),
        (stage.mara, "m3"),
        (stage.theo, "t1"),
    ):
        asked = await one.say(stage.channel, f"{stage.me} {text}")
        thread = await stage.thread_of(asked)
        await thread.wait_for(lambda each: each.author is stage.discord.bot_user, WAIT_S)
        threads.append((thread, asked))
    for number, gate in enumerate(gates):
        await until_calls(stage, 1 + number)
        gate.set()
    for thread, asked in threads:
        await stage.answers(thread, asked.id)
    assert asked_of_model(stage) == ["m1", "t1", "m2", "m3"]


@pytest.mark.parametrize("way", ["lost", "asked to reconnect"])
async def test_what_was_said_while_the_connection_was_gone_is_answered_once_in_order(
    stage: Stage, way: str
):
    await stage.start()
    thread, _ = await stage.ask_in_thread("hello?")
    if way == "lost":
        stage.discord.drop_connections()
    else:
        stage.discord.reconnect()
    asked = [
        await stage.mara.say(thread, "first?"),
        await stage.theo.say(thread, "second?"),
        await stage.ada.say(stage.ada.dm, "third?"),
    ]
    interaction = await stage.ada.command(stage.channel, "imagine", prompt="fourth?")
    for each in asked[:2]:
        await until_answered(stage, thread, each)
    await stage.answers(stage.ada.dm, asked[2].id)
    await interaction.finished()
    await stage.until_idle()
    assert stage.discord.gateway.resumes == 1
    assert stage.discord.gateway.identifies == 1
    words = asked_of_model(stage)
    assert sorted(words) == ["first?", "fourth?", "hello?", "second?", "third?"]
    assert words.index("first?") < words.index("second?")
    assert len(stage.ours(thread)) == 3


async def test_an_invalid_session_ends_no_exchange_and_it_identifies_anew(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    await until_at_gate(stage, 1)
    stage.discord.invalidate_sessions()
    await stage.discord.wait_until(
        lambda: stage.discord.gateway.identifies == 2 and stage.discord.gateway.connected, WAIT_S
    )
    stage.model.gate.open()
    thread = await stage.thread_of(asked)
    (answer,) = await stage.answers(thread, asked.id)
    assert last_line(answer).startswith("-# $0.")
    asked = await stage.theo.say(thread, "make it night")
    assert (await until_answered(stage, thread, asked)).attachments
    assert asked_of_model(stage) == ["a fox", "make it night"]
    assert stage.discord.commands.syncs == 1


async def test_commands_are_told_again_only_when_they_changed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    await stage.start()
    await stage.stop()
    with monkeypatch.context() as patched:
        patched.setattr(Create.imagine, "description", "Paint something new")
        await stage.start()
        assert stage.discord.commands.syncs == 2
        told = {one["name"]: one["description"] for one in stage.discord.commands.scopes[0]}
        assert told["imagine"] == "Paint something new"
        await stage.stop()
        await stage.start()
        assert stage.discord.commands.syncs == 2
        await stage.stop()


async def test_a_restart_forgets_no_turn_and_no_place(stage: Stage):
    await stage.start()
    stage.model.script([Say("A fox for you."), Paint("a fox")], [Say("It is a vixen.")])
    thread, first = await stage.ask_in_thread("a fox")
    asked = await stage.theo.say(thread, "is it a vixen?")
    await until_answered(stage, thread, asked)
    told = await stage.ada.say(stage.ada.dm, "remember 17")
    await stage.answers(stage.ada.dm, told.id)
    await stage.stop()
    await stage.start()
    asked = await stage.mara.say(thread, "make it night")
    answer = await until_answered(stage, thread, asked)
    assert answer.attachments
    spoken = [text for _, text in said(stage.model.calls[-1])]
    for words in ("a fox", "A fox for you.", "is it a vixen?", "It is a vixen.", "make it night"):
        assert words in spoken
    sent = [picture.sha256 for picture in stage.model.calls[-1].pictures]
    assert sent == [stage.sha256(first[0].attachments[0].data)]
    assert stage.ada.dm.kind is ChannelKind.DM
    asked = await stage.ada.say(stage.ada.dm, "which number?")
    await stage.answers(stage.ada.dm, asked.id)
    assert "remember 17" in [text for _, text in said(stage.model.calls[-1])]


@pytest.mark.parametrize("pictures_max", [0, 1, 2])
async def test_of_earlier_pictures_the_newest_go_along_within_the_limit(
    stage: Stage, pictures_max: int
):
    stage.limit(context_pictures=pictures_max)
    await stage.start()
    thread, first = await stage.ask_in_thread("zero")
    made = [stage.sha256(first[0].attachments[0].data)]
    for text in ("one", "two", "three"):
        asked = await stage.mara.say(thread, text)
        made.append(stage.sha256((await until_answered(stage, thread, asked)).attachments[0].data))
    asked = await stage.mara.say(thread, "make it night")
    await until_answered(stage, thread, asked)
    sent = [picture.sha256 for picture in stage.model.calls[-1].pictures]
    # The last is what the request itself means; of those before it the limit is for.
    assert sent[-1] == made[-1]
    assert sent == made[-len(sent) :]
    assert pictures_max <= len(sent) <= pictures_max + 1 or (pictures_max, len(sent)) == (0, 1)


@pytest.mark.parametrize("tokens_max", [0, 400, 600])
async def test_of_earlier_turns_the_newest_go_along_within_the_limit(stage: Stage, tokens_max: int):
    stage.limit(context_tokens=tokens_max)
    await stage.start()
    stage.model.script(*[Say(f"Answer {n}. " + "word " * 100) for n in range(6)])
    thread, _ = await stage.ask_in_thread("question 0?")
    for number in range(1, 6):
        asked = await stage.mara.say(thread, f"question {number}?")
        await until_answered(stage, thread, asked)
    earlier = said(stage.model.calls[-1])[1:-1]
    assert said(stage.model.calls[-1])[-1] == ("user", "question 5?")
    numbers = [int(found[0]) for _, text in earlier if (found := re.findall(r"\d+", text))]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(5 - len(set(numbers)), 5))
    assert sum(count_text_tokens(text) for _, text in earlier) <= tokens_max
    # As many as fit: an answer more, of about 150 tokens, would be over it.
    assert sum(len(text.encode()) for _, text in earlier) / 3 > tokens_max - 200 or tokens_max == 0
