"""The book: money is held for a call before it is made, and booked or let go after it, each exactly
once. Every method is part of an operation on the database and checks before its first write. What
a call costs is decided by its price and its provider; what it was for, by the exchange.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.clock import day_number
from bot.ledger import alerting, budgets
from bot.ledger.budgets import Budget, BudgetLimits, Calendar, Cap, NoRoom
from bot.ledger.prices import Price, Size, hold_nano_usd, max_tokens_within, rated_nano_usd
from bot.money import ZERO, NanoUsd, Usage
from bot.store import adjustments, balances, entries, expected, prices, reservations
from bot.store.adjustments import Adjustment
from bot.store.balances import BalanceKey, Standing
from bot.store.database import Transaction
from bot.store.entries import Basis
from bot.store.expected import Expected
from bot.store.reservations import Reservation, TokenCounts, Tokens


@dataclass(frozen=True, slots=True)
class Ask:
    """The worst case of a call: a bound on its prompt, how many pictures it may paint, how long its
    answer may get, and how far that may be lowered where a budget is tight. `server_id` is 0 in
    direct messages. The roles are the member's there.
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
    role_ids: frozenset[int] = frozenset()

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
        what others, admitted before, are yet to hold at least. Moves nothing.
        """
        now = await self._look(tx, ask)
        caps = [
            Cap(
                each.budget,
                Standing(
                    each.standing.spent,
                    NanoUsd(each.standing.held + now.others[each.budget.key]),
                ),
            )
            for each in now.caps
        ]
        try:
            _check_room(caps, ask.hold(ask.least_tokens))
        except NoRoom as refusal:
            await alerting.note_full(tx, refusal.full)
            raise

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
        now = await self._look(tx, ask)
        room = min(
            each.budget.left(each.standing) - now.others[each.budget.key] for each in now.caps
        )
        max_tokens = max(ask.least_tokens, ask.tokens_within(NanoUsd(room)))
        _check_room(now.caps, ask.hold(max_tokens))
        reservation = Reservation(
            exchange_id=ask.exchange_id,
            call_number=ask.call_number,
            server_id=ask.server_id,
            member_id=ask.member_id,
            channel_id=ask.channel_id,
            model=ask.model,
            max_tokens=max_tokens,
            hold_nano_usd=ask.hold(max_tokens),
            day=day_number(tx.now_ms, now.calendar.zone),
            created_ms=tx.now_ms,
            price_id=await prices.id_of(tx, ask.model, ask.price.per_token),
        )
        pots = _pots(each.budget for each in now.caps)
        counted = now.calendar.counted(ask.member_id, pots)
        held = await balances.hold(tx, counted, reservation.hold_nano_usd)
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
        await self._alert(tx, closed.server_id)
        price = await prices.get(tx, closed.price_id)
        rated = None if price is None else rated_nano_usd(price, usage)
        await entries.add(tx, closed, kind=kind, basis=basis, cost=cost, tokens=usage, rated=rated)
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

    async def adjust(
        self,
        tx: Transaction,
        adjustment_id: int,
        *,
        server_id: int,
        member_id: int,
        channel_id: int,
        role_ids: frozenset[int],
        amount: NanoUsd,
        actor_id: int,
        reason: str,
    ) -> bool:
        """Corrects what a member was charged in a server, in an entry of today. It counts in the
        present windows of their allowances there and of their roles' pots, and nowhere else; what
        is given back makes room in each only as far as the member's calls in this server were
        charged there: never for what an earlier window paid. False, and nothing changed, when this
        adjustment was made before.
        """
        if await adjustments.is_known(tx, adjustment_id):
            return False
        calendar = await Calendar.of(tx, server_id)
        found = await budgets.in_force(tx, self._limits, calendar, member_id, role_ids)
        corrected = calendar.corrected(member_id, _pots(found))
        counted = await balances.hold(tx, corrected, ZERO)
        spent = await balances.spent_by(tx, counted, server_id, member_id)
        entry_id = await adjustments.add(
            tx,
            Adjustment(
                id=adjustment_id,
                server_id=server_id,
                member_id=member_id,
                channel_id=channel_id,
                day=day_number(tx.now_ms, calendar.zone),
                amount=amount,
                actor_id=actor_id,
                reason=reason,
            ),
        )
        for balance_id in counted:
            moved = max(amount, -spent.get(balance_id, 0))
            await balances.correct(tx, entry_id, balance_id, NanoUsd(moved))
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

    async def _alert(self, tx: Transaction, server_id: int) -> None:
        """Notes what is to be told of the budgets that many share."""
        shared = await budgets.shared(tx, self._limits, await Calendar.of(tx, server_id))
        await alerting.note_spent(tx, await budgets.standing(tx, shared))

    async def _look(self, tx: Transaction, ask: Ask) -> "_Look":
        calendar = await Calendar.of(tx, ask.server_id)
        found = await budgets.in_force(tx, self._limits, calendar, ask.member_id, ask.role_ids)
        others = await expected.holds(
            tx, beside=ask.exchange_id, server_id=ask.server_id, member_id=ask.member_id
        )
        keys = {each.key for each in found}
        return _Look(
            calendar,
            await budgets.standing(tx, found),
            {key: await _part(tx, ask, key, others) for key in keys},
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """The budgets that apply as they stand, and what others are yet to hold of each."""

    calendar: Calendar
    caps: list[Cap]
    others: dict[BalanceKey, NanoUsd]


def _pots(found: Iterable[Budget]) -> list[BalanceKey]:
    return [each.key for each in found if each.key.scope == "role-pot"]


async def _part(tx: Transaction, ask: Ask, key: BalanceKey, others: Expected) -> NanoUsd:
    """What others are yet to hold on one balance."""
    match key.scope:
        case "total":
            return others.total
        case "server":
            return others.server
        case "member":
            return others.member_here if key.server_id else others.member
        case "role-pot":
            return await expected.of_role(
                tx, beside=ask.exchange_id, server_id=key.server_id, role_id=key.subject_id
            )


def _check_room(caps: list[Cap], hold: NanoUsd) -> None:
    """Raises NoRoom when a budget has none."""
    full = [each for each in caps if not each.budget.fits(each.standing, hold)]
    if full:
        raise NoRoom(full, hold)


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
