"""Answers whose place is gone or closed: where they arrive instead, once, and what works there."""

import pytest

from bot.sandbox.discord import posting
from bot.sandbox.discord.shapes import ChannelKind, Permission
from bot.sandbox.discord.wire import Fault, rate_limited
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, Stall, answer, silent_block
from bot.sandbox.openrouter.script import Told
from bot.store import exchanges, messages, moves
from tests.e2e.photos import meant, shas
from tests.e2e.stage import Stage, last_line
from tests.e2e.test_answer_troubles import moderator
from tests.e2e.test_look_back import lose_answers, no_nonces, start_much_later

__all__ = ["no_nonces"]  # of every test here, too
TWO_PARTS = answer(Say("One:"), Paint("one"), Say("Two:"), Paint("two"))
MUTED = Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS


async def thread_and_request(stage: Stage) -> tuple[Channel, Message, Message]:
    """A thread of Easel's, the message that began it, and one in it whose call waits at the model.

    Theo began it, so that it is Mara's answer that moves to where Theo asked.
    """
    await stage.start()
    moderator(stage)
    first = await stage.theo.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(first)
    await stage.answers(thread, first.id)
    await stage.until_idle()
    stage.model.gate.close()
    asked = await stage.mara.say(thread, "a blue whale")
    await stage.model.gate.arrived()
    return thread, first, asked


async def release(stage: Stage) -> None:
    stage.model.gate.open()
    await stage.until_idle()
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


def results(channel: Channel) -> list[Message]:
    """What ends an exchange in a channel."""
    return [one for one in channel.messages if last_line(one).startswith("-# ")]


async def waiting(stage: Stage) -> int:
    return await stage.read(lambda tx: moves.count_undelivered(tx, stage.server.id, 0, 2**62))


async def test_a_thread_deleted_in_mid_work_leaves_the_channel_it_is_of(stage: Stage):
    thread, first, asked = await thread_and_request(stage)
    await stage.ada.delete_channel(thread)
    await release(stage)
    (message,) = results(stage.channel)
    assert message.reply_to is first
    assert message.content.startswith(f"For {stage.mara.mention}, ")
    assert message.pinged == []
    assert len(message.attachments) == 1
    assert [ping.pinged for ping in stage.ours(stage.channel) if ping is not message] == [
        [stage.mara]
    ]
    noted = await stage.read(lambda tx: exchanges.get(tx, asked.id))
    assert noted.answer_channel_id == stage.channel.id
    shown = await stage.read(lambda tx: messages.of_exchange(tx, asked.id))
    assert shown[messages.ANSWER].id == message.id


async def test_buttons_and_replies_go_on_with_an_answer_that_moved(stage: Stage):
    thread, _, _ = await thread_and_request(stage)
    await stage.ada.delete_channel(thread)
    await release(stage)
    (message,) = results(stage.channel)
    again = await stage.mara.click(message, "Again")
    await stage.answers(stage.channel, again.id)
    assert stage.model.calls[-1].words == "a blue whale"
    edit = await stage.mara.click(message, "Edit")
    await edit.answered()
    changed = await stage.mara.submit(edit, Prompt="at night")
    await stage.answers(stage.channel, changed.id)
    assert meant(stage.model.calls[-1]) == shas(stage, message)
    asked = await stage.theo.say(stage.channel, "in snow", reply_to=message)
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, message)
    await (await stage.mara.click(message, "Delete")).finished()
    assert message.deleted


async def test_where_the_message_that_began_the_thread_is_gone_too_it_stands_alone(stage: Stage):
    thread, first, _ = await thread_and_request(stage)
    await stage.theo.delete(first)
    await stage.ada.delete_channel(thread)
    await release(stage)
    (message,) = results(stage.channel)
    assert message.reply_to is None
    assert message.content.startswith(f"For {stage.mara.mention}, ")


async def test_a_locked_thread_leaves_the_channel_it_is_of(stage: Stage):
    thread, first, _ = await thread_and_request(stage)
    await stage.ada.change_thread(thread, archived=True, locked=True)
    await release(stage)
    (message,) = results(stage.channel)
    assert message.reply_to is first


async def test_a_command_in_a_thread_that_is_deleted_leaves_the_channel_it_is_of(stage: Stage):
    thread, first, _ = await thread_and_request(stage)
    stage.model.gate.open()
    await stage.until_idle()
    stage.model.gate.close()
    await stage.mara.command(thread, "imagine", prompt="a red kite")
    await stage.model.gate.arrived()
    await stage.ada.delete_channel(thread)
    await release(stage)
    (message,) = results(stage.channel)
    assert message.reply_to is first


