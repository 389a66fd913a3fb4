"""Several at once, events that come twice, connections that are lost, restarts."""

import asyncio

from bot.sandbox.discord.world import Message
from tests.e2e.stage import Stage, last_line


def answers_to(stage: Stage, asked: Message) -> list[Message]:
    place = asked.thread or asked.channel
    return [
        message
        for message in stage.ours(place)
        if last_line(message).startswith("-# ") and (asked.thread or message.reply_to is asked)
    ]


async def test_an_event_that_comes_twice_is_answered_once(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    stage.discord.redeliver(asked)
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    stage.discord.redeliver(asked)
    await stage.stop()
    await stage.start()
    stage.discord.redeliver(asked)
    again = await stage.theo.say(thread, "what is new?")
    await stage.answers(thread, again.id)
    assert len(stage.ours(thread)) == 2
    assert len(stage.model.calls) == 2


async def test_two_members_in_one_thread_are_answered_one_after_the_other_in_order(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    stage.model.gate.close()
    first = await stage.mara.say(thread, "make it night")
    second = await stage.theo.say(thread, "give it a scarf")
    async with asyncio.timeout(10):
        await stage.model.gate.arrived()
    assert [call.words for call in stage.model.calls][1:] == ["make it night"]
    stage.model.gate.open()
    await stage.discord.wait_until(lambda: bool(answers_to(stage, second)), 10)
    assert [call.words for call in stage.model.calls][1:] == ["make it night", "give it a scarf"]
    assert len(answers_to(stage, first)) == len(answers_to(stage, second)) == 1
    made = answers_to(stage, first)[0].attachments[0].data
    assert stage.model.calls[-1].pictures[-1].sha256 == stage.sha256(made)


async def test_a_member_runs_only_so_many_and_others_pass(stage: Stage):
    stage.limit(running_per_member_max=1)
    await stage.start()
    stage.model.gate.close()
    for text in ("one", "two"):
        await stage.mara.say(stage.channel, f"{stage.me} {text}")
    await stage.theo.say(stage.channel, f"{stage.me} three")
    async with asyncio.timeout(10):
        await stage.model.gate.arrived(2)
    assert {call.words for call in stage.model.calls} == {"one", "three"}
    stage.model.gate.open()
    async with asyncio.timeout(10):
        await stage.model.until(lambda: len(stage.model.calls) == 3)
    await stage.until_books_closed()


async def test_a_full_line_is_said_and_not_charged(stage: Stage):
    stage.limit(running_max=1, queue_max=1)
    await stage.start()
    stage.model.gate.close()
    asked = [await stage.mara.say(stage.channel, f"{stage.me} number {n}") for n in range(3)]
    refused = await stage.answers(stage.channel, asked[2].id)
    assert last_line(refused[-1]) == "-# busy · not charged"
    assert refused[-1].reply_to is asked[2]
    assert asked[2].thread is None
    stage.model.gate.open()
    for message in asked[:2]:
        await stage.answers(await stage.thread_of(message), message.id)
    assert len(stage.model.calls) == 2


async def test_a_lost_connection_is_resumed_and_nothing_missed(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    stage.discord.drop_connections()
    asked = await stage.mara.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    assert stage.discord.gateway.resumes == 1
    assert len(answers_to(stage, asked)) == 1


async def test_a_reconnect_that_discord_asks_for_changes_nothing(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    stage.discord.reconnect()
    asked = await stage.mara.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    assert len(answers_to(stage, asked)) == 1


async def test_a_restart_forgets_nothing(stage: Stage):
    await stage.start()
    thread, first = await stage.ask_in_thread("a red fox in deep snow")
    await stage.stop()
    await stage.start()
    asked = await stage.theo.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    call = stage.model.calls[-1]
    sent = [picture.sha256 for picture in call.pictures]
    assert sent[-1] == stage.sha256(first[0].attachments[0].data)
    assert "a red fox in deep snow" in str(call.request["messages"])


async def test_stopped_in_mid_answer_the_answer_arrives_first(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    async with asyncio.timeout(10):
        await stage.model.gate.arrived()
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.stop())
        stage.model.gate.open()
    assert len(stage.ours(thread)) == 1
    assert last_line(stage.ours(thread)[0]).startswith("-# $0.")


async def test_what_waited_at_the_stop_is_answered_once_by_the_next_start(stage: Stage):
    stage.limit(running_max=1)
    await stage.start()
    stage.model.gate.close()
    await stage.mara.say(stage.channel, f"{stage.me} first")
    async with asyncio.timeout(10):
        await stage.model.gate.arrived()
    waiting = await stage.theo.say(stage.channel, f"{stage.me} second")
    thread = await stage.thread_of(waiting)
    await thread.wait_for(lambda message: message.author is stage.discord.bot_user)
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.stop())
        stage.model.gate.open()
    assert [call.words for call in stage.model.calls] == ["first"]
    await stage.start()
    await stage.answers(thread, waiting.id)
    assert [call.words for call in stage.model.calls] == ["first", "second"]
    assert len(stage.ours(thread)) == 1


async def test_commands_are_told_to_discord_once(stage: Stage):
    await stage.start()
    await stage.stop()
    await stage.start()
    assert stage.discord.commands.syncs == 1


async def test_history_goes_along_within_its_limits_newest_kept(stage: Stage):
    stage.limit(context_pictures=1, context_tokens=3_000)
    await stage.start()
    thread, _ = await stage.ask_in_thread("number 0")
    for number in range(1, 4):
        asked = await stage.mara.say(thread, f"number {number}")
        await stage.answers(thread, asked.id)
    call = stage.model.calls[-1]
    text = str(call.request["messages"])
    assert "number 2" in text
    # The conversation's last is the one that is meant; of the others one may go along.
    sent = [picture.sha256 for picture in call.pictures]
    assert len(sent) <= 2
    assert sent[-1] == stage.sha256(stage.ours(thread)[2].attachments[0].data)
