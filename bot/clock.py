"""The one source of time: aware UTC for what is stored and shown, monotonic seconds for durations,
and the calendar windows of the budgets. Everything else is handed a clock.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Protocol

SET_BACK_S_MAX = 86_400


class Clock(Protocol):
    """What time it is, and waiting for later."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own. Where that is set back by up to `SET_BACK_S_MAX` the time goes on from
    where it was until the machine has caught up, so that no window opens again, and no deadline and
    no duration gets longer; what is set back further was wrong before, and counts at once.
    """

    def __init__(
        self,
        time_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._time_ns = time_ns
        self._monotonic_ns = monotonic_ns
        self._ahead_ns = time_ns() - monotonic_ns()

    def now_ms(self) -> int:
        monotonic_ns = self._monotonic_ns()
        ahead_ns = self._time_ns() - monotonic_ns
        if not 0 < self._ahead_ns - ahead_ns <= SET_BACK_S_MAX * 1_000_000_000:
            self._ahead_ns = ahead_ns
        return (monotonic_ns + self._ahead_ns) // 1_000_000

    def monotonic_s(self) -> float:
        return self._monotonic_ns() / 1_000_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def utc(time_ms: int) -> datetime:
    """The aware UTC time of a number of milliseconds since 1970."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    assert moment.tzinfo is not None
    return round(moment.timestamp() * 1000)


def day_number(time_ms: int, zone: tzinfo = UTC) -> int:
    """The calendar day in a zone as the number yyyymmdd, which sorts and compares as days do."""
    moment = utc(time_ms).astimezone(zone)
    return moment.year * 10_000 + moment.month * 100 + moment.day


def day_text(day: int) -> str:
    """A day number as ISO 8601, `2026-11-24`."""
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"
