"""The answer message while its exchange runs: stage, elapsed time and the text as it grows."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bot import words
from bot.clock import Clock
from bot.ledger.expecting import Usual, usual
from bot.store import messages
from bot.store.database import Database
from bot.store.exchanges import Exchange
from bot.ui import controls, markdown
from bot.ui.posting import Posting

EDIT_PAUSE_S = 2.0
"""Between two edits of one message; Discord allows about one in a second and a half."""
ELAPSED_PAUSE_S = 5.0
"""Between two edits that only move the elapsed time on."""
WAITING_PAUSE_S = 15.0
"""Between two looks at what may have changed for one that waits: many wait at a time, and they
share Discord's limits with the answers of those who do not."""
EDIT_TIMEOUT_S = 10.0
"""Of one edit; the next one tells as much."""
END_PATIENCE_S = 1.0
"""With an edit under way when the work ends: it takes a fraction of this, or hangs."""
TEXT_LETTERS_MAX = 1_800
TEXT_LETTERS_READ = 6_000
"""Of a longer text only the end is looked at, which may show half a fence for a while."""
RUNNING = (words.thinking, words.painting, words.trying_again)
"""The stages with a time to tell: a call is being made."""

log = logging.getLogger(__name__)


class Showing:
    """Progress in the answer message: stage, elapsed time, and the text as it grows. Changes are
    gathered: at most one edit in two seconds, none while nothing changes but the clock for five,
    and for one that waits only when its place has changed. An edit that fails is left to the next;
    progress never fails an exchange, and never keeps it waiting: what hangs is given up.

    An edit that was given up may still arrive at Discord. `Posting` is told, so that whoever writes
    the result writes it once more when that has passed.
    """

    def __init__(
        self, exchange: Exchange, database: Database, posting: Posting, clock: Clock
    ) -> None:
        self._exchange = exchange
        self._database = database
        self._posting = posting
        self._clock = clock
        self._stage: Callable[[], str] = words.reading
        self._text: list[str] = []
        self._letters = 0
        self._usual: Usual | None = None
        self._runs_since_ms: int | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._keep_showing())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._changed.set()
        assert self._task is not None
        try:
            await asyncio.wait({self._task}, timeout=END_PATIENCE_S)
        finally:
            self._task.cancel()
            await self._group.__aexit__(kind, error, traceback)

    def stage(self, sentence: Callable[[], str]) -> None:
        """What is being done now; asked again whenever it is shown."""
        self._stage = sentence
        self._changed.set()

    def text(self, more: str) -> None:
        """The model's text goes on with this."""
        self._text.append(more)
        self._letters += len(more)
        if self._letters > 2 * TEXT_LETTERS_READ:
            tail = "".join(self._text)[-TEXT_LETTERS_READ:]
            self._text, self._letters = [tail], len(tail)
        self._changed.set()

    async def _keep_showing(self) -> None:
        shown = ""
        while not await self._ends_within(EDIT_PAUSE_S):
            self._changed.clear()
            runs, sentence = self._stage in RUNNING, self._stage()
            if (runs or sentence != shown) and await self._show(sentence, timed=runs):
                shown = sentence
            with contextlib.suppress(TimeoutError):
                pause_s = ELAPSED_PAUSE_S if runs else WAITING_PAUSE_S
                async with asyncio.timeout(pause_s - EDIT_PAUSE_S):
                    await self._changed.wait()

    async def _ends_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        return self._ended.is_set()

    async def _show(self, sentence: str, *, timed: bool) -> bool:
        """False if it is not known to be shown."""
        try:
            async with asyncio.timeout(EDIT_TIMEOUT_S):
                return await self._edit(sentence, timed=timed)
        except Exception as error:  # noqa: BLE001  # whatever it is, the paid work goes on
            log.info("exchange %d: progress not shown: %r", self._exchange.id, error)
            return False

    async def _usually(self) -> str:
        """What can be told of the time it usually takes; of a call, not of the waiting before."""
        now_ms = self._clock.now_ms()
        if self._runs_since_ms is None:
            self._runs_since_ms = now_ms
            self._usual = await self._database.read(lambda tx: usual(tx, self._exchange))
        if self._usual is None:
            return ""
        if now_ms - self._runs_since_ms > self._usual.most_s * 1000:
            return words.longer_than_usual(self._usual.half_s)
        return words.usually(self._usual.half_s)

    async def _edit(self, sentence: str, *, timed: bool) -> bool:
        exchange = self._exchange
        elapsed_ms = self._clock.now_ms() - exchange.created_ms - exchange.waited_ms
        elapsed_s = max(0, elapsed_ms) // 1000
        usually = await self._usually() if timed else ""
        line = words.stage_line(sentence, elapsed_s if timed else None, usually)
        text = "".join(self._text)[-TEXT_LETTERS_READ:]
        chunks = markdown.split(markdown.safe(text), TEXT_LETTERS_MAX)
        content = f"{chunks[-1]}\n\n{line}" if chunks else line
        posted = await self._database.read(lambda tx: messages.of_exchange(tx, self._exchange.id))
        if messages.ANSWER not in posted:
            return False
        try:
            buttons = controls.while_running(self._exchange.id)
            await self._posting.edit(
                self._exchange, posted[messages.ANSWER], content, None, buttons
            )
        except asyncio.CancelledError:
            self._posting.given_up.add(self._exchange.id)
            raise
        return True
