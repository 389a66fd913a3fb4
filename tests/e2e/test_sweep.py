"""What the sweep takes up, and what it leaves alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

import bot.app
from bot.request import Admission
from bot.sandbox.openrouter import NoUsage, Paint, Say, answer
from bot.store import exchanges
from bot.store.database import Database, Transaction
from tests.e2e.stage import Stage, last_line

T = TypeVar("T")


async def test_the_sweep_leaves_a_request_alone_that_is_being_admitted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    sweeps, go_on = asyncio.Semaphore(0), asyncio.Event()

    class SlowDatabase(Database):
        """Who admits a request hears late that its row is there."""

        async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            result = await super().write(operation)
            if isinstance(result, Admission):
                await go_on.wait()
            return result

        async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            result = await super().read(operation)
            if operation is exchanges.open_ids and result:
                sweeps.release()
            return result

    monkeypatch.setattr(bot.app, "Database", SlowDatabase)
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    for _ in range(3):
        await sweeps.acquire()
    assert asked.thread is None
    go_on.set()
    thread = await stage.thread_of(asked)
    (message,) = await stage.answers(thread, asked.id)
    assert message.attachments
    again = await stage.mara.say(thread, "make it night")
    await stage.answers(thread, again.id)
    assert [call.words for call in stage.model.calls] == ["a fox", "make it night"]


async def test_a_stop_does_not_wait_for_a_cost_and_the_next_start_shows_it(stage: Stage):
    stage.model.script(answer(Say("Here."), Paint(), NoUsage()))
    stage.model.generation_misses = 1_000_000
    stage.limit(unresolved_s=600.0, stop_grace_s=600.0)
    await stage.start()
    thread, (message,) = await stage.ask_in_thread("a fox")
    assert last_line(message).startswith("-# cost not known yet")
    async with asyncio.timeout(5):
        await stage.stop()
    stage.model.generation_misses = 0
    await stage.start()
    await stage.until_idle()
    assert stage.ours(thread) == [message]
    assert last_line(message).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
    assert len(stage.model.calls) == 1


async def test_others_of_a_conversation_do_not_wait_for_a_cost(stage: Stage):
    stage.model.script(answer(Say("Here."), Paint(), NoUsage()))
    stage.model.generation_misses = 1_000_000
    stage.limit(unresolved_s=600.0)
    await stage.start()
    thread, (first,) = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(thread, "what is a fox?")
    (second,) = await stage.answers(thread, asked.id)
    assert last_line(second).startswith("-# $0.")
    assert last_line(first).startswith("-# cost not known yet")
