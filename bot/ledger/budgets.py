"""Which balances a call counts on, and which limits it must fit: the caps of the settings, what the
admins of its server set, and what its member set. Nothing is written here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal, Self

from bot import words
from bot.errors import Notice, Word
from bot.ledger.windows import FOREVER_MS, Window, time_zone, window
from bot.money import NanoUsd
from bot.store import balances, budgets, servers
from bot.store.balances import BalanceKey, Scope, Span, Standing
from bot.store.budgets import Grant, Limit
from bot.store.database import Transaction
from bot.store.servers import ZoneChange

NO_SERVER = 0
"""The `server_id` of direct messages, where no server's budget applies."""
SPANS: tuple[Span, ...] = ("day", "week", "month", "ever")
Kind = Literal["cap", "server", "role-pot", "role-member", "everyone", "member", "own"]
"""Where a limit comes from: the settings, or one of the scopes that people set."""


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The caps of the settings. A limit of 0 admits nothing."""

    member_day: NanoUsd
    member_month: NanoUsd
    server_month: NanoUsd
    total_month: NanoUsd


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, and the balance in the present window that counts towards it. `role_id` is that of a
    role's.
    """

    key: BalanceKey
    limit: NanoUsd
    kind: Kind = "cap"
    role_id: int = 0

    @property
    def name(self) -> str:
        """As it stands within a sentence to the one it concerns."""
        return words.budget_name(self.kind, self.key.scope, self.key.span, self.role_id)

    @property
    def resets(self) -> bool:
        return self.key.end_ms < FOREVER_MS

    def left(self, standing: Standing) -> NanoUsd:
        """What may still be held; negative after a cost above its hold."""
        return NanoUsd(self.limit - standing.spent - standing.held)

    def fits(self, standing: Standing, hold: NanoUsd) -> bool:
        return self.limit > 0 and hold <= self.left(standing)


@dataclass(frozen=True, slots=True)
class Cap:
    """A budget as it stands."""

    budget: Budget
    standing: Standing

    @property
    def left(self) -> NanoUsd:
        """What may still be held, never below zero."""
        return NanoUsd(max(0, self.budget.left(self.standing)))


