"""The calendar windows that budgets are counted in: days, weeks from Monday, months and ever, in a
time zone that may have been changed. Only computed; nothing is ever reset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.clock import milliseconds
from bot.store.balances import Span
from bot.store.servers import ZoneChange

FOREVER_MS = 253_370_764_800_000
"""Where `ever` ends: the year 9999, in UTC."""


@dataclass(frozen=True, slots=True)
class Window:
    """The instants from `start_ms` to before `end_ms`."""

    start_ms: int
    end_ms: int


def window(span: Span, now_ms: int, changes: Sequence[ZoneChange] = ()) -> Window:
    """The window of an instant after these changes of the zone, oldest first; before them it is
    UTC. A window that was open at a change keeps its bounds and the next begins where it ends. What
    that leaves of the new zone's window is one of its own, or, if less than half of one, part of
    the window after it: else moving the clock would give a second allowance for a few hours.
    """
    if span == "ever":
        return Window(0, FOREVER_MS)
    zone: tzinfo = UTC
    since_ms: int | None = None
    coming: tzinfo | None = None
    turns_ms = 0
    for change in changes:
        if change.changed_ms > now_ms:  # as long as a clock was put back
            break
        if coming is not None and change.changed_ms >= turns_ms:
            zone, since_ms, coming = coming, turns_ms, None
        if coming is None:
            turns_ms = _since(span, change.changed_ms, zone, since_ms).end_ms
        coming = time_zone(change.zone)
    if coming is not None and now_ms >= turns_ms:
        zone, since_ms = coming, turns_ms
    return _since(span, now_ms, zone, since_ms)


@cache
def time_zone(name: str | None) -> tzinfo:
    """The zone of this name; UTC without one, or where this machine knows it no more."""
    try:
        return UTC if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _since(span: Span, now_ms: int, zone: tzinfo, since_ms: int | None) -> Window:
    """The calendar's window, of which the first one begins at `since_ms`."""
    found = calendar(span, now_ms, zone)
    if since_ms is None or found.start_ms == since_ms:
        return found
    if found.start_ms > since_ms:
        before = calendar(span, found.start_ms - 1, zone)
        joined = before.start_ms < since_ms and _is_short(before, since_ms)
        return Window(since_ms, found.end_ms) if joined else found
    if _is_short(found, since_ms):
        return Window(since_ms, calendar(span, found.end_ms, zone).end_ms)
    return Window(since_ms, found.end_ms)


def _is_short(found: Window, since_ms: int) -> bool:
    return (found.end_ms - since_ms) * 2 < found.end_ms - found.start_ms


def calendar(span: Span, now_ms: int, zone: tzinfo) -> Window:
    """By the dates of a zone that was never another. Where its clocks are put back over midnight a
    date comes twice: its day begins at the first midnight and ends at the next date's first.
    """
    day = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    first = _first(span, day)
    found = Window(_begins_ms(first, zone), _begins_ms(_next(span, first), zone))
    while now_ms >= found.end_ms:
        first = _next(span, first)
        found = Window(found.end_ms, _begins_ms(_next(span, first), zone))
    return found


def _first(span: Span, day: date) -> date:
    match span:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            return day


def _next(span: Span, first: date) -> date:
    match span:
        case "week":
            return first + timedelta(days=7)
        case "month":
            return (first + timedelta(days=31)).replace(day=1)
        case _:
            return first + timedelta(days=1)


def _begins_ms(day: date, zone: tzinfo) -> int:
    """Its first instant: midnight, the first where there are two, the end of the gap where there is
    none.
    """
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=zone))
