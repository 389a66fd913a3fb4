"""The answer message while its exchange runs: stage, elapsed time and the text as it grows."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bot import words
from bot.clock import Clock
from bot.store import messages
from bot.store.database import Database
from bot.store.exchanges import Exchange
from bot.ui import markdown
from bot.ui.posting import Posting

EDIT_PAUSE_S = 2.0
"""Between two edits of one message; Discord allows about one in a second and a half."""
ELAPSED_PAUSE_S = 5.0
"""Between two edits that only move the elapsed time on."""
TEXT_LETTERS_MAX = 1_800
TEXT_LETTERS_READ = 16_000
"""Of a longer text only the end is looked at, which may show half a fence for a while."""

log = logging.getLogger(__name__)


class Showing:
    """Progress in the answer message: stage, elapsed time, and the text as it grows. Changes are
    gathered: at most one edit in two seconds, and none while nothing changes but the clock for
    five. An edit that fails is left to the next; progress never fails an exchange.
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
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._group.create_task(self._keep_showing())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._changed.set()
        await self._group.__aexit__(kind, error, traceback)

    def stage(self, sentence: Callable[[], str]) -> None:
        """What is being done now; asked again whenever it is shown."""
        self._stage = sentence
        self._changed.set()

    def text(self, more: str) -> None:
        """The model's text goes on with this."""
        self._text.append(more)
        self._changed.set()

    async def _keep_showing(self) -> None:
        while not await self._ends_within(EDIT_PAUSE_S):
            self._changed.clear()
            await self._show()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ELAPSED_PAUSE_S - EDIT_PAUSE_S):
                    await self._changed.wait()

    async def _ends_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        return self._ended.is_set()

    async def _show(self) -> None:
        try:
            await self._edit()
        except Exception as error:  # noqa: BLE001  # whatever it is, the paid work goes on
            log.info("exchange %d: progress not shown: %r", self._exchange.id, error)

    async def _edit(self) -> None:
        elapsed_s = (self._clock.now_ms() - self._exchange.created_ms) // 1000
        line = words.stage_line(self._stage(), elapsed_s)
        text = "".join(self._text)[-TEXT_LETTERS_READ:]
        chunks = markdown.split(markdown.safe(text), TEXT_LETTERS_MAX)
        content = f"{chunks[-1]}\n\n{line}" if chunks else line
        posted = await self._database.read(lambda tx: messages.of_exchange(tx, self._exchange.id))
        if messages.ANSWER in posted:
            await self._posting.edit(self._exchange, posted[messages.ANSWER], content, None)
