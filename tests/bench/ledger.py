"""Rows about the books at a million entries: holding money while a report and a backup run, the
reports, the CSV, the audit, and what an entry weighs. Floors are SQLite's own work on the file.
"""

import asyncio
import csv
import os
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bot.clock import SystemClock
from bot.ledger import reports
from bot.ledger.audit import audit
from bot.ledger.book import Ask, Book
from bot.ledger.budgets import BudgetLimits
from bot.ledger.export import CsvFiles, export, plan
from bot.ledger.prices import Price
from bot.ledger.reports import BYS
from bot.money import NanoUsd, nano_usd
from bot.store.backup import back_up
from bot.store.database import Database, Transaction
from bot.store.entries import Days
from bot.store.reservations import Tokens
from tests.bench import books
from tests.bench.books import MINE, MODEL
from tests.bench.measure import Case, Check, Figure, median, ms, ratio, rounds, wall
from tests.bench.ours import Setting

ENTRIES = 1_000_000
RESERVES_PER_S = 20
RESERVES = 200
REPORT_PAUSE_S = 0.2
MEMBER = MINE * 1_000 + 1
"""The one who spends most."""
CAPS = BudgetLimits(*[nano_usd(1_000_000)] * 4)
PRICE = Price(NanoUsd(8_000), NanoUsd(2_000), NanoUsd(15_000), NanoUsd(30_000))
OVERVIEW = ("member", "model", "day")


