"""The books as CSV: every entry a row, streamed from the database in pages to files that are split
below a size. Safe to open in a spreadsheet: no cell is taken for a formula.
"""

import asyncio
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bot.ledger import reports
from bot.ledger.periods import Period
from bot.store import entry_rows
from bot.store.database import Database, Transaction
from bot.store.entries import Days
from bot.store.entry_rows import COLUMNS, Page, Place

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_FORMULA_BEGINS = frozenset("=+-@\t\r\n")
"""What spreadsheets read a formula from: https://owasp.org/www-community/attacks/CSV_Injection
(2026-08)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A server's entries of some days."""

    server_id: int
    days: Days
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to export, settled at one moment: what is booked later is not part of it."""

    parts: tuple[Part, ...]
    newest_id: int

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


async def plan(tx: Transaction, period: Period, server_id: int | None) -> Plan:
    """The entries of a period, of one server or all (0: direct messages)."""
    parts: list[Part] = []
    async for each in reports.servers_of(tx, server_id):
        days = await reports.days_of(tx, each, period)
        parts.append(Part(each, days, await entry_rows.count(tx, each, days)))
    return Plan(tuple(parts), await entry_rows.newest_id(tx))


async def export(
    database: Database,
    planned: Plan,
    files: "CsvFiles",
    progress: Callable[[int], object] = lambda _: None,
) -> None:
    """Writes what was planned. A page is in memory, each is an operation of its own on the
    database, and is written in a thread. `progress` is told of each how many rows it had.

    Raises OSError where a file cannot be written.
    """
    for part in planned.parts:
        place: Place | None = Place()
        while place is not None:
            page = await _page(database, planned, part, place)
            await asyncio.to_thread(files.write, page)
            progress(len(page))
            place = page.next


async def _page(database: Database, planned: Plan, part: Part, place: Place) -> Page:
    return await database.read(
        lambda tx: entry_rows.page(tx, part.server_id, part.days, planned.newest_id, place)
    )


class CsvFiles:
    """CSV files, each with a header, none larger than `bytes_max`; used from `with` to its end.
    `name` gives the path of the first, second … file.
    """

    def __init__(self, name: Callable[[int], Path], bytes_max: int | None = None) -> None:
        self._name = name
        self._bytes_max = bytes_max
        self._header = encoded(iter([COLUMNS]))[0]
        self._size = 0
        self.paths: list[Path] = []

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, page: Page) -> None:
        """Adds a page. Blocks: for a thread."""
        ready: list[bytes] = []
        for line in encoded(page.cells()):
            if self._bytes_max is not None and self._size + len(line) > self._bytes_max:
                self._file.writelines(ready)
                self._file.close()
                ready = []
                self._begin()
            ready.append(line)
            self._size += len(line)
        self._file.writelines(ready)

    def _begin(self) -> None:
        path = self._name(len(self.paths) + 1)
        self._file = path.open("wb")
        self.paths.append(path)
        self._file.write(self._header)
        self._size = len(self._header)


def encoded(rows: Iterator[tuple[str, ...]]) -> list[bytes]:
    """Each row as a line of CSV."""
    lines = _Lines()
    csv.writer(lines).writerows(
        [cell if cell[:1] not in _FORMULA_BEGINS else _quoted(cell) for cell in row] for row in rows
    )
    return lines.written


class _Lines:
    """What csv writes a row at a time."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, line: str) -> None:
        self.written.append(line.encode())


def _quoted(cell: str) -> str:
    """A cell that begins like a formula is text: a quote in front of it says so. A number is none,
    whatever its sign.
    """
    return cell if _NUMBER.fullmatch(cell) else f"'{cell}"