class NoRoom(Notice):
    """Budgets are too `full` for what would have had to be held. It names the one that keeps the
    person waiting longest, of such the one with least left: any other would promise a reset that
    does not help.
    """

    def __init__(self, full: Sequence[Cap], hold: NanoUsd) -> None:
        self.full = full
        cap = max(full, key=lambda one: (one.budget.key.end_ms, -one.budget.left(one.standing)))
        key = cap.budget.key
        super().__init__(
            Word.BUDGET,
            words.no_room(
                cap.budget.name,
                words.whom_to_ask(cap.budget.kind, key.scope),
                limit=cap.budget.limit,
                left=cap.left,
                hold=hold,
                resets_ms=key.end_ms if cap.budget.resets else None,
            ),
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """The balances of an instant, as a server's time zone was changed. What counts over all servers
    is in UTC.
    """

    now_ms: int
    server_id: int
    changes: Sequence[ZoneChange] = ()

    @classmethod
    async def of(cls, tx: Transaction, server_id: int) -> Self:
        changes = await servers.zone_changes(tx, server_id) if server_id != NO_SERVER else ()
        return cls(tx.now_ms, server_id, changes)

    @property
    def zone(self) -> tzinfo:
        """The server's, by which its days are named."""
        return time_zone(self.changes[-1].zone if self.changes else None)

    def window(self, span: Span) -> Window:
        """The server's."""
        return window(span, self.now_ms, self.changes)

    def everywhere(self, scope: Scope, span: Span, subject_id: int = 0) -> BalanceKey:
        return _key(scope, span, NO_SERVER, subject_id, window(span, self.now_ms))

    def here(self, scope: Scope, span: Span, subject_id: int = 0) -> BalanceKey:
        return _key(scope, span, self.server_id, subject_id, self.window(span))

    def counted(self, member_id: int, pots: Iterable[BalanceKey] = ()) -> list[BalanceKey]:
        """All that a call of a member counts on, limited or not: a limit that is set later holds
        for what was spent before. What a role spent is counted from when it has a pot.
        """
        keys = [self.everywhere("member", span, member_id) for span in SPANS]
        keys.append(self.everywhere("total", "month"))
        if self.server_id != NO_SERVER:
            keys += [self.here("server", span) for span in SPANS]
            keys += self.corrected(member_id, pots)
        return keys

    def corrected(self, member_id: int, pots: Iterable[BalanceKey] = ()) -> list[BalanceKey]:
        """What a correction by the admins of the server counts on: a member's allowances there and
        the pots of their roles. What the settings cap counts what was really paid, or admins would
        lift the owner's caps, or use up what all servers share.
        """
        return [*(self.here("member", span, member_id) for span in SPANS), *pots]


async def in_force(
    tx: Transaction,
    caps: BudgetLimits,
    calendar: Calendar,
    member_id: int,
    role_ids: Iterable[int],
) -> list[Budget]:
    """All that a call of a member with these roles must fit, in a server or in direct messages. Of
    the personal allowances in a server one holds for each span: the member's own if they have one,
    else the highest of their roles', else everyone's; what they were granted in the present window
    comes on top.
    """
    server_id = calendar.server_id
    limits = await budgets.about(tx, server_id, member_id, role_ids)
    found = [
        Budget(calendar.everywhere("member", "day", member_id), caps.member_day),
        Budget(calendar.everywhere("member", "month", member_id), caps.member_month),
        *_shared(caps, calendar, limits),
    ]
    personal = _personal(limits)
    grants = await budgets.grants(tx, server_id, member_id) if personal else []
    for each in personal:
        key = calendar.here("member", each.name.span, member_id)
        limit = NanoUsd(each.limit + granted(grants, key))
        found.append(_budget(key, limit, each))
    for each in limits:
        match each.name.scope:
            case "role-pot":
                key = calendar.here("role-pot", each.name.span, each.name.subject_id)
                found.append(_budget(key, each.limit, each))
            case "own":
                key = calendar.everywhere("member", each.name.span, member_id)
                found.append(_budget(key, each.limit, each))
            case _:
                pass  # shared by all, or a personal one
    return found


async def shared(tx: Transaction, caps: BudgetLimits, calendar: Calendar) -> list[Budget]:
    """Those of the server, and the total of all."""
    limits = await budgets.about(tx, calendar.server_id, 0, ())
    return _shared(caps, calendar, limits)


async def standing(tx: Transaction, found: Sequence[Budget]) -> list[Cap]:
    """How these stand."""
    stand = await balances.standings(tx, [each.key for each in found])
    return [Cap(each, stand[each.key]) for each in found]


async def of_member(
    tx: Transaction,
    caps: BudgetLimits,
    server_id: int,
    member_id: int,
    role_ids: Iterable[int] = (),
) -> list[Cap]:
    """What a member must fit as they ask in a server (0: in direct messages), but for what all of
    Easel may spend; of two limits of the same money the stricter.
    """
    calendar = await Calendar.of(tx, server_id)
    strictest: dict[BalanceKey, Budget] = {}
    for each in await in_force(tx, caps, calendar, member_id, role_ids):
        known = strictest.setdefault(each.key, each)
        if each.limit < known.limit:
            strictest[each.key] = each
    return await standing(tx, [each for each in strictest.values() if each.key.scope != "total"])


def _shared(caps: BudgetLimits, calendar: Calendar, limits: Sequence[Limit]) -> list[Budget]:
    found = [Budget(calendar.everywhere("total", "month"), caps.total_month)]
    if calendar.server_id != NO_SERVER:
        found.append(Budget(calendar.here("server", "month"), caps.server_month))
    return found + [
        _budget(calendar.here("server", each.name.span), each.limit, each)
        for each in limits
        if each.name.scope == "server"
    ]


def _personal(limits: Sequence[Limit]) -> list[Limit]:
    """The one personal allowance of each span."""
    chosen: list[Limit] = []
    for span in SPANS:
        of_span = [each for each in limits if each.name.span == span]
        for scope in ("member", "role-member", "everyone"):
            if found := [each for each in of_span if each.name.scope == scope]:
                chosen.append(max(found, key=lambda each: each.limit))
                break
    return chosen


def granted(grants: Sequence[Grant], key: BalanceKey) -> NanoUsd:
    """What of these is room in this window."""
    within = (each.amount for each in grants if key.start_ms <= each.granted_ms < key.end_ms)
    return NanoUsd(sum(within))


def _budget(key: BalanceKey, limit: NanoUsd, of: Limit) -> Budget:
    is_roles = of.name.scope in {"role-pot", "role-member"}
    return Budget(key, limit, of.name.scope, of.name.subject_id if is_roles else 0)


def _key(scope: Scope, span: Span, server_id: int, subject_id: int, found: Window) -> BalanceKey:
    return BalanceKey(scope, span, server_id, subject_id, found.start_ms, found.end_ms)
