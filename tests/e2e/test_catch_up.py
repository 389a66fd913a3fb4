"""What was said while Easel was away, after a restart or a lost session, is answered once, or has
one line where it is too old.
"""

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.ui.catching_up import PAUSES_S
from tests.e2e.photos import said
from tests.e2e.stage import Stage, last_line

WAIT_S = 10.0
OLD_MS = 11 * 60 * 1_000


def asked_of_model(stage: Stage) -> list[str]:
    """The last words of every call, in order."""
    return [said(call)[-1][1] for call in stage.model.calls]


async def answer_to(stage: Stage, channel: Channel, message: Message) -> Message:
    return await channel.wait_for(
        lambda one: one.reply_to is message and last_line(one).startswith("-# "), WAIT_S
    )


async def until_looked(stage: Stage, channel: Channel, times: int = 1) -> None:
    """Returns when a channel's history was read so often."""
    path = f"/channels/{channel.id}/messages"
    await stage.discord.wait_until(lambda: len(stage.discord.sent("GET", path)) >= times, WAIT_S)


async def test_what_was_said_during_a_restart_is_answered_once(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    before = await stage.theo.say(stage.theo.dm, "a boat")
    await stage.answers(stage.theo.dm, before.id)
    await stage.until_idle()
    await stage.stop()
    first = await stage.mara.say(thread, "make it red")
    between = await stage.theo.say(thread, "and the sky green")
    last = await stage.mara.say(thread, "and add a hat")
    direct = await stage.theo.say(stage.theo.dm, "at night")
    mention = await stage.ada.say(stage.channel, f"{stage.me} a hare")
    await stage.ada.say(stage.channel, "nice weather")
    await stage.start()
    for channel, message in ((thread, first), (thread, between), (stage.theo.dm, direct)):
        assert last_line(await answer_to(stage, channel, message)).startswith("-# $0.")
    assert (await stage.answers(await stage.thread_of(mention), mention.id))[-1].attachments
    for message in (last, first, between):
        stage.discord.redeliver(message)
    await stage.until_idle()
    words = asked_of_model(stage)
    assert words[:2] == ["a fox", "a boat"]
    assert sorted(words[2:]) == [
        "a hare",
        "and the sky green",
        "at night",
        "make it red\nand add a hat",
    ]
    assert words.index("make it red\nand add a hat") < words.index("and the sky green")
    assert len(stage.ours(thread)) == 3

    await stage.stop()
    await stage.start()
    await until_looked(stage, thread, 2)
    later = await stage.mara.say(thread, "enough")
    await answer_to(stage, thread, later)
    await stage.until_idle()
    assert len(stage.model.calls) == 7
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_what_is_too_old_has_one_line_in_each_conversation_once(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    await stage.stop()
    await stage.mara.say(thread, "make it red")
    newest = await stage.theo.say(thread, "make it blue")
    mention = await stage.ada.say(stage.channel, f"{stage.me} a hare")
    for looked in (1, 2):
        stage.clock.pushed_ms += OLD_MS
        await stage.start()
        for channel, message in ((thread, newest), (stage.channel, mention)):
            line = await answer_to(stage, channel, message)
            assert last_line(line) == "-# busy · not charged"
            assert "away" in line.content
        await until_looked(stage, thread, looked)
        await stage.stop()
    assert len(stage.ours(thread)) == 2
    assert len(stage.ours(stage.channel)) == 1
    assert len(stage.model.calls) == 1


async def test_what_a_lost_session_missed_is_answered(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    stage.discord.invalidate_sessions()
    missed = await stage.mara.say(thread, "make it red")
    assert (await answer_to(stage, thread, missed)).attachments
    assert stage.discord.gateway.identifies == 2
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "make it red"]


async def test_without_the_intent_only_what_it_would_hear_is_caught_up(stage: Stage):
    stage.discord.message_content_enabled = False
    heard = replace(stage.settings.discord, message_content=False)
    stage.settings = replace(stage.settings, discord=heard)
    await stage.start()
    thread, (answer,) = await stage.ask_in_thread("a fox")
    before = await stage.theo.say(stage.theo.dm, "a boat")
    await stage.answers(stage.theo.dm, before.id)
    await stage.stop()
    await stage.mara.say(thread, "make it red")
    mention = await stage.mara.say(thread, f"{stage.me} make it blue")
    reply = await stage.theo.say(thread, "make it green", reply_to=answer)
    await stage.theo.say(thread, "hm", reply_to=answer, ping=False)
    direct = await stage.theo.say(stage.theo.dm, "at night")
    await stage.start()
    for channel, message in ((thread, mention), (thread, reply), (stage.theo.dm, direct)):
        await answer_to(stage, channel, message)
    await stage.until_idle()
    assert sorted(asked_of_model(stage)[2:]) == ["at night", "make it blue", "make it green"]


async def test_reading_what_was_missed_delays_nobody_and_a_late_event_changes_nothing(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.stop()
    missed = await stage.mara.say(thread, "make it red")
    hold = asyncio.Event()
    stage.discord.faults.append(Fault("GET", f"/channels/{thread.id}/messages", hold=hold))
    await stage.start()
    mention = await stage.ada.say(stage.channel, f"{stage.me} a hare")
    await stage.answers(await stage.thread_of(mention), mention.id)
    stage.discord.redeliver(missed)
    await answer_to(stage, thread, missed)
    hold.set()
    later = await stage.theo.say(thread, "make it blue")
    await answer_to(stage, thread, later)
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "a hare", "make it red", "make it blue"]
    assert len(stage.ours(thread)) == 3


async def test_a_channel_that_may_not_be_read_keeps_no_other_from_being_caught_up(stage: Stage):
    await stage.start()
    hidden, _ = await stage.ask_in_thread("a fox")
    thread, _ = await stage.ask_in_thread("a boat")
    await stage.stop()
    await stage.mara.say(hidden, "make it red")
    missed = await stage.mara.say(thread, "make it blue")
    refusal = {"message": "Missing Access", "code": 50001}
    stage.discord.faults.append(
        Fault("GET", f"/channels/{hidden.id}/messages", status=403, body=refusal)
    )
    await stage.start()
    await answer_to(stage, thread, missed)
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "a boat", "make it blue"]


async def test_what_was_said_just_now_is_found_under_much_talk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.ui.catching_up.MESSAGES_MAX", 3)
    await stage.start()
    await stage.ask_in_thread("a fox")
    await stage.stop()
    mention = await stage.ada.say(stage.channel, f"{stage.me} a hare")
    for _ in range(5):
        await stage.theo.say(stage.channel, "nice weather")
    await stage.start()
    assert (await stage.answers(await stage.thread_of(mention), mention.id))[-1].attachments


async def test_a_channel_that_discord_fails_to_give_is_looked_at_again(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.stop()
    missed = await stage.mara.say(thread, "make it red")
    history = f"/channels/{thread.id}/messages"
    stage.discord.faults.append(Fault("GET", history, times=2, status=503))
    await stage.start()
    assert (await answer_to(stage, thread, missed)).attachments
    assert stage.clock.pauses.count(PAUSES_S[0]) == stage.clock.pauses.count(PAUSES_S[1]) == 1


async def test_what_could_not_be_read_is_looked_at_with_the_next_session(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await stage.stop()
    missed = await stage.mara.say(thread, "make it red")
    history = f"/channels/{thread.id}/messages"
    stage.discord.faults.append(Fault("GET", history, times=1 + len(PAUSES_S), status=503))
    await stage.start()
    await until_looked(stage, thread, 1 + len(PAUSES_S))
    stage.discord.invalidate_sessions()
    assert (await answer_to(stage, thread, missed)).attachments
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "make it red"]


async def test_the_roles_of_who_said_it_count_and_who_has_left_is_not_answered(stage: Stage):
    painters = stage.server.add_role("Painters")
    stage.server.join(stage.mara, [painters])
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    chosen = await stage.ada.command(
        stage.channel, "server set", setting="roles", value=painters.mention
    )
    await chosen.finished()
    await stage.stop()
    missed = await stage.mara.say(thread, "make it red")
    refused = await stage.theo.say(thread, "make it blue")
    await stage.ada.say(thread, "make it green")
    stage.server.leave(stage.ada)
    await stage.start()
    assert last_line(await answer_to(stage, thread, refused)) == "-# permission · not charged"
    assert (await answer_to(stage, thread, missed)).attachments
    await stage.until_idle()
    assert asked_of_model(stage) == ["a fox", "make it red"]
    assert len(stage.ours(thread)) == 3
