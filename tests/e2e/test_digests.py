"""What is told at the beginning of a month of the one before."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from PIL import Image

from bot.clock import milliseconds
from bot.money import nano_usd
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Say, answer
from bot.upkeep import PAUSE_S
from tests.e2e.stage import MovableClock, Stage

FIRST = datetime(2027, 4, 1, 9, 30, tzinfo=UTC)


class Hourly(MovableClock):
    """Lets whoever sleeps for an hour go on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds < PAUSE_S:
            await super().sleep(seconds)
            return
        await self._turn.wait()

    def set(self, moment: datetime) -> None:
        self.pushed_ms += milliseconds(moment) - self.now_ms()


@asynccontextmanager
async def month_later(stage: Stage, moment: datetime) -> AsyncGenerator[None]:
    """The bot as it starts at a moment, after a March in which Mara spent $0.50."""
    clock = Hourly()
    stage.clock = clock
    clock.set(datetime(2027, 3, 10, 12, tzinfo=UTC))
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.5"))))
    asked = await stage.mara.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, asked.id)
    await stage.until_idle()
    await (
        await stage.ada.command(
            stage.channel,
            "server set",
            setting="notify",
            value=f"<#{stage.channel.id}>",
        )
    ).answered()
    await stage.stop()
    clock.set(moment)
    await stage.start()
    yield


def posted(stage: Stage) -> list[Message]:
    return [message for message in stage.ours(stage.channel) if message.embeds]


def owners(stage: Stage) -> list[str]:
    return [
        message.content for message in stage.ours(stage.owner.dm) if "Last month" in message.content
    ]


async def test_last_months_report_is_posted_once_and_the_owner_hears_what_is_left(stage: Stage):
    async with month_later(stage, FIRST):
        await stage.discord.wait_until(lambda: bool(posted(stage) and owners(stage)), 10)
        await stage.stop()
        await stage.start()
        await stage.ada.say(stage.channel, "still here")
    (message,) = posted(stage)
    (embed,) = message.embeds
    assert embed["title"] == "Spending in Atelier, last month"
    assert embed["description"].splitlines()[0] == "**$0.5000** for 1 exchange"
    assert Image.open(io.BytesIO(message.attachments[0].data)).format == "PNG"
    assert not message.pinged
    (told,) = owners(stage)
    assert told.splitlines() == [
        "Last month Easel spent $0.5000:",
        "- Atelier: $0.5000 for 1 exchange",
        "OpenRouter lets the key spend $9,999.50 more.",
    ]


@pytest.mark.parametrize("moment", [FIRST.replace(hour=8), FIRST.replace(day=4)])
async def test_neither_in_the_night_nor_days_later(stage: Stage, moment: datetime):
    async with month_later(stage, moment):
        await (await stage.ada.command(stage.channel, "server show")).finished()
    assert not posted(stage)
    assert not owners(stage)
