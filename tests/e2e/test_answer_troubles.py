"""Answers when Discord or people get in the way: one result, where it can be seen."""

import asyncio
from collections.abc import Callable

import pytest

from bot.money import NanoUsd
from bot.sandbox.discord import posting
from bot.sandbox.discord.shapes import Json, MessageKind, Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, answer
from bot.store import messages, pieces
from bot.store.exchanges import Step, get
from tests.e2e.stage import Stage, last_line

SEND = r"/channels/\d+/messages"
EDIT = r"/channels/\d+/messages/\d+"
OPEN = r"/channels/\d+/messages/\d+/threads"
TWO_PARTS = (Say("One:"), Paint("one"), Say("Two:"), Paint("two"))


async def ask_and_hold(stage: Stage, text: str = "a red fox") -> tuple[Channel, Message, Message]:
    """A mention whose call waits at the model: the thread, what was asked and the answer so far."""
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} {text}")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    (message,) = ours(stage, thread)
    return thread, asked, message


def ours(stage: Stage, channel: Channel) -> list[Message]:
    bot = stage.discord.bot_user
    return [
        one
        for one in channel.messages
        if one.author is bot and one.kind is not MessageKind.THREAD_STARTER
    ]


def assert_whole(parts: list[Message]) -> None:
    """Fails unless the messages are the answer of `TWO_PARTS`, each once."""
    first, second = parts
    assert first.content.split("\n")[-1] == "One:"
    assert second.content.startswith("Two:\n")
    assert [len(part.attachments) for part in parts] == [1, 1]
    assert last_line(parts[-1]).startswith("-# $")


LANDED: list[tuple[str, str, int, Json]] = [
    ("POST", SEND, 0, {"status": 502}),
    ("POST", OPEN, 0, {"drop": True}),
    ("POST", SEND, 0, {"drop": True}),
    ("POST", SEND, 1, {"drop": True}),
    ("PATCH", EDIT, 0, {"drop": True}),
]


@pytest.mark.parametrize(("method", "path", "skip", "fault"), LANDED)
async def test_what_landed_although_discord_failed_is_not_doubled(
    stage: Stage, method: str, path: str, skip: int, fault: Json
):
    await stage.start()
    stage.discord.faults.append(Fault(method, path, skip=skip, after=True, **fault))
    stage.model.script(TWO_PARTS)
    thread, parts = await stage.ask_in_thread("foxes")
    assert not stage.discord.faults
    await stage.until_idle()
    assert ours(stage, thread) == parts
    assert_whole(parts)
    assert ours(stage, stage.channel) == []
    assert len(stage.channel.threads) == 1


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
async def test_a_commands_answer_is_not_doubled(stage: Stage, fault: Json):
    await stage.start()
    stage.discord.faults.append(Fault("PATCH", "/webhooks/.*", after=True, **fault))
    stage.model.script(TWO_PARTS)
    used = await stage.mara.command(stage.channel, "imagine", prompt="foxes")
    parts = await stage.answers(stage.channel, used.id)
    assert not stage.discord.faults
    await stage.until_idle()
    assert ours(stage, stage.channel) == parts
    assert parts[0] is used.original
    assert_whole(parts)


@pytest.mark.parametrize("path", [OPEN, SEND])
async def test_a_connection_lost_before_anything_landed_loses_no_request(stage: Stage, path: str):
    await stage.start()
    stage.discord.faults.append(Fault("POST", path, drop=True))
    thread, parts = await stage.ask_in_thread("a red fox")
    assert not stage.discord.faults
    assert ours(stage, thread) == parts
    assert len(parts[0].attachments) == 1


async def test_a_ping_that_landed_is_not_doubled(stage: Stage):
    await stage.start()
    thread, asked, _ = await ask_and_hold(stage)
    stage.clock.pushed_ms += 30_000
    stage.discord.faults.append(Fault("POST", SEND, after=True, drop=True))
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    assert not stage.discord.faults
    assert len(stage.mara.pings) == 1


async def test_an_answer_made_in_time_and_delivered_late_pings(stage: Stage):
    await stage.start()
    thread, asked, _ = await ask_and_hold(stage)
    hold = asyncio.Event()
    stage.discord.faults.append(Fault("PATCH", EDIT, status=503))
    stage.discord.faults.append(Fault("PATCH", EDIT, status=503, hold=hold))
    stage.model.gate.open()
    await stage.discord.wait_until(lambda: len(stage.discord.faults) == 1)
    stage.clock.pushed_ms += 30_000
    hold.set()
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    (ping,) = stage.mara.pings
    assert ping.content.endswith(" Your picture is ready.")


