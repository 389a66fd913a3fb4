"""The book: money is held for a call before it is made, and booked or let go after it, each exactly
once. Every method is part of an operation on the database and checks before its first write. What
a call costs is decided by its price and its provider; what it was for, by the exchange.
"""

from dataclasses import dataclass, replace

from bot import words
from bot.clock import day_number
from bot.errors import Notice, Word
from bot.ledger.budgets import Budget, BudgetLimits, budgets_for
from bot.ledger.prices import Price, Size, hold_nano_usd, max_tokens_within
from bot.money import ZERO, NanoUsd, Usage
from bot.store import balances, entries, exchanges, reservations
from bot.store.balances import Scope, Standing
from bot.store.database import Transaction
from bot.store.entries import Basis
from bot.store.reservations import Reservation, TokenCounts, Tokens


@dataclass(frozen=True, slots=True)
class Ask:
    """The worst case of a call: a bound on its prompt, how many pictures it may paint, how long its
    answer may get, and how far that may be lowered where a budget is tight. `server_id` is 0 in
    direct messages.
    """

    exchange_id: int
    call_number: int
    server_id: int
    member_id: int
    channel_id: int
    model: str
    price: Price
    prompt_tokens_max: int
    pictures: int
    size: Size
    max_tokens: int
    max_tokens_floor: int

    @property
    def least_tokens(self) -> int:
        return min(self.max_tokens_floor, self.max_tokens)

    def hold(self, max_tokens: int) -> NanoUsd:
        return hold_nano_usd(
            self.price, self.prompt_tokens_max, max_tokens, self.pictures, self.size
        )

    def tokens_within(self, room: NanoUsd) -> int:
        """The most of `max_tokens` whose hold fits into this."""
        return max_tokens_within(
            self.price, self.prompt_tokens_max, self.max_tokens, self.pictures, self.size, room
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What an exchange was charged, over all its calls: a part of it may be `estimated`, and while
    it is `open` some of it is not known yet.
    """

    cost: NanoUsd
    estimated: bool
    open: bool


class Book:
    """Holds, settlements and voids under the given caps. It remembers nothing itself."""

    def __init__(self, limits: BudgetLimits) -> None:
        self._limits = limits

    async def check(self, tx: Transaction, ask: Ask) -> None:
        """Raises Notice (budget) when not even `max_tokens_floor` has room beside what is held and
        what others, admitted before, are yet to hold at least. Writes nothing.
        """
        standings = await self._standings(tx, ask)
        others = await _expected(tx, ask)
        _check_room(
            [
                (each, replace(now, held=NanoUsd(now.held + others[each.key.scope])))
                for each, now in standings
            ],
            ask.hold(ask.least_tokens),
        )

    async def reserve(self, tx: Transaction, ask: Ask) -> Reservation:
        """Holds the worst case on every budget that applies, with as much of `max_tokens` as the
        tightest allows and leaves to those who are admitted and hold nothing yet. The same ask
        again gives what is stored, in whatever state it is by now.

        Raises Notice (budget) when there is no room, and ValueError when this call was reserved
        for something else; either way nothing has changed.
        """
        stored = await reservations.find(tx, ask.exchange_id, ask.call_number)
        if stored is not None:
            _check_same(stored, ask)
            return stored
        standings = await self._standings(tx, ask)
        others = await _expected(tx, ask)
        room = min(each.left(now) - others[each.key.scope] for each, now in standings)
        max_tokens = max(ask.least_tokens, ask.tokens_within(NanoUsd(room)))
        _check_room(standings, ask.hold(max_tokens))
        reservation = Reservation(
            exchange_id=ask.exchange_id,
            call_number=ask.call_number,
            server_id=ask.server_id,
            member_id=ask.member_id,
            channel_id=ask.channel_id,
            model=ask.model,
            max_tokens=max_tokens,
            hold_nano_usd=ask.hold(max_tokens),
            day=day_number(tx.now_ms),
            created_ms=tx.now_ms,
        )
        held = [
            await balances.hold(tx, each.key, reservation.hold_nano_usd) for each, _ in standings
        ]
        await reservations.add(tx, reservation, held)
        return reservation

    async def mark_sent(self, tx: Transaction, exchange_id: int, call_number: int) -> bool:
        """To be committed before a call's body leaves. False: it may have left already, or its
        money was let go, so it must not be sent.
        """
        return await reservations.mark_sent(tx, exchange_id, call_number)

    async def note_generation(
        self, tx: Transaction, exchange_id: int, call_number: int, generation_id: str
    ) -> None:
        """Keeps the id by which the provider can be asked what the call cost."""
        await reservations.note_generation(tx, exchange_id, call_number, generation_id)

    async def note_usage(
        self, tx: Transaction, exchange_id: int, call_number: int, usage: Usage
    ) -> None:
        """Keeps what the provider reported, for the settlement. A cost below zero is no report."""
        cost = usage.cost_nano_usd
        reported = cost if cost is not None and cost >= 0 else None
        await reservations.note_usage(tx, exchange_id, call_number, reported, usage)

    async def leave_unresolved(self, tx: Transaction, exchange_id: int, call_number: int) -> bool:
        """The call ended and its cost is not known: the hold stays, and the time for finding out
        begins. False: it was not sent, or is resolved or left already.
        """
        return await reservations.leave_unresolved(tx, exchange_id, call_number)

    async def settle(
        self,
        tx: Transaction,
        exchange_id: int,
        call_number: int,
        cost: NanoUsd,
        basis: Basis,
        kind: str,
        usage: TokenCounts,
    ) -> bool:
        """Books a call's cost in place of its hold, on the balances the hold rests on, also where
        it exceeds the hold. False, and nothing changed, when it was settled or voided before.

        Raises ValueError for a cost below zero.
        """
        if cost < 0:
            raise ValueError(f"a cost below zero: {cost}")
        closed = await reservations.close(tx, exchange_id, call_number, "settled")
        if closed is None:
            return False
        await self._release(tx, closed, cost)
        await entries.add(tx, closed, kind=kind, basis=basis, cost=cost, tokens=usage)
        return True

    async def book_estimate(
        self, tx: Transaction, exchange_id: int, call_number: int, kind: str
    ) -> bool:
        """Books the hold, for want of anything better known; else as `settle`."""
        stored = await reservations.find(tx, exchange_id, call_number)
        if stored is None:
            return False
        return await self.settle(
            tx, exchange_id, call_number, stored.hold_nano_usd, "estimate", kind, stored.tokens
        )

    async def void(self, tx: Transaction, exchange_id: int, call_number: int) -> bool:
        """Lets the hold go; only with proof that nothing was charged. False, and nothing changed,
        when it was settled or voided before.
        """
        closed = await reservations.close(tx, exchange_id, call_number, "voided")
        if closed is None:
            return False
        await self._release(tx, closed, ZERO)
        await entries.add(tx, closed, kind="void", basis="void", cost=ZERO, tokens=Tokens())
        return True

    async def charge(self, tx: Transaction, exchange_id: int) -> Charge:
        """What is booked for an exchange so far."""
        totals = await entries.of_exchange(tx, exchange_id)
        is_open = await reservations.has_open(tx, exchange_id)
        return Charge(totals.cost, estimated=totals.estimates > 0, open=is_open)

    async def _release(self, tx: Transaction, closed: Reservation, cost: NanoUsd) -> None:
        await balances.release(
            tx,
            closed.exchange_id,
            closed.call_number,
            held=closed.hold_nano_usd,
            spent=cost,
        )

    async def _standings(self, tx: Transaction, ask: Ask) -> list[tuple[Budget, Standing]]:
        """The budgets that apply, and how they stand."""
        budgets = budgets_for(self._limits, ask.server_id, ask.member_id, tx.now_ms)
        return [(each, await balances.standing(tx, each.key)) for each in budgets]


async def _expected(tx: Transaction, ask: Ask) -> dict[Scope, NanoUsd]:
    expected = await exchanges.expected_holds(
        tx, beside=ask.exchange_id, server_id=ask.server_id, member_id=ask.member_id
    )
    return {"member": expected.member, "server": expected.server, "total": expected.total}


def _check_room(standings: list[tuple[Budget, Standing]], hold: NanoUsd) -> None:
    """Raises Notice when a budget has no room. It names the one that keeps the person waiting
    longest, of such the one with least left: any other would promise a reset that does not help.
    """
    full = [(each, standing) for each, standing in standings if not each.fits(standing, hold)]
    if not full:
        return
    budget, standing = max(full, key=lambda one: (one[0].key.end_ms, -one[0].left(one[1])))
    raise Notice(
        Word.BUDGET,
        words.no_room(
            words.budget_name(budget.key.scope, budget.key.span),
            limit=budget.limit,
            left=NanoUsd(max(0, budget.left(standing))),
            hold=hold,
            resets_ms=budget.key.end_ms,
        ),
    )


def _check_same(stored: Reservation, ask: Ask) -> None:
    """The hold is compared at the length granted then: asked again, there would be less room."""
    same = (
        (stored.server_id, stored.member_id, stored.channel_id, stored.model)
        == (ask.server_id, ask.member_id, ask.channel_id, ask.model)
        and ask.least_tokens <= stored.max_tokens <= ask.max_tokens
        and stored.hold_nano_usd == ask.hold(stored.max_tokens)
    )
    if not same:
        raise ValueError(
            f"call {ask.call_number} of {ask.exchange_id} is reserved for something else"
        )
