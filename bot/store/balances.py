"""Balances: what is spent and held of one budget in one window. Which budgets there are, and
whether something fits, is the ledger's to say.
"""

from dataclasses import dataclass
from typing import Literal

from bot.money import ZERO, NanoUsd
from bot.store.database import Transaction

Scope = Literal["member", "server", "total"]
Span = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class BalanceKey:
    """Whose money, in which window. `server_id` 0 is over all servers, `subject_id` the member or
    0. The window holds the instants from `start_ms` to before `end_ms`.
    """

    scope: Scope
    span: Span
    server_id: int
    subject_id: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    spent: NanoUsd
    held: NanoUsd


async def standing(tx: Transaction, key: BalanceKey) -> Standing:
    row = await tx.one(
        "SELECT spent_nano_usd, held_nano_usd FROM balance"
        " WHERE scope = :scope AND span = :span AND server_id = :server_id"
        " AND subject_id = :subject_id AND start_ms = :start_ms",
        scope=key.scope,
        span=key.span,
        server_id=key.server_id,
        subject_id=key.subject_id,
        start_ms=key.start_ms,
    )
    if row is None:
        return Standing(ZERO, ZERO)
    return Standing(NanoUsd(row["spent_nano_usd"]), NanoUsd(row["held_nano_usd"]))


async def hold(tx: Transaction, key: BalanceKey, amount: NanoUsd) -> int:
    """Adds to what is held, making the balance if it is the window's first; gives its id."""
    row = await tx.one(
        "INSERT INTO balance"
        " (scope, span, server_id, subject_id, start_ms, end_ms, held_nano_usd)"
        " VALUES (:scope, :span, :server_id, :subject_id, :start_ms, :end_ms, :amount)"
        " ON CONFLICT (scope, span, server_id, subject_id, start_ms)"
        " DO UPDATE SET held_nano_usd = balance.held_nano_usd + excluded.held_nano_usd"
        " RETURNING id",
        scope=key.scope,
        span=key.span,
        server_id=key.server_id,
        subject_id=key.subject_id,
        start_ms=key.start_ms,
        end_ms=key.end_ms,
        amount=amount,
    )
    assert row is not None
    balance_id: int = row["id"]
    return balance_id


async def release(
    tx: Transaction, exchange_id: int, call_number: int, *, held: NanoUsd, spent: NanoUsd
) -> None:
    """Takes a call's hold off the balances it rests on, and adds what was spent instead."""
    await tx.run(
        "UPDATE balance SET held_nano_usd = held_nano_usd - :held,"
        " spent_nano_usd = spent_nano_usd + :spent"
        " WHERE id IN (SELECT balance_id FROM reservation_balance"
        " WHERE exchange_id = :exchange_id AND call_number = :call_number)",
        held=held,
        spent=spent,
        exchange_id=exchange_id,
        call_number=call_number,
    )
