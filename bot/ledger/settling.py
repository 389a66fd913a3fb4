"""From what is known of a call's cost to its entry: reported with the answer, looked up behind it,
or, when nobody will ever tell, the hold as an estimate.
"""

import itertools
import logging

from bot.clock import Clock
from bot.errors import Notice, Word
from bot.ledger.book import Book
from bot.openrouter.client import Generation, OpenRouter
from bot.store import exchanges, pieces, reservations
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange
from bot.store.reservations import Reservation

LOOK_UP_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Before each look at what a call cost; the last is repeated until the deadline."""

COMMAND_KINDS = {
    "imagine": "picture",
    "edit": "edit",
    "blend": "blend",
    "describe": "describe",
    "ask": "text",
}

log = logging.getLogger(__name__)


class Settling:
    """Closes reservations that were sent. `unresolved_s` is the patience with the look-up, counted
    from when the call ended or its process was found dead.
    """

    def __init__(
        self, database: Database, book: Book, model: OpenRouter, clock: Clock, unresolved_s: float
    ) -> None:
        self._database = database
        self._book = book
        self._model = model
        self._clock = clock
        self._unresolved_s = unresolved_s

    async def settle_or_leave(self, tx: Transaction, exchange: Exchange) -> None:
        """Closes the exchange's last call by what is known, or leaves it to `look_up`. One that was
        never sent is let go.
        """
        key = (exchange.id, exchange.call_number)
        reservation = await reservations.find(tx, *key)
        if reservation is None or not reservation.is_open:
            return
        kind = await self._kind(tx, exchange)
        if reservation.state == "held":
            await self._book.void(tx, *key)
        elif reservation.reported_nano_usd is not None:
            cost = reservation.reported_nano_usd
            await self._book.settle(tx, *key, cost, "usage", kind, reservation.tokens)
        elif reservation.generation_id is None:
            await self._book.book_estimate(tx, *key, kind)
        else:
            await self._book.leave_unresolved(tx, *key)

    async def is_unresolved(self, exchange_id: int, call_number: int) -> bool:
        """Whether `look_up` has something to find out."""
        return await self._unresolved(exchange_id, call_number) is not None

    async def is_overdue(self, exchange_id: int, call_number: int) -> bool:
        """Whether the patience with an unresolved call is over: one more look will close it."""
        call = await self._unresolved(exchange_id, call_number)
        return call is not None and self._clock.now_ms() >= self._deadline_ms(call)

    async def _unresolved(self, exchange_id: int, call_number: int) -> Reservation | None:
        call = await self._database.read(lambda tx: reservations.find(tx, exchange_id, call_number))
        return call if call is not None and call.state == "unresolved" else None

    def _deadline_ms(self, unresolved: Reservation) -> int:
        assert unresolved.call_ended_ms is not None
        return unresolved.call_ended_ms + int(self._unresolved_s * 1000)

    async def look_up(self, exchange_id: int, call_number: int) -> bool:
        """Asks the provider what an unresolved call cost until it says so or the deadline is
        over, then books it. True when this very look-up closed it.
        """
        reservation = await self._unresolved(exchange_id, call_number)
        if reservation is None:
            return False
        generation_id = reservation.generation_id
        assert generation_id is not None
        # No later than the whole patience from now, should the clock have been set back since.
        patience_ms = int(self._unresolved_s * 1000)
        deadline_ms = min(self._deadline_ms(reservation), self._clock.now_ms() + patience_ms)
        found: Generation | None = None
        for pause_s in itertools.chain(LOOK_UP_PAUSES_S, itertools.repeat(LOOK_UP_PAUSES_S[-1])):
            left_s = (deadline_ms - self._clock.now_ms()) / 1000
            await self._clock.sleep(max(0.0, min(pause_s, left_s)))
            found = await self._model.generation(generation_id)
            if found is not None or self._clock.now_ms() >= deadline_ms:
                break
        log.info(
            "exchange %d: call %d %s", exchange_id, call_number, "found" if found else "not found"
        )
        return await self._database.write(
            lambda tx: self._close(tx, exchange_id, call_number, found)
        )

    async def _close(
        self, tx: Transaction, exchange_id: int, call_number: int, found: Generation | None
    ) -> bool:
        exchange = await exchanges.get(tx, exchange_id)
        kind = await self._kind(tx, exchange)
        if found is None:
            return await self._book.book_estimate(tx, exchange_id, call_number, kind)
        if exchange.word is Word.UNKNOWN:
            # The person reads "recovered" once it is known what the lost call cost.
            await exchanges.note_end(
                tx, exchange_id, exchange.step, Notice(Word.RECOVERED, exchange.sentence or "")
            )
        return await self._book.settle(
            tx, exchange_id, call_number, found.cost_nano_usd, "generation", kind, found
        )

    async def _kind(self, tx: Transaction, exchange: Exchange) -> str:
        """What the money was for: a command says so itself, a message by what came of it."""
        if exchange.command in COMMAND_KINDS:
            return COMMAND_KINDS[exchange.command]
        answer = await pieces.of_exchange(tx, exchange.id)
        if not any(piece.picture for piece in answer):
            return "text"
        return "edit" if exchange.edits else "picture"
