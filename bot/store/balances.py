"""Balances: what is spent and held of one purse in one window, whether it is limited or not. Which
limits there are, and whether something fits, is the ledger's to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.money import ZERO, NanoUsd
from bot.store.database import Transaction, Value

Scope = Literal["member", "server", "total", "role-pot"]
Span = Literal["day", "week", "month", "ever"]


@dataclass(frozen=True, slots=True)
class BalanceKey:
    """Whose money, in which window. `server_id` 0 is over all servers, `subject_id` the member, the
    role or 0. The window holds the instants from `start_ms` to before `end_ms`.
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


async def standings(tx: Transaction, keys: Sequence[BalanceKey]) -> dict[BalanceKey, Standing]:
    """How each of these stands."""
    # From the keys to the balances: as a list of what may be there, each would be looked for among
    # all the balances there are.
    rows = await tx.all(
        "WITH wanted (scope, span, server_id, subject_id, start_ms) AS (VALUES "  # noqa: S608 - names of parameters
        + ", ".join(
            f"(:scope{n}, :span{n}, :server{n}, :subject{n}, :start{n})" for n in range(len(keys))
        )
        + ") SELECT balance.scope, balance.span, balance.server_id, balance.subject_id,"
        " balance.start_ms, spent_nano_usd, held_nano_usd FROM wanted CROSS JOIN balance"
        " WHERE balance.scope = wanted.scope AND balance.span = wanted.span"
        " AND balance.server_id = wanted.server_id AND balance.subject_id = wanted.subject_id"
        " AND balance.start_ms = wanted.start_ms",
        **_parameters(keys),
    )
    found = {
        (row["scope"], row["span"], row["server_id"], row["subject_id"], row["start_ms"]): row
        for row in rows
    }
    standings: dict[BalanceKey, Standing] = {}
    for key in keys:
        row = found.get((key.scope, key.span, key.server_id, key.subject_id, key.start_ms))
        standings[key] = (
            Standing(ZERO, ZERO)
            if row is None
            else Standing(NanoUsd(row["spent_nano_usd"]), NanoUsd(row["held_nano_usd"]))
        )
    return standings


async def hold(tx: Transaction, keys: Sequence[BalanceKey], amount: NanoUsd) -> list[int]:
    """Adds to what is held of each, making a balance if it is its window's first; their ids."""
    rows = await tx.all(
        "INSERT INTO balance"  # noqa: S608 - names of parameters
        " (scope, span, server_id, subject_id, start_ms, end_ms, held_nano_usd) VALUES "
        + ", ".join(
            f"(:scope{n}, :span{n}, :server{n}, :subject{n}, :start{n}, :end{n}, :amount)"
            for n in range(len(keys))
        )
        + " ON CONFLICT (scope, span, server_id, subject_id, start_ms)"
        " DO UPDATE SET held_nano_usd = balance.held_nano_usd + excluded.held_nano_usd"
        " RETURNING id",
        amount=amount,
        **_parameters(keys, ends=True),
    )
    return [row["id"] for row in rows]


def _parameters(keys: Sequence[BalanceKey], *, ends: bool = False) -> dict[str, Value]:
    parameters: dict[str, Value] = {}
    for number, key in enumerate(keys):
        parameters[f"scope{number}"] = key.scope
        parameters[f"span{number}"] = key.span
        parameters[f"server{number}"] = key.server_id
        parameters[f"subject{number}"] = key.subject_id
        parameters[f"start{number}"] = key.start_ms
        if ends:
            parameters[f"end{number}"] = key.end_ms
    return parameters


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


async def spent_by(
    tx: Transaction, balance_ids: Sequence[int], server_id: int, member_id: int
) -> dict[int, NanoUsd]:
    """What a member's calls in a server, and corrections of them, come to on these balances. The
    signs before the servers keep to the index of the member, who has less than the server.
    """
    rows = await tx.all(
        "SELECT balance_id, CAST(SUM(amount) AS BIGINT) AS amount FROM ("  # noqa: S608 - the same
        " SELECT rests.balance_id, entry.cost_nano_usd AS amount FROM entry"
        " JOIN reservation_balance AS rests ON rests.exchange_id = entry.exchange_id"
        " AND rests.call_number = entry.call_number"
        " WHERE entry.member_id = :member_id AND +entry.server_id = :server_id"
        " AND entry.basis <> 'adjustment'"
        " UNION ALL"
        " SELECT moves.balance_id, moves.amount_nano_usd AS amount FROM entry"
        " JOIN adjustment_balance AS moves ON moves.entry_id = entry.id"
        " WHERE entry.member_id = :member_id AND +entry.server_id = :server_id"
        " AND entry.basis = 'adjustment'"
        ") AS part WHERE balance_id IN ("
        + ", ".join(f":id{number}" for number in range(len(balance_ids)))
        + ") GROUP BY balance_id",
        member_id=member_id,
        server_id=server_id,
        **{f"id{number}": each for number, each in enumerate(balance_ids)},
    )
    return {row["balance_id"]: NanoUsd(row["amount"]) for row in rows}


async def correct(tx: Transaction, entry_id: int, balance_id: int, amount: NanoUsd) -> None:
    """Moves what is spent of a balance by what an adjustment comes to there, and keeps that."""
    await tx.run(
        "UPDATE balance SET spent_nano_usd = spent_nano_usd + :amount WHERE id = :id",
        amount=amount,
        id=balance_id,
    )
    await tx.run(
        "INSERT INTO adjustment_balance (entry_id, balance_id, amount_nano_usd)"
        " VALUES (:entry_id, :balance_id, :amount)",
        entry_id=entry_id,
        balance_id=balance_id,
        amount=amount,
    )
