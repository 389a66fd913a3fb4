import asyncio
from collections import Counter
from itertools import count
from typing import Self

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.errors import Notice, Word
from bot.queue import FairQueue, Place

ANN, BEN, CLEO = 1, 2, 3


class Line:
    """A queue, its places and its waiters by name, and who was served in which order."""

    def __init__(self, *, running: int = 16, per_member: int = 2, queue: int = 100) -> None:
        self.queue = FairQueue(running, per_member, queue)
        self.places: dict[str, Place] = {}
        self.waiters: dict[str, asyncio.Task[None]] = {}
        self.served: list[str] = []
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        for waiter in self.waiters.values():
            waiter.cancel()
        await self._tasks.__aexit__(None, None, None)

    def enter(self, name: str, member: int, conversation: int | None = None) -> None:
        exchange = len(self.places)
        self.places[name] = self.queue.enter(exchange, member, conversation or exchange + 1_000)

    async def ready(self, *names: str) -> None:
        async def wait(name: str) -> None:
            await self.places[name].turn()
            self.served.append(name)

        for name in names:
            self.waiters[name] = self._tasks.create_task(wait(name))
        await settled()

    async def leave(self, name: str) -> None:
        self.places[name].leave()
        await settled()


async def settled() -> None:
    """Every task that could go on has gone on."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_no_more_run_than_may():
    async with Line(running=2) as line:
        for name, member in [("a", ANN), ("b", BEN), ("c", CLEO)]:
            line.enter(name, member)
        await line.ready("a", "b", "c")
        assert line.served == ["a", "b"]
        await line.leave("a")
        assert line.served == ["a", "b", "c"]


async def test_no_more_of_one_member_run_than_may_and_others_pass():
    async with Line(per_member=2) as line:
        for name in ("a1", "a2", "a3"):
            line.enter(name, ANN)
        line.enter("b", BEN)
        await line.ready("a1", "a2", "a3", "b")
        assert line.served == ["a1", "a2", "b"]
        await line.leave("a2")
        assert line.served == ["a1", "a2", "b", "a3"]


async def test_a_conversation_goes_on_in_the_order_it_was_entered():
    async with Line() as line:
        line.enter("ann", ANN, conversation=7)
        line.enter("ben", BEN, conversation=7)
        await line.ready("ben")
        assert line.served == []
        await line.ready("ann")
        assert line.served == ["ann"]
        await line.leave("ann")
        assert line.served == ["ann", "ben"]


async def test_who_is_not_ready_holds_up_only_its_own_conversation():
    async with Line(running=1, per_member=1) as line:
        line.enter("downloading", ANN, conversation=7)
        line.enter("behind", BEN, conversation=7)
        line.enter("other", ANN)
        await line.ready("behind", "other")
        assert line.served == ["other"]
        await line.leave("other")
        assert line.served == ["other"]
        await line.leave("downloading")
        assert line.served == ["other", "behind"]


async def test_the_next_is_of_the_member_who_runs_fewest():
    async with Line(running=2) as line:
        for name, member in [("a1", ANN), ("b1", BEN), ("a2", ANN), ("c1", CLEO)]:
            line.enter(name, member)
        await line.ready("a1", "b1", "a2", "c1")
        await line.leave("b1")
        assert line.served == ["a1", "b1", "c1"]


async def test_of_equals_the_next_is_who_was_served_longest_ago():
    async with Line(running=1) as line:
        for name, member in [("a1", ANN), ("a2", ANN), ("a3", ANN), ("b1", BEN), ("b2", BEN)]:
            line.enter(name, member)
        await line.ready("a1", "a2", "a3", "b1", "b2")
        for name in line.served:
            await line.leave(name)
        assert line.served == ["a1", "b1", "a2", "b2", "a3"]


async def test_newcomers_pass_a_waiting_member_once_and_not_for_ever():
    async with Line(running=1) as line:
        line.enter("a1", ANN)
        line.enter("a2", ANN)
        await line.ready("a1", "a2")
        for number in range(10):
            line.enter(f"new{number}", 100 + number)
            await line.ready(f"new{number}")
            await line.leave(line.served[-1])
        assert line.served[:3] == ["a1", "new0", "a2"]


async def test_one_too_many_is_told_that_easel_is_busy():
    async with Line(running=2, per_member=1, queue=1) as line:
        line.enter("runs", ANN)
        line.enter("waits for itself", ANN)
        line.enter("runs too", BEN)
        for member in (ANN, BEN, CLEO):
            with pytest.raises(Notice) as raised:
                line.enter("refused", member)
            assert raised.value.word is Word.BUSY
        line.places["waits for itself"].leave()
        line.enter("waits", CLEO)


async def test_whoever_could_run_at_once_is_no_burden_to_the_queue():
    async with Line(running=3, per_member=3, queue=0) as line:
        for name in ("a", "b", "c"):  # none has come to its turn yet
            line.enter(name, ANN)
        with pytest.raises(Notice):
            line.enter("d", BEN)


async def test_a_newcomer_waits_behind_its_own_conversation():
    queue = FairQueue(3, 3, 0)
    queue.enter(1, ANN, 7)
    with pytest.raises(Notice):
        queue.enter(2, BEN, 7)
    queue.enter(3, BEN, 8)


async def test_what_was_found_at_start_up_is_always_taken():
    queue = FairQueue(1, 1, 0)
    first = queue.enter(1, ANN, 7)
    second = queue.enter(2, ANN, 7, forced=True)
    await first.turn()
    assert (first.position, second.position) == (0, 1)
    with pytest.raises(Notice):
        queue.enter(3, BEN, 8)


async def test_a_queue_overfull_from_start_up_takes_whoever_can_run_at_once():
    queue = FairQueue(2, 1, 0)
    for number in range(3):
        queue.enter(number, ANN, number, forced=True)
    await queue.enter(4, BEN, 4).turn()


async def test_a_refusal_leaves_no_trace():
    queue = FairQueue(1, 1, 0)
    first = queue.enter(1, ANN, 7)
    with pytest.raises(Notice):
        queue.enter(2, BEN, 7)
    first.leave()
    await queue.enter(3, CLEO, 7).turn()


async def test_a_place_knows_how_many_are_before_it():
    async with Line(running=1) as line:
        for name, member in [("a1", ANN), ("a2", ANN), ("a3", ANN), ("b1", BEN)]:
            line.enter(name, member)
        assert [place.position for place in line.places.values()] == [1, 3, 4, 2]
        await line.ready("a1", "a2", "a3", "b1")
        assert [place.position for place in line.places.values()] == [0, 2, 3, 1]
        await line.leave("a2")
        assert line.places["a2"].position == 0


async def test_leaving_twice_is_leaving_once():
    queue = FairQueue(1, 1, 10)
    first, second = queue.enter(1, ANN, 1), queue.enter(2, BEN, 2)
    await first.turn()
    first.leave()
    first.leave()
    await second.turn()
    third = queue.enter(3, CLEO, 3)
    assert third.position == 1


async def test_nobody_waits_for_a_place_that_was_left():
    async with Line(running=1) as line:
        line.enter("a", ANN)
        line.enter("b", BEN)
        await line.ready("a", "b")
        await line.leave("b")
        assert line.waiters["b"].cancelled()


async def test_a_turn_that_has_come_comes_again_at_once():
    place = FairQueue(1, 1, 0).enter(1, ANN, 1)
    await place.turn()
    await place.turn()
    assert place.position == 0


async def test_a_cancelled_waiter_lets_the_others_pass():
    async with Line(running=1) as line:
        for name, member in [("a", ANN), ("b", BEN), ("c", CLEO)]:
            line.enter(name, member)
        await line.ready("a")
        await line.ready("b", "c")
        line.waiters["b"].cancel()
        line.places["a"].leave()  # before the cancelled waiter has run
        await settled()
        assert line.served == ["a", "c"]
        assert line.places["b"].position == 1
        line.places["b"].leave()


async def test_a_waiter_cancelled_as_its_turn_came_still_leaves():
    async with Line(running=1) as line:
        for name, member in [("a", ANN), ("b", BEN), ("c", CLEO)]:
            line.enter(name, member)
        await line.ready("a")
        await line.ready("b", "c")
        line.places["a"].leave()
        line.waiters["b"].cancel()  # after its turn came and before it has run
        await settled()
        assert line.served == ["a"]
        await line.leave("b")
        assert line.served == ["a", "c"]


class QueueRules(RuleBasedStateMachine):
    """Anybody enters, gets ready, is cancelled and leaves in any order."""

    per_member_max, running_max, queue_max = 2, 3, 4

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.queue = FairQueue(self.running_max, self.per_member_max, self.queue_max)
        self.places: list[Place] = []  # in the order they entered
        self.waiters: dict[Place, asyncio.Task[None]] = {}
        self.ids = count(1)
        self.forced = False

    def teardown(self) -> None:
        """Everybody's turn comes when those before leave; then nothing is left."""
        for place in self.places:
            self._get_ready(place)
        while self.places:
            running = self._running()
            assert running
            for place in running:
                self._leave(place)
        self.runner.close()
        # Nothing is remembered of those who are gone.
        remembered = [value for value in vars(self.queue).values() if not isinstance(value, int)]
        assert not any(remembered)

    def _settle(self) -> None:
        self.runner.run(settled())

    def _running(self) -> list[Place]:
        return [place for place in self.places if place.running]

    def _awaiting(self) -> list[Place]:
        return [
            place
            for place in self.places
            if not place.running and place in self.waiters and not self.waiters[place].done()
        ]

    def _get_ready(self, place: Place) -> None:
        if place.running or place in self._awaiting():
            return
        self.waiters[place] = self.runner.get_loop().create_task(place.turn())
        self._settle()

    def _leave(self, place: Place) -> None:
        place.leave()
        self.places.remove(place)
        self._settle()

    @rule(
        member=st.integers(1, 4),
        conversation=st.integers(1, 6),
        forced=st.sampled_from([False] * 9 + [True]),
    )
    def enter(self, member: int, conversation: int, forced: bool) -> None:
        try:
            place = self.queue.enter(next(self.ids), member, conversation, forced=forced)
        except Notice:
            assert not forced
            assert len(self.places) - len(self._running()) >= self.queue_max
        else:
            self.forced |= forced
            self.places.append(place)

    @precondition(lambda self: self.places)
    @rule(number=st.integers(0, 99))
    def get_ready(self, number: int) -> None:
        self._get_ready(self.places[number % len(self.places)])

    @precondition(lambda self: self._awaiting())
    @rule(number=st.integers(0, 99))
    def cancel(self, number: int) -> None:
        awaiting = self._awaiting()
        self.waiters[awaiting[number % len(awaiting)]].cancel()
        self._settle()

    @precondition(lambda self: self.places)
    @rule(number=st.integers(0, 99))
    def leave(self, number: int) -> None:
        place = self.places[number % len(self.places)]
        self._leave(place)
        place.leave()

    @invariant()
    def limits_hold(self) -> None:
        running = self._running()
        members = Counter(place.member_id for place in running)
        assert len(running) <= self.running_max
        assert max(members.values(), default=0) <= self.per_member_max
        if not self.forced:
            assert len(self._awaiting()) <= self.queue_max

    @invariant()
    def a_conversation_runs_its_first(self) -> None:
        firsts = self._firsts()
        assert all(place is firsts[place.conversation_id] for place in self._running())

    @invariant()
    def nobody_waits_beside_room(self) -> None:
        running, firsts = self._running(), self._firsts()
        if len(running) < self.running_max:
            members = Counter(place.member_id for place in running)
            for place in self._awaiting():
                assert (
                    place is not firsts[place.conversation_id]
                    or members[place.member_id] == self.per_member_max
                )

    @invariant()
    def positions_count_those_who_wait(self) -> None:
        waiting = [place for place in self.places if not place.running]
        assert sorted(place.position for place in waiting) == list(range(1, len(waiting) + 1))

    def _firsts(self) -> dict[int, Place]:
        firsts: dict[int, Place] = {}
        for place in self.places:
            firsts.setdefault(place.conversation_id, place)
        return firsts


QueueRules.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestQueueRules = QueueRules.TestCase
