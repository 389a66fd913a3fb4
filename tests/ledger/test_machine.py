import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import tzinfo
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.ledger import budgets, windows
from bot.ledger.book import Ask, Book
from bot.ledger.budgets import Calendar
from bot.ledger.windows import Window
from bot.money import ZERO, NanoUsd, nano_usd
from bot.store import balances, reservations, servers
from bot.store import budgets as stored
from bot.store.balances import BalanceKey, Scope, Span, Standing
from bot.store.budgets import Name
from bot.store.database import Transaction, migrate
from bot.store.reservations import Reservation
from bot.store.servers import ZoneChange
from tests.ledger.machine import EVES, ROLES, BookMachine
from tests.ledger.support import DAY_MS, HOUR_MS

RULE = "hypothesis_stateful_rule"
"""What Hypothesis marks rules by."""
BUG_HUNT = settings(
    max_examples=400,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


Beginning = Callable[[BookMachine], None]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    asyncio.run(migrate(tmp_path / "template.db"))
    return tmp_path / "template.db"


def machine(
    path: Path, played: Collection[str] = (), begin: Beginning | None = None
) -> type[BookMachine]:
    """The machine, of whose rules only some are played if named, after a beginning of its own: what
    meets rarely does so soon.
    """
    rules = {name for name, each in vars(BookMachine).items() if hasattr(each, RULE)}
    assert rules >= set(played)
    left_out = dict.fromkeys(rules - set(played) if played else ())
    began = {} if begin is None else {"begin": begin}
    return type("Machine", (BookMachine,), {"template": path, **left_out, **began})


def play(path: Path, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine(path),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_the_book_does_as_the_model_says_in_any_order(template: Path):
    play(template, 12, 30)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_the_book_does_as_the_model_says_in_many_orders(template: Path):
    play(template, 300, 50)


# --- the test of the test: each of these bugs must be caught -------------------------------------


def hold_forgotten(patch: pytest.MonkeyPatch) -> None:
    hold = balances.hold

    async def forgetting(
        tx: Transaction, keys: Sequence[BalanceKey], _amount: NanoUsd
    ) -> list[int]:
        return await hold(tx, keys, ZERO)

    patch.setattr(balances, "hold", forgetting)


def hold_leaked(patch: pytest.MonkeyPatch) -> None:
    release = balances.release

    async def leaking(
        tx: Transaction, exchange_id: int, call_number: int, *, held: NanoUsd, spent: NanoUsd
    ) -> None:
        kept = held if spent else ZERO
        await release(tx, exchange_id, call_number, held=kept, spent=spent)

    patch.setattr(balances, "release", leaking)


def settled_twice(patch: pytest.MonkeyPatch) -> None:
    close = reservations.close

    async def closing_again(
        tx: Transaction, exchange_id: int, call_number: int, state: str
    ) -> Reservation | None:
        assert state in {"settled", "voided"}
        closed = await close(
            tx, exchange_id, call_number, "settled" if state == "settled" else "voided"
        )
        return closed or await reservations.find(tx, exchange_id, call_number)

    patch.setattr(reservations, "close", closing_again)


def pot_shared_between_members(patch: pytest.MonkeyPatch) -> None:
    here = Calendar.here

    def shared(self: Calendar, scope: Scope, span: Span, subject_id: int = 0) -> BalanceKey:
        return here(self, scope, span, 1 if scope == "member" else subject_id)

    patch.setattr(Calendar, "here", shared)


def role_change_splits_hold_and_settlement(patch: pytest.MonkeyPatch) -> None:
    """The settlement goes to the pots of the roles that the member has by then."""
    release = balances.release

    async def by_present_roles(
        tx: Transaction, exchange_id: int, call_number: int, *, held: NanoUsd, spent: NanoUsd
    ) -> None:
        call = await reservations.get(tx, exchange_id, call_number)
        for role_id in {501, 502} - ROLES.get(call.member_id, frozenset()):
            await tx.run(
                "DELETE FROM reservation_balance WHERE exchange_id = :exchange_id"
                " AND call_number = :call_number AND balance_id IN (SELECT id FROM balance"
                " WHERE scope = 'role-pot' AND subject_id = :role_id)",
                exchange_id=exchange_id,
                call_number=call_number,
                role_id=role_id,
            )
        await release(tx, exchange_id, call_number, held=held, spent=spent)

    patch.setattr(balances, "release", by_present_roles)


def refund_mints_credit_in_a_new_window(patch: pytest.MonkeyPatch) -> None:
    async def as_if_all_was_paid_here(
        _tx: Transaction, balance_ids: Sequence[int], _server_id: int, _member_id: int
    ) -> dict[int, NanoUsd]:
        return dict.fromkeys(balance_ids, NanoUsd(10**12))

    patch.setattr(balances, "spent_by", as_if_all_was_paid_here)


def window_edge_belongs_to_the_window_before(patch: pytest.MonkeyPatch) -> None:
    window = windows.window

    def late(span: Span, now_ms: int, changes: Sequence[ZoneChange] = ()) -> Window:
        return window(span, now_ms - 1, changes)

    patch.setattr(budgets, "window", late)


def every_day_has_24_hours(patch: pytest.MonkeyPatch) -> None:
    calendar = windows.calendar

    def even(span: Span, now_ms: int, zone: tzinfo) -> Window:
        found = calendar(span, now_ms, zone)
        return Window(found.start_ms, found.start_ms + DAY_MS) if span == "day" else found

    patch.setattr(windows, "calendar", even)


def late_settlement_charges_the_present_window(patch: pytest.MonkeyPatch) -> None:
    release = balances.release

    async def moving(
        tx: Transaction, exchange_id: int, call_number: int, *, held: NanoUsd, spent: NanoUsd
    ) -> None:
        await release(tx, exchange_id, call_number, held=held, spent=ZERO)
        await tx.run(
            "UPDATE balance SET spent_nano_usd = spent_nano_usd + :spent"
            " WHERE start_ms <= :now AND end_ms > :now",
            spent=spent,
            now=tx.now_ms,
        )

    patch.setattr(balances, "release", moving)


def check_of_another_transaction(patch: pytest.MonkeyPatch) -> None:
    """The check sees nothing of what is held: as if it came before the others' holds."""
    standings = balances.standings

    async def spent_only(tx: Transaction, keys: Sequence[BalanceKey]) -> dict[BalanceKey, Standing]:
        found = await standings(tx, keys)
        return {key: Standing(each.spent, ZERO) for key, each in found.items()}

    patch.setattr(balances, "standings", spent_only)


def repeat_holds_again(patch: pytest.MonkeyPatch) -> None:
    reserve = Book.reserve

    async def reserving_again(self: Book, tx: Transaction, ask: Ask) -> Reservation:
        stored = await reservations.find(tx, ask.exchange_id, ask.call_number)
        if stored is not None:
            calendar = await Calendar.of(tx, ask.server_id)
            await balances.hold(tx, calendar.counted(ask.member_id), stored.hold_nano_usd)
        return await reserve(self, tx, ask)

    patch.setattr(Book, "reserve", reserving_again)


def only_one_pot_counts(patch: pytest.MonkeyPatch) -> None:
    counted = Calendar.counted

    def one_pot(
        self: Calendar, member_id: int, pots: Iterable[BalanceKey] = ()
    ) -> list[BalanceKey]:
        return counted(self, member_id, list(pots)[:1])

    patch.setattr(Calendar, "counted", one_pot)


def two_pots(machine: BookMachine) -> None:
    for role_id in (501, 502):
        name = Name(10, "role-pot", role_id, "month")
        machine.write(lambda tx, name=name: stored.put(tx, name, nano_usd(2), actor_id=1))
        machine.model.limits[name] = nano_usd(2)
    ROLES.update(dict.fromkeys((1, 2, 3), frozenset({501, 502})))


def a_day_of_23_hours(machine: BookMachine) -> None:
    changes = [ZoneChange(0, "Europe/Berlin")]
    machine.write(lambda tx: servers.put(tx, 10, "time_zone", "Europe/Berlin", member_id=1))
    machine.model.turns[10] = [(machine.clock.time_ms, "Europe/Berlin")]
    machine.clock.time_ms = windows.window("day", EVES[0], changes).end_ms + 2 * HOUR_MS


Bug = Callable[[pytest.MonkeyPatch], None]
ALL: Collection[str] = ()
CLOSING = ("everything_left_open_is_resolved", "void", "book_estimate")
BUGS: dict[Bug, tuple[Collection[str], Beginning | None]] = {
    hold_forgotten: (ALL, None),
    hold_leaked: (ALL, None),
    settled_twice: (ALL, None),
    pot_shared_between_members: (ALL, None),
    refund_mints_credit_in_a_new_window: (ALL, None),
    window_edge_belongs_to_the_window_before: (ALL, None),
    repeat_holds_again: (ALL, None),
    check_of_another_transaction: (("reserve", "void"), None),
    late_settlement_charges_the_present_window: (("reserve", "settle", "time_passes"), None),
    every_day_has_24_hours: (("reserve", "time_passes"), a_day_of_23_hours),
    role_change_splits_hold_and_settlement: (("roles_change", "reserve", *CLOSING), two_pots),
    only_one_pot_counts: (("roles_change", "reserve"), two_pots),
}
"""Each with the rules that are played to find it, and what they begin with."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_caught(template: Path, monkeypatch: pytest.MonkeyPatch, bug: Bug):
    bug(monkeypatch)
    with pytest.raises((AssertionError, sqlite3.IntegrityError, ExceptionGroup)):
        run_state_machine_as_test(machine(template, *BUGS[bug]), settings=BUG_HUNT)
