"""Who is next: bounded, fair between members, one at a time within a conversation. It decides and
wakes; it holds no work, starts no task and knows nothing of what is done in a turn.
"""

import asyncio
from collections import Counter

from bot import words
from bot.errors import Notice, Word


class Place:
    """One exchange's place: waiting, then running, then left. Whoever enters must leave."""

    def __init__(
        self, queue: "FairQueue", exchange_id: int, member_id: int, conversation_id: int
    ) -> None:
        self.exchange_id = exchange_id
        self.member_id = member_id
        self.conversation_id = conversation_id
        self.running = False
        self.wake: asyncio.Future[None] | None = None  # while its turn is awaited
        self._queue = queue

    @property
    def position(self) -> int:
        """1 is next; 0 while it runs and after. Others who enter later may still pass it."""
        return self._queue.position(self)

    async def turn(self) -> None:
        """Returns when it may run. Until this is called only its own conversation waits for it.

        Cancelled, it no longer waits, and if its turn had just come it runs: `leave` either way.
        """
        await self._queue.turn(self)

    def leave(self) -> None:
        """Frees what it took, whatever it was doing; again is nothing."""
        self._queue.leave(self)


class FairQueue:
    """At most `running_max` run, `running_per_member_max` of one member, and `queue_max` wait.

    The next is of the member who runs fewest, then of who was served longest ago. A member who
    comes anew stands just before the one served last: ahead of whoever has just had a turn, and
    not ahead of those who have waited since earlier, whom newcomers could otherwise starve.

    All state is in this object and changes between awaits only.
    """

    def __init__(self, running_max: int, running_per_member_max: int, queue_max: int) -> None:
        self._running_max = running_max
        self._running_per_member_max = running_per_member_max
        self._queue_max = queue_max
        self._places: dict[Place, None] = {}  # in the order they entered
        self._running: Counter[int] = Counter()  # by member
        self._served: dict[int, int] = {}  # of the members who are here; even, or odd if new
        self._turns = 0
        self._ranks: dict[Place, int] | None = None  # of those who wait, until anything changes

    def enter(
        self, exchange_id: int, member_id: int, conversation_id: int, *, forced: bool = False
    ) -> Place:
        """A place behind those of the same conversation.

        Raises Notice (busy) if it would have to wait and enough others do; `forced` never does.
        """
        place = Place(self, exchange_id, member_id, conversation_id)
        waiting = self._waiting(place)
        if place in waiting and len(waiting) > self._queue_max and not forced:
            raise Notice(Word.BUSY, words.queue_full())
        self._ranks = None
        self._places[place] = None
        self._served.setdefault(member_id, 2 * self._turns - 1)
        return place

    async def turn(self, place: Place) -> None:
        assert place in self._places
        assert place.wake is None
        if place.running:
            return
        place.wake = asyncio.get_running_loop().create_future()
        self._start()
        try:
            await place.wake
        finally:
            place.wake = None

    def leave(self, place: Place) -> None:
        if place not in self._places:
            return
        self._ranks = None
        del self._places[place]
        if place.running:
            place.running = False
            self._running[place.member_id] -= 1
        if place.wake:
            place.wake.cancel()
        if all(other.member_id != place.member_id for other in self._places):
            del self._served[place.member_id], self._running[place.member_id]
        self._start()

    def position(self, place: Place) -> int:
        if place.running or place not in self._places:
            return 0
        if self._ranks is None:
            standing = self._standing()
            in_order = sorted(standing, key=standing.__getitem__)
            self._ranks = {each: rank for rank, each in enumerate(in_order, 1)}
        return self._ranks[place]

    def _standing(self) -> dict[Place, tuple[int, int, int]]:
        """Of each that waits: lower is sooner, as far as can be told now."""
        ahead = Counter(self._running)
        standing: dict[Place, tuple[int, int, int]] = {}
        for index, place in enumerate(self._places):
            if not place.running:
                standing[place] = (ahead[place.member_id], self._served[place.member_id], index)
                ahead[place.member_id] += 1
        return standing

    def _waiting(self, newcomer: Place) -> set[Place]:
        """Those who would have to wait with the newcomer here, were all ready for their turn."""
        room = self._running_max - self._running.total()
        running = Counter(self._running)
        conversations: set[int] = set()
        waiting: set[Place] = set()
        for place in (*self._places, newcomer):
            if not place.running:
                if (
                    room
                    and place.conversation_id not in conversations
                    and running[place.member_id] < self._running_per_member_max
                ):
                    room -= 1
                    running[place.member_id] += 1
                else:
                    waiting.add(place)
            conversations.add(place.conversation_id)
        return waiting

    def _next(self) -> Place | None:
        """Who of the ready is next, if anyone may run. Nothing changes."""
        if self._running.total() >= self._running_max:
            return None
        first: dict[int, Place] = {}
        for place in self._places:
            first.setdefault(place.conversation_id, place)
        ready = [
            place
            for place in first.values()
            # A future that is done: its waiter was cancelled and has not run since.
            if place.wake is not None
            and not place.wake.done()
            and self._running[place.member_id] < self._running_per_member_max
        ]
        return min(ready, key=self._fairness, default=None)  # the first to enter, of equals

    def _fairness(self, place: Place) -> tuple[int, int]:
        return self._running[place.member_id], self._served[place.member_id]

    def _start(self) -> None:
        while place := self._next():
            assert place.wake is not None
            self._ranks = None
            place.running = True
            self._running[place.member_id] += 1
            self._turns += 1
            self._served[place.member_id] = 2 * self._turns
            place.wake.set_result(None)
