"""Which calendar days a report is about: periods by the names people choose them by, and the days
before them that they are compared with. Only computed; what was spent is the store's to say.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from bot.clock import milliseconds, utc
from bot.store.entries import Days

Period = Literal["today", "week", "month", "last-month", "year", "all"]
PERIODS: tuple[Period, ...] = ("today", "week", "month", "last-month", "year", "all")
EVERY_DAY = Days(0, 99991231)
LATEST_MS = 2**63 - 1


def period_days(period: Period, now_ms: int, zone: tzinfo = UTC) -> Days:
    """The days of a zone that a period means at an instant. A week begins on Monday; the present
    week, month and year include the days to come; `all` is everything there is.
    """
    today = utc(now_ms).astimezone(zone).date()
    match period:
        case "today":
            return _days(today, today)
        case "week":
            monday = today - timedelta(days=today.weekday())
            return _days(monday, monday + timedelta(days=6))
        case "month":
            return _days(today.replace(day=1), _end_of_month(today))
        case "last-month":
            last = today.replace(day=1) - timedelta(days=1)
            return _days(last.replace(day=1), last)
        case "year":
            return _days(date(today.year, 1, 1), date(today.year, 12, 31))
        case "all":
            return EVERY_DAY


def days_before(period: Period, now_ms: int, zone: tzinfo = UTC) -> Days | None:
    """What a period is compared with: of one that is not over, as many days of the one before as
    have come of it, at most all of them. Before `all` there is nothing.
    """
    if period == "all":
        return None
    today = utc(now_ms).astimezone(zone).date()
    days = period_days(period, now_ms, zone)
    first = from_number(days.first)
    last = first - timedelta(days=1)
    match period:
        case "today":
            return _days(last, last)
        case "week":
            start = first - timedelta(days=7)
        case "year":
            start = date(last.year, 1, 1)
        case _:
            start = last.replace(day=1)
    passed = min(today, from_number(days.last)) - first
    return _days(start, last if period == "last-month" else min(last, start + passed))


def instants(days: Days, zone: tzinfo = UTC) -> tuple[int, int]:
    """From the first instant of the first day, in milliseconds since 1970, to before the end of the
    last; of EVERY_DAY all there are.
    """
    if days == EVERY_DAY:
        return 0, LATEST_MS
    first, last = from_number(days.first), from_number(days.last)
    return _midnight_ms(first, zone), _midnight_ms(last + timedelta(days=1), zone)


def _midnight_ms(day: date, zone: tzinfo) -> int:
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=zone))


def from_number(day: int) -> date:
    """The date of a day number yyyymmdd."""
    return date(day // 10_000, day // 100 % 100, day % 100)


def _days(first: date, last: date) -> Days:
    return Days(_number(first), _number(last))


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
