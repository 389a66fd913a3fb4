"""Entries one by one, as they are handed out: a page at a time, each from the place where the last
ended, up to an entry that was there at the beginning. Entries never change, so that pages read at
different times are one state of the books.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields

from bot.clock import day_text, utc
from bot.money import NANO_PER_USD
from bot.store.database import Transaction
from bot.store.entries import Days

PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One row of the CSV, an entry as text: the names are read by tools and stay."""

    entry_id: str
    time: str
    day: str
    server_id: str
    member_id: str
    channel_id: str
    model: str
    kind: str
    cost_usd: str
    cost_nano_usd: str
    exchange_id: str
    generation_id: str
    basis: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after this entry of this day."""

    day: int = 0
    entry_id: int = 0


COLUMNS = tuple(field.name for field in fields(EntryRow))


class Page:
    """Entries as they were read; `next` is None after the last of them."""

    def __init__(self, found: list[sqlite3.Row]) -> None:
        self._found = found
        is_last = len(found) < PAGE_ROWS
        self.next = None if is_last else Place(found[-1]["day"], found[-1]["id"])

    def __len__(self) -> int:
        return len(self._found)

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Each row's text in the order of COLUMNS. A page takes some milliseconds, so that what a
        million rows need is spared: names of columns, decimals.
        """
        for (
            entry_id,
            time_ms,
            day,
            server_id,
            member_id,
            channel_id,
            model,
            kind,
            cost,
            exchange_id,
            generation_id,
            basis,
        ) in self._found:
            whole, nano = divmod(abs(cost), NANO_PER_USD)
            yield (
                str(entry_id),
                utc(time_ms).isoformat(timespec="milliseconds"),
                day_text(day),
                str(server_id or ""),
                str(member_id),
                str(channel_id),
                model,
                kind,
                f"{'-' if cost < 0 else ''}{whole}.{nano:09}",
                str(cost),
                str(exchange_id),
                generation_id or "",
                basis,
            )


async def newest_id(tx: Transaction) -> int:
    """The entry that was booked last; 0 while there is none."""
    row = await tx.one("SELECT MAX(id) AS id FROM entry")
    return 0 if row is None or row["id"] is None else row["id"]


async def count(tx: Transaction, server_id: int, days: Days) -> int:
    """How many entries but voids a server has in these days."""
    row = await tx.one(
        "SELECT COUNT(*) AS number FROM entry WHERE server_id = :server_id"
        " AND day BETWEEN :first AND :last AND basis <> 'void'",
        server_id=server_id,
        first=days.first,
        last=days.last,
    )
    return 0 if row is None else row["number"]


async def page(tx: Transaction, server_id: int, days: Days, newest: int, place: Place) -> Page:
    """A server's entries but voids, by their days and within a day as they were booked (server id
    0: direct messages), none of them booked after `newest`.
    """
    # The sign before `id` keeps the search in the index of servers and days.
    found = await tx.all(
        "SELECT id, time_ms, day, server_id, member_id, channel_id, model, kind, cost_nano_usd,"
        " exchange_id, generation_id, basis FROM entry"
        " WHERE server_id = :server_id AND day >= :day AND day <= :last"
        " AND (day > :day OR +id > :after) AND +id <= :newest AND basis <> 'void'"
        " ORDER BY day, +id LIMIT :most",
        server_id=server_id,
        day=max(place.day, days.first),
        last=days.last,
        after=place.entry_id if place.day >= days.first else 0,
        newest=newest,
        most=PAGE_ROWS,
    )
    return Page(found)
