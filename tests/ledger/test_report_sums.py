"""Σ by member = Σ by day = Σ by model = the total, and each is read from an index alone."""

import sqlite3
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.ledger import reports
from bot.ledger.book import Book
from bot.ledger.periods import PERIODS, Period, period_days
from bot.ledger.reports import BYS
from bot.money import NanoUsd
from bot.store import entries
from bot.store.database import Database, Transaction, Value
from bot.store.entries import Basis, By, Line, SpendRow, Totals
from bot.store.reservations import Reservation, Tokens
from tests.ledger.support import NOW_MS, SetClock, copy_database, limits

# --- the same sums every way ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booked:
    exchange_id: int
    server_id: int
    member_id: int
    channel_id: int
    model: str
    kind: str
    basis: "AnyBasis"
    cost: int
    day: int


AnyBasis = Basis | Literal["void"]


def booking(
    exchange_id: int, model: str, kind: str, basis: AnyBasis, cost: int, day: int
) -> Booked:
    """An exchange belongs to one server, member and channel; its calls to any day, model, kind."""
    return Booked(
        exchange_id,
        server_id=(0, 10, 11)[exchange_id % 3],
        member_id=exchange_id // 3 % 4 + 1,
        channel_id=exchange_id % 5,
        model=model,
        kind=kind,
        basis=basis,
        cost=0 if basis == "void" else cost,
        day=day,
    )


booked = st.builds(
    booking,
    st.integers(1, 30),
    st.sampled_from(("openai/a", "openai/b")),
    st.sampled_from(("picture", "edit", "text")),
    st.sampled_from(("usage", "generation", "estimate", "void")),
    st.one_of(st.just(0), st.integers(0, 3 * 10**9)),
    st.sampled_from((20251231, 20261001, 20261031, 20261101, 20261123, 20261124, 20261130)),
)
books = st.lists(booked, max_size=40)
many_examples = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def write_all(tx: Transaction, all_booked: list[Booked]) -> None:
    for number, each in enumerate(all_booked, 1):
        reservation = Reservation(
            exchange_id=each.exchange_id,
            call_number=number,
            server_id=each.server_id,
            member_id=each.member_id,
            channel_id=each.channel_id,
            model=each.model,
            max_tokens=1,
            hold_nano_usd=NanoUsd(10**9),
            day=each.day,
            created_ms=NOW_MS,
        )
        await entries.add(
            tx,
            reservation,
            kind=each.kind,
            basis=each.basis,
            cost=NanoUsd(each.cost),
            tokens=Tokens(),
        )


def sums(found: list[Booked]) -> Totals:
    charged = [each for each in found if each.basis != "void"]
    estimates = [each for each in charged if each.basis == "estimate"]
    return Totals(
        cost=NanoUsd(sum(each.cost for each in charged)),
        estimated=NanoUsd(sum(each.cost for each in estimates)),
        exchanges=len({each.exchange_id for each in charged}),
        estimates=len(estimates),
    )


def iso(day: int) -> str:
    return date.fromisoformat(str(day)).isoformat()


KEYS: dict[By, Callable[[Booked], str]] = {
    "member": lambda each: str(each.member_id),
    "day": lambda each: iso(each.day),
    "model": lambda each: each.model,
    "kind": lambda each: each.kind,
    "channel": lambda each: str(each.channel_id),
}


def scan(found: list[Booked], by: By) -> list[Line]:
    groups: defaultdict[str, list[Booked]] = defaultdict(list)
    for each in found:
        if each.basis != "void":
            groups[KEYS[by](each)].append(each)
    lines = [Line(key, sums(group)) for key, group in groups.items()]
    if by == "day":
        return sorted(lines, key=lambda line: line.key)
    return sorted(lines, key=lambda line: (-line.totals.cost, line.key))


def within(found: list[Booked], period: Period) -> list[Booked]:
    days = period_days(period, NOW_MS)
    return [each for each in found if days.first <= each.day <= days.last]


@asynccontextmanager
async def filled(
    template: Path, folder: Path, all_booked: list[Booked]
) -> AsyncGenerator[Database]:
    async with Database(copy_database(template, folder), SetClock()) as database:
        await database.write(lambda tx: write_all(tx, all_booked))
        yield database


async def spend_by(tx: Transaction, period: Period, by: By, server_id: int | None) -> list[Line]:
    server_ids = [each async for each in reports.servers_of(tx, server_id)]
    return await reports.spend_by(tx, period, by, server_ids)


async def spend(database: Database, period: Period, server_id: int | None) -> list[SpendRow]:
    async def operation(tx: Transaction) -> list[SpendRow]:
        return [row async for row in reports.spend_rows(tx, period, server_id)]

    return await database.read(operation)


@many_examples
@given(
    books,
    st.sampled_from(PERIODS),
    st.sampled_from((0, 10, 11)),
    st.sampled_from((None, 1, 2)),
)
async def test_a_servers_report_is_what_a_scan_of_all_entries_finds(
    path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    all_booked: list[Booked],
    period: Period,
    server_id: int,
    member_id: int | None,
):
    async with filled(path, tmp_path_factory.mktemp("books"), all_booked) as database:
        report = await database.read(
            lambda tx: reports.server_report(tx, server_id, period, BYS, member_id)
        )
    mine = [
        each
        for each in within(all_booked, period)
        if each.server_id == server_id and member_id in {None, each.member_id}
    ]
    assert report.totals == sums(mine)
    for by in BYS:
        assert report.by[by] == scan(mine, by)
        assert sum(line.totals.cost for line in report.by[by]) == report.totals.cost
        assert sum(line.totals.estimates for line in report.by[by]) == report.totals.estimates


