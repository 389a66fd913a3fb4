"""The one source of time: aware UTC for what is stored and shown, monotonic seconds for durations,
and the calendar windows of the budgets. Everything else is handed a clock.
"""

import asyncio
import time
from datetime import UTC, datetime, tzinfo
from typing import Protocol


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
    """The machine's own."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

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
