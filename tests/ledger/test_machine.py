import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.ledger import budgets
from bot.ledger.book import Ask, Book
from bot.ledger.budgets import Budget, BudgetLimits, budgets_for
from bot.money import ZERO, NanoUsd
from bot.store import balances, reservations
from bot.store.balances import BalanceKey
from bot.store.database import Transaction, migrate
from bot.store.reservations import Reservation
from tests.ledger.machine import LIMITS, BookMachine

BUG_HUNT = settings(
    max_examples=200,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    asyncio.run(migrate(tmp_path / "template.db"))
    return tmp_path / "template.db"


def machine(path: Path) -> type[BookMachine]:
    return type("Machine", (BookMachine,), {"template": path})


def test_the_book_does_as_the_model_says_in_any_order(template: Path):
    run_state_machine_as_test(
        machine(template),
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


# --- the test of the test: each of these bugs must be caught -------------------------------------


def hold_forgotten(patch: pytest.MonkeyPatch) -> None:
    hold = balances.hold

    async def forgetting(tx: Transaction, key: BalanceKey, _amount: NanoUsd) -> int:
        return await hold(tx, key, ZERO)

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


def balance_shared_between_members(patch: pytest.MonkeyPatch) -> None:
    own = budgets.member_budgets

    def shared(limits: BudgetLimits, _member_id: int, now_ms: int) -> list[Budget]:
        return own(limits, 1, now_ms)

    patch.setattr(budgets, "member_budgets", shared)


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
    standing = balances.standing

    async def spent_only(tx: Transaction, key: BalanceKey) -> balances.Standing:
        return balances.Standing((await standing(tx, key)).spent, ZERO)

    patch.setattr(balances, "standing", spent_only)


def repeat_holds_again(patch: pytest.MonkeyPatch) -> None:
    reserve = Book.reserve

    async def reserving_again(self: Book, tx: Transaction, ask: Ask) -> Reservation:
        stored = await reservations.find(tx, ask.exchange_id, ask.call_number)
        if stored is not None:
            for budget in budgets_for(LIMITS, ask.server_id, ask.member_id, tx.now_ms):
                await balances.hold(tx, budget.key, stored.hold_nano_usd)
        return await reserve(self, tx, ask)

    patch.setattr(Book, "reserve", reserving_again)


BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    hold_forgotten,
    hold_leaked,
    settled_twice,
    balance_shared_between_members,
    late_settlement_charges_the_present_window,
    check_of_another_transaction,
    repeat_holds_again,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_caught(
    template: Path, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None]
):
    bug(monkeypatch)
    with pytest.raises((AssertionError, sqlite3.IntegrityError, ExceptionGroup)):
        run_state_machine_as_test(machine(template), settings=BUG_HUNT)
