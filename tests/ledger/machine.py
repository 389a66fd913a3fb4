"""The book against a model in plain dicts: any order of what can happen to money, with the
invariants looked at after every step.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.errors import Notice
from bot.ledger.book import Ask, Book
from bot.money import NanoUsd, nano_usd
from bot.store.database import Database, Transaction
from bot.store.reservations import Tokens
from tests.ledger import books
from tests.ledger.books import BalanceName, Books, Call, read_books
from tests.ledger.support import HOUR_MS, SetClock, ask, copy_database, limits

LIMITS = limits(member_day="0.9", member_month="2", server_month="3", total_month="5")
T = TypeVar("T")


def start_of(text: str, format_: str) -> int:
    return int(datetime.strptime(text, format_).replace(tzinfo=UTC).timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation as the model knows it."""

    ask: Ask
    hold: int
    max_tokens: int
    names: tuple[BalanceName, ...]
    state: str = "held"

    @property
    def is_open(self) -> bool:
        return self.state in {"held", "sent", "unresolved"}


class Model:
    """The same rules said another way: sums over everything, kept nowhere but here."""

    def __init__(self) -> None:
        self.held: dict[Call, Held] = {}
        self.entries: dict[Call, tuple[str, int, int]] = {}

    def names(self, ask: Ask, now_ms: int) -> dict[BalanceName, int]:
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        day = start_of(now.strftime("%Y-%m-%d"), "%Y-%m-%d")
        month = start_of(now.strftime("%Y-%m"), "%Y-%m")
        member, server = ask.member_id, ask.server_id
        names: dict[BalanceName, int] = {
            ("member", "day", 0, member, day): nano_usd("0.9"),
            ("member", "month", 0, member, month): nano_usd(2),
            ("total", "month", 0, 0, month): nano_usd(5),
        }
        if server:
            names["server", "month", server, 0, month] = nano_usd(3)
        return names

    def balances(self) -> dict[BalanceName, tuple[int, int]]:
        found: dict[BalanceName, tuple[int, int]] = {}
        for call, held in self.held.items():
            for name in held.names:
                spent, holding = found.get(name, (0, 0))
                if held.is_open:
                    holding += held.hold
                else:
                    spent += self.entries[call][1]
                found[name] = (spent, holding)
        return found

    def fitting(self, ask: Ask, now_ms: int) -> Held | None:
        """Tried from the longest answer down: slow, and plainly right."""
        balances = self.balances()
        limits = self.names(ask, now_ms)
        for max_tokens in range(ask.max_tokens, ask.max_tokens_floor - 1, -1):
            hold = (
                ask.prompt_tokens_max * 8_000
                + max_tokens * 15_000
                + ask.pictures * {"1K": 250_000_000, "2K": 450_000_000}[ask.size]
            )
            if all(
                sum(balances.get(name, (0, 0))) + hold <= limit for name, limit in limits.items()
            ):
                return Held(ask, hold, max_tokens, tuple(limits))
        return None

    def close(self, call: Call, basis: str, cost: int) -> bool:
        held = self.held.get(call)
        if held is None or not held.is_open:
            return False
        state = "voided" if basis == "void" else "settled"
        self.held[call] = replace(held, state=state)
        self.entries[call] = (basis, cost, max(0, cost - held.hold))
        return True

    def move(self, call: Call, before: str, after: str) -> bool:
        held = self.held.get(call)
        if held is None or held.state != before:
            return False
        self.held[call] = replace(held, state=after)
        return True

    def summary(self) -> object:
        return (
            self.balances(),
            {call: (held.state, held.hold, held.max_tokens) for call, held in self.held.items()},
            self.entries,
        )


calls = st.tuples(st.integers(1, 6), st.integers(1, 2))
asks = st.builds(
    ask,
    server_id=st.sampled_from((0, 10, 11)),
    member_id=st.sampled_from((1, 2, 3)),
    prompt_tokens_max=st.sampled_from((10, 5_000)),
    pictures=st.sampled_from((0, 1)),
    size=st.sampled_from(("1K", "2K")),
    max_tokens=st.sampled_from((1_000, 1_050)),
    max_tokens_floor=st.sampled_from((950, 1_000)),
)
costs = st.one_of(st.integers(0, 10**9), st.sampled_from((0, 1, 2 * 10**9)))


