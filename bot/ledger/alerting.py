"""Which shares of the budgets of servers, and of the total, are worth an alert. Who is told is not
known here.
"""

from collections.abc import Iterable

from bot.ledger.budgets import Cap
from bot.store import alerts
from bot.store.alerts import Alert
from bot.store.balances import BalanceKey
from bot.store.database import Transaction

SHARES = (50, 80, 100)
"""In percent of what is spent."""
NEARLY_ALL = 80
"""From this share on, a request without room shows that the budget is used up: what is left is too
little for anything more than words.
"""


async def note_spent(tx: Transaction, caps: Iterable[Cap]) -> None:
    """Notes the shares that are reached."""
    for cap in _strictest(caps):
        for percent in SHARES:
            if cap.budget.limit > 0 and _share_is_reached(cap, percent, int(cap.standing.spent)):
                await _note(tx, cap, percent)


async def note_full(tx: Transaction, caps: Iterable[Cap]) -> None:
    """Notes budgets that are used up, of those that had no room for a request."""
    for cap in _strictest(caps):
        used = cap.standing.spent + cap.standing.held
        if cap.budget.limit > 0 and _share_is_reached(cap, NEARLY_ALL, used):
            await _note(tx, cap, SHARES[-1])


def _strictest(caps: Iterable[Cap]) -> Iterable[Cap]:
    """Of two limits of the same money, the one that holds."""
    found: dict[BalanceKey, Cap] = {}
    for cap in caps:
        known = found.setdefault(cap.budget.key, cap)
        if cap.budget.limit < known.budget.limit:
            found[cap.budget.key] = cap
    return found.values()


def _share_is_reached(cap: Cap, percent: int, used: int) -> bool:
    return used * 100 >= cap.budget.limit * percent


async def _note(tx: Transaction, cap: Cap, percent: int) -> None:
    key = cap.budget.key
    if key.scope not in {"server", "total"}:
        return
    await alerts.note(
        tx,
        Alert(
            key.server_id,
            key.span,
            key.start_ms,
            key.end_ms,
            percent,
            cap.budget.limit,
            cap.standing.spent,
        ),
    )
