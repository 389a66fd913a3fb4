"""The books as they lie in the tables, and what must hold of them after every step, each rule by
its number in the design's list of invariants.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bot.store.database import Transaction

Call = tuple[int, int]
BalanceName = tuple[str, str, int, int, int, int]
"""Scope, span, server, subject, start, end."""


@dataclass(frozen=True, slots=True)
class BalanceRow:
    id: int
    name: BalanceName
    spent: int
    held: int


@dataclass(frozen=True, slots=True)
class ReservationRow:
    state: str
    hold: int
    max_tokens: int
    is_closed: bool
    rests_on: frozenset[int]


@dataclass(frozen=True, slots=True)
class EntryRow:
    id: int
    call: Call
    basis: str
    cost: int
    over: int
    everything: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Books:
    balances: dict[int, BalanceRow] = field(default_factory=dict[int, BalanceRow])
    reservations: dict[Call, ReservationRow] = field(default_factory=dict[Call, ReservationRow])
    entries: tuple[EntryRow, ...] = ()
    corrections: tuple[tuple[int, int], ...] = ()
    """Of a balance, by an amount."""


async def read_books(tx: Transaction) -> Books:
    balances = {
        row["id"]: BalanceRow(
            row["id"],
            (
                *(row["scope"], row["span"], row["server_id"], row["subject_id"]),
                *(row["start_ms"], row["end_ms"]),
            ),
            row["spent_nano_usd"],
            row["held_nano_usd"],
        )
        for row in await tx.all("SELECT * FROM balance")
    }
    rests_on: dict[Call, set[int]] = {}
    for row in await tx.all("SELECT * FROM reservation_balance"):
        call = (row["exchange_id"], row["call_number"])
        rests_on.setdefault(call, set()).add(row["balance_id"])
    reservations: dict[Call, ReservationRow] = {}
    for row in await tx.all("SELECT * FROM reservation"):
        call = (row["exchange_id"], row["call_number"])
        reservations[call] = ReservationRow(
            row["state"],
            row["hold_nano_usd"],
            row["max_tokens"],
            row["closed_ms"] is not None,
            frozenset(rests_on.get(call, ())),
        )
    entries = tuple(
        EntryRow(
            row["id"],
            (row["exchange_id"], row["call_number"]),
            row["basis"],
            row["cost_nano_usd"],
            row["over_nano_usd"],
            tuple(row),
        )
        for row in await tx.all("SELECT * FROM entry ORDER BY id")
    )
    corrections = tuple(
        (row["balance_id"], row["amount_nano_usd"])
        for row in await tx.all("SELECT * FROM adjustment_balance ORDER BY entry_id, balance_id")
    )
    return Books(balances, reservations, entries, corrections)


def invariant_1_no_budget_is_overspent(
    books: Books, limits: Iterable[tuple[BalanceName, int]]
) -> None:
    """Of what these limits count, as something was just admitted under them."""
    now = {balance.name: balance.spent + balance.held for balance in books.balances.values()}
    for name, limit in limits:
        assert now.get(name, 0) <= limit


def invariant_2_balances_are_the_sums_of_what_rests_on_them(books: Books) -> None:
    cost = {entry.call: entry.cost for entry in books.entries}
    for balance in books.balances.values():
        held = 0
        spent = sum(amount for of, amount in books.corrections if of == balance.id)
        for call, reservation in books.reservations.items():
            if balance.id in reservation.rests_on:
                if reservation.is_closed:
                    spent += cost[call]
                else:
                    held += reservation.hold
        assert (balance.spent, balance.held) == (spent, held)


def invariant_3_closed_once_in_entries_that_stay(books: Books, before: Books) -> None:
    closing = [entry.call for entry in books.entries if entry.basis != "adjustment"]
    closed = [call for call, reservation in books.reservations.items() if reservation.is_closed]
    assert sorted(closing) == sorted(closed)
    assert books.entries[: len(before.entries)] == before.entries
    for entry in books.entries:
        if entry.basis == "adjustment":
            continue
        state = books.reservations[entry.call].state
        assert (entry.basis == "void") == (state == "voided")


def invariant_4_a_call_is_reserved_once(books: Books, before: Books) -> None:
    for call, reservation in before.reservations.items():
        now = books.reservations[call]
        assert (now.hold, now.max_tokens, now.rests_on) == (
            reservation.hold,
            reservation.max_tokens,
            reservation.rests_on,
        )


def invariant_5_the_first_to_close_wins(books: Books, before: Books) -> None:
    for call, reservation in before.reservations.items():
        if reservation.is_closed:
            assert books.reservations[call] == reservation


def invariant_7_what_was_acknowledged_is_there(books: Books, expected: object) -> None:
    """`expected` is what the model of the test says, in the form of `summary`."""
    assert summary(books) == expected


def invariant_9_windows_of_a_balance_do_not_overlap(books: Books) -> None:
    names = sorted(balance.name for balance in books.balances.values())
    for one, next_ in pairwise(names):
        assert one[:4] != next_[:4] or one[5] <= next_[4]


def invariant_10_a_denial_changes_nothing(books: Books, before: Books) -> None:
    assert books == before


def invariant_10_nothing_is_open_after_recovery(books: Books) -> None:
    assert all(reservation.is_closed for reservation in books.reservations.values())
    assert all(balance.held == 0 for balance in books.balances.values())


def summary(books: Books) -> object:
    return (
        {balance.name: (balance.spent, balance.held) for balance in books.balances.values()},
        {
            call: (reservation.state, reservation.hold, reservation.max_tokens)
            for call, reservation in books.reservations.items()
        },
        {entry.call: (entry.basis, entry.cost, entry.over) for entry in books.entries},
    )
