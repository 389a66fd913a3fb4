"""Which budgets a call must fit, and the calendar windows they are counted in. Nothing is read or
written here: what is spent and held is the store's to say.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.clock import milliseconds, utc
from bot.money import NanoUsd
from bot.store.balances import BalanceKey, Scope, Span, Standing

NO_SERVER = 0
"""The `server_id` of direct messages, where no server's budget applies."""


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The caps of the settings. A limit of 0 admits nothing."""

    member_day: NanoUsd
    member_month: NanoUsd
    server_month: NanoUsd
    total_month: NanoUsd


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, and the balance in the present window that counts towards it."""

    key: BalanceKey
    limit: NanoUsd

    def left(self, standing: Standing) -> NanoUsd:
        """What may still be held; negative after a cost above its hold."""
        return NanoUsd(self.limit - standing.spent - standing.held)

    def fits(self, standing: Standing, hold: NanoUsd) -> bool:
        return self.limit > 0 and hold <= self.left(standing)


def member_budgets(limits: BudgetLimits, member_id: int, now_ms: int) -> list[Budget]:
    """A member's own, which count over all servers."""
    return [
        _budget("member", "day", now_ms, limits.member_day, member_id=member_id),
        _budget("member", "month", now_ms, limits.member_month, member_id=member_id),
    ]


def budgets_for(limits: BudgetLimits, server_id: int, member_id: int, now_ms: int) -> list[Budget]:
    """All that a call of this member in this server (or in direct messages) must fit."""
    budgets = member_budgets(limits, member_id, now_ms)
    if server_id != NO_SERVER:
        budgets.append(_budget("server", "month", now_ms, limits.server_month, server_id=server_id))
    budgets.append(_budget("total", "month", now_ms, limits.total_month))
    return budgets


def window_bounds(span: Span, now_ms: int) -> tuple[int, int]:
    """The UTC day or month of an instant: its first millisecond, and the first after it."""
    day = utc(now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    if span == "day":
        return milliseconds(day), milliseconds(day + timedelta(days=1))
    start = day.replace(day=1)
    end = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
    return milliseconds(start), milliseconds(end)


def _budget(
    scope: Scope,
    span: Span,
    now_ms: int,
    limit: NanoUsd,
    *,
    server_id: int = 0,
    member_id: int = 0,
) -> Budget:
    start_ms, end_ms = window_bounds(span, now_ms)
    return Budget(BalanceKey(scope, span, server_id, member_id, start_ms, end_ms), limit)
