"""Reservations: money held for one call at the model, from before it is sent until it is settled
or voided. Each change says which state it starts from, so that of two only one takes place. The
balances and the entries that move with them are the book's to move.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.money import NanoUsd
from bot.store.database import Transaction

State = Literal["held", "sent", "unresolved", "settled", "voided"]


class TokenCounts(Protocol):
    """Tokens as the provider counts them; cached ones are part of the prompt's, image ones of the
    completion's.
    """

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def image_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts at rest."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    image_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """A row. `reported_nano_usd` and `tokens` are the provider's `usage`, once it is known;
    `call_ended_ms` is when a call ended without a known cost, from where the deadline runs.
    """

    exchange_id: int
    call_number: int
    server_id: int
    member_id: int
    channel_id: int
    model: str
    max_tokens: int
    hold_nano_usd: NanoUsd
    day: int
    created_ms: int
    state: State = "held"
    generation_id: str | None = None
    reported_nano_usd: NanoUsd | None = None
    tokens: Tokens = Tokens()
    call_ended_ms: int | None = None
    closed_ms: int | None = None
    price_id: int = 0

    @property
    def is_open(self) -> bool:
        """Its money is held still."""
        return self.closed_ms is None

    def covers(self, hold: NanoUsd) -> bool:
        """Whether it holds as much."""
        return hold <= self.hold_nano_usd


async def add(tx: Transaction, reservation: Reservation, balance_ids: Sequence[int]) -> None:
    """A new one, held, with the balances it rests on."""
    await tx.run(
        "INSERT INTO reservation (exchange_id, call_number, state, server_id, member_id,"
        " channel_id, model, max_tokens, hold_nano_usd, day, created_ms, price_id)"
        " VALUES (:exchange_id, :call_number, 'held', :server_id, :member_id,"
        " :channel_id, :model, :max_tokens, :hold_nano_usd, :day, :created_ms, :price_id)",
        exchange_id=reservation.exchange_id,
        call_number=reservation.call_number,
        server_id=reservation.server_id,
        member_id=reservation.member_id,
        channel_id=reservation.channel_id,
        model=reservation.model,
        max_tokens=reservation.max_tokens,
        hold_nano_usd=reservation.hold_nano_usd,
        day=reservation.day,
        created_ms=reservation.created_ms,
        price_id=reservation.price_id,
    )
    await tx.run(
        "INSERT INTO reservation_balance (exchange_id, call_number, balance_id) VALUES "  # noqa: S608 - names of parameters
        + ", ".join(f"(:exchange_id, :call_number, :id{n})" for n in range(len(balance_ids))),
        exchange_id=reservation.exchange_id,
        call_number=reservation.call_number,
        **{f"id{number}": each for number, each in enumerate(balance_ids)},
    )


async def find(tx: Transaction, exchange_id: int, call_number: int) -> Reservation | None:
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608 - fixed text
        " WHERE exchange_id = :exchange_id AND call_number = :call_number",
        exchange_id=exchange_id,
        call_number=call_number,
    )
    return None if row is None else _reservation(row)


async def get(tx: Transaction, exchange_id: int, call_number: int) -> Reservation:
    """Raises LookupError when there is none."""
    reservation = await find(tx, exchange_id, call_number)
    if reservation is None:
        raise LookupError(f"no reservation for call {call_number} of {exchange_id}")
    return reservation


async def open_ones(tx: Transaction) -> list[Reservation]:
    """All whose money is still held, oldest exchange first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608 - fixed text
        " WHERE closed_ms IS NULL ORDER BY exchange_id, call_number"
    )
    return [_reservation(row) for row in rows]


async def has_open(tx: Transaction, exchange_id: int) -> bool:
    row = await tx.one(
        "SELECT COUNT(*) AS number FROM reservation"
        " WHERE exchange_id = :exchange_id AND closed_ms IS NULL",
        exchange_id=exchange_id,
    )
    return row is not None and row["number"] > 0


