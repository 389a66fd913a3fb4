"""The look at the provider: it goes on, and news count as told once the owner has them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.conversation.prompt import Terms
from bot.ledger.prices import Price
from bot.ledger.watch import AGAIN_AFTER_MS, LOOK_PAUSE_S, Watch
from bot.money import NanoUsd, nano_usd
from bot.openrouter.client import OpenRouter
from bot.pictures.shelf import Shelf
from bot.sandbox.openrouter import ModelSandbox
from bot.settings import DEFAULT_MODEL
from bot.store.database import Database
from tests.ledger.support import PRICE, SetClock

WAIT_S = 5.0


class HourGlass(SetClock):
    """Sleeps until it is turned."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()
        self._turned = asyncio.Event()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.asleep.set()
        await self._turned.wait()
        self._turned.clear()

    async def turn(self) -> None:
        """Lets who sleeps go on, and returns when they sleep again."""
        self.asleep.clear()
        self._turned.set()
        async with asyncio.timeout(WAIT_S):
            await self.asleep.wait()


@dataclass
class Owner:
    """Hears, or cannot be reached, or is an error of ours."""

    heard: list[str] = field(default_factory=list[str])
    reachable: bool = True
    error: Exception | None = None

    async def reach(self, sentence: str) -> bool:
        if self.error is not None:
            raise self.error
        if self.reachable:
            self.heard.append(sentence)
        return self.reachable


@dataclass
class Scene:
    model: ModelSandbox
    clock: HourGlass
    owner: Owner


@asynccontextmanager
async def watching(
    database: Database, folder: Path, owner: Owner, price: Price = PRICE, credit: str = "100"
) -> AsyncGenerator[Scene]:
    """A watch after its first look."""
    clock = HourGlass()
    async with (
        ModelSandbox() as model,
        Shelf(folder / "shelf") as shelf,
        asyncio.TaskGroup() as all_,
    ):
        model.account.credit_nano_usd = int(nano_usd(credit))
        async with OpenRouter(
            base_url=model.base_url,
            api_key=model.api_key,
            timeout_s=60,
            shelf=shelf,
            clock=clock,
        ) as client:
            watch = Watch(
                database=database,
                model=client,
                clock=clock,
                terms=Terms(DEFAULT_MODEL, price, 16_000, 32_000, 4),
                tell=owner.reach,
            )
            task = all_.create_task(watch.run())
            async with asyncio.timeout(WAIT_S):
                await clock.asleep.wait()
            yield Scene(model, clock, owner)
            task.cancel()


async def test_the_watch_goes_on_after_a_look_that_failed(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    owner = Owner(error=RuntimeError("ours"))
    async with watching(database, tmp_path, owner, credit="4.50") as scene:
        assert "could not be watched" in caplog.text
        owner.error = None
        await scene.clock.turn()
        assert ["$4.50" in each for each in owner.heard] == [True]
        assert scene.clock.pauses == [LOOK_PAUSE_S, LOOK_PAUSE_S]


async def test_news_that_did_not_reach_the_owner_are_logged_once_and_told_at_the_next_look(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    owner = Owner(reachable=False)
    price = Price(NanoUsd(7_000), PRICE.cached_input, PRICE.output, PRICE.image_output)
    async with watching(database, tmp_path, owner, price=price, credit="4.50") as scene:
        await scene.clock.turn()
        lines = [each.getMessage() for each in caplog.records if "for the owner" in each.msg]
        assert len(lines) == 2
        assert "$4.50" in lines[0]
        assert "input tokens" in lines[1]
        owner.reachable = True
        await scene.clock.turn()
        assert len(owner.heard) == 2
        await scene.clock.turn()
        assert len(owner.heard) == 2


async def test_a_threshold_is_told_once_and_again_after_it_was_left_or_a_week(
    database: Database, tmp_path: Path, clock: SetClock
):
    owner = Owner()
    async with watching(database, tmp_path, owner, credit="4.50") as scene:
        scene.model.account.credit_nano_usd = int(nano_usd("4.20"))
        await scene.clock.turn()
        assert len(owner.heard) == 1
        scene.model.account.credit_nano_usd = int(nano_usd("0.90"))
        await scene.clock.turn()
        assert "$0.90" in owner.heard[-1]
        scene.model.account.credit_nano_usd = int(nano_usd("100"))
        await scene.clock.turn()
        scene.model.account.credit_nano_usd = int(nano_usd("4.10"))
        await scene.clock.turn()
        assert "$4.10" in owner.heard[-1]
        clock.time_ms += AGAIN_AFTER_MS
        await scene.clock.turn()
        assert len(owner.heard) == 4
