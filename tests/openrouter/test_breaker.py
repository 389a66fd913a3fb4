"""When calls are let through, by how those before them ended."""

import pytest

from bot.errors import CallFailed, Notice, Word
from bot.openrouter.breaker import FAILURES_MAX, PAUSE_S, PAUSE_S_MAX, Breaker
from tests.ledger.support import SetClock

DOWN = CallFailed(Word.PROVIDER, "It failed.", charge_ruled_out=True)
BUSY = CallFailed(Word.BUSY, "It is busy.", charge_ruled_out=True)
BLOCKED = CallFailed(Word.BLOCKED, "It declined.", charge_ruled_out=True)
KEY = CallFailed(Word.OWNER, "The key is refused.", charge_ruled_out=True, tell_owner=True)


class Provider:
    """A breaker, and what it told."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.told: list[str] = []
        self.breaker = Breaker(self.clock, self.told.append, lambda: self.told.append("works"))

    async def call(self, exchange_id: int, failure: CallFailed | None = None) -> None:
        try:
            async with self.breaker.watching(exchange_id):
                if failure is not None:
                    raise failure
        except CallFailed:
            pass

    async def fail(self, times: int = FAILURES_MAX) -> None:
        for exchange_id in range(times):
            await self.call(exchange_id, DOWN)

    def passes(self, exchange_id: int) -> bool:
        try:
            self.breaker.enter(exchange_id)
        except Notice as notice:
            return notice.word is not Word.PROVIDER
        return True

    def later(self, seconds: float) -> None:
        self.clock.time_ms += round(seconds * 1000)


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def test_only_failures_in_a_row_count(provider: Provider):
    for between in (None, BLOCKED, KEY):
        await provider.fail(FAILURES_MAX - 1)
        await provider.call(9, between)
    await provider.fail(FAILURES_MAX - 1)
    await provider.call(9, BUSY)
    assert provider.passes(10)
    assert provider.breaker.refusal() is None
    await provider.call(9, DOWN)
    assert not provider.passes(10)
    assert provider.breaker.refusal() is not None


async def test_after_a_pause_one_is_let_through_at_a_time(provider: Provider):
    await provider.fail()
    provider.later(PAUSE_S - 0.001)
    assert not provider.passes(10)
    provider.later(0.001)
    async with provider.breaker.at_work(10):
        assert provider.passes(10)
        assert provider.passes(10)
        assert not provider.passes(11)
    assert provider.passes(11)


async def test_a_call_that_succeeds_lets_all_through_again(provider: Provider):
    await provider.fail()
    provider.later(PAUSE_S)
    async with provider.breaker.at_work(10):
        assert provider.passes(10)
        await provider.call(10)
        assert provider.passes(11)
    await provider.fail(FAILURES_MAX - 1)
    assert provider.passes(12)


async def test_pauses_double_up_to_a_limit_with_each_that_was_let_through_and_failed(
    provider: Provider,
):
    await provider.fail()
    await provider.fail(20)  # begun before; they lengthen nothing
    pause_s = PAUSE_S
    for exchange_id in range(100, 110):
        provider.later(pause_s - 0.001)
        assert not provider.passes(exchange_id)
        provider.later(0.001)
        assert provider.passes(exchange_id)
        await provider.call(exchange_id, DOWN)
        assert not provider.passes(exchange_id)
        pause_s = min(2 * pause_s, PAUSE_S_MAX)
    assert pause_s == PAUSE_S_MAX


async def test_the_first_that_works_ends_what_the_owner_was_told(provider: Provider):
    await provider.call(1)  # a process before may have told
    await provider.call(2)
    await provider.call(3, KEY)
    await provider.call(4, KEY)
    await provider.call(5)
    await provider.call(6)
    assert provider.told == ["works", KEY.sentence, KEY.sentence, "works"]
