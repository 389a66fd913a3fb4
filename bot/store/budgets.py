"""Limits in money that the admins of a server set, or a person for themselves, and every change of
them with who made it. What a limit counts, and which of several holds, is the ledger's to say.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.money import NanoUsd
from bot.store.balances import Span
from bot.store.database import Transaction

Scope = Literal["server", "role-pot", "role-member", "everyone", "member", "own"]
"""Whose spending: the server's, all of a role together, each of a role, each member without a
better allowance, one member; or one person everywhere, as they set it themselves.
"""
Action = Literal["set", "remove", "grant"]
EVERYWHERE = 0
"""The `server_id` of a person's own limits."""


@dataclass(frozen=True, slots=True)
class Name:
    """Which limit. `subject_id` is the role or the member; 0 for `server` and `everyone`."""

    server_id: int
    scope: Scope
    subject_id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    name: Name
    limit: NanoUsd


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, by whom and when; no amount where a limit was removed, none before where there
    was no limit. A grant has no span.
    """

    action: Action
    scope: Scope
    subject_id: int
    span: Span | None
    before: NanoUsd | None
    amount: NanoUsd | None
    actor_id: int
    reason: str
    changed_ms: int


@dataclass(frozen=True, slots=True)
class Grant:
    amount: NanoUsd
    granted_ms: int


async def find(tx: Transaction, name: Name) -> NanoUsd | None:
    row = await tx.one(
        "SELECT limit_nano_usd FROM budget WHERE server_id = :server_id AND scope = :scope"
        " AND subject_id = :subject_id AND span = :span",
        server_id=name.server_id,
        scope=name.scope,
        subject_id=name.subject_id,
        span=name.span,
    )
    return None if row is None else NanoUsd(row["limit_nano_usd"])


async def of_server(tx: Transaction, server_id: int) -> list[Limit]:
    """All that the admins of a server set."""
    rows = await tx.all(
        "SELECT server_id, scope, subject_id, span, limit_nano_usd FROM budget"
        " WHERE server_id = :server_id AND scope <> 'own' ORDER BY scope, subject_id, span",
        server_id=server_id,
    )
    return [_limit(row) for row in rows]


async def about(
    tx: Transaction, server_id: int, member_id: int, role_ids: Iterable[int]
) -> list[Limit]:
    """Those that may concern a member with these roles in a server, and their own."""
    rows = await tx.all(
        "SELECT server_id, scope, subject_id, span, limit_nano_usd FROM budget"
        " WHERE server_id = :server_id AND scope <> 'own'"
        " AND (scope <> 'member' OR subject_id = :member_id)"
        " UNION ALL"
        " SELECT server_id, scope, subject_id, span, limit_nano_usd FROM budget"
        " WHERE server_id = :everywhere AND scope = 'own' AND subject_id = :member_id",
        server_id=server_id,
        member_id=member_id,
        everywhere=EVERYWHERE,
    )
    roles = frozenset(role_ids)
    found = [_limit(row) for row in rows]
    return [
        each
        for each in found
        if each.name.scope not in {"role-pot", "role-member"} or each.name.subject_id in roles
    ]


async def put(tx: Transaction, name: Name, limit: NanoUsd, *, actor_id: int) -> None:
    """Sets a limit and notes who did."""
    await tx.run(
        "INSERT INTO budget (server_id, scope, subject_id, span, limit_nano_usd)"
        " VALUES (:server_id, :scope, :subject_id, :span, :limit)"
        " ON CONFLICT (server_id, scope, subject_id, span)"
        " DO UPDATE SET limit_nano_usd = excluded.limit_nano_usd",
        server_id=name.server_id,
        scope=name.scope,
        subject_id=name.subject_id,
        span=name.span,
        limit=limit,
    )
    await _note(tx, "set", name, limit, actor_id)


async def remove(tx: Transaction, name: Name, *, actor_id: int) -> bool:
    """Takes a limit away and notes who did; False, and nothing noted, when there was none."""
    gone = await tx.run(
        "DELETE FROM budget WHERE server_id = :server_id AND scope = :scope"
        " AND subject_id = :subject_id AND span = :span",
        server_id=name.server_id,
        scope=name.scope,
        subject_id=name.subject_id,
        span=name.span,
    )
    if gone:
        await _note(tx, "remove", name, None, actor_id)
    return bool(gone)


async def _note(
    tx: Transaction, action: Action, name: Name, amount: NanoUsd | None, actor_id: int
) -> None:
    await tx.run(
        "INSERT INTO budget_change"
        " (server_id, action, scope, subject_id, span, amount_nano_usd, actor_id, changed_ms)"
        " VALUES (:server_id, :action, :scope, :subject_id, :span,"
        " CAST(:amount AS BIGINT), :actor_id, :now_ms)",
        server_id=name.server_id,
        action=action,
        scope=name.scope,
        subject_id=name.subject_id,
        span=name.span,
        amount=amount,
        actor_id=actor_id,
        now_ms=tx.now_ms,
    )


async def grant(
    tx: Transaction,
    grant_id: int,
    server_id: int,
    member_id: int,
    amount: NanoUsd,
    *,
    actor_id: int,
    reason: str,
) -> bool:
    """Notes extra room for a member; False when this grant, by its event's id, is noted already."""
    return bool(
        await tx.run(
            "INSERT INTO budget_change (server_id, action, scope, subject_id, amount_nano_usd,"
            " actor_id, reason, changed_ms, grant_id) VALUES (:server_id, 'grant', 'member',"
            " :member_id, :amount, :actor_id, :reason, :now_ms, :grant_id)"
            " ON CONFLICT (grant_id) DO NOTHING",
            server_id=server_id,
            member_id=member_id,
            amount=amount,
            actor_id=actor_id,
            reason=reason,
            now_ms=tx.now_ms,
            grant_id=grant_id,
        )
    )


async def grants(tx: Transaction, server_id: int, member_id: int) -> list[Grant]:
    """All that a member was ever granted in a server."""
    rows = await tx.all(
        "SELECT amount_nano_usd, changed_ms FROM budget_change"
        " WHERE server_id = :server_id AND subject_id = :member_id AND action = 'grant'",
        server_id=server_id,
        member_id=member_id,
    )
    return [Grant(NanoUsd(row["amount_nano_usd"]), row["changed_ms"]) for row in rows]


async def changes(tx: Transaction, server_id: int, most: int) -> list[Change]:
    """The newest changes of a server's budgets, newest first."""
    rows = await tx.all(
        "SELECT action, scope, subject_id, span, amount_nano_usd, actor_id, reason, changed_ms,"
        " (SELECT old.amount_nano_usd FROM budget_change AS old WHERE old.server_id = :server_id"
        " AND old.scope = now.scope AND old.subject_id = now.subject_id AND old.span = now.span"
        " AND old.id < now.id ORDER BY old.id DESC LIMIT 1) AS before"
        " FROM budget_change AS now WHERE server_id = :server_id AND scope <> 'own'"
        " ORDER BY id DESC LIMIT :most",
        server_id=server_id,
        most=most,
    )
    return [
        Change(
            row["action"],
            row["scope"],
            row["subject_id"],
            row["span"],
            None if row["before"] is None else NanoUsd(row["before"]),
            None if row["amount_nano_usd"] is None else NanoUsd(row["amount_nano_usd"]),
            row["actor_id"],
            row["reason"],
            row["changed_ms"],
        )
        for row in rows
    ]


def _limit(row: sqlite3.Row) -> Limit:
    name = Name(row["server_id"], row["scope"], row["subject_id"], row["span"])
    return Limit(name, NanoUsd(row["limit_nano_usd"]))
