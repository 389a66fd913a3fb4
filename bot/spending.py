"""`easel spend`: the books of all servers from the database alone, as a table, as JSON or as a CSV.
Progress is shown on a terminal where there is much to read.
"""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from bot import words
from bot.errors import StartError
from bot.ledger import export, reports
from bot.ledger.export import CsvFiles
from bot.ledger.periods import Period
from bot.money import NanoUsd, dollars
from bot.store.database import Database, Transaction
from bot.store.entries import By, Line

PROGRESS_FROM_ROWS = 50_000
PROGRESS_FROM_SERVERS = 20


async def print_table(database: Database, period: Period, by: By, server_id: int | None) -> None:
    """Sums per member, day, model, kind or channel, and their total."""

    async def read(tx: Transaction) -> list[Line]:
        found = [each async for each in reports.servers_of(tx, server_id)]
        with _progress(len(found), PROGRESS_FROM_SERVERS) as told:
            return await reports.spend_by(tx, period, by, found, told)

    _print(await database.read(read), by)


async def print_json(database: Database, period: Period, server_id: int | None) -> None:
    """One array, a row a line, written as it is read."""

    async def write(tx: Transaction) -> None:
        before = "[\n"
        found = [each async for each in reports.servers_of(tx, server_id)]
        with _progress(len(found), PROGRESS_FROM_SERVERS) as told:
            for each in found:
                async for row in reports.spend_rows(tx, period, each):
                    print(before, json.dumps(asdict(row)), sep="", end="")
                    before = ",\n"
                told(1)
        print("[]" if before == "[\n" else "\n]")

    await database.read(write)


async def write_csv(database: Database, period: Period, server_id: int | None, path: Path) -> None:
    """Every entry, a row each. Raises StartError where the file cannot be written."""
    planned = await database.read(lambda tx: export.plan(tx, period, server_id))
    try:
        with (
            CsvFiles(lambda _: path) as files,
            _progress(planned.rows, PROGRESS_FROM_ROWS) as told,
        ):
            await export.export(database, planned, files, told)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartError(words.file_unwritable(str(path), reason)) from error
    print(words.entries_written(planned.rows, str(path)))


@contextmanager
def _progress(length: int, shown_from: int) -> Generator[Callable[[int], object]]:
    """A bar on a terminal's standard error, where there is as much to come."""
    if length < shown_from or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, file=sys.stderr) as bar:
        yield bar.update


def _print(lines: list[Line], by: By) -> None:
    rows = [(by, "cost", "estimated", "exchanges")]
    rows += [
        (
            line.key or words.no_model(),
            dollars(line.totals.cost),
            dollars(line.totals.estimated),
            f"{line.totals.exchanges:,}",
        )
        for line in lines
    ]
    cost = sum(line.totals.cost for line in lines)
    rows.append(("total", dollars(NanoUsd(cost)), "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, *figures in rows:
        cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *cells]).rstrip())