async def test_an_answer_delivered_in_time_does_not_ping_when_it_is_repeated_late(stage: Stage):
    stage.model.script(answer(Say("A fox."), NoUsage()))
    stage.model.generation_misses = 1_000_000
    stage.limit(unresolved_s=600.0)
    await stage.start()
    _, (message,) = await stage.ask_in_thread("what is a fox?")
    await stage.stop()
    stage.model.generation_misses = 0
    stage.clock.pushed_ms += 100_000
    await stage.start()
    await stage.until_idle()
    assert last_line(message).startswith("-# $")
    assert stage.mara.pings == []


def moderator(stage: Stage) -> None:
    """Ada may manage messages and threads."""
    (role,) = stage.server.members[stage.ada.id].roles
    power = Permission.MANAGE_MESSAGES | Permission.MANAGE_THREADS
    stage.server.set_role_permissions(role, role.permissions | power)


@pytest.mark.parametrize("late_ms", [0, 120_000], ids=["soon", "late"])
async def test_a_deleted_answer_message_is_replaced_by_one_new(stage: Stage, late_ms: int):
    await stage.start()
    moderator(stage)
    thread, asked, message = await ask_and_hold(stage)
    await stage.ada.delete(message)
    stage.clock.pushed_ms += late_ms
    stage.model.gate.open()
    (new,) = await stage.answers(thread, asked.id)
    assert new is not message
    assert new.nonce != message.nonce  # Discord may still know the old one
    assert len(new.attachments) == 1
    await stage.until_idle()
    noted = await stage.read(lambda tx: messages.of_exchange(tx, asked.id))
    assert noted[messages.ANSWER].id == new.id
    pings = [one for one in ours(stage, thread) if one is not new]
    assert len(pings) == (1 if late_ms else 0)


async def test_a_thread_archived_meanwhile_is_opened_again_for_the_same_message(stage: Stage):
    await stage.start()
    moderator(stage)
    thread, asked, message = await ask_and_hold(stage)
    await stage.ada.change_thread(thread, archived=True)
    stage.model.gate.open()
    assert await stage.answers(thread, asked.id) == [message]
    assert len(message.attachments) == 1
    assert not thread.archived
    assert ours(stage, thread) == [message]


async def test_a_thread_locked_meanwhile_leaves_the_channel_it_began_in(stage: Stage):
    await stage.start()
    moderator(stage)
    thread, asked, message = await ask_and_hold(stage)
    await stage.ada.change_thread(thread, archived=True, locked=True)
    stage.model.gate.open()
    (new,) = await stage.answers(stage.channel, asked.id)
    assert new.reply_to is asked
    assert len(new.attachments) == 1
    assert ours(stage, thread) == [message]


async def test_a_thread_deleted_meanwhile_leaves_the_channel_it_began_in(stage: Stage):
    await stage.start()
    moderator(stage)
    stage.model.script(TWO_PARTS)
    thread, asked, _ = await ask_and_hold(stage)
    await stage.ada.delete_channel(thread)
    stage.model.gate.open()
    await stage.answers(stage.channel, asked.id)
    await stage.until_idle()
    *parts, ping = ours(stage, stage.channel)
    assert_whole(parts)
    assert parts[0].content.startswith(f"For {stage.mara.mention}, ")
    assert parts[0].pinged == []
    assert parts[0].reply_to is asked
    assert parts[1].reply_to is parts[0]
    assert ping.pinged == [stage.mara]


async def test_a_request_deleted_meanwhile_is_answered_all_the_same(stage: Stage):
    await stage.start()
    thread, asked, message = await ask_and_hold(stage)
    await stage.mara.delete(asked)
    stage.model.gate.open()
    assert await stage.answers(thread, asked.id) == [message]
    assert len(message.attachments) == 1


async def test_a_commands_answer_deleted_meanwhile_is_replaced_by_one_new(stage: Stage):
    await stage.start()
    moderator(stage)
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.model.gate.arrived()
    assert used.original is not None
    await stage.ada.delete(used.original)
    stage.model.gate.open()
    (new,) = await stage.answers(stage.channel, used.id)
    assert len(new.attachments) == 1


