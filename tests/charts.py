"""`python -m tests.charts [--database FILE --server ID] [--period P] [--by B] [--output FOLDER]
[--data]`: draws a server's charts as /report does, each also as it looks in Discord's two themes.
Without a database of a bot's own it makes up a year of books. `--data` prints the figures drawn.
"""

import argparse
import asyncio
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PIL import Image

from bot.clock import SystemClock
from bot.ledger import reports
from bot.ledger.chart import Chart, draw, numbers
from bot.ledger.periods import PERIODS, Period
from bot.ledger.reports import BYS, LINES_MAX
from bot.money import decimal_usd
from bot.store.database import Database
from bot.store.entries import By
from bot.ui import report_charts
from bot.ui.names import Called
from bot.ui.report_view import OVERVIEW, PAGE_LINES
from tests.bench import books

THEMES = {"dark": "#313338", "light": "#ffffff"}
MARGIN_PX = 24
ENTRIES = 40_000
PEOPLE = (
    *("Mara", "Théo", "Ада", "Noor", "نور", "Ωμέγα", "שירה", "$Ada$", "Zoë 🌙", "木村", "ชาติ"),
    *("Ines", "Łukasz", "Åsa", "Bjørn", "Chloé", "Đorđe", "Eyþór", "Fatma", "Günther", "Hồ"),
)


class MadeUp:
    """Names for books that are made up."""

    async def of_members(self, ids: Sequence[int], /) -> dict[int, Called]:
        return {one: (PEOPLE[one % len(PEOPLE)], f"member{one % 1_000}") for one in ids}

    def of_channel(self, channel_id: int, /) -> Called:
        return (f"#gallery-{channel_id % 1_000}",)


async def charts(
    path: Path, server_id: int, period: Period, wanted: tuple[By | None, ...]
) -> dict[str, Chart]:
    found: dict[str, Chart] = {}
    async with Database(path, SystemClock(), read_only=True) as database:
        for by in wanted:
            breakdowns = OVERVIEW if by is None else (by,)
            most = LINES_MAX if by in {None, "day"} else PAGE_LINES
            report = await database.read(
                lambda tx, of=breakdowns, most=most: reports.server_report(
                    tx, server_id, period, of, most=most
                )
            )
            chart = await report_charts.server_chart(report, period, "Atelier", MadeUp())
            found[by or "overview"] = chart
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.charts", description=__doc__)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--server", type=int, default=books.MINE)
    parser.add_argument("--period", choices=PERIODS, default="last-month")
    parser.add_argument("--by", choices=BYS)
    parser.add_argument("--output", type=Path, default=Path("charts"))
    parser.add_argument("--data", action="store_true")
    options = parser.parse_args()
    wanted: tuple[By | None, ...] = (options.by,) if options.by else (None, *BYS)
    period = cast("Period", options.period)  # one of the choices
    with tempfile.TemporaryDirectory() as folder:
        path: Path = options.database or Path(folder) / "books.db"
        if options.database is None:
            books.make(path, ENTRIES, SystemClock().now_ms(), whole=False)
        drawn = asyncio.run(charts(path, options.server, period, wanted))
    options.output.mkdir(parents=True, exist_ok=True)
    for name, chart in drawn.items():
        picture = draw(chart)
        (options.output / f"{name}.png").write_bytes(picture)
        with Image.open(io.BytesIO(picture)) as card:
            for theme, colour in THEMES.items():
                size = (card.width + 2 * MARGIN_PX, card.height + 2 * MARGIN_PX)
                looks = Image.new("RGB", size, colour)
                looks.paste(card, (MARGIN_PX, MARGIN_PX))
                looks.save(options.output / f"{name}-{theme}.png")
        if options.data:
            for panel, label, cost, estimated in numbers(chart):
                print(
                    f"{name}\t{panel}\t{label}\t{decimal_usd(cost):f}\t{decimal_usd(estimated):f}"
                )


if __name__ == "__main__":
    main()
