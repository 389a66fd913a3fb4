"""What is yet to be held: for requests that are admitted and hold nothing so far, what their first
calls are to hold at least, so that no more are admitted than fit.
"""

from dataclasses import dataclass

from bot.money import NanoUsd
from bot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Expected:
    """The sums for a member, for them in a server, for the server, and for all."""

    member: NanoUsd
    member_here: NanoUsd
    server: NanoUsd
    total: NanoUsd


async def holds(tx: Transaction, *, beside: int, server_id: int, member_id: int) -> Expected:
    """Of all exchanges before their hold but the one of id `beside`."""
    row = await tx.one(
        "SELECT coalesce(sum(expected_hold_nano_usd), 0) AS total,"
        " coalesce(sum(expected_hold_nano_usd) FILTER (WHERE member_id = :member_id), 0) AS member,"
        " coalesce(sum(expected_hold_nano_usd)"
        " FILTER (WHERE member_id = :member_id AND server_id = :server_id), 0) AS member_here,"
        " coalesce(sum(expected_hold_nano_usd) FILTER (WHERE server_id = :server_id), 0) AS server"
        " FROM exchange WHERE step <> 'done' AND step IN ('wait', 'hold') AND id <> :beside",
        beside=beside,
        server_id=server_id,
        member_id=member_id,
    )
    assert row is not None
    return Expected(
        NanoUsd(row["member"]),
        NanoUsd(row["member_here"]),
        NanoUsd(row["server"]),
        NanoUsd(row["total"]),
    )


async def of_role(tx: Transaction, *, beside: int, server_id: int, role_id: int) -> NanoUsd:
    """The same for those who have a role in a server."""
    row = await tx.one(
        "SELECT coalesce(sum(expected_hold_nano_usd), 0) AS amount FROM exchange"
        " WHERE step <> 'done' AND step IN ('wait', 'hold') AND id <> :beside"
        " AND server_id = :server_id AND role_ids LIKE :role",
        beside=beside,
        server_id=server_id,
        role=f"% {role_id} %",
    )
    assert row is not None
    return NanoUsd(row["amount"])
