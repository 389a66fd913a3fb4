"""What the owner is told, and how often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import utc
from bot.money import NanoUsd, nano_usd
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say, Status, answer
from bot.settings import DEFAULT_MODEL, DEFAULT_PRICE
from tests.e2e.stage import Stage


def told(stage: Stage) -> list[Message]:
    return [
        message for message in stage.owner.dm.messages if message.author is stage.discord.bot_user
    ]


async def test_the_owner_is_told_once_of_a_refused_key(stage: Stage):
    await stage.start()
    stage.model.script(Status(401, "User not found."), Status(401, "User not found."))
    await stage.ask_in_thread("a fox")
    await stage.ask_in_thread("a boat")
    assert ["key" in message.content for message in told(stage)] == [True]


async def test_the_owner_is_told_once_of_used_up_credit_until_it_works_again(stage: Stage):
    await stage.start()
    refused = Status(402, "Insufficient credits.")
    stage.model.script(refused, refused, answer(Say("Here."), Paint()), refused)
    await stage.ask_in_thread("a fox")
    await stage.owner.dm.wait_for(lambda message: "credit" in message.content)
    stage.clock.pushed_ms += 25 * 3_600 * 1_000
    await stage.ask_in_thread("a boat")
    await stage.stop()
    await stage.start()
    await stage.ask_in_thread("a hare")
    assert len(told(stage)) == 1
    await stage.ask_in_thread("a hen")
    await stage.discord.wait_until(lambda: len(told(stage)) == 2)


async def test_credit_that_is_enough_for_some_requests_is_told_once_an_hour(stage: Stage):
    await stage.start()
    refused = Status(402, "Insufficient credits.")
    stage.model.script(refused, answer(Say("Here.")), refused, answer(Say("Here.")), refused)
    for _ in range(4):
        await stage.ask_in_thread("a fox")
        await stage.until_idle()
    assert len(told(stage)) == 1
    stage.clock.pushed_ms += 3_600 * 1_000
    await stage.ask_in_thread("a hen")
    await stage.discord.wait_until(lambda: len(told(stage)) == 2)


async def test_the_owner_is_told_again_a_day_later_of_what_may_pass(stage: Stage):
    await stage.start()
    stage.model.script(Status(404), Status(404), Status(404))
    await stage.ask_in_thread("a fox")
    await stage.ask_in_thread("a boat")
    stage.clock.pushed_ms += 25 * 3_600 * 1_000
    await stage.ask_in_thread("a hen")
    await stage.discord.wait_until(lambda: len(told(stage)) == 2)


async def test_the_owner_is_told_once_a_threshold_before_the_credit_runs_out(stage: Stage):
    stage.model.account.credit_nano_usd = int(nano_usd("4.50"))
    await stage.start()
    await stage.owner.dm.wait_for(lambda message: "$4.50" in message.content)
    await stage.stop()
    await stage.start()
    stage.model.account.credit_nano_usd = int(nano_usd("0.90"))
    await stage.stop()
    await stage.start()
    await stage.owner.dm.wait_for(lambda message: "$0.90" in message.content)
    assert len(told(stage)) == 2


async def test_a_changed_price_is_told_with_both_figures(stage: Stage):
    price = replace(DEFAULT_PRICE, input=NanoUsd(7_000))
    stage.settings = replace(stage.settings, prices={DEFAULT_MODEL: price})
    await stage.start()
    message = await stage.owner.dm.wait_for(lambda message: "input tokens" in message.content)
    assert "$8.0000" in message.content
    assert "$7.0000" in message.content


async def test_the_end_of_a_model_is_told_a_month_before(stage: Stage):
    day = (utc(stage.clock.now_ms()) + timedelta(days=20)).date().isoformat()
    stage.model.expiration_date = day
    await stage.start()
    message = await stage.owner.dm.wait_for(lambda message: "stop offering" in message.content)
    assert day in message.content


NO_DIRECT_MESSAGES = {"code": 50007, "message": "Cannot send messages to this user"}


async def test_what_did_not_reach_the_owner_is_told_with_the_next_call(
    stage: Stage, caplog: pytest.LogCaptureFixture
):
    await stage.start()
    send = f"/channels/{stage.owner.dm.id}/messages"
    refusal = Fault("POST", send, times=2, status=403, body=NO_DIRECT_MESSAGES)
    stage.discord.faults.append(refusal)
    stage.model.script(*[Status(401, "User not found.")] * 4)
    for number in range(4):
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await stage.answers(await stage.thread_of(asked), asked.id)
        if number < 2:
            attempts = number + 1
            await stage.discord.wait_until(
                lambda attempts=attempts: len(stage.discord.sent("POST", send)) == attempts
            )
    await stage.owner.dm.wait_for(lambda message: "key" in message.content)
    assert len(told(stage)) == 1
    assert caplog.text.count("for the owner: ") == 4
    assert caplog.text.count("the owner cannot be reached") == 1
    assert len(stage.discord.sent("POST", send)) == 3


async def test_the_owner_is_told_once_of_what_several_run_into_at_once(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    stage.model.script(*[Status(401, "User not found.")] * 2)
    asked = [
        await person.say(stage.channel, f"{stage.me} a fox") for person in (stage.mara, stage.theo)
    ]
    await stage.model.gate.arrived(2)
    stage.model.gate.open()
    for each in asked:
        await stage.answers(await stage.thread_of(each), each.id)
    await stage.owner.dm.wait_for(lambda message: "key" in message.content)
    await stage.until_idle()
    assert len(told(stage)) == 1
