"""The pictures of an answer on their way to the shelf: base64 is gathered into batches; decoding
and writing happen in the shelf's threads. What the answer says about a picture is not looked at.
"""

import logging
from contextlib import AsyncExitStack

from bot import words
from bot.errors import Notice, Word
from bot.fetch import PublicFetch
from bot.openrouter.stream import ANSWER_BYTES_MAX, Decoder
from bot.pictures.shelf import Blob, Incoming, Shelf

PICTURES_MAX = 10
"""Different pictures of one answer that are taken; more are dropped."""
BATCH_BYTES = 512 * 1024
"""Base64 that is gathered before it is decoded and written, away from the event loop."""

_log = logging.getLogger(__name__)


class Landing:
    """Takes the pictures of an answer to the shelf while they arrive. One that cannot be taken does
    not end the answer, whose usage is still to come: `lost` is why the first of them was not.
    """

    def __init__(self, shelf: Shelf, decoder: Decoder, fetch: PublicFetch | None, tag: str) -> None:
        self.lost: Notice | None = None
        self._shelf = shelf
        self._decoder = decoder
        self._fetch = fetch
        self._tag = tag
        self._received = 0
        self._taken: set[str] = set()
        self._of_event: list[Blob | Notice | None] = []  # None: one too many
        self._pointed_at: dict[str, Blob | Notice] = {}
        # of the one that is open
        self._exit = AsyncExitStack()
        self._incoming: Incoming | None = None
        self._trouble: Notice | None = None
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._is_empty = True

    @property
    def count(self) -> int:
        """How many different pictures were taken."""
        return len(self._taken)

    async def open(self) -> None:
        await self.drop_open()
        waiting = {entry.id for entry in self._of_event if isinstance(entry, Blob)}
        if len(self._taken | waiting) >= PICTURES_MAX:
            _log.warning("an answer holds more than %d pictures", PICTURES_MAX)
            return
        try:
            incoming = self._receive()
            self._incoming = await self._exit.enter_async_context(incoming)
        except Notice as notice:
            self._trouble = notice

    def _receive(self) -> Incoming:
        self._received += 1
        tag = f"{self._tag}-{self._received:03}" if self._tag else None
        return self._shelf.receive(ANSWER_BYTES_MAX, tag)

    async def write(self, base64: bytes) -> None:
        """Back only when there is room for more: nobody reads on before."""
        if self._incoming is None or self._trouble is not None:
            return
        self._is_empty = False
        self._batch.append(base64)
        self._batch_bytes += len(base64)
        if self._batch_bytes >= BATCH_BYTES:
            await self._write_batch(self._incoming, self._batch_bytes % 4)

    async def close(self) -> None:
        self._of_event.append(await self._closed())
        await self.drop_open()

    async def drop_open(self) -> None:
        """Nothing is left of a picture that was not closed."""
        self._incoming = None
        self._trouble = None
        self._batch.clear()
        self._batch_bytes = 0
        self._is_empty = True
        await self._exit.aclose()

    async def take(self, url: str) -> Blob | None:
        """The picture that a URL in the event's JSON means; None if it came before, or is lost."""
        number = self._decoder.picture_number(url)
        if number is None:
            number = len(self._of_event)
            await self._land_whole(url)
        entry = self._of_event[number]
        if isinstance(entry, Notice):
            self.lost = self.lost or entry
        return self._first_time(entry)

    def take_rest(self) -> list[Blob]:
        """The whole pictures of an event that broke off behind them: they were paid for."""
        blobs = [self._first_time(entry) for entry in self._of_event]
        self.forget_rest()
        return [blob for blob in blobs if blob is not None]

    def forget_rest(self) -> None:
        self._of_event.clear()

    def _first_time(self, entry: Blob | Notice | None) -> Blob | None:
        if not isinstance(entry, Blob) or entry.id in self._taken:
            return None
        self._taken.add(entry.id)
        return entry

    async def _closed(self) -> Blob | Notice | None:
        if self._incoming is not None and self._batch:
            await self._write_batch(self._incoming, 0)
        if self._trouble is not None or self._incoming is None:
            return self._trouble
        if self._is_empty:
            return Notice(Word.UNREADABLE, words.result_unreadable())
        try:
            return await self._incoming.keep()
        except Notice as notice:
            return notice

    async def _fetched(self, fetch: PublicFetch, url: str) -> Blob | Notice | None:
        """A picture that the answer only points at. Each address is asked once, whatever came of
        it, and no more addresses than pictures are taken.
        """
        if url in self._pointed_at:
            return self._pointed_at[url]
        if max(len(self._taken), len(self._pointed_at)) >= PICTURES_MAX:
            _log.warning("an answer points at more than %d pictures", PICTURES_MAX)
            return None
        entry: Blob | Notice
        try:
            async with self._receive() as incoming:
                await fetch.download(url, incoming, ANSWER_BYTES_MAX)
                entry = await incoming.keep()
        except Notice as notice:
            entry = notice
        self._pointed_at[url] = entry
        return entry

    async def _land_whole(self, url: str) -> None:
        """A picture that the decoder left in place, since it is not written in the usual way."""
        if url.startswith("https://") and self._fetch is not None:
            self._of_event.append(await self._fetched(self._fetch, url))
            return
        head, _, base64 = url.partition(",")
        if not head.startswith("data:") or not head.endswith(";base64") or not base64.isascii():
            _log.warning("an answer's picture is no data URL of base64, and is left out")
            self._of_event.append(Notice(Word.UNREADABLE, words.result_unreadable()))
            return
        await self.open()
        for start in range(0, len(base64), BATCH_BYTES):
            await self.write(base64[start : start + BATCH_BYTES].encode())
        await self.close()

    async def _write_batch(self, incoming: Incoming, rest_bytes: int) -> None:
        """Decodes what was gathered, but for so many last bytes: base64 is decoded by fours."""
        rest = b""
        while len(rest) < rest_bytes:
            rest = self._batch.pop() + rest
        cut = len(rest) - rest_bytes
        batch = [*self._batch, rest[:cut]]
        self._batch = [rest[cut:]] if rest_bytes else []
        self._batch_bytes = rest_bytes
        try:
            await incoming.write_base64(batch)
        except Notice as notice:
            self._trouble = notice