@pytest.mark.parametrize("kind", ["text", "forum", "private"])
async def test_somebodys_thread_leaves_its_channel_a_forum_post_or_private_one_the_person(
    stage: Stage, kind: str
):
    await stage.start()
    moderator(stage)
    channel = stage.server.add_channel("ideas", "forum" if kind == "forum" else "text")
    if kind == "private":
        thread = posting.open_thread(
            channel, stage.server.owner, "A secret", 60, kind=ChannelKind.PRIVATE_THREAD
        )
        thread.people += [stage.mara, stage.ada, stage.discord.bot_user]
    else:
        thread = await stage.theo.start_thread(channel, "An idea", text="What of foxes?")
    stage.model.gate.close()
    await stage.mara.say(thread, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    await stage.ada.delete_channel(thread)
    await release(stage)
    (message,) = results(channel if kind == "text" else stage.mara.dm)
    assert len(message.attachments) == 1
    if kind != "text":
        assert results(channel) == []
        assert message.content.startswith(f"You asked this in <#{thread.id}>, ")


async def test_without_rights_in_the_channel_it_comes_by_direct_message(stage: Stage):
    thread, _, asked = await thread_and_request(stage)
    stage.channel.set_permissions(stage.discord.bot_user, deny=MUTED)
    await stage.ada.delete_channel(thread)
    await release(stage)
    assert results(stage.channel) == []
    (message,) = stage.ours(stage.mara.dm)
    assert message.content.startswith(f"You asked this in <#{thread.id}>, ")
    assert last_line(message).startswith("-# $0.")
    link = f"https://discord.com/channels/@me/{stage.mara.dm.id}/{message.id}"
    used = await stage.mara.command(stage.channel, "history")
    await used.answered()
    assert link in str(used.messages[0].embeds)
    again = await stage.mara.say(stage.mara.dm, "make it night", reply_to=message)
    await stage.answers(stage.mara.dm, again.id)
    assert meant(stage.model.calls[-1]) == shas(stage, message)
    await stage.until_idle()
    press = await stage.mara.click(message, "Again")
    await stage.answers(stage.mara.dm, press.id)
    assert await waiting(stage) == 0
    assert (await stage.read(lambda tx: exchanges.get(tx, asked.id))).moved == "direct"


async def test_a_right_lost_in_mid_work_moves_the_whole_answer_and_leaves_word(stage: Stage):
    stage.model.script(answer(Say("A fox.")), TWO_PARTS)
    thread, _, asked = await thread_and_request(stage)
    stage.channel.set_permissions(stage.discord.bot_user, deny=MUTED)
    await release(stage)
    first, second = stage.ours(stage.mara.dm)
    assert first.content.split("\n")[-1] == "One:"
    assert second.content.startswith("Two:\n-# $0.")
    assert second.reply_to is first
    left = next(one for one in stage.ours(thread) if one.reply_to is asked)
    assert left.content.startswith(f"The answer went to {stage.mara.mention} directly")
    assert left.attachments == []
    assert left.buttons == []


@pytest.mark.parametrize("late", [False, True], ids=["known", "late"])
async def test_what_reaches_nobody_waits_in_the_history_and_is_counted(stage: Stage, late: bool):
    if late:
        stage.model.script(Paint(), answer(Paint(), NoUsage()))
    thread, _, _ = await thread_and_request(stage)
    stage.mara.dms_open = False
    stage.channel.set_permissions(stage.discord.bot_user, deny=MUTED)
    await stage.ada.delete_channel(thread)
    await release(stage)
    assert await waiting(stage) == 1
    assert stage.ours(stage.mara.dm) == []
    used = await stage.mara.command(stage.channel, "history")
    await used.answered()
    assert "waits for you here" in str(used.messages[0].embeds)
    await stage.discord.wait_until(lambda: len(used.messages) == 2, 20)
    await stage.until_idle()
    _, message = used.messages
    assert message.ephemeral
    assert len(message.attachments) == 1
    assert last_line(message).startswith("-# $0.")
    assert await waiting(stage) == 0
    assert results(stage.channel) == []


async def test_the_next_start_moves_what_was_left(stage: Stage):
    stage.limit(stop_grace_s=0.0)
    stage.model.script(Paint(), answer(Paint(), Stall()))
    thread, first, _ = await thread_and_request(stage)
    stage.model.gate.open()
    await stage.until_kept()
    await stage.stop()
    await stage.ada.delete_channel(thread)
    await stage.start()
    await release(stage)
    (message,) = results(stage.channel)
    assert message.reply_to is first
    assert len(message.attachments) == 1
    assert len(stage.model.calls) == 2


@pytest.mark.parametrize("told", [Paint("a whale"), Say("A whale.")], ids=["picture", "text"])
async def test_what_was_posted_where_it_moved_and_not_noted_is_found_again(
    stage: Stage, told: Paint | Say
):
    stage.model.script(Say("A fox."), told)
    thread, _, _ = await thread_and_request(stage)
    await stage.ada.delete_channel(thread)
    lose_answers(stage, path=rf"/channels/{stage.channel.id}/messages")
    stage.model.gate.open()
    await start_much_later(stage)
    (message,) = results(stage.channel)
    assert len(message.attachments) == isinstance(told, Paint)


@pytest.mark.parametrize("told", [Paint(), silent_block()])
async def test_the_answer_to_a_command_acknowledged_too_late_says_whose_it_is(
    stage: Stage, told: Told
):
    await stage.start()
    stage.model.script(told)
    late = {"message": "Unknown interaction", "code": 10062}
    stage.discord.faults.append(Fault("POST", r"/interactions/.*", status=404, body=late))
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    await stage.discord.wait_until(lambda: any(one.pinged for one in stage.channel.messages))
    await stage.until_idle()
    assert interaction.messages == []
    answered, ping = stage.channel.messages
    assert answered.content.startswith(f"For {stage.mara.mention}:\n")
    assert answered.pinged == []
    assert last_line(answered).startswith("-# ")
    assert (ping.pinged, ping.reply_to) == ([stage.mara], answered)


async def test_a_response_that_cannot_be_looked_for_yet_is_no_lost_one(stage: Stage):
    await stage.start()
    busy = rate_limited(r"/webhooks/.*/messages/@original", 0.01, method="GET", times=6)
    lost = Fault("POST", r"/interactions/.*", after=True, drop=True)
    stage.discord.faults.extend([lost, busy])
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    answered = await interaction.finished()
    await stage.until_idle()
    assert len(answered.attachments) == 1
    assert stage.channel.messages == [answered]
