"""The book against the model: any order of what can happen to money, with the invariants looked at
after every step.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.clock import milliseconds
from bot.errors import Notice
from bot.ledger.book import Ask, Book
from bot.money import NanoUsd, nano_usd
from bot.store import budgets, servers
from bot.store.balances import Span
from bot.store.budgets import Name
from bot.store.database import Database, Transaction
from bot.store.reservations import Tokens
from tests.ledger import books
from tests.ledger.books import Books, Call, read_books
from tests.ledger.model import CAPS, SPANS, Model, bounds
from tests.ledger.support import HOUR_MS, SetClock, ask, copy_database, limits

LIMITS = limits(**CAPS)
EVES = tuple(
    milliseconds(datetime(2027, month, day, 12, tzinfo=UTC))
    for month, day in ((3, 27), (10, 30), (12, 31))
)
"""Of the days in Berlin that have 23 and 25 hours, and of a new year."""
ROLES: dict[int, frozenset[int]] = {}
"""Of each member at present."""
T = TypeVar("T")

calls = st.tuples(st.integers(1, 6), st.integers(1, 2))
members = st.sampled_from((1, 2, 3))
roles = st.frozensets(st.sampled_from((501, 502)))
asks = st.builds(
    ask,
    server_id=st.sampled_from((0, 10, 10, 11)),
    member_id=members,
    prompt_tokens_max=st.sampled_from((10, 5_000)),
    pictures=st.sampled_from((0, 1)),
    size=st.sampled_from(("1K", "2K")),
    max_tokens=st.sampled_from((1_000, 1_050)),
    max_tokens_floor=st.sampled_from((950, 1_000)),
)
costs = st.one_of(st.integers(0, 10**9), st.sampled_from((0, 1, 2 * 10**9)))
spans: st.SearchStrategy[Span] = st.sampled_from(SPANS)
names = st.one_of(
    st.builds(Name, st.just(10), st.sampled_from(("server", "everyone")), st.just(0), spans),
    st.builds(
        Name,
        st.just(10),
        st.sampled_from(("role-pot", "role-pot", "role-member")),
        st.sampled_from((501, 502)),
        spans,
    ),
    st.builds(Name, st.just(10), st.just("member"), members, spans),
    st.builds(Name, st.just(0), st.just("own"), members, spans),
)
amounts = st.sampled_from(("0", "0.3", "0.6", "1", "2")).map(nano_usd)


class BookMachine(RuleBasedStateMachine):
    """One process after another on one database. `template` is a migrated one."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = copy_database(self.template, self.folder)
        self.clock = SetClock(EVES[0])
        self.model = Model()
        self.book = Book(LIMITS)
        self.before = Books()
        ROLES.clear()
        self.runner = asyncio.Runner()
        self.database = self.run(self.open())
        self.begin()

    def begin(self) -> None:
        """What a hunt for one bug begins with."""

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
        wanted = replace(
            wanted,
            exchange_id=call[0],
            call_number=call[1],
            role_ids=ROLES.get(wanted.member_id, frozenset()) if wanted.server_id else frozenset(),
        )
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
            # An overrun took from what was left before this was admitted: nothing is over now.
            books.invariant_1_no_budget_is_overspent(
                self.look(), self.model.limited(wanted, self.clock.now_ms())
            )

    def reserve_again(self, call: Call, wanted: Ask) -> None:
        known = self.model.held[call]
        again = replace(known.ask, role_ids=wanted.role_ids)
        same = self.write(lambda tx: self.book.reserve(tx, again))
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

    @rule(
        number=st.integers(901, 904),
        member_id=members,
        amount=st.sampled_from(("-2", "-0.3", "-0.1", "0.2")).map(nano_usd),
    )
    def adjust(self, number: int, member_id: int, amount: NanoUsd) -> None:
        of = replace(
            ask(server_id=10, member_id=member_id),
            role_ids=ROLES.get(member_id, frozenset()),
        )
        adjusted = self.write(
            lambda tx: self.book.adjust(
                tx,
                number,
                server_id=of.server_id,
                member_id=of.member_id,
                channel_id=of.channel_id,
                role_ids=of.role_ids,
                amount=amount,
                actor_id=1,
                reason="a test",
            )
        )
        assert adjusted == self.model.adjust(number, of, amount, self.clock.now_ms())

    @rule(name=names, amount=st.one_of(amounts, st.none()))
    def a_limit_changes(self, name: Name, amount: NanoUsd | None) -> None:
        if amount is None:
            removed = self.write(lambda tx: budgets.remove(tx, name, actor_id=1))
            assert removed == (self.model.limits.pop(name, None) is not None)
        else:
            self.write(lambda tx: budgets.put(tx, name, amount, actor_id=1))
            self.model.limits[name] = amount

    @rule(number=st.integers(801, 804), member_id=members, amount=amounts)
    def grant(self, number: int, member_id: int, amount: NanoUsd) -> None:
        if amount == 0:
            return
        granted = self.write(
            lambda tx: budgets.grant(tx, number, 10, member_id, amount, actor_id=1, reason="")
        )
        assert granted == (number not in self.model.grants)
        self.model.grants.setdefault(number, (10, member_id, amount, self.clock.now_ms()))

    @rule(member_id=members, held=roles)
    def roles_change(self, member_id: int, held: frozenset[int]) -> None:
        ROLES[member_id] = held

    @rule(zone=st.sampled_from((None, "Europe/Berlin", "America/New_York", "Pacific/Honolulu")))
    def the_zone_changes(self, zone: str | None) -> None:
        self.write(lambda tx: servers.put(tx, 10, "time_zone", zone, member_id=1))
        self.model.turns.setdefault(10, []).append((self.clock.now_ms(), zone))

    @rule(hours=st.sampled_from((1, 13, 24, 24 * 31)))
    def time_passes(self, hours: int) -> None:
        self.clock.time_ms += hours * HOUR_MS

    @rule(eve=st.sampled_from(EVES))
    def an_eve_comes(self, eve: int) -> None:
        self.clock.time_ms = max(self.clock.time_ms, eve)

    @rule(span=st.sampled_from(("day", "day", "week", "month")), short_ms=st.sampled_from((0, 1)))
    def time_passes_to_the_edge(self, span: Span, short_ms: int) -> None:
        end_ms = bounds(span, self.clock.now_ms(), self.model.turns.get(10, ()))[1]
        self.clock.time_ms = end_ms - short_ms

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
        books.invariant_2_balances_are_the_sums_of_what_rests_on_them(now)
        books.invariant_3_closed_once_in_entries_that_stay(now, self.before)
        books.invariant_4_a_call_is_reserved_once(now, self.before)
        books.invariant_5_the_first_to_close_wins(now, self.before)
        books.invariant_7_what_was_acknowledged_is_there(now, self.model.summary())
        books.invariant_9_windows_of_a_balance_do_not_overlap(now)
        self.before = now