@many_examples
@given(books, st.sampled_from(PERIODS), st.sampled_from((1, 2, 3, 4)))
async def test_a_members_report_is_what_a_scan_of_all_entries_finds(
    path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    all_booked: list[Booked],
    period: Period,
    member_id: int,
):
    async with filled(path, tmp_path_factory.mktemp("books"), all_booked) as database:
        report = await database.read(
            lambda tx: reports.member_report(tx, limits(), member_id, period)
        )
    mine = [each for each in within(all_booked, period) if each.member_id == member_id]
    assert report.totals == sums(mine)
    assert report.by_kind == scan(mine, "kind")
    assert report.by_day == scan(mine, "day")


@many_examples
@given(books, st.sampled_from(PERIODS), st.sampled_from((None, 0, 10, 11)))
async def test_the_rows_of_easel_spend_are_what_a_scan_of_all_entries_finds(
    path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    all_booked: list[Booked],
    period: Period,
    server_id: int | None,
):
    async with filled(path, tmp_path_factory.mktemp("books"), all_booked) as database:
        rows = await spend(database, period, server_id)
        by = {
            each: await database.read(lambda tx, each=each: spend_by(tx, period, each, server_id))
            for each in BYS
        }
    mine = [each for each in within(all_booked, period) if server_id in {None, each.server_id}]
    groups: defaultdict[tuple[object, ...], list[Booked]] = defaultdict(list)
    for each in mine:
        if each.basis != "void":
            groups[
                each.day, each.server_id, each.member_id, each.channel_id, each.model, each.kind
            ].append(each)
    expected = {
        SpendRow(
            day=iso(group[0].day),
            server_id=str(group[0].server_id) if group[0].server_id else None,
            member_id=str(group[0].member_id),
            channel_id=str(group[0].channel_id),
            model=group[0].model,
            kind=group[0].kind,
            exchanges=sums(group).exchanges,
            cost_nano_usd=sums(group).cost,
            estimated_nano_usd=sums(group).estimated,
        )
        for group in groups.values()
    }
    assert len(rows) == len(expected)
    assert set(rows) == expected
    assert sum(row.cost_nano_usd for row in rows) == sums(mine).cost
    assert by == {each: scan(mine, each) for each in BYS}


# --- what they read ------------------------------------------------------------------------------


class Explaining(Transaction):
    """Notes how each question is answered."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx._connection, tx.now_ms)  # pyright: ignore[reportPrivateUsage] - its own
        self.plans: list[str] = []

    async def all(self, sql: str, **parameters: Value) -> list[sqlite3.Row]:
        plan = await super().all(f"EXPLAIN QUERY PLAN {sql}", **parameters)
        self.plans += [row["detail"] for row in plan if " entry" in row["detail"]]
        return await super().all(sql, **parameters)


async def plans(
    database: Database, question: Callable[[Transaction], Awaitable[object]]
) -> set[str]:
    async def operation(tx: Transaction) -> set[str]:
        explaining = Explaining(tx)
        await question(explaining)
        return set(explaining.plans)

    return await database.read(operation)


async def all_rows(tx: Transaction, server_id: int | None) -> list[SpendRow]:
    return [row async for row in reports.spend_rows(tx, "month", server_id)]


SERVER_AND_DAYS = "SEARCH entry USING COVERING INDEX entry_report (server_id=? AND day>? AND day<?)"
SERVER_AND_A_DAY = "SEARCH entry USING COVERING INDEX entry_report (server_id=? AND day=?)"
MEMBER_AND_DAYS = "SEARCH entry USING COVERING INDEX entry_member (member_id=? AND day>? AND day<?)"
NEXT_SERVER = "SEARCH entry USING COVERING INDEX entry_report (server_id>?)"
FIRST_SERVER = "SEARCH entry USING COVERING INDEX entry_report"
ONE_EXCHANGE = "SEARCH entry USING INDEX entry_closes_once (exchange_id=?)"


@pytest.mark.parametrize("member_id", [None, 2])
async def test_a_servers_report_reads_its_days_in_the_covering_index(
    database: Database, member_id: int | None
):
    read = await plans(database, lambda tx: reports.server_report(tx, 10, "month", BYS, member_id))
    assert read == {SERVER_AND_DAYS}


@pytest.mark.parametrize("by", BYS)
async def test_the_lines_beyond_a_report_are_counted_in_the_covering_index(
    database: Database, monkeypatch: pytest.MonkeyPatch, by: By
):
    monkeypatch.setattr(reports, "LINES_MAX", 0)
    asked = await plans(database, lambda tx: reports.server_report(tx, 10, "month", (by,), 2))
    assert asked == {SERVER_AND_DAYS}


async def test_a_members_report_reads_their_days_in_the_covering_index(database: Database):
    read = await plans(database, lambda tx: reports.member_report(tx, limits(), 7, "month"))
    assert read == {MEMBER_AND_DAYS}


async def test_easel_spend_reads_each_servers_days_in_the_covering_index(database: Database):
    assert await plans(database, lambda tx: all_rows(tx, 10)) == {
        SERVER_AND_A_DAY,
        SERVER_AND_DAYS,
    }
    await database.write(
        lambda tx: write_all(tx, [booking(1, "openai/a", "text", "usage", 1, 20261124)])
    )
    assert await plans(database, lambda tx: all_rows(tx, None)) == {
        FIRST_SERVER,
        NEXT_SERVER,
        SERVER_AND_A_DAY,
        SERVER_AND_DAYS,
    }


async def test_a_charge_reads_its_exchange_alone(database: Database):
    book = Book(limits())
    assert await plans(database, lambda tx: book.charge(tx, 1)) == {ONE_EXCHANGE}
