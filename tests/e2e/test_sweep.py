"""What the sweep takes up, and what it leaves alone."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
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


async def test_what_a_restart_left_goes_on_in_its_order_before_anything_new(stage: Stage):
    stage.limit(running_max=1, running_per_member_max=5)
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    stage.model.gate.close()
    await stage.ada.say(stage.channel, f"{stage.me} something else")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    words = ["make it night", "add a moon", "and a hill", "and snow"]
    said = [
        await person.say(thread, text)
        for person, text in zip((stage.mara, stage.theo) * 2, words, strict=True)
    ]
    await stage.discord.wait_until(
        lambda: {m.reply_to for m in stage.ours(thread)} >= set(said), 20
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.stop())
        stage.model.gate.open()
    before = len(stage.model.calls)
    new = await stage.mara.say(thread, "and a gate")  # unheard, and heard once it is said again
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.start())
        await stage.discord.wait_connected()
        stage.discord.redeliver(new)
    await stage.answers(thread, new.id)
    await stage.until_idle()
    calls = list(stage.model.calls)[before:]
    assert [call.words for call in calls] == [*words, "and a gate"]


async def test_an_answer_that_was_deleted_while_its_cost_was_open_does_not_come_back(stage: Stage):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 1_000_000
    await stage.start()
    thread, (message,) = await stage.ask_in_thread("a fox")
    assert last_line(message).startswith("-# cost not known yet")
    async with asyncio.timeout(10):
        delivered = partial(exchanges.is_delivered, exchange_id=thread.id)
        while not await stage.read(delivered):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.01)
    await stage.owner.delete(message)
    await stage.stop()
    stage.model.generation_misses = 0
    await stage.start()
    await stage.until_books_closed()
    await stage.until_idle()
    assert stage.ours(thread) == []
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
