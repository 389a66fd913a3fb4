"""From a report's figures to the charts that are drawn of them: which lines are bars, what they are
called, and the days without spending between those with.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Protocol

from bot import words
from bot.clock import day_text
from bot.ledger.chart import Bar, Chart, Panel
from bot.ledger.periods import EVERY_DAY, Period
from bot.ledger.reports import MemberReport, ServerReport
from bot.money import ZERO, dollars
from bot.store.entries import By, Line, Totals
from bot.ui.names import Called

DRAWN: tuple[By, ...] = ("day", "member")
"""Of a report with several breakdowns, these."""
LINES_DRAWN = 10
"""Of each of these but days."""
_NOTHING = Totals(ZERO, ZERO, 0, 0)


class Naming(Protocol):
    """Finds what members and channels are called."""

    async def of_members(self, ids: Sequence[int], /) -> dict[int, Called]: ...
    def of_channel(self, channel_id: int, /) -> Called: ...


async def server_chart(report: ServerReport, period: Period, server: str, names: Naming) -> Chart:
    """What /report draws. Raises nothing where a name is not found."""
    alone = len(report.by) == 1
    drawn: tuple[By, ...] = tuple(report.by) if alone else DRAWN
    lines = {
        by: report.by[by] if alone or by == "day" else report.by[by][:LINES_DRAWN] for by in drawn
    }
    return _chart(
        server,
        _subtitle(report, period),
        [_panel(by, lines[by], report.zone, await _called(by, lines[by], names)) for by in drawn],
    )


def member_chart(report: MemberReport, period: Period) -> Chart:
    """What /spend draws."""
    return _chart(
        words.spend_title(period),
        _subtitle(report, period),
        [
            _panel("day", report.by_day, report.zone, {}),
            _panel("kind", report.by_kind, report.zone, {}),
        ],
    )


def _subtitle(report: MemberReport | ServerReport, period: Period) -> str:
    days = None
    if report.days != EVERY_DAY:
        days = (day_text(report.days.first), day_text(report.days.last))
    return words.chart_subtitle(period, days, dollars(report.totals.cost), report.totals.exchanges)


def _chart(title: str, subtitle: str, panels: Sequence[Panel]) -> Chart:
    return Chart(
        title=title,
        subtitle=subtitle,
        panels=tuple(panels),
        known=words.chart_known(),
        estimated=words.chart_estimated(),
    )


def _panel(by: By, lines: Sequence[Line], zone: str, called: Mapping[str, Called]) -> Panel:
    is_day = by == "day"
    shown = [
        Bar(called.get(line.key, (line.key,)), line.totals.cost, line.totals.estimated)
        for line in (_every_day(lines) if is_day else lines)
    ]
    return Panel(words.breakdown(by, zone), tuple(shown), upright=is_day)


async def _called(by: By, lines: Sequence[Line], names: Naming) -> dict[str, Called]:
    match by:
        case "member":
            found = await names.of_members([int(line.key) for line in lines])
            return {str(member_id): called for member_id, called in found.items()}
        case "channel":
            return {line.key: names.of_channel(int(line.key)) for line in lines}
        case "model":
            return {"": (words.no_model(),)}
        case _:
            return {}


def _every_day(lines: Sequence[Line]) -> list[Line]:
    """The days from the first to the last of them, also those on which nothing was spent."""
    if not lines:
        return []
    known = {line.key: line for line in lines}
    first, last = (date.fromisoformat(lines[place].key) for place in (0, -1))
    days = [
        (first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)
    ]
    return [known.get(day, Line(day, _NOTHING)) for day in days]
