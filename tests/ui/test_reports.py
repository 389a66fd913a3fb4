"""Reports as embeds: exact where they leave lines out, and within Discord's limits."""

import re

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import words
from bot.ledger.budgets import Budget, Cap
from bot.ledger.periods import PERIODS, Period, days_before, period_days
from bot.ledger.reports import BYS, LINES_MAX, Before, MemberReport, ServerReport
from bot.money import NanoUsd
from bot.store.balances import BalanceKey, Standing
from bot.store.entries import By, Drift, Line, Totals
from bot.ui.reports import member_embed, server_embed

NOW_MS = 1_795_521_600_000
MOST = NanoUsd(2**63 - 1)
MOST_TOTALS = Totals(MOST, MOST, 2**63 - 1, 2**63 - 1)
KEYS: dict[By, str] = {
    "member": str(2**64 - 1),
    "channel": str(2**64 - 1),
    "day": "9999-12-31",
    "model": "somebody/a-model-of-a-name-as-long-as-names-get-there:thinking-extended",
    "kind": "adjustment",
}
names = st.text(
    st.sampled_from("a*_`~|[]()@é漢ﷺ👩‍👩‍👧\u0301\u200b<>#") | st.characters(), max_size=100
)


def lines(by: By, count: int) -> list[Line]:
    return [Line(KEYS[by], MOST_TOTALS)] * count


def shown_and_more(value: str) -> tuple[int, int]:
    """How many lines a field shows, and how many more it says that there are."""
    each = value.splitlines()
    last = re.fullmatch(r"and ([\d,]+) more", each[-1])
    if last is None:
        return len(each), 0
    return len(each) - 1, int(last[1].replace(",", ""))


def assert_legal(embed: discord.Embed) -> None:
    """Discord's limits, counted in UTF-16 units, which are the most that it could count.
    https://discord.com/developers/docs/resources/message#embed-object-embed-limits (2026-08).
    """

    def size(text: str | None) -> int:
        return len((text or "").encode("utf-16-le", "surrogatepass")) // 2

    assert 0 < size(embed.title) <= 256
    assert 0 < size(embed.description) <= 4_096
    assert all(0 < size(field.name) <= 256 for field in embed.fields)
    assert all(0 < size(field.value) <= 1_024 for field in embed.fields)
    fields = sum(size(field.name) + size(field.value) for field in embed.fields)
    assert size(embed.title) + size(embed.description) + fields <= 6_000


@given(
    names,
    st.sampled_from(PERIODS),
    st.lists(st.sampled_from(BYS), min_size=1, max_size=5, unique=True),
    st.integers(1, LINES_MAX),
    st.sampled_from((0, 1, 999, 10**9)),
)
def test_a_servers_report_is_legal_and_counts_what_it_leaves_out(
    server: str, period: Period, by: list[By], count: int, more: int
):
    before = days_before(period, NOW_MS)
    report = ServerReport(
        zone="Europe/Berlin",
        days=period_days(period, NOW_MS),
        undelivered=2**63 - 1,
        drift=Drift(2**63 - 1, MOST, MOST, NanoUsd(1)),
        before=None if before is None else Before(before, MOST),
        totals=MOST_TOTALS,
        by={each: lines(each, count) for each in by},
        more=dict.fromkeys(by, more),
    )
    embed = server_embed(report, period, server)
    assert_legal(embed)
    assert [field.name for field in embed.fields] == [
        words.breakdown(each, "Europe/Berlin") for each in by
    ]
    for field in embed.fields:
        assert field.value is not None
        shown, beyond = shown_and_more(field.value)
        assert shown >= min(count, 5)
        assert shown + beyond == count + more


@pytest.mark.parametrize("kinds", [0, 1, 8, LINES_MAX])
def test_a_members_report_is_legal_and_counts_what_it_leaves_out(kinds: int):
    days = Budget(BalanceKey("member", "day", 0, 7, 0, NOW_MS), NanoUsd(10**15))
    months = Budget(BalanceKey("member", "month", 0, 7, 0, NOW_MS), NanoUsd(10**15))
    standing = Standing(held=MOST, spent=MOST)
    report = MemberReport(
        zone="UTC",
        days=period_days("last-month", NOW_MS),
        by_day=[],
        totals=MOST_TOTALS,
        by_kind=lines("kind", kinds),
        caps=[Cap(each, standing) for each in (days, months)],
    )
    embed = member_embed(report, "last-month")
    assert_legal(embed)
    if kinds:
        assert sum(shown_and_more(embed.fields[0].value or "")) == kinds