async def test_an_answer_waits_out_a_discord_that_fails_for_a_while(stage: Stage):
    await stage.start()
    thread, asked, message = await ask_and_hold(stage)
    stage.discord.faults.append(Fault("PATCH", EDIT, times=3, drop=True))
    stage.model.gate.open()
    assert await stage.answers(thread, asked.id) == [message]
    assert not stage.discord.faults


def leave_all(stage: Stage, thread: Channel) -> None:
    """The bot is thrown out."""
    stage.server.leave(stage.discord.bot_user)


def delete_all(stage: Stage, thread: Channel) -> None:
    """The thread is deleted, and then the channel it began in."""
    posting.delete_channel(thread)
    posting.delete_channel(stage.channel)


@pytest.mark.parametrize("close", [leave_all, delete_all])
async def test_an_answer_that_can_be_shown_nowhere_ends_and_its_money_is_booked(
    stage: Stage, close: Callable[[Stage, Channel], None]
):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Say("A fox."), Paint(), NoUsage()))
    thread, asked, _ = await ask_and_hold(stage)
    close(stage, thread)
    stage.model.gate.open()
    refused = {403, 404}
    await stage.discord.wait_until(lambda: stage.discord.requests[-1].status in refused)
    stage.clock.pushed_ms += 6_000
    await stage.until_idle()
    assert (await stage.read(lambda tx: get(tx, asked.id))).step is Step.DONE
    assert await stage.open_holds() == 0
    assert await stage.ledger_nano_usd() > 250_000_000  # the whole hold, with a picture in it
    assert stage.mara.pings == []


async def test_no_hold_waits_for_a_discord_that_fails(stage: Stage):
    await stage.start()
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Say("A fox."), NoUsage()))
    thread, asked, message = await ask_and_hold(stage)
    stage.discord.faults.append(Fault("PATCH|POST", f"{EDIT}|{SEND}", times=99_999, status=503))
    stage.model.gate.open()
    await stage.discord.wait_until(lambda: stage.discord.requests[-1].status == 503)
    stage.clock.pushed_ms += 6_000
    await stage.until_books_closed()
    stage.discord.faults.clear()
    assert (await stage.answers(thread, asked.id))[0] is message
    assert last_line(message).startswith("-# ≈ $")


async def test_what_discord_does_not_take_ends_although_its_notice_is_not_taken_either(
    stage: Stage,
):
    await stage.start()
    _, asked, _ = await ask_and_hold(stage)
    stage.discord.faults.append(Fault("PATCH|POST", f"{EDIT}|{SEND}", times=999, status=400))
    stage.model.gate.open()
    await stage.until_idle()
    assert (await stage.read(lambda tx: get(tx, asked.id))).step is Step.DONE


async def test_a_picture_missing_on_the_disk_is_said_and_the_others_arrive(stage: Stage):
    await stage.start()
    stage.model.script((Say("Two:"), Paint("one"), Paint("two")))
    stage.discord.faults.append(Fault("PATCH", EDIT, times=99, status=503))
    asked = await stage.mara.say(stage.channel, f"{stage.me} foxes")
    thread = await stage.thread_of(asked)
    await stage.discord.wait_until(lambda: len(stage.discord.sent("PATCH", EDIT)) >= 4)
    await stage.stop()
    first, second = [
        piece.picture.id
        for piece in await stage.read(lambda tx: pieces.of_exchange(tx, asked.id))
        if piece.picture is not None
    ]
    shelf = stage.settings.storage.data_dir / "shelf"
    (lost,) = [path for path in shelf.rglob(first) if path.parent.name != "tagged"]
    lost.unlink()
    stage.discord.faults.clear()
    await stage.start()
    (message,) = await stage.answers(thread, asked.id)
    await stage.until_idle()
    assert "A picture of this answer is missing on Easel's disk" in message.content
    assert message.content.endswith(" s")
    (file,) = message.attachments
    assert stage.sha256(file.data) == second
    assert file.name == f"easel-{asked.id}-2.png"


async def test_a_refusal_that_cannot_be_said_is_logged_and_harms_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
):
    stage.budget(total_month_nano_usd=NanoUsd(0))
    await stage.start()
    stage.discord.faults.append(Fault("POST", "/interactions/.*", times=9, drop=True))
    await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.discord.wait_until(lambda: stage.discord.faults[0].times < 9)
    await stage.stop()
    assert "its refusal was not said" in caplog.text
    assert not [one for one in caplog.records if one.name.startswith("discord")]