async def mark_sent(tx: Transaction, exchange_id: int, call_number: int) -> bool:
    """False when it was not held any more: then the call must not be sent."""
    return bool(
        await tx.run(
            "UPDATE reservation SET state = 'sent' WHERE exchange_id = :exchange_id"
            " AND call_number = :call_number AND state = 'held'",
            exchange_id=exchange_id,
            call_number=call_number,
        )
    )


async def leave_unresolved(tx: Transaction, exchange_id: int, call_number: int) -> bool:
    """False when it was not sent, or is resolved or left already."""
    return bool(
        await tx.run(
            "UPDATE reservation SET state = 'unresolved', call_ended_ms = :now_ms"
            " WHERE exchange_id = :exchange_id AND call_number = :call_number"
            " AND state = 'sent'",
            exchange_id=exchange_id,
            call_number=call_number,
            now_ms=tx.now_ms,
        )
    )


async def note_generation(
    tx: Transaction, exchange_id: int, call_number: int, generation_id: str
) -> None:
    """The provider's id of the call; the first one stays."""
    await tx.run(
        "UPDATE reservation SET generation_id = :generation_id"
        " WHERE exchange_id = :exchange_id AND call_number = :call_number"
        " AND generation_id IS NULL AND closed_ms IS NULL",
        exchange_id=exchange_id,
        call_number=call_number,
        generation_id=generation_id,
    )


async def note_usage(
    tx: Transaction,
    exchange_id: int,
    call_number: int,
    reported: NanoUsd | None,
    tokens: TokenCounts,
) -> None:
    """What the provider reports, for the settlement to come."""
    await tx.run(
        "UPDATE reservation SET reported_nano_usd = CAST(:reported AS BIGINT),"
        " prompt_tokens = :prompt_tokens, cached_tokens = :cached_tokens,"
        " completion_tokens = :completion_tokens, image_tokens = :image_tokens"
        " WHERE exchange_id = :exchange_id AND call_number = :call_number"
        " AND closed_ms IS NULL",
        exchange_id=exchange_id,
        call_number=call_number,
        reported=reported,
        prompt_tokens=tokens.prompt_tokens,
        cached_tokens=tokens.cached_tokens,
        completion_tokens=tokens.completion_tokens,
        image_tokens=tokens.image_tokens,
    )


async def close(
    tx: Transaction, exchange_id: int, call_number: int, state: Literal["settled", "voided"]
) -> Reservation | None:
    """The reservation, closed by this very call; None when it was closed before, or never was."""
    row = await tx.one(
        "UPDATE reservation SET state = :state, closed_ms = :now_ms"  # noqa: S608 - fixed text
        " WHERE exchange_id = :exchange_id AND call_number = :call_number"
        f" AND closed_ms IS NULL RETURNING {_COLUMNS}",
        exchange_id=exchange_id,
        call_number=call_number,
        state=state,
        now_ms=tx.now_ms,
    )
    return None if row is None else _reservation(row)


_COLUMNS = (
    "exchange_id, call_number, state, server_id, member_id, channel_id, model, max_tokens,"
    " hold_nano_usd, day, generation_id, reported_nano_usd, prompt_tokens, cached_tokens,"
    " completion_tokens, image_tokens, created_ms, call_ended_ms, closed_ms, price_id"
)


def _reservation(row: sqlite3.Row) -> Reservation:
    return Reservation(
        exchange_id=row["exchange_id"],
        call_number=row["call_number"],
        state=row["state"],
        server_id=row["server_id"],
        member_id=row["member_id"],
        channel_id=row["channel_id"],
        model=row["model"],
        max_tokens=row["max_tokens"],
        hold_nano_usd=row["hold_nano_usd"],
        day=row["day"],
        generation_id=row["generation_id"],
        reported_nano_usd=row["reported_nano_usd"],
        tokens=Tokens(
            prompt_tokens=row["prompt_tokens"],
            cached_tokens=row["cached_tokens"],
            completion_tokens=row["completion_tokens"],
            image_tokens=row["image_tokens"],
        ),
        created_ms=row["created_ms"],
        call_ended_ms=row["call_ended_ms"],
        closed_ms=row["closed_ms"],
        price_id=row["price_id"],
    )
