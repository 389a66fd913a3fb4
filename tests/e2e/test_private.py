"""`private` on /imagine: the answer and all that belongs to it is only for the one who asked."""

from typing import Any

import pytest

from bot.money import NanoUsd, nano_usd
from bot.sandbox.discord.interactions import TOKEN_S, Interaction
from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter import NoUsage, Paint, Say, Stall, answer
from tests.e2e.photos import said, shas
from tests.e2e.stage import Stage, last_line


async def ask(stage: Stage, prompt: str = "a fox", **options: Any) -> Interaction:
    used = await stage.mara.command(
        stage.channel, "imagine", prompt=prompt, private=True, **options
    )
    await used.answered()
    assert used.ephemeral
    return used


def only_hers(stage: Stage, used: Interaction) -> None:
    """Fails if anybody else could see anything of it, or was pinged."""
    assert not stage.ours(stage.channel)
    assert all(message.visible_to is stage.mara for message in used.messages)
    assert not stage.mara.pings


async def test_everything_of_it_is_seen_by_the_asker_alone_and_pings_nobody(stage: Stage):
    long = " ".join(["word"] * 900)
    stage.model.script(answer(Say(long), Paint(), Say("Done.")))
    await stage.start()
    stage.model.gate.close()
    used = await ask(stage)
    await stage.model.until(lambda: stage.model.gate.waiting == 1)
    stage.clock.pushed_ms += 30_000  # long enough for a ping
    stage.model.gate.open()
    await stage.until_idle()
    only_hers(stage, used)
    assert len(used.messages) >= 3
    assert len(shas(stage, *used.messages)) == 1
    assert last_line(used.messages[-1]).startswith("-# $0.")
    assert not stage.mara.dm.messages


