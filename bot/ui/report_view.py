"""/report show and /spend as people see them: the figures, a chart of them, and buttons that turn
pages and choose anew. What a button leads to is all in its `custom_id`, so that it outlives a
restart; whoever presses it is judged anew.
"""

import io
import logging
import re
from dataclasses import dataclass, replace
from typing import cast

import discord

from bot import words
from bot.errors import Notice, Word
from bot.ledger import reports
from bot.ledger.budgets import BudgetLimits
from bot.ledger.chart import Chart, draw
from bot.ledger.periods import PERIODS, Period
from bot.ledger.reports import BYS, LINES_MAX, ServerReport
from bot.pictures.workshop import Workshop
from bot.store.database import Database
from bot.store.entries import By
from bot.ui import report_charts
from bot.ui.names import Names
from bot.ui.reports import member_embed, server_embed
from bot.ui.telling import refuse
from bot.ui.visitors import visitor

PAGES_MAX = 1_000
PAGE_LINES = 15
"""Of one breakdown, as many as an embed has room for; of days LINES_MAX."""
OVERVIEW: tuple[By, ...] = ("member", "model", "day")
CHART_FILE = "easel-report.png"
_ANYBODY = "-"
_CUSTOM_ID = re.compile(
    r"report-(?P<what>by|period|page|post):(?P<server>\d{1,19}):(?P<member>\d{1,19}|-)"
    r":(?P<period>[a-z-]{1,10}):(?P<by>[a-z]{1,8}|-):(?P<page>\d{1,3})",
    re.ASCII,
)

Interaction = discord.Interaction[discord.Client]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What of a server's books is looked at; `by` None is the overview. `page` counts from 0."""

    server_id: int
    period: Period = "month"
    by: By | None = None
    member_id: int | None = None
    page: int = 0

    def custom_id(self, what: str) -> str:
        member = _ANYBODY if self.member_id is None else self.member_id
        by = self.by or _ANYBODY
        return f"report-{what}:{self.server_id}:{member}:{self.period}:{by}:{self.page}"


def read(custom_id: object) -> tuple[str, Look] | None:
    """What a button does, and what it leads to; None for one that is none of these."""
    found = _CUSTOM_ID.fullmatch(custom_id) if isinstance(custom_id, str) else None
    if found is None or found["period"] not in PERIODS or found["by"] not in {*BYS, _ANYBODY}:
        return None
    ids = [int(found[name]) for name in ("server", "member") if found[name] != _ANYBODY]
    if any(one >= 2**63 for one in ids):
        return None
    return found["what"], Look(
        server_id=ids[0],
        period=cast("Period", found["period"]),  # it is one of them
        by=None if found["by"] == _ANYBODY else cast("By", found["by"]),  # the same
        member_id=None if found["member"] == _ANYBODY else ids[1],
        page=int(found["page"]),
    )


class Drawing:
    """Makes reports to be sent. Charts are drawn in the workshop's process."""

    def __init__(self, database: Database, workshop: Workshop, names: Names) -> None:
        self._database = database
        self._workshop = workshop
        self._names = names

    async def read(self, look: Look) -> ServerReport:
        """The figures, from the database alone."""
        by = OVERVIEW if look.by is None else (look.by,)
        most = LINES_MAX if look.by in {None, "day"} else PAGE_LINES
        return await self._database.read(
            lambda tx: reports.server_report(
                tx,
                look.server_id,
                look.period,
                by,
                look.member_id,
                most=most,
                skip=look.page * most,
            )
        )

    async def of_server(
        self, report: ServerReport, look: Look, server: str
    ) -> tuple[discord.Embed, list[discord.File]]:
        """A server's report under this name; its chart is a file of its own."""
        embed = server_embed(report, look.period, server, look.member_id)
        chart = await report_charts.server_chart(report, look.period, server, self._names)
        return embed, await self.charted(embed, chart)

    async def charted(self, embed: discord.Embed, chart: Chart) -> list[discord.File]:
        """The chart as a file, to be replaced by the next one. Without one, which is no reason to
        keep the figures from anybody, the embed says so.
        """
        if not any(panel.bars for panel in chart.panels):
            return []
        try:
            picture = await self._workshop.run(draw, chart)
        except Notice as notice:
            log.warning("a chart was not drawn: %s", notice.sentence)
            embed.set_footer(text=words.chart_missing())
            return []
        alt_text = words.chart_alt_text(chart.title, chart.subtitle)
        return [discord.File(io.BytesIO(picture), CHART_FILE, description=alt_text)]


