"""What the sweep takes up, and what it leaves alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

import bot.app
from bot.exchange import Admission
from bot.store.database import Database, Transaction
from tests.e2e.stage import Stage

T = TypeVar("T")


async def test_a_request_that_the_sweep_finds_first_waits_for_nobody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    swept = asyncio.Event()

    class SlowDatabase(Database):
        """Who admits a request hears late that its row is there."""

        async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            result = await super().write(operation)
            if isinstance(result, Admission):
                await swept.wait()
            return result

    monkeypatch.setattr(bot.app, "Database", SlowDatabase)
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    swept.set()
    (message,) = await stage.answers(thread, asked.id)
    assert message.attachments
    again = await stage.mara.say(thread, "make it night")
    await stage.answers(thread, again.id)
    assert [call.words for call in stage.model.calls] == ["a fox", "make it night"]