async def ledger(setting: Setting) -> list[Figure]:
    """All of it, on one pair of files."""
    now_ms = SystemClock().now_ms()
    whole, tenth = setting.folder / "million.db", setting.folder / "tenth.db"
    begun = time.monotonic()
    # In threads, for it migrates by a loop of its own.
    await asyncio.to_thread(books.make, whole, ENTRIES, now_ms)
    await asyncio.to_thread(partial(books.make, tenth, ENTRIES // 10, now_ms, whole=False))
    print(f"ledger: books of {ENTRIES:,} entries made in {time.monotonic() - begun:.0f} s")
    weight = whole.stat().st_size / ENTRIES
    found = [
        Figure(
            *("ledger", "bytes an entry weighs, with its hold and balances", weight, "bytes"),
            *(1_500, f"{_entry_bytes(whole):.0f} bytes for the entry and its indexes alone"),
            *("139 (with roll-ups, without windows that are not limited)", "told, ≤ 1,500"),
        )
    ]
    async with (
        Database(whole, SystemClock()) as database,
        Database(tenth, SystemClock(), read_only=True) as smaller,
    ):
        found += await _reports(setting, database, smaller, whole)
        found += await _csv(setting, database, whole)
        found += await _reserve(setting, database, whole)
    found += await _audit(whole)
    return found


# --- reports -------------------------------------------------------------------------------------


def _reading(database: Database, question: Callable[[Transaction], object]) -> Case:
    async def run() -> Check:
        await database.read(question)  # pyright: ignore[reportArgumentType] - an awaitable
        return lambda: None

    return run


def _scan(path: Path, column: str, of: int, days: Days) -> Case:
    """The floor: SQLite alone, one look over the same part of the index, on this thread."""
    connection = sqlite3.connect(path)

    async def run() -> Check:
        question = (
            f"SELECT COUNT(*), SUM(cost_nano_usd) FROM entry"
            f" WHERE {column} = ? AND day BETWEEN ? AND ?"
        )
        ((number, _),) = connection.execute(question, (of, days.first, days.last)).fetchall()
        return lambda: _assert(number > 0)

    return run


def _assert(holds: bool) -> None:
    assert holds


async def _reports(
    setting: Setting, database: Database, smaller: Database, path: Path
) -> list[Figure]:
    days = await database.read(lambda tx: reports.days_of(tx, MINE, "last-month"))
    every: dict[str, tuple[reports.By, ...]] = {"overview": OVERVIEW, **{by: (by,) for by in BYS}}
    cases: dict[str, Case] = {
        name: _reading(
            database, lambda tx, by=by: reports.server_report(tx, MINE, "last-month", by)
        )
        for name, by in every.items()
    }
    cases["smaller"] = _reading(
        smaller, lambda tx: reports.server_report(tx, MINE, "last-month", OVERVIEW)
    )
    cases["one member"] = _reading(
        database, lambda tx: reports.member_report(tx, CAPS, MEMBER, "last-month")
    )
    cases["scan"] = _scan(path, "server_id", MINE, days)
    cases["member scan"] = _scan(path, "member_id", MEMBER, days)
    done = await rounds(cases, setting.rounds * 3)
    scan = f"one look over the same entries {ms(done, wall('scan')):.2f} ms"
    found = [
        Figure(
            *("ledger", f"a month's report: {name}", ms(done, wall(name)), "ms", 50, scan),
            *("250 (covering index, 10 M entries of one server)", "≤ 50 ms"),
            case=f"{ratio(done, wall(name), wall('scan')):.1f} × the floor",
        )
        for name in every
    ]
    member_floor = f"one look over the same entries {ms(done, wall('member scan')):.2f} ms"
    found.append(
        Figure(
            *("ledger", "a member's month", ms(done, wall("one member")), "ms", 2, member_floor),
            *("0.03 (roll-up)", "≤ 2 ms"),
            case=f"{ratio(done, wall('one member'), wall('member scan')):.1f} × the floor",
        )
    )
    others = ratio(done, wall("overview"), wall("smaller"))
    found.append(
        Figure(
            *("ledger", "the same with ten times the entries, of others", others, "×", 1.2),
            *(f"with a tenth {ms(done, wall('smaller')):.2f} ms", "1", "≤ 1.2 ×"),
        )
    )
    return found


# --- the CSV -------------------------------------------------------------------------------------


async def _csv(setting: Setting, database: Database, path: Path) -> list[Figure]:
    planned = await database.read(lambda tx: plan(tx, "all", None))
    target = setting.folder / "export.csv"
    before = most = _resident_mib()

    def look(_: int) -> None:
        nonlocal most
        most = max(most, _resident_mib())

    begun = time.perf_counter()
    with CsvFiles(lambda _: target) as files:
        await export(database, planned, files, look)
    took_s = time.perf_counter() - begun
    grown = most - before
    with target.open("rb") as opened:
        _assert(sum(1 for _ in opened) == planned.rows + 1)
    bare_s = await asyncio.to_thread(_bare_csv, path, setting.folder / "bare.csv")
    rate, bare = planned.rows / took_s / 1000, planned.rows / bare_s / 1000
    return [
        Figure(
            *("ledger", "a row of CSV", 1000 / rate, "µs", 20),
            *(f"SQLite and csv alone {1000 / bare:.1f} µs", "7 (141,000 rows/s)", "≤ 20 µs"),
            case=f"{rate * 1000:,.0f} rows/s of {planned.rows:,}",
        ),
        Figure(
            *("ledger", "memory that a CSV of all takes", grown, "MiB", 20),
            *(f"a file of {target.stat().st_size / 2**20:.0f} MiB", "20", "≤ 20 MiB"),
        ),
    ]


def _resident_mib() -> float:
    """Of this process now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 2**20


def _bare_csv(path: Path, target: Path) -> float:
    """The floor: the same columns as they are, in the order of the file."""
    begun = time.perf_counter()
    connection = sqlite3.connect(path)
    with target.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            connection.execute(
                "SELECT id, time_ms, day, server_id, member_id, channel_id, model, kind,"
                " cost_nano_usd, exchange_id, generation_id, basis FROM entry ORDER BY id"
            )
        )
    connection.close()
    return time.perf_counter() - begun


# --- holding money -------------------------------------------------------------------------------


async def _reserve(setting: Setting, database: Database, path: Path) -> list[Figure]:
    """Twenty a second, each settled, while reports of a year and backups are made ever again."""
    book = Book(CAPS)
    waits: list[float] = []
    floors: list[float] = []
    over = asyncio.Event()

    async def one(number: int) -> None:
        wanted = Ask(
            exchange_id=number,
            call_number=1,
            server_id=MINE,
            member_id=MINE * 1_000 + 1 + number % 100,
            channel_id=1,
            model=MODEL,
            price=PRICE,
            prompt_tokens_max=1_000,
            pictures=1,
            size="1K",
            max_tokens=16_000,
            max_tokens_floor=8_000,
        )
        begun = time.perf_counter()
        await database.write(lambda tx: book.reserve(tx, wanted))
        waits.append(time.perf_counter() - begun)
        cost = nano_usd("0.2")
        await database.write(
            lambda tx: book.settle(tx, number, 1, cost, "usage", "picture", Tokens(900, 0, 1200))
        )

    async def reporting() -> None:
        while not over.is_set():
            await database.read(lambda tx: reports.server_report(tx, MINE, "year", OVERVIEW))
            await asyncio.sleep(REPORT_PAUSE_S)

    async def backing_up() -> None:
        while not over.is_set():
            await asyncio.to_thread(back_up, path, setting.folder / "copy.db")

    async with asyncio.TaskGroup() as beside, asyncio.TaskGroup() as group:
        beside.create_task(reporting())
        beside.create_task(backing_up())
        count = RESERVES if setting.rounds > 3 else RESERVES // 2
        for number in range(count):
            group.create_task(one(number + 1))
            if number % 5 == 0:
                floors.append(await asyncio.to_thread(_fsync, setting.folder / "fsync"))
            await asyncio.sleep(1 / RESERVES_PER_S)
        over.set()
    floor = f"fsync of 4 KiB meanwhile p50 {1000 * median(floors):.1f}, p99 {_p99(floors):.1f} ms"
    case = f"20 a second, {len(waits)} of them, a report and a backup running"
    return [
        Figure(
            *("ledger", "reserve, p50", 1000 * median(waits), "ms", 10, floor, "2.4"),
            "told",
            case=case,
        ),
        Figure(
            *("ledger", "reserve, p99", _p99(waits), "ms", 20, floor, "11", "≤ 20 ms"), case=case
        ),
    ]


def _p99(seconds: list[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=100)[98]


def _fsync(path: Path) -> float:
    begun = time.perf_counter()
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(handle, bytes(4096))
    os.fsync(handle)
    os.close(handle)
    return time.perf_counter() - begun


# --- the audit, and what it weighs ---------------------------------------------------------------


async def _audit(path: Path) -> list[Figure]:
    begun = time.perf_counter()
    async with Database(path, SystemClock(), read_only=True) as database:
        findings = [each async for each in audit(database, SystemClock(), None)]
    took_s = time.perf_counter() - begun
    _assert(all(each.is_right for each in findings))
    begun = time.perf_counter()
    await asyncio.to_thread(_quick_check, path)
    bare_s = time.perf_counter() - begun
    return [
        Figure(
            *("ledger", "the audit of all", took_s, "s", 120),
            *(f"SQLite's quick_check alone {bare_s:.1f} s", "41 a roll-up at 10 M", "≤ 120 s"),
        )
    ]


def _quick_check(path: Path) -> None:
    connection = sqlite3.connect(path)
    _assert(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])
    connection.close()


def _entry_bytes(path: Path) -> float:
    """Of the table of entries and its indexes, by SQLite's own count where it has one."""
    connection = sqlite3.connect(path)
    try:
        (pages,) = connection.execute(
            "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE 'entry%'"
        ).fetchone()
    except sqlite3.OperationalError:
        return float("nan")
    finally:
        connection.close()
    return pages / ENTRIES
