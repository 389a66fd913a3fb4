"""The CSV: every entry once, split below a size, safe in a spreadsheet."""

import csv
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger import reports
from bot.ledger.export import CsvFiles, encoded, export, plan
from bot.ledger.periods import Period
from bot.money import NanoUsd
from bot.store import entries, entry_rows
from bot.store.database import Database, Transaction
from bot.store.entry_rows import COLUMNS, EntryRow
from bot.store.reservations import Reservation, Tokens
from tests.ledger.support import NOW_MS


async def book(database: Database, count: int, *, first: int = 1, model: str = "openai/a") -> None:
    """Entries of three servers and a few days, every seventh a void."""

    async def operation(tx: Transaction) -> None:
        for number in range(first, first + count):
            void = number % 7 == 0
            await entries.add(
                tx,
                Reservation(
                    exchange_id=number,
                    call_number=1,
                    server_id=(0, 10, 11)[number % 3],
                    member_id=number % 4,
                    channel_id=100,
                    model=model,
                    max_tokens=1,
                    hold_nano_usd=NanoUsd(10**9),
                    day=(20261123, 20261124, 20261001)[number % 5 % 3],
                    created_ms=NOW_MS,
                ),
                kind="void" if void else "text",
                basis="void" if void else "usage",
                cost=NanoUsd(0 if void else number),
                tokens=Tokens(),
            )

    await database.write(operation)


async def written(
    database: Database, folder: Path, period: Period, server_id: int | None, bytes_max: int | None
) -> list[Path]:
    planned = await database.read(lambda tx: plan(tx, period, server_id))
    told: list[int] = []
    with CsvFiles(lambda number: folder / f"{number}.csv", bytes_max) as files:
        await export(database, planned, files, told.append)
    assert sum(told) == planned.rows
    return files.paths


def rows(paths: list[Path]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            found += list(reader)
            assert reader.fieldnames == list(COLUMNS)
    return found


async def entries_of(database: Database, period: Period, server_id: int | None) -> list[EntryRow]:
    async def read(tx: Transaction) -> list[EntryRow]:
        return [row async for row in reports.entry_rows(tx, period, server_id)]

    return await database.read(read)


@pytest.mark.parametrize("server_id", [None, 0, 10, 12])
@pytest.mark.parametrize("period", ["month", "all"])
@pytest.mark.parametrize("page_rows", [1, 7, 2_000])
async def test_every_entry_but_voids_is_there_once_whatever_a_page_holds(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server_id: int | None,
    period: Period,
    page_rows: int,
):
    monkeypatch.setattr(entry_rows, "PAGE_ROWS", page_rows)
    await book(database, 100)
    found = rows(await written(database, tmp_path, period, server_id, None))
    assert found == [asdict(row) for row in await entries_of(database, period, server_id)]
    expected = {
        number
        for number in range(1, 101)
        if number % 7
        and server_id in {None, (0, 10, 11)[number % 3]}
        and (period == "all" or number % 5 % 3 != 2)
    }
    assert sorted(int(row["exchange_id"]) for row in found) == sorted(expected)
    assert sum(int(row["cost_nano_usd"]) for row in found) == sum(expected)


async def test_what_is_booked_meanwhile_is_no_part_of_it(database: Database, tmp_path: Path):
    await book(database, 20)
    before = await entries_of(database, "all", None)
    planned = await database.read(lambda tx: plan(tx, "all", None))
    await book(database, 20, first=21)
    with CsvFiles(lambda number: tmp_path / f"{number}.csv") as files:
        await export(database, planned, files)
    assert rows(files.paths) == [asdict(row) for row in before]


async def test_files_are_split_below_the_limit_each_with_a_header(
    database: Database, tmp_path: Path
):
    await book(database, 100)
    paths = await written(database, tmp_path, "all", None, 1_000)
    assert len(paths) == 10
    assert all(path.stat().st_size <= 1_000 for path in paths)
    assert rows(paths) == [asdict(row) for row in await entries_of(database, "all", None)]


async def test_a_page_reads_its_server_and_days_in_the_index_alone(database: Database):
    await book(database, 100)

    async def explain(tx: Transaction) -> str:
        plans: list[str] = []
        original = tx.all

        async def explained(sql: str, **parameters: int | str | None) -> object:
            found = await original(f"EXPLAIN QUERY PLAN {sql}", **parameters)
            plans.extend(row["detail"] for row in found)
            return await original(sql, **parameters)

        tx.all = explained  # pyright: ignore[reportAttributeAccessIssue] - looked over its shoulder
        days = await reports.days_of(tx, 10, "month")
        await entry_rows.page(tx, 10, days, 10**6, entry_rows.Place())
        return " ".join(plans)

    assert "entry_report (server_id=? AND day>? AND day<?)" in await database.read(explain)


FORMULA = re.compile(r"^[=+\-@\t\r\n]")


@given(st.text(st.sampled_from("=+-@\t\r\n|!0.9aZ\"',") | st.characters(codec="utf-8")))
def test_no_cell_is_taken_for_a_formula_and_every_number_stays_one(text: str):
    cells = encoded(iter([(text, "-0.5", "-12", "0.000000001")]))
    (row,) = csv.reader([b"".join(cells).decode()], strict=True)
    assert row[1:] == ["-0.5", "-12", "0.000000001"]
    number = re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII)
    assert number or not FORMULA.match(row[0])
    assert row[0].removeprefix("'") in {text, text.removeprefix("'")}
