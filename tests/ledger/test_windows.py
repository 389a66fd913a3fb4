import zoneinfo
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import milliseconds
from bot.ledger.budgets import SPANS
from bot.ledger.windows import Window, time_zone, window
from bot.store.balances import Span
from bot.store.servers import ZoneChange
from tests.ledger.support import HOUR_MS

ZONES = (
    *("Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana", "Asia/Beirut"),
    *("Pacific/Apia", "Pacific/Kiritimati", "Pacific/Honolulu", "Australia/Lord_Howe", None),
)
YEARS = (
    milliseconds(datetime(1970, 1, 1, tzinfo=UTC)),
    milliseconds(datetime(2100, 1, 1, tzinfo=UTC)),
)
spans: st.SearchStrategy[Span] = st.sampled_from(SPANS)
instants = st.integers(*YEARS)
changes = st.lists(
    st.builds(
        ZoneChange, st.integers(0, 90 * 24 * HOUR_MS), st.sampled_from((*ZONES, "Nowhere/Gone"))
    ),
    max_size=6,
).map(lambda found: sorted(found, key=lambda change: change.changed_ms))


def at(text: str, zone: str = "UTC") -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=time_zone(zone)))


def in_zone(zone: str | None) -> list[ZoneChange]:
    return [ZoneChange(0, zone)]


@given(spans, instants, st.sampled_from(ZONES))
def test_an_instant_is_in_its_window_and_in_no_other(span: Span, now_ms: int, zone: str | None):
    found = window(span, now_ms, in_zone(zone))
    assert found.start_ms <= now_ms < found.end_ms
    for other in (found.start_ms, found.end_ms - 1):
        assert span == "ever" or window(span, other, in_zone(zone)) == found
    if span != "ever":
        assert window(span, found.end_ms, in_zone(zone)).start_ms == found.end_ms


@given(spans, changes, st.integers(0, 200 * 24 * HOUR_MS))
def test_windows_follow_each_other_without_gap_or_overlap_however_the_zone_is_changed(
    span: Span, changed: list[ZoneChange], now_ms: int
):
    found = window(span, now_ms, changed)
    assert found.start_ms <= now_ms < found.end_ms
    for other in (found.start_ms, found.end_ms - 1):
        # As it was seen then, with the changes made until then, and as it is seen now.
        so_far = [change for change in changed if change.changed_ms <= other]
        assert window(span, other, changed) == found
        assert window(span, other, so_far) == found
    if span != "ever":
        assert window(span, found.end_ms, changed).start_ms == found.end_ms


@pytest.mark.parametrize(
    ("zone", "first", "next_", "hours"),
    [
        ("UTC", "2026-11-24", "2026-11-25", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-30", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-26", 25),
        ("America/Havana", "2026-03-08", "2026-03-09", 23),  # there is no midnight
        ("America/St_Johns", "2006-10-29", "2006-10-30", 25),  # midnight comes twice
    ],
)
def test_a_day_is_from_midnight_to_midnight_also_where_clocks_are_turned(
    zone: str, first: str, next_: str, hours: int
):
    start_ms, end_ms = at(first, zone), at(next_, zone)
    assert end_ms - start_ms == hours * HOUR_MS
    found = Window(start_ms, end_ms)
    for now_ms in (start_ms, start_ms + 12 * HOUR_MS, end_ms - 1):
        assert window("day", now_ms, in_zone(zone)) == found
    assert window("day", start_ms - 1, in_zone(zone)).end_ms == start_ms
    assert window("day", end_ms, in_zone(zone)).start_ms == end_ms


def test_a_week_begins_on_monday_and_a_month_on_its_first_day():
    berlin = in_zone("Europe/Berlin")
    now_ms = at("2026-11-24T12:00")
    week = Window(at("2026-11-23", "Europe/Berlin"), at("2026-11-30", "Europe/Berlin"))
    assert window("week", now_ms, berlin) == week
    month = Window(at("2026-11-01", "Europe/Berlin"), at("2026-12-01", "Europe/Berlin"))
    assert window("month", now_ms, berlin) == month
    assert window("month", at("2026-12-31T23:59")) == Window(at("2026-12-01"), at("2027-01-01"))
    assert window("ever", now_ms, berlin).start_ms == 0


def test_an_open_window_keeps_its_bounds_and_the_next_begins_where_it_ends():
    changed = [ZoneChange(at("2026-11-24T12:00"), "Europe/Berlin")]
    today = Window(at("2026-11-24"), at("2026-11-25"))
    assert window("day", at("2026-11-24T23:30"), changed) == today  # Berlin's next day began
    next_end_ms = at("2026-11-26", "Europe/Berlin")
    assert window("day", at("2026-11-25"), changed) == Window(today.end_ms, next_end_ms)
    month = Window(at("2026-11-01"), at("2026-12-01"))
    assert window("month", at("2026-11-30T23:30"), changed) == month


def test_moving_the_clock_gives_no_second_allowance_for_what_is_left_of_a_window():
    changed = [ZoneChange(at("2026-11-24T12:00"), "Pacific/Honolulu")]
    assert window("month", at("2026-12-01T00:00"), changed) == Window(
        at("2026-12-01"), at("2027-01-01", "Pacific/Honolulu")
    )  # and not ten hours of November


def test_of_several_changes_in_one_window_the_last_one_holds():
    changed = [
        ZoneChange(at("2026-11-24T12:00"), "Asia/Tokyo"),
        ZoneChange(at("2026-11-24T13:00"), "Europe/Berlin"),
    ]
    ends = [
        window("day", now_ms, changed).end_ms
        for now_ms in (at("2026-11-24T14:00"), at("2026-11-25T12:00"))
    ]
    assert ends == [at("2026-11-25"), at("2026-11-26", "Europe/Berlin")]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_zone_has_days_weeks_and_months_that_follow_each_other():
    for zone in sorted(zoneinfo.available_timezones()):
        starts = [window("month", 0, in_zone(zone))]
        while starts[-1].end_ms < YEARS[1]:
            starts.append(window("month", starts[-1].end_ms, in_zone(zone)))
        assert all(one.end_ms == next_.start_ms for one, next_ in pairwise(starts))
        for month in starts:
            now_ms = month.start_ms
            for _ in range(4):
                day = window("day", now_ms, in_zone(zone))
                assert day.start_ms <= now_ms < day.end_ms
                assert window("day", day.end_ms, in_zone(zone)).start_ms == day.end_ms
                now_ms = day.end_ms