async def test_in_a_thread_it_is_no_part_of_the_conversation(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    used = await stage.mara.command(thread, "imagine", prompt="a secret", private=True)
    await used.answered()
    await stage.until_idle()
    assert "a red fox" not in str(said(stage.model.calls[-1]))
    asked = await stage.theo.say(thread, "what did we paint?")
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    assert "a secret" not in str(stage.model.calls[-1].request)


async def test_direct_messages_are_private_already(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.mara.dm, "imagine", prompt="a fox", private=True)
    await stage.answers(stage.mara.dm, used.id)
    assert not used.ephemeral


async def test_a_refusal_by_budget_is_private(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(1))
    await stage.start()
    used = await ask(stage)
    only_hers(stage, used)
    assert last_line(used.messages[0]) == "-# budget · not charged"


async def test_what_ran_at_a_stop_arrives_by_the_same_token(stage: Stage):
    stage.limit(stop_grace_s=0.0)
    stage.model.script(answer(Paint(), Stall()))
    await stage.start()
    used = await ask(stage)
    await stage.until_kept()
    await stage.stop()
    await stage.start()
    await stage.until_idle()
    only_hers(stage, used)
    (message,) = used.messages
    assert len(message.attachments) == 1
    assert last_line(message).startswith("-# $0.")
    assert len(stage.model.calls) == 1


async def token_dies(stage: Stage) -> Interaction:
    """Asked, painted, and too late for the token."""
    stage.model.gate.close()
    used = await ask(stage)
    await stage.model.until(lambda: stage.model.gate.waiting == 1)
    now = stage.discord.world.now
    stage.discord.world.now = lambda: now() + TOKEN_S + 1
    stage.model.gate.open()
    await stage.until_idle()
    return used


async def test_once_the_token_is_dead_it_arrives_in_direct_messages(stage: Stage):
    await stage.start()
    await token_dies(stage)
    assert not stage.ours(stage.channel)
    (message,) = stage.ours(stage.mara.dm)
    assert len(message.attachments) == 1
    assert last_line(message).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
    used = await stage.mara.command(stage.channel, "history")
    await used.answered()
    link = f"https://discord.com/channels/@me/{message.channel.id}/{message.id}"
    assert link in str(used.messages[0].embeds)


def refuse_direct_messages(stage: Stage) -> None:
    channel = stage.mara.dm.id
    stage.discord.faults.append(
        Fault(
            "POST",
            rf"/channels/{channel}/messages",
            times=100,
            status=403,
            body={"message": "Cannot send messages to this user", "code": 50007},
        )
    )


async def test_where_both_ways_are_closed_it_waits_in_the_history_and_comes_with_it(stage: Stage):
    await stage.start()
    refuse_direct_messages(stage)
    await token_dies(stage)
    assert not stage.ours(stage.channel)
    assert not stage.ours(stage.mara.dm)
    theirs = await stage.ada.command(stage.channel, "history", member=stage.mara)
    await theirs.answered()
    await stage.until_idle()
    assert "a fox" not in str(theirs.messages[0].embeds)
    assert len(theirs.messages) == 1
    used = await stage.mara.command(stage.channel, "history")
    await used.answered()
    assert "waits for you here" in str(used.messages[0].embeds)
    await stage.until_idle()
    await stage.discord.wait_until(lambda: len(used.messages) == 2, 20)
    only_hers(stage, used)
    assert len(used.messages[1].attachments) == 1
    assert last_line(used.messages[1]).startswith("-# $0.")
    again = await stage.mara.command(stage.channel, "history")
    await again.answered()
    assert "waits" not in str(again.messages[0].embeds)
    await stage.until_idle()
    assert len(again.messages) == 1
    assert len(stage.model.calls) == 1


async def test_its_buttons_answer_in_private_too(stage: Stage):
    await stage.start()
    used = await ask(stage)
    await stage.until_idle()
    press = await stage.mara.click(used.messages[-1], "Again")
    await press.answered()
    assert press.ephemeral
    await stage.until_idle()
    only_hers(stage, used)
    only_hers(stage, press)
    assert len(press.messages[-1].attachments) == 1


@pytest.mark.parametrize("several", [False, True])
async def test_delete_says_so_where_it_cannot_take_every_message(stage: Stage, several: bool):
    stage.model.script(answer(Say("word " * 900 if several else "word"), Paint()))
    await stage.start()
    used = await ask(stage)
    await stage.until_idle()
    *others, last = used.messages
    assert bool(others) == several
    press = await stage.mara.click(last, "Delete")
    await press.answered()
    await stage.discord.wait_until(lambda: last.deleted, 20)
    if not several:
        await stage.stop()
        assert not press.followups
        return
    await stage.discord.wait_until(lambda: bool(press.followups), 20)
    (told,) = press.followups
    assert told.visible_to is stage.mara
    assert "*Dismiss message*" in told.content
    for message in others:
        await stage.mara.delete(message)
    only_hers(stage, press)


@pytest.mark.parametrize("menu", ["Describe picture", "Continue here"])
async def test_its_menus_answer_in_private_too(stage: Stage, menu: str):
    await stage.start()
    used = await ask(stage)
    await stage.until_idle()
    pointed = await stage.mara.menu(used.messages[0], menu)
    await pointed.answered()
    await stage.until_idle()
    assert len(stage.model.calls) == 2
    only_hers(stage, pointed)


async def test_a_cost_that_is_known_late_is_corrected_there(stage: Stage):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 1_000_000
    await stage.start()
    used = await ask(stage)
    await stage.discord.wait_until(
        lambda: bool(used.messages) and "not known" in last_line(used.messages[-1]), 20
    )
    stage.model.generation_misses = 0
    await stage.until_books_closed()
    await stage.until_idle()
    only_hers(stage, used)
    assert last_line(used.messages[-1]).startswith("-# $0.")
    assert len(used.messages[-1].attachments) == 1


async def test_a_crash_between_two_of_its_messages_shows_each_once(stage: Stage):
    stage.limit(stop_grace_s=0.0)
    stage.model.script(answer(Say(" ".join(["word"] * 900)), Paint()))
    await stage.start()
    lost = Fault("POST", r"/webhooks/\d+/.*", times=100, status=500, body={})
    stage.discord.faults.append(lost)
    used = await ask(stage)
    await stage.discord.wait_until(
        lambda: bool(used.messages) and used.messages[0].content.count("word") > 100, 20
    )
    await stage.stop()
    stage.discord.faults.clear()
    await stage.start()
    await stage.until_idle()
    only_hers(stage, used)
    assert sum(message.content.count("word") for message in used.messages) == 900
    assert len(shas(stage, *used.messages)) == 1
    assert len(stage.model.calls) == 1


async def test_what_is_dear_is_asked_in_private_too(stage: Stage):
    stage.limit(ask_above_nano_usd=nano_usd("0.10"))
    await stage.start()
    used = await ask(stage)
    await stage.discord.wait_until(
        lambda: bool(used.messages) and any(used.messages[0].buttons), 20
    )
    await stage.discord.wait_until(
        lambda: "Confirm" in [one["label"] for one in used.messages[0].buttons], 20
    )
    assert not stage.model.calls
    await (await stage.mara.click(used.messages[0], "Confirm")).answered()
    await stage.until_idle()
    only_hers(stage, used)
    assert last_line(used.messages[0]).startswith("-# $0.")
