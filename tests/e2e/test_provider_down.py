"""A provider that fails at every call: people are told at once, and one at a time tries whether it
works again.
"""

import asyncio

from bot.openrouter.breaker import FAILURES_MAX, PAUSE_S
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Status
from bot.sandbox.people import Person
from tests.e2e.stage import Stage, last_line

WAIT_S = 10.0


async def bring_down(stage: Stage) -> None:
    """Two requests are tried three times each, until it is enough."""
    stage.model.script(*[Status(503)] * FAILURES_MAX)
    for person in (stage.mara, stage.theo):
        asked = await person.say(stage.channel, f"{stage.me} a fox")
        answer = await stage.answers(await stage.thread_of(asked), asked.id)
        assert last_line(answer[-1]) == "-# provider · not charged"
    assert len(stage.model.calls) == FAILURES_MAX


async def refused(stage: Stage, person: Person) -> Message:
    """The reply to a mention, in place and without a thread."""
    asked = await person.say(stage.channel, f"{stage.me} a hen")
    (message,) = await stage.answers(stage.channel, asked.id)
    assert asked.thread is None
    assert last_line(message) == "-# provider · not charged"
    return message


async def test_while_the_provider_is_down_people_are_told_at_once(stage: Stage):
    await stage.start()
    await bring_down(stage)
    assert "several times in a row" in (await refused(stage, stage.ada)).content
    command = await stage.ada.command(stage.channel, "imagine", prompt="a hen")
    assert last_line(await command.finished()) == "-# provider · not charged"
    assert command.ephemeral
    assert len(stage.model.calls) == FAILURES_MAX
    assert await stage.open_holds() == 0
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd == 0


async def test_one_at_a_time_tries_whether_it_works_again_and_then_all_do(stage: Stage):
    await stage.start()
    await bring_down(stage)
    stage.clock.pushed_ms += round(PAUSE_S * 1000)
    stage.model.gate.close()
    probe = await stage.mara.say(stage.channel, f"{stage.me} a boat")
    async with asyncio.timeout(WAIT_S):
        await stage.model.gate.arrived(1)
    await refused(stage, stage.theo)
    stage.model.gate.open()
    (answer,) = await stage.answers(await stage.thread_of(probe), probe.id)
    assert last_line(answer).startswith("-# $0.")
    _, (answer,) = await stage.ask_in_thread("a hare")
    assert last_line(answer).startswith("-# $0.")
    assert len(stage.model.calls) == FAILURES_MAX + 2
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_try_that_fails_is_the_only_one(stage: Stage):
    await stage.start()
    await bring_down(stage)
    stage.clock.pushed_ms += round(PAUSE_S * 1000)
    stage.model.script(Status(503))
    _, answer = await stage.ask_in_thread("a boat")
    assert last_line(answer[-1]) == "-# provider · not charged"
    await refused(stage, stage.theo)
    assert len(stage.model.calls) == FAILURES_MAX + 1
    assert await stage.open_holds() == 0