class ReportView:
    """Answers the commands and the buttons."""

    def __init__(self, database: Database, limits: BudgetLimits, drawing: Drawing) -> None:
        self._database = database
        self._limits = limits
        self._drawing = drawing

    async def show(self, interaction: Interaction, look: Look) -> None:
        """Answers the command, for its user alone."""
        report = await self._drawing.read(look)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._into_response(interaction, look, report)

    async def pressed(self, interaction: Interaction) -> bool:
        """Does what a button says; False if it is none of these."""
        found = read((interaction.data or {}).get("custom_id"))
        if found is None:
            return False
        what, look = found
        here = interaction.guild_id is not None and interaction.guild_id == look.server_id
        if not here or not interaction.permissions.manage_guild:
            await refuse(interaction, Word.PERMISSION, words.report_refused())
            return True
        report = await self._drawing.read(look)
        await interaction.response.defer()
        if what == "post":
            await self._post(interaction, look, report)
        else:
            await self._into_response(interaction, look, report)
        return True

    async def spend(self, interaction: Interaction, period: Period) -> None:
        """Answers /spend: one's own, from everywhere, and never shown to others."""
        person = interaction.user
        role_ids = visitor(person, interaction.channel).role_ids
        report = await self._database.read(
            lambda tx: reports.member_report(
                tx, self._limits, person.id, period, interaction.guild_id or 0, role_ids
            )
        )
        await interaction.response.defer(ephemeral=True, thinking=True)
        embed = member_embed(report, period)
        files = await self._drawing.charted(embed, report_charts.member_chart(report, period))
        await interaction.edit_original_response(embed=embed, attachments=files)

    async def _into_response(
        self, interaction: Interaction, look: Look, report: ServerReport
    ) -> None:
        embed, files = await self._drawing.of_server(report, look, _name(interaction))
        await interaction.edit_original_response(
            embed=embed, attachments=files, view=_buttons(look, report)
        )

    async def _post(self, interaction: Interaction, look: Look, report: ServerReport) -> None:
        """Shows it to the channel, without buttons, and says whose doing that is."""
        embed, files = await self._drawing.of_server(report, look, _name(interaction))
        await interaction.followup.send(
            words.report_posted(interaction.user.id),
            embed=embed,
            files=files,
            allowed_mentions=discord.AllowedMentions.none(),
        )


def _name(interaction: Interaction) -> str:
    return interaction.guild.name if interaction.guild is not None else ""


def _buttons(look: Look, report: ServerReport) -> discord.ui.View:
    """Three rows: by what, which time, and where to. What is shown already cannot be pressed."""
    view = discord.ui.View(timeout=None)

    def add(row: int, label: str, what: str, to: Look, *, there: bool = True) -> None:
        view.add_item(
            discord.ui.Button(
                label=label, custom_id=to.custom_id(what), row=row, disabled=to == look or not there
            )
        )

    first = replace(look, page=0)
    for by in BYS:
        add(0, words.BY_LABELS[by], "by", replace(first, by=by))
    for period in PERIODS[:5]:
        add(1, words.PERIOD_LABELS[period], "period", replace(first, period=period))
    add(2, words.PERIOD_LABELS[PERIODS[5]], "period", replace(first, period=PERIODS[5]))
    add(2, words.report_overview(), "by", replace(first, by=None))
    if look.by is not None:
        more = report.more[look.by] > 0 and look.page + 1 < PAGES_MAX
        previous = replace(look, page=max(0, look.page - 1))
        add(2, words.report_previous(), "page", previous, there=look.page > 0)
        add(2, words.report_next(), "page", replace(look, page=look.page + 1), there=more)
    view.add_item(
        discord.ui.Button(label=words.report_post(), custom_id=look.custom_id("post"), row=2)
    )
    view.stop()  # it is only sent; a view that is not stopped is kept
    return view
