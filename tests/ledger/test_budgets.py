from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import day_number, milliseconds, utc
from bot.ledger.budgets import Budget, budgets_for, window_bounds
from bot.money import NanoUsd
from bot.store.balances import BalanceKey, Span, Standing
from tests.ledger.support import NOW_MS, limits

spans: st.SearchStrategy[Span] = st.sampled_from(("day", "month"))
instants = st.integers(0, milliseconds(datetime(9998, 12, 31, tzinfo=UTC)))


@given(spans, instants)
def test_an_instant_is_in_its_window_and_in_no_other(span: Span, now_ms: int):
    start_ms, end_ms = window_bounds(span, now_ms)
    assert start_ms <= now_ms < end_ms
    # Every instant of a window names the same one, and the next begins where it ends.
    assert window_bounds(span, start_ms) == window_bounds(span, end_ms - 1) == (start_ms, end_ms)
    assert window_bounds(span, end_ms)[0] == end_ms
    if start_ms:
        assert window_bounds(span, start_ms - 1)[1] == start_ms


@given(instants)
def test_windows_are_calendar_days_and_months_of_utc(now_ms: int):
    day_start, day_end = (utc(each) for each in window_bounds("day", now_ms))
    month_start, month_end = (utc(each) for each in window_bounds("month", now_ms))
    assert day_start.isoformat() == utc(now_ms).date().isoformat() + "T00:00:00+00:00"
    assert (day_end - day_start).days == 1
    assert month_start.isoformat() == utc(now_ms).date().isoformat()[:7] + "-01T00:00:00+00:00"
    assert (month_end.day, month_end.hour) == (1, 0)
    assert 28 <= (month_end - month_start).days <= 31
    assert day_number(milliseconds(day_start)) == day_number(now_ms)


def test_december_ends_with_the_year():
    start, end = window_bounds("month", milliseconds(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)))
    assert (utc(start), utc(end)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_a_server_call_must_fit_four_budgets_and_a_direct_one_three():
    caps = limits("3", "15", "100", "200")
    in_server = budgets_for(caps, 10, 7, NOW_MS)
    assert [
        (each.key.scope, each.key.span, each.key.server_id, each.key.subject_id, each.limit)
        for each in in_server
    ] == [
        ("member", "day", 0, 7, 3_000_000_000),
        ("member", "month", 0, 7, 15_000_000_000),
        ("server", "month", 10, 0, 100_000_000_000),
        ("total", "month", 0, 0, 200_000_000_000),
    ]
    direct = budgets_for(caps, 0, 7, NOW_MS)
    assert direct == [in_server[0], in_server[1], in_server[3]]


@pytest.mark.parametrize(
    ("limit", "spent", "held", "hold", "fits"),
    [
        (10, 4, 3, 3, True),
        (10, 4, 3, 4, False),
        (10, 12, 0, 0, False),
        (1, 0, 0, 1, True),
        (0, 0, 0, 0, False),
        (0, 0, 0, 1, False),
    ],
)
def test_a_hold_fits_up_to_the_limit_and_never_a_limit_of_zero(
    limit: int, spent: int, held: int, hold: int, fits: bool
):
    budget = Budget(BalanceKey("total", "month", 0, 0, 0, 1), NanoUsd(limit))
    assert budget.fits(Standing(NanoUsd(spent), NanoUsd(held)), NanoUsd(hold)) is fits