class BookMachine(RuleBasedStateMachine):
    """One process after another on one database. `template` is a migrated one."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = copy_database(self.template, self.folder)
        self.clock = SetClock()
        self.model = Model()
        self.book = Book(LIMITS)
        self.before = Books()
        self.runner = asyncio.Runner()
        self.database = self.run(self.open())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:  # Any: as asyncio has it
        return self.runner.run(coroutine)

    async def open(self) -> Database:
        return await Database(self.path, self.clock).__aenter__()

    def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        return self.run(self.database.write(operation))

    def teardown(self) -> None:
        self.run(self.database.__aexit__(None, None, None))
        self.runner.close()
        shutil.rmtree(self.folder)

    # --- what can happen ---------------------------------------------------------------------

    @rule(call=calls, wanted=asks)
    def reserve(self, call: Call, wanted: Ask) -> None:
        wanted = replace(wanted, exchange_id=call[0], call_number=call[1])
        if call in self.model.held:
            self.reserve_again(call, wanted)
            return
        expected = self.model.fitting(wanted, self.clock.now_ms())
        try:
            got = self.write(lambda tx: self.book.reserve(tx, wanted))
        except Notice:
            assert expected is None
            books.invariant_10_a_denial_changes_nothing(self.look(), self.before)
        else:
            assert expected is not None
            assert (got.hold_nano_usd, got.max_tokens) == (expected.hold, expected.max_tokens)
            self.model.held[call] = expected

    def reserve_again(self, call: Call, wanted: Ask) -> None:
        known = self.model.held[call]
        same = self.write(lambda tx: self.book.reserve(tx, known.ask))
        assert (same.hold_nano_usd, same.max_tokens) == (known.hold, known.max_tokens)
        if wanted.member_id != known.ask.member_id:
            try:
                self.write(lambda tx: self.book.reserve(tx, wanted))
            except ValueError:
                pass
            else:
                raise AssertionError("reserved for something else, and no error")
        books.invariant_10_a_denial_changes_nothing(self.look(), self.before)

    @rule(call=calls)
    def mark_sent(self, call: Call) -> None:
        moved = self.write(lambda tx: self.book.mark_sent(tx, *call))
        assert moved == self.model.move(call, "held", "sent")

    @rule(call=calls)
    def leave_unresolved(self, call: Call) -> None:
        moved = self.write(lambda tx: self.book.leave_unresolved(tx, *call))
        assert moved == self.model.move(call, "sent", "unresolved")

    @rule(call=calls, cost=costs)
    def settle(self, call: Call, cost: int) -> None:
        settled = self.write(
            lambda tx: self.book.settle(tx, *call, NanoUsd(cost), "usage", "picture", Tokens())
        )
        assert settled == self.model.close(call, "usage", cost)

    @rule(call=calls)
    def book_estimate(self, call: Call) -> None:
        booked = self.write(lambda tx: self.book.book_estimate(tx, *call, "text"))
        held = self.model.held.get(call)
        assert booked == (held is not None and self.model.close(call, "estimate", held.hold))

    @rule(call=calls)
    def void(self, call: Call) -> None:
        voided = self.write(lambda tx: self.book.void(tx, *call))
        assert voided == self.model.close(call, "void", 0)

    @rule(call=calls, cost=costs)
    def settle_and_void_at_once(self, call: Call, cost: int) -> None:
        async def race() -> tuple[bool, bool]:
            async with asyncio.TaskGroup() as group:
                one = group.create_task(
                    self.database.write(
                        lambda tx: self.book.settle(
                            tx, *call, NanoUsd(cost), "generation", "edit", Tokens()
                        )
                    )
                )
                other = group.create_task(self.database.write(lambda tx: self.book.void(tx, *call)))
            return one.result(), other.result()

        assert self.run(race()) == (self.model.close(call, "generation", cost), False)

    @rule(hours=st.sampled_from((1, 13, 24, 24 * 31)))
    def time_passes(self, hours: int) -> None:
        self.clock.time_ms += hours * HOUR_MS

    @rule()
    def another_process_opens_the_database(self) -> None:
        self.run(self.database.__aexit__(None, None, None))
        self.database = self.run(self.open())
        self.book = Book(LIMITS)

    @precondition(lambda self: any(held.is_open for held in self.model.held.values()))
    @rule()
    def everything_left_open_is_resolved(self) -> None:
        for call, held in self.model.held.items():
            if held.is_open and held.state == "held":
                self.void(call)
            elif held.is_open:
                self.book_estimate(call)
        books.invariant_10_nothing_is_open_after_recovery(self.look())

    # --- what must hold ----------------------------------------------------------------------

    def look(self) -> Books:
        return self.run(self.database.read(read_books))

    @invariant()
    def all_invariants_hold(self) -> None:
        now = self.look()
        books.invariant_1_no_budget_is_overspent(now, LIMITS)
        books.invariant_2_balances_are_the_sums_of_what_rests_on_them(now)
        books.invariant_3_closed_once_in_entries_that_stay(now, self.before)
        books.invariant_4_a_call_is_reserved_once(now, self.before)
        books.invariant_5_the_first_to_close_wins(now, self.before)
        books.invariant_7_what_was_acknowledged_is_there(now, self.model.summary())
        self.before = now
