"""The rules of the ledger said another way: sums over everything that happened, kept nowhere but
here, and calendars read off a wall clock hour by hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from bot.ledger.book import Ask
from bot.ledger.windows import FOREVER_MS
from bot.money import nano_usd
from bot.store.balances import Span
from bot.store.budgets import Name
from tests.ledger.books import BalanceName, Call
from tests.ledger.support import HOUR_MS

SPANS: tuple[Span, ...] = ("day", "week", "month", "ever")
CAPS = {"member_day": "0.9", "member_month": "2", "server_month": "3", "total_month": "5"}
Bounds = tuple[int, int]


@cache
def page(span: Span, hour: int, zone: tzinfo) -> tuple[int, int]:
    """The sheet of a calendar that shows in this hour; the numbers grow with time."""
    day = datetime.fromtimestamp(hour * 3600, zone).date()
    match span:
        case "week":
            return day.isocalendar()[:2]
        case "month":
            return day.year, day.month
        case _:
            return day.year, day.timetuple().tm_yday


@cache
def sheet(span: Span, hour: int, zone: tzinfo) -> Bounds:
    """From the first hour that shows the same sheet to the first that does not."""
    first = last = hour
    while page(span, first - 1, zone) == page(span, hour, zone):
        first -= 1
    while page(span, last, zone) == page(span, hour, zone):
        last += 1
    return first * HOUR_MS, last * HOUR_MS


def bounds(span: Span, now_ms: int, turns: Iterable[tuple[int, str | None]]) -> Bounds:
    """The window of an instant, where the zone turned at these, played from the beginning."""
    if span == "ever":
        return 0, FOREVER_MS
    zone, wanted = UTC, UTC
    found: Bounds | None = None
    turns = [*turns, (now_ms, "now")]
    for at_ms, name in turns:
        while found is not None and at_ms >= found[1]:
            if zone is wanted:
                found = sheet(span, at_ms // HOUR_MS, zone)
                break
            zone = wanted
            start_ms = found[1]
            rest = sheet(span, start_ms // HOUR_MS, zone)
            if rest[1] - start_ms < (rest[1] - rest[0]) / 2:
                rest = sheet(span, rest[1] // HOUR_MS, zone)
            found = start_ms, rest[1]
        if found is None:
            found = sheet(span, at_ms // HOUR_MS, zone)
        if name != "now":
            wanted = UTC if name is None else ZoneInfo(name)
    assert found is not None
    return found


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


@dataclass
class Model:
    """`limits` are those that people set, `grants` (server, member, amount, when)."""

    held: dict[Call, Held] = field(default_factory=dict[Call, Held])
    entries: dict[Call, tuple[str, int, int]] = field(
        default_factory=dict[Call, tuple[str, int, int]]
    )
    moved: dict[int, dict[BalanceName, int]] = field(
        default_factory=dict[int, dict[BalanceName, int]]
    )
    adjusted: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    limits: dict[Name, int] = field(default_factory=dict[Name, int])
    grants: dict[int, tuple[int, int, int, int]] = field(
        default_factory=dict[int, tuple[int, int, int, int]]
    )
    turns: dict[int, list[tuple[int, str | None]]] = field(
        default_factory=dict[int, list[tuple[int, str | None]]]
    )

    def name(self, scope: str, span: Span, server: int, subject: int, now_ms: int) -> BalanceName:
        return (scope, span, server, subject, *bounds(span, now_ms, self.turns.get(server, ())))

    def pots(self, ask: Ask) -> list[Name]:
        return [
            name
            for name in self.limits
            if (name.server_id, name.scope) == (ask.server_id, "role-pot")
            and name.subject_id in ask.role_ids
        ]

    def counted(self, ask: Ask, now_ms: int) -> list[BalanceName]:
        member, server = ask.member_id, ask.server_id
        found = [self.name("member", span, 0, member, now_ms) for span in SPANS]
        found.append(self.name("total", "month", 0, 0, now_ms))
        if server:
            found += [self.name("member", span, server, member, now_ms) for span in SPANS]
            found += [self.name("server", span, server, 0, now_ms) for span in SPANS]
            found += [
                self.name("role-pot", pot.span, server, pot.subject_id, now_ms)
                for pot in self.pots(ask)
            ]
        return found

    def corrected(self, ask: Ask, now_ms: int) -> list[BalanceName]:
        return [
            name
            for name in self.counted(ask, now_ms)
            if name[0] == "role-pot" or (name[0] == "member" and name[2] == ask.server_id)
        ]

    def limited(self, ask: Ask, now_ms: int) -> list[tuple[BalanceName, int]]:
        member, server = ask.member_id, ask.server_id
        found = [
            (self.name("member", "day", 0, member, now_ms), cap("member_day")),
            (self.name("member", "month", 0, member, now_ms), cap("member_month")),
            (self.name("total", "month", 0, 0, now_ms), cap("total_month")),
        ]
        for span in SPANS:
            own = self.limits.get(Name(0, "own", member, span))
            if own is not None:
                found.append((self.name("member", span, 0, member, now_ms), own))
        if not server:
            return found
        found.append((self.name("server", "month", server, 0, now_ms), cap("server_month")))
        found += [
            (self.name("role-pot", pot.span, server, pot.subject_id, now_ms), self.limits[pot])
            for pot in self.pots(ask)
        ]
        for span in SPANS:
            if (limit := self.limits.get(Name(server, "server", 0, span))) is not None:
                found.append((self.name("server", span, server, 0, now_ms), limit))
            name = self.name("member", span, server, member, now_ms)
            if (limit := self.allowance(ask, span)) is not None:
                found.append((name, limit + self.granted(ask, name)))
        return found

    def allowance(self, ask: Ask, span: Span) -> int | None:
        mine = self.limits.get(Name(ask.server_id, "member", ask.member_id, span))
        if mine is not None:
            return mine
        by_role = [
            self.limits[name]
            for role in ask.role_ids
            if (name := Name(ask.server_id, "role-member", role, span)) in self.limits
        ]
        if by_role:
            return max(by_role)
        return self.limits.get(Name(ask.server_id, "everyone", 0, span))

    def granted(self, ask: Ask, name: BalanceName) -> int:
        return sum(
            amount
            for server, member, amount, when_ms in self.grants.values()
            if (server, member) == (ask.server_id, ask.member_id) and name[4] <= when_ms < name[5]
        )

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
        for moves in self.moved.values():
            for name, amount in moves.items():
                spent, holding = found.get(name, (0, 0))
                found[name] = (spent + amount, holding)
        return found

    def fitting(self, ask: Ask, now_ms: int) -> Held | None:
        """Tried from the longest answer down: slow, and plainly right."""
        balances = self.balances()
        limits = self.limited(ask, now_ms)
        if any(limit == 0 for _, limit in limits):
            return None
        for max_tokens in range(ask.max_tokens, ask.max_tokens_floor - 1, -1):
            hold = (
                ask.prompt_tokens_max * 8_000
                + max_tokens * 15_000
                + ask.pictures * {"1K": 250_000_000, "2K": 450_000_000}[ask.size]
            )
            if all(sum(balances.get(name, (0, 0))) + hold <= limit for name, limit in limits):
                return Held(ask, hold, max_tokens, tuple(self.counted(ask, now_ms)))
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

    def adjust(self, number: int, ask: Ask, amount: int, now_ms: int) -> bool:
        if number in self.moved:
            return False
        who = (ask.server_id, ask.member_id)
        moves: dict[BalanceName, int] = {}
        for name in self.corrected(ask, now_ms):
            paid = sum(
                self.entries[call][1]
                for call, held in self.held.items()
                if not held.is_open
                and name in held.names
                and (held.ask.server_id, held.ask.member_id) == who
            ) + sum(
                self.moved[other].get(name, 0)
                for other, whose in self.adjusted.items()
                if whose == who
            )
            moves[name] = amount if amount > 0 else -min(-amount, paid)
        self.moved[number] = moves
        self.adjusted[number] = who
        self.entries[number, 0] = ("adjustment", amount, 0)
        return True

    def summary(self) -> object:
        return (
            self.balances(),
            {call: (held.state, held.hold, held.max_tokens) for call, held in self.held.items()},
            self.entries,
        )


def cap(name: str) -> int:
    return nano_usd(CAPS[name])
