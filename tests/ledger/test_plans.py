"""Holding and settling money reads what it is about, however much is in the books."""

import sqlite3
from dataclasses import replace

from bot.ledger import reports
from bot.ledger.book import Book
from bot.money import nano_usd
from bot.store import budgets
from bot.store.budgets import Name
from bot.store.database import Database, Transaction, Value
from bot.store.reservations import Tokens
from tests.ledger.support import ask, limits

LARGE = ("entry", "balance", "reservation", "reservation_balance", "exchange", "price")
OF_FEW = ("exchange_open", "reservation_open")
"""Indexes that have only what is under way."""
POT = 501


class Explaining(Transaction):
    """Notes every table that is read as a whole."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx._connection, tx.now_ms)
        self.scans: list[str] = []

    async def run(self, sql: str, **parameters: Value) -> int:
        await self._explain(sql, parameters)
        return await super().run(sql, **parameters)

    async def all(self, sql: str, **parameters: Value) -> list[sqlite3.Row]:
        await self._explain(sql, parameters)
        return await super().all(sql, **parameters)

    async def _explain(self, sql: str, parameters: dict[str, Value]) -> None:
        for row in await super().all(f"EXPLAIN QUERY PLAN {sql}", **parameters):
            detail: str = row["detail"]
            whole = any(detail.split()[:2] == ["SCAN", table] for table in LARGE)
            # What refers to a new balance is looked for only while a reference is broken.
            checks = sql.startswith("INSERT INTO balance") and detail.startswith(
                "SCAN reservation_balance"
            )
            if whole and not checks and not any(index in detail for index in OF_FEW):
                self.scans.append(f"{detail}: {sql}")


async def test_no_step_of_a_call_reads_a_whole_table(database: Database):
    book = Book(limits())
    wanted = replace(ask(), role_ids=frozenset({POT, 502}))

    async def operation(tx: Transaction) -> list[str]:
        for scope in ("server", "everyone", "member", "role-pot", "role-member"):
            subject = {"member": 7, "role-pot": POT, "role-member": 502}.get(scope, 0)
            name = Name(10, scope, subject, "month")  # pyright: ignore[reportArgumentType] - one of them
            await budgets.put(tx, name, nano_usd(50), actor_id=1)
        explaining = Explaining(tx)
        await book.check(explaining, wanted)
        await book.reserve(explaining, wanted)
        await book.mark_sent(explaining, 1, 1)
        await book.note_generation(explaining, 1, 1, "gen-1")
        await book.settle(explaining, 1, 1, nano_usd("0.2"), "usage", "text", Tokens(9, 0, 9))
        await book.charge(explaining, 1)
        await book.adjust(
            explaining,
            900,
            server_id=10,
            member_id=7,
            channel_id=100,
            role_ids=frozenset({POT}),
            amount=nano_usd("-0.1"),
            actor_id=1,
            reason="it was wrong",
        )
        await reports.member_report(explaining, limits(), 7, "month", 10, [POT])
        return explaining.scans

    assert await database.write(operation) == []
