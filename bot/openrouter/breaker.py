"""What the calls before tell about the next: a provider that failed several times in a row is
spared for a while, and people are told at once; an owner who must act is told. What is remembered
here is a cache: a process that starts anew asks first.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from bot import words
from bot.clock import Clock
from bot.errors import CallFailed, Notice, Word

FAILURES_MAX = 5
"""In a row, over all exchanges; the calls of one that is tried again count each."""
PAUSE_S = 15.0
PAUSE_S_MAX = 300.0
"""Until one call is let through to see whether it works again; doubled when it does not."""

log = logging.getLogger(__name__)


class Breaker:
    """Lets calls through, or not. `tell_owner` and `works_again`, which ends what was told by the
    other, neither wait nor fail.
    """

    def __init__(
        self,
        clock: Clock,
        tell_owner: Callable[[str], object],
        works_again: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._tell_owner = tell_owner
        self._works_again = works_again
        self._failures = 0
        self._pause_s = PAUSE_S
        self._probe_from_s: float | None = None  # while the provider is down
        self._probe: int | None = None
        self._may_be_told = True  # also by a process before

    def refusal(self) -> Notice | None:
        """Why no call can be made now, if so."""
        if self._probe_from_s is None:
            return None
        if self._probe is None and self._clock.monotonic_s() >= self._probe_from_s:
            return None
        return Notice(Word.PROVIDER, words.provider_down())

    def enter(self, exchange_id: int) -> None:
        """Lets an exchange make a call, or raises Notice. While the provider is down one at a time
        is let through, for as long as it is `at_work`.
        """
        if self._probe_from_s is None or self._probe == exchange_id:
            return
        refusal = self.refusal()
        if refusal is not None:
            raise refusal
        self._probe = exchange_id

    @asynccontextmanager
    async def at_work(self, exchange_id: int) -> AsyncGenerator[None]:
        """Around all calls of an exchange."""
        try:
            yield
        finally:
            if self._probe == exchange_id:
                self._probe = None

    @asynccontextmanager
    async def watching(self, exchange_id: int) -> AsyncGenerator[None]:
        """Around one call: how it ends counts."""
        try:
            yield
        except CallFailed as failure:
            if failure.tell_owner:
                self._may_be_told = True
                self._tell_owner(failure.sentence)
            if failure.word is Word.PROVIDER:
                self._count(exchange_id)
            elif failure.word is not Word.BUSY:  # which says itself when to come again
                self._close()
            raise
        self._close()
        if self._may_be_told:
            self._may_be_told = False
            self._works_again()

    def _count(self, exchange_id: int) -> None:
        self._failures += 1
        if self._probe_from_s is None:
            if self._failures < FAILURES_MAX:
                return
            self._pause_s = PAUSE_S
            log.error("the provider failed %d times in a row and is spared", self._failures)
        elif exchange_id == self._probe:
            self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
        else:
            return  # it began before
        self._probe = None
        self._probe_from_s = self._clock.monotonic_s() + self._pause_s

    def _close(self) -> None:
        if self._probe_from_s is not None:
            log.warning("the provider works again")
        self._failures = 0
        self._probe_from_s = self._probe = None
