"""The machine's clock is set back: windows, deadlines and durations stay as they were, and nothing
is shown twice.
"""

import asyncio
import time
from pathlib import Path

from bot.clock import SystemClock
from bot.money import nano_usd
from bot.sandbox.openrouter import NoUsage, Paint, answer
from tests.e2e.killing import Killing
from tests.e2e.stage import MovableClock, Stage, last_line

HOUR_S = 3_600
LATE_S = 600


class SettableClock(MovableClock):
    """That of a machine whose clock is set."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by_s = 0
        self._system = SystemClock(lambda: time.time_ns() + self.set_by_s * 10**9)


async def test_over_a_call_its_duration_and_its_days_budget_stay(stage: Stage):
    stage.clock = clock = SettableClock()
    stage.budget(member_day_nano_usd=nano_usd("0.55"))  # for one picture
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(10):
        await stage.model.gate.arrived()
    clock.set_by_s = -23 * HOUR_S
    stage.model.gate.open()
    (message,) = await stage.answers(await stage.thread_of(asked), asked.id)
    seconds = last_line(message).split()[-2]
    assert 0 <= int(seconds) < 60
    again = await stage.mara.say(stage.channel, f"{stage.me} a hare")
    (refusal,) = await stage.answers(stage.channel, again.id)
    assert last_line(refusal) == "-# budget · not charged"


async def test_before_a_start_an_open_cost_is_not_waited_for_any_longer(stage: Stage):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 10**6
    stage.limit(unresolved_s=600.0)
    await stage.start()
    await stage.ask_in_thread("a fox")
    await stage.stop()
    stage.clock.pushed_ms = -23 * HOUR_S * 1000
    stage.limit(unresolved_s=0.5)
    await stage.start()
    await stage.until_books_closed(10)
    await stage.until_idle()


async def test_before_a_start_what_was_sent_is_found_and_not_sent_again(
    stage: Stage, tmp_path: Path
):
    killing = Killing(stage, tmp_path)
    await killing.die("posted:0", killing.ask)
    killing.later(LATE_S)  # Discord knows the nonce no more
    stage.clock.pushed_ms = -HOUR_S * 1000
    await killing.result("usage")
