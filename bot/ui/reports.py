"""Reports as embeds: what a member spent, what a server spent. The figures come from the ledger;
here they are only laid out.
"""

from fractions import Fraction

import discord

from bot import words
from bot.clock import day_text
from bot.ledger.periods import Period
from bot.ledger.reports import Before, MemberReport, ServerReport
from bot.money import dollars
from bot.store.entries import By, Drift, Line, Totals
from bot.ui import markdown
from bot.ui.budget_lines import cap_line, fitting

FIELD_LETTERS_MAX = 1_024
"""Of a field of an embed, as Discord has it."""
LINES_SHOWN = 10
LINES_SHOWN_ALONE = 31
COLOUR = 0x5865F2
SERVER_LETTERS_MAX = 100
"""Of a server's name at Discord; escaped it may be twice as long."""


def member_embed(report: MemberReport, period: Period) -> discord.Embed:
    """The answer to /spend."""
    embed = discord.Embed(
        title=words.spend_title(period),
        description=_sum(report.totals),
        colour=COLOUR,
    )
    if report.by_kind:
        embed.add_field(
            name=words.breakdown("kind", report.zone),
            value=_lines(report.by_kind, "kind", LINES_SHOWN),
        )
    embed.add_field(
        name=words.budgets_heading(),
        value=fitting(map(cap_line, report.caps), FIELD_LETTERS_MAX),
        inline=False,
    )
    return embed


def server_embed(
    report: ServerReport, period: Period, server: str, member_id: int | None = None
) -> discord.Embed:
    """The answer to /report show. Members are mentions, which ping nobody inside an embed."""
    lines = [_sum(report.totals)]
    if member_id is not None:
        lines.append(words.report_of(member_id))
    if report.before is not None:
        lines.append(_comparison(report.before, report.totals))
    if report.totals.estimates:
        lines.append(words.estimates_counted(report.totals.estimates))
    lines += _drift(report.drift)
    if report.undelivered:
        lines.append(words.undelivered_counted(report.undelivered))
    embed = discord.Embed(
        title=words.report_title(markdown.escape(server[:SERVER_LETTERS_MAX]), period),
        description="\n".join(lines),
        colour=COLOUR,
    )
    alone = len(report.by) == 1
    for by, lines_of in report.by.items():
        if lines_of:
            most = LINES_SHOWN_ALONE if alone else LINES_SHOWN
            value = _lines(lines_of, by, most, report.more[by])
            embed.add_field(name=words.breakdown(by, report.zone), value=value, inline=False)
    return embed


def _drift(drift: Drift) -> list[str]:
    """What was not as foreseen, and by how much what was charged differs from the price list."""
    lines: list[str] = []
    if drift.overruns:
        lines.append(words.overruns_counted(drift.overruns, dollars(drift.over)))
    if drift.rated > 0:
        per_mille = round(Fraction(1000 * (drift.charged - drift.rated), drift.rated))
        lines.append(words.drift(dollars(drift.charged), dollars(drift.rated), per_mille))
    return lines


def _comparison(before: Before, totals: Totals) -> str:
    percent = None
    if before.cost > 0:
        percent = round(Fraction(100 * (totals.cost - before.cost), before.cost))
    return words.compared(
        day_text(before.days.first), day_text(before.days.last), dollars(before.cost), percent
    )


def _sum(totals: Totals) -> str:
    if not totals.exchanges and not totals.cost:
        return words.nothing_spent()
    estimated = words.estimated_part(dollars(totals.estimated)) if totals.estimates else None
    return words.totals_line(dollars(totals.cost), totals.exchanges, estimated)


def _lines(lines: list[Line], by: By, most: int, more: int = 0) -> str:
    """The lines of a breakdown as far as a field takes them, of days the newest, and how many it
    leaves out, with the `more` that the report has left out already.
    """
    shown: list[str] = []
    room = FIELD_LETTERS_MAX - len(words.and_more(len(lines) + more))
    chosen = lines[-most:] if by == "day" else lines[:most]
    for line in reversed(chosen) if by == "day" else chosen:
        text = words.breakdown_line(
            _name(line.key, by), dollars(line.totals.cost), line.totals.exchanges
        )
        if len(text) + 1 > room:
            break
        room -= len(text) + 1
        shown.append(text)
    if left_out := len(lines) + more - len(shown):
        shown.append(words.and_more(left_out))
    return "\n".join(shown)


def _name(key: str, by: By) -> str:
    match by:
        case "member":
            return f"<@{key}>"
        case "channel":
            return f"<#{key}>"
        case "model":
            return f"`{key}`" if key else words.no_model()
        case "day" | "kind":
            return key
