"""The way of a request, read aloud: admit, wait, hold, call, settle, answer. Each step is noted in
the exchange's row before the work it names begins, and `resume` takes any row from its step to the
end: a new request, one found at start-up and one found by the sweep go the same road. Nothing here
knows Discord, HTTP, SQL or Pillow.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from bot import house, logs, words
from bot.clock import Clock
from bot.confirming import Confirming
from bot.conversation import joining, prompt, retrying
from bot.conversation.arrived import Arrived
from bot.conversation.attachments import Attachments
from bot.errors import CallFailed, Notice, StoreUnavailable, Unreachable, Word
from bot.ledger.book import Book
from bot.ledger.settling import Settling
from bot.openrouter.breaker import Breaker
from bot.openrouter.client import Call, Ended, NeverLeft, OpenRouter
from bot.pictures.intake import Intake
from bot.queue import FairQueue, Place
from bot.request import Admission, Answers, Progress, Request, claim
from bot.store import exchanges, requests, reservations
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Step

log = logging.getLogger(__name__)


class Exchanges:
    """All exchanges of this process. `tell_owner` neither waits nor fails."""

    def __init__(
        self,
        *,
        database: Database,
        queue: FairQueue,
        book: Book,
        model: OpenRouter,
        breaker: Breaker,
        settling: Settling,
        attachments: Attachments,
        intake: Intake,
        answers: Answers,
        confirming: Confirming,
        clock: Clock,
        terms: prompt.Terms,
        tell_owner: Callable[[str], object],
    ) -> None:
        self._database = database
        self._queue = queue
        self._book = book
        self._model = model
        self._breaker = breaker
        self._settling = settling
        self._attachments = attachments
        self._intake = intake
        self._answers = answers
        self._confirming = confirming
        self._clock = clock
        self._terms = terms
        self._tell_owner = tell_owner
        self._places: dict[int, Place] = {}
        self._steps: dict[int, asyncio.Task[None]] = {}  # that may be cancelled
        self._cancelled: set[int] = set()
        self._answered: set[int] = set()  # only their cost is waited for
        self._closed = False

    async def admit(self, request: Request) -> Admission:
        """Claims the event, or refuses it, by what the database knows and without any network.

        A fresh admission goes on with `resume`; that also answers a message that was refused. The
        refusal of an interaction is the caller's to say: it is the interaction's first answer.
        """
        asked = request.exchange
        refusal = request.refusal or self._breaker.refusal()
        place: Place | None = None
        if self._closed:
            refusal = Notice(Word.BUSY, words.stopping())
        elif refusal is None and asked.id not in self._places:
            try:
                place = self._queue.enter(asked.id, asked.member_id, asked.conversation_id)
                self._places[asked.id] = place  # the sweep may find the row at once
            except Notice as full:
                refusal = full

        async def operation(tx: Transaction) -> Admission:
            if await requests.is_known(tx, asked.id):
                return Admission(fresh=False)
            received, forbidden = await house.receive(tx, asked, request.visitor)
            ask = prompt.first_ask(received, len(request.meant), self._terms, request.documents)
            refused = forbidden or refusal or await request.missing(tx)
            if refused is None:
                if await request.join(tx, received):
                    return Admission(fresh=False)
                try:
                    await self._book.check(tx, ask)
                except Notice as no_room:
                    if no_room.word is not Word.BUDGET:
                        raise
                    refused = no_room
            expected = replace(received, expected_hold=ask.hold(ask.least_tokens))
            heard = replace(request, exchange=expected)
            await claim(tx, heard if refused is None else heard.refused(refused, tx.now_ms))
            return Admission(fresh=True, refusal=refused)

        admission = Admission(fresh=False)
        try:
            admission = await self._database.write(operation)
        finally:
            if place is not None and (admission.refusal is not None or not admission.fresh):
                self._leave(asked.id)
        return admission

    async def resume(self, exchange_id: int) -> None:
        """Takes an exchange from the step its row names to the end."""
        logs.exchange_id.set(exchange_id)
        try:
            exchange = await self._read(exchange_id)
            if exchange.is_at_work:
                await self._work(exchange)
                exchange = await self._read(exchange_id)
            if exchange.is_parked:
                await self._confirming.wait(exchange)
                exchange = await self._read(exchange_id)
            if exchange.step is Step.ANSWER:
                await self._answer(exchange)
        finally:
            self._leave(exchange_id)
            self._answered.discard(exchange_id)
            self._cancelled.discard(exchange_id)

    async def line_up(self, exchange_id: int) -> None:
        """Gives an exchange that was left before its answer its place, ahead of its `resume`."""
        exchange = await self._read(exchange_id)
        if exchange.is_at_work:
            self._place(exchange)

    def _place(self, exchange: Exchange) -> Place:
        if exchange.id not in self._places:
            self._places[exchange.id] = self._queue.enter(
                exchange.id, exchange.member_id, exchange.conversation_id, forced=True
            )
        return self._places[exchange.id]

    def _leave(self, exchange_id: int) -> None:
        place = self._places.pop(exchange_id, None)
        if place is not None:
            place.leave()

    async def _work(self, exchange: Exchange) -> None:
        """All steps up to the answer, in the exchange's place in the queue."""
        place = self._place(exchange)
        async with self._breaker.at_work(exchange.id), self._answers.showing(exchange) as progress:
            while exchange.is_at_work:
                await self._take(exchange, place, progress)
                exchange = await self._read(exchange.id)

    async def _take(self, exchange: Exchange, place: Place, progress: Progress) -> None:
        """One step, which its person may cancel as long as there is something to save."""
        try:
            async with asyncio.TaskGroup() as group:
                step = group.create_task(self._step(exchange, place, progress))
                if exchange.step is not Step.SETTLE:
                    self._steps[exchange.id] = step
                    if exchange.id in self._cancelled:
                        step.cancel()
        finally:
            self._steps.pop(exchange.id, None)
        if step.cancelled():
            await self._end(exchange, Notice(Word.CANCELLED, words.cancelled()))

    async def _step(self, exchange: Exchange, place: Place, progress: Progress) -> None:
        try:
            match exchange.step:
                case Step.WAIT:
                    await self._wait(exchange, place, progress)
                case Step.HOLD:
                    await place.turn()
                    await self._hold(exchange)
                case Step.CALL:
                    await place.turn()
                    await self._call(exchange, progress)
                case _:
                    await self._settle(exchange)
        except (StoreUnavailable, Unreachable):
            raise  # it stays at this step, and the sweep takes it up again
        except Notice as notice:
            if notice.word is Word.OWNER and not isinstance(notice, CallFailed):
                self._tell_owner(notice.sentence)
            await self._end(exchange, notice)
        except Exception:
            if exchange.step is Step.SETTLE:
                raise  # the sweep comes back to it: money is never left half told
            log.exception("exchange %d failed at step %s", exchange.id, exchange.step)
            self._tell_owner(words.our_fault())
            await self._end(exchange, Notice(Word.OWNER, words.our_fault()))

    async def _wait(self, exchange: Exchange, place: Place, progress: Progress) -> None:
        """Shows that the request was heard, brings its pictures home, and waits its turn."""
        progress.stage(words.reading)
        await self._answers.open(exchange)
        await self._attachments.bring_home(exchange.id)
        progress.stage(lambda: words.waiting(place.position))
        await joining.linger(exchange, self._clock)
        await place.turn()
        while not await self._database.write(lambda tx: requests.take_up(tx, exchange.id)):
            await self._attachments.bring_home(exchange.id)

    async def _hold(self, exchange: Exchange) -> None:
        """Reserves the worst case of the next call, in one transaction; what is dear is parked."""
        await self._intake.check_room()
        self._breaker.enter(exchange.id)
        next_call = await self._next_call(exchange, self._terms.max_tokens)
        ask = prompt.ask(exchange, exchange.call_number + 1, next_call.call, self._terms)

        async def operation(tx: Transaction) -> None:
            if await self._confirming.park(tx, exchange, ask, next_call.expected_tokens):
                return
            await self._book.reserve(tx, ask)
            await exchanges.note_call(tx, exchange.id, ask.call_number, edits=next_call.meant)
            await prompt.remember(tx, exchange, ask.call_number, next_call)

        await self._database.write(operation)

    async def _call(self, exchange: Exchange, progress: Progress) -> None:
        """Sends the call, once ever, and keeps what arrives as it arrives."""
        key = (exchange.id, exchange.call_number)
        reservation = await self._database.read(lambda tx: reservations.get(tx, *key))
        call = (await self._next_call(exchange, reservation.max_tokens)).call
        ask = prompt.ask(exchange, exchange.call_number, call, self._terms)
        if reservation.state == "held" and not reservation.covers(ask.hold(call.max_tokens)):
            await self._let_go(exchange)  # people edited what it says since
            return
        progress.stage(words.painting if exchange.may_paint else words.thinking)
        # Nothing is awaited between this and the sending.
        if not await self._database.write(lambda tx: self._book.mark_sent(tx, *key)):
            await self._take_up(exchange)
            return
        try:
            end, lost = await self._listen(exchange, call, progress)
        except CallFailed as failure:
            if not retrying.may_go_on(exchange, call, failure):
                raise
            progress.stage(words.trying_again)
            await self._try_again(exchange, failure)
            return
        if lost is None and end.finish_reason == "length":
            lost = Notice(Word.CUT, words.cut_by_length())

        async def operation(tx: Transaction) -> None:
            if end.usage is not None:
                await self._book.note_usage(tx, *key, end.usage)
            await exchanges.note_end(tx, exchange.id, Step.SETTLE, lost)

        await self._database.write(operation)

    async def _listen(
        self, exchange: Exchange, call: Call, progress: Progress
    ) -> tuple[Ended, Notice | None]:
        """The stream: text grows in the answer, pictures go onto the shelf, the order is kept."""
        key = (exchange.id, exchange.call_number)

        async def note(generation_id: str) -> None:
            await self._database.write(
                lambda tx: self._book.note_generation(tx, *key, generation_id)
            )

        arrived = Arrived(self._database, self._intake, exchange.id)
        try:
            async with self._breaker.watching(exchange.id), self._model.stream(call) as reply:
                return await arrived.listen(reply, progress.text, note)
        except asyncio.CancelledError as cancelled:
            if isinstance(cancelled, NeverLeft):
                await self._let_go(exchange)  # nobody can have acted on it
                raise
            await arrived.write()
            is_text = await arrived.take_up() and not arrived.has_picture
            if is_text and exchange.id not in self._cancelled:  # a stop, and more was to come
                await self._end(exchange, Notice(Word.CUT, words.interrupted_in_text()))
            raise

    async def _try_again(self, exchange: Exchange, failure: CallFailed) -> None:
        """The call was not charged: lets its hold go, and makes the next after a pause, or at once
        with less history where that is what is wrong.
        """
        await self._let_go(exchange, shortened=failure.shorten)
        await self._clock.sleep(retrying.pause_s(exchange, failure))

    async def _let_go(self, exchange: Exchange, *, shortened: bool = False) -> None:
        """Voids the call's hold, for another call to be made."""

        async def operation(tx: Transaction) -> None:
            await self._book.void(tx, exchange.id, exchange.call_number)
            await exchanges.note_try(tx, exchange.id, shortened=shortened)

        await self._database.write(operation)

    async def _take_up(self, exchange: Exchange) -> None:
        """A call found sent is never sent again: what it brought is the result, or the person is
        told that there is none; what it cost is looked up.
        """
        is_there = await Arrived(self._database, self._intake, exchange.id).take_up()
        none = None if is_there else Notice(Word.UNKNOWN, words.interrupted())
        await self._database.write(
            lambda tx: exchanges.note_end(tx, exchange.id, Step.SETTLE, none)
        )

    async def _end(self, exchange: Exchange, notice: Notice) -> None:
        """Ends with a notice, unless it has ended meanwhile. Money is let go only where it is
        proved that none was charged.
        """

        async def operation(tx: Transaction) -> None:
            now = await exchanges.get(tx, exchange.id)  # a write goes on when its step is cancelled
            step = Step.ANSWER
            if now.step in {Step.SETTLE, Step.ANSWER, Step.DONE}:
                return
            if now.step is Step.CALL:
                key = (now.id, now.call_number)
                failure = notice if isinstance(notice, CallFailed) else None
                if failure is not None and failure.generation_id is not None:
                    await self._book.note_generation(tx, *key, failure.generation_id)
                if failure is not None and failure.usage is not None:
                    await self._book.note_usage(tx, *key, failure.usage)
                if failure is not None and failure.charge_ruled_out:
                    await self._book.void(tx, *key)
                else:
                    step = Step.SETTLE
            await exchanges.note_end(tx, exchange.id, step, notice)

        await self._database.write(operation)

    async def _settle(self, exchange: Exchange) -> None:
        """Books what was reported; without a report the cost is looked up, behind the answer."""

        async def operation(tx: Transaction) -> None:
            await self._settling.settle_or_leave(tx, exchange)
            await exchanges.note_step(tx, exchange.id, Step.ANSWER)

        await self._database.write(operation)

    async def _answer(self, exchange: Exchange) -> None:
        """Puts text, pictures and cost into the answer message, once: until its cost is known and
        said, which may come later, somebody may delete it.
        """
        key = (exchange.id, exchange.call_number)
        may_be_old = await self._database.read(lambda tx: exchanges.is_delivered(tx, exchange.id))
        if not may_be_old:
            if await self._settling.is_overdue(*key):  # a hold does not wait for Discord
                await self._settling.look_up(*key)
            await self._answers.deliver(exchange)
        self._leave(exchange.id)
        self._answered.add(exchange.id)
        if await self._settling.is_unresolved(*key):
            await self._database.write(lambda tx: exchanges.note_delivered(tx, exchange.id))
            may_be_old = await self._settling.look_up(*key)
        if may_be_old:
            await self._answers.amend(await self._read(exchange.id))
        await self._intake.untag(str(exchange.id))
        await self._database.write(lambda tx: exchanges.note_step(tx, exchange.id, Step.DONE))

    def has_place(self, exchange_id: int) -> bool:
        """Whether it is being admitted, or on its way before its answer."""
        return exchange_id in self._places

    def may_be_left(self, exchange_id: int) -> bool:
        """Whether nothing is lost, and nobody disturbed, when its task ends now: it still waits in
        line, or only for its cost.
        """
        place = self._places.get(exchange_id)
        return exchange_id in self._answered or (place is not None and not place.running)

    def cancel(self, exchange: Exchange) -> bool:
        """Breaks off what is done for an exchange, as its person wishes; it ends with a notice and
        with what had come. False when there is nothing to break off any more.
        """
        step = self._steps.get(exchange.id)
        is_ahead = exchange.is_at_work and exchange.step is not Step.SETTLE
        if step is None and not is_ahead:
            return False
        if step is not None and not step.cancel():  # it may have just ended
            return False
        self._cancelled.add(exchange.id)  # where no step is under way, the next ends at once
        return True

    def close(self) -> None:
        """Admits nothing more."""
        self._closed = True

    async def _next_call(self, exchange: Exchange, most: int) -> prompt.NextCall:
        return await self._database.read(
            lambda tx: prompt.next_call(tx, exchange, self._terms, most)
        )

    async def _read(self, exchange_id: int) -> Exchange:
        return await self._database.read(lambda tx: exchanges.get(tx, exchange_id))
