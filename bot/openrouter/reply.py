"""An answer as it arrives: text, pictures and its end, in the model's order, or the failure that
it turns out to be. Pictures are on the shelf before anyone hears of them. What carries the bytes is
the client's business; what a failure means for money is decided in `failures`.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol

from bot.errors import CallFailed
from bot.fetch import PublicFetch
from bot.money import NanoUsd, Usage
from bot.openrouter import failures
from bot.openrouter.envelope import Envelope
from bot.openrouter.facts import Chunk, chunk_of
from bot.openrouter.failures import Cause
from bot.openrouter.landing import Landing
from bot.openrouter.stream import (
    ANSWER_BYTES_MAX,
    Decoder,
    Event,
    PictureClosed,
    PictureOpened,
    parse,
)
from bot.pictures.shelf import Blob, Shelf

READ_GAP_S = 120.0
"""Silence in mid-answer after which it counts as dead. The model works for minutes, but OpenRouter
sends comments all the while."""
LAST_GAP_S = 10.0
"""The same once the answer has ended or failed, and only its usage is still to come."""
PARSE_INLINE_BYTES_MAX = 256 * 1024
"""A longer event is parsed away from the event loop, which it would hold up for over a millisecond.
Pictures do not count: they are taken out before."""
PICTURE_COST_NANO_USD_MIN = NanoUsd(4_000_000)
"""$0.004: a reported cost below this is not believed of an answer with a picture. The smallest such
costs are above it, and one report was a thirtieth of the charge (G061206/imagecreater, 2026-06)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identified:
    """By this id OpenRouter can be asked what the call cost."""

    generation_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """More of what the model says; pieces join without anything between."""

    text: str


@dataclass(frozen=True, slots=True)
class PictureArrived:
    """A picture is on the shelf, as the model made it. Its bytes were not looked at."""

    blob: Blob


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer came to its end. `finish_reason` is mostly `stop` or `length`, or None where
    none was told; without usage, or its cost, what it cost is to be looked up.
    """

    finish_reason: str | None
    usage: Usage | None


Happening = Identified | Text | PictureArrived | Ended


class Receive(Protocol):
    async def __call__(self, gap_s: float) -> bytes:
        """The next bytes of the answer, b"" at its end.

        Raises TimeoutError after `gap_s` without any, or at the call's own deadline, and
        ConnectionError when the connection is lost.
        """
        ...


class Reply:
    """The answer to one call, to be iterated over once.

    Gives Identified at once where the headers tell the id, else with the first event that does, any
    number of Text and PictureArrived, then exactly one Ended; or raises CallFailed, after
    everything that did arrive.
    """

    def __init__(
        self,
        receive: Receive,
        shelf: Shelf,
        fetch: PublicFetch | None,
        tag: str,
        generation_id: str | None,
        read_gap_s: float,
    ) -> None:
        self.generation_id = generation_id
        self._receive = receive
        self._shelf = shelf
        self._gap_s = read_gap_s
        self._decoder = Decoder()
        self._envelope = Envelope()
        self._pictures = Landing(shelf, self._decoder, fetch, tag)
        self._happenings = self._listen()
        # what was heard so far
        self._has_text = False
        self._has_choices = False
        self._refused = False
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._failure: CallFailed | None = None
        self._is_done = False

    def __aiter__(self) -> AsyncIterator[Happening]:
        return self._happenings

    async def aclose(self) -> None:
        """Ends the iteration wherever it stands."""
        await self._happenings.aclose()

    async def _listen(self) -> AsyncGenerator[Happening]:
        broken: Cause | None = None
        received_bytes = 0
        try:
            if self.generation_id is not None:
                yield Identified(self.generation_id)
            while not self._is_done and broken is None:
                data, broken = await self._next_bytes()
                received_bytes += len(data)
                if received_bytes > ANSWER_BYTES_MAX:
                    data, broken = b"", Cause.ANSWER_TOO_LARGE
                if self._decoder.is_between_events and (words := self._envelope.words(data)):
                    self._pictures.forget_rest()
                    yield self._said(words)
                    continue
                for item in self._decoder.close() if broken else self._decoder.feed(data):
                    match item:
                        case PictureOpened():
                            await self._pictures.open()
                        case PictureClosed():
                            await self._pictures.close()
                        case Event(event):
                            for happening in await self._heard(event):
                                yield happening
                        case base64:
                            await self._pictures.write(base64)
            yield self._end(broken)
        finally:
            await self._pictures.drop_open()

    async def _next_bytes(self) -> tuple[bytes, Cause | None]:
        try:
            data = await self._receive(self._gap_s)
        except TimeoutError:
            return b"", Cause.STALLED
        except ConnectionError:
            return b"", Cause.CUT
        return data, None if data else Cause.CUT

    async def _heard(self, event: bytes) -> list[Happening]:
        if not event.strip() or self._is_done:
            return []
        if event.strip() == b"[DONE]":
            self._is_done = True
            return []
        try:
            is_short = len(event) <= PARSE_INLINE_BYTES_MAX
            value = parse(event) if is_short else await self._shelf.run(parse, event)
        except ValueError:
            _log.warning("generation %s: an event is no JSON", self.generation_id)
            return [PictureArrived(blob) for blob in self._pictures.take_rest()]
        chunk = chunk_of(value)
        self._note(chunk)
        happenings: list[Happening] = []
        if self.generation_id is None and chunk.generation_id is not None:
            self.generation_id = chunk.generation_id
            happenings.append(Identified(chunk.generation_id))
        for url in chunk.pictures:
            blob = await self._pictures.take(url)
            if blob is not None:
                happenings.append(PictureArrived(blob))
        self._pictures.forget_rest()
        text = chunk.text or ("" if self._has_text else chunk.whole_text)
        if text:
            happenings.append(self._said(text))
        if is_short:
            self._envelope.learn(event, chunk)
        return happenings

    def _said(self, text: str) -> Text:
        self._has_text = self._has_text or not text.isspace()
        return Text(text)

    def _note(self, chunk: Chunk) -> None:
        if chunk.error is not None and self._failure is None:
            self._failure = failures.in_answer(chunk.error, arrived=self._has_arrived)
        self._has_choices = self._has_choices or chunk.has_choices
        self._refused = self._refused or chunk.refused
        self._finish_reason = chunk.finish_reason or self._finish_reason
        if self._usage is None or (chunk.usage and chunk.usage.cost_nano_usd is not None):
            self._usage = chunk.usage  # a cost once told stands until another is
        if self._failure or self._finish_reason:
            self._gap_s = min(self._gap_s, LAST_GAP_S)
        if self._decoder.is_plain:
            self._is_done = True

    @property
    def _has_arrived(self) -> bool:
        return self._has_text or self._pictures.count > 0

    def _end(self, broken: Cause | None) -> Ended:
        """The end of the answer; raises CallFailed if it is none to be content with."""
        usage = self._believed_usage()
        _log.info(
            "generation %s ended: finish %s, pictures %d, %s",
            self.generation_id,
            self._finish_reason,
            self._pictures.count,
            usage,
        )
        failure = self._failure or self._verdict(broken)
        if failure is not None:
            failure.usage = usage
            failure.generation_id = self.generation_id
            raise failure
        return Ended(self._finish_reason, usage)

    def _verdict(self, broken: Cause | None) -> CallFailed | None:
        arrived = self._has_arrived
        if broken is Cause.ANSWER_TOO_LARGE:
            return failures.ended(broken, arrived=arrived)
        if self._refused or self._finish_reason == "content_filter":
            return failures.ended(Cause.BLOCKED, arrived=arrived)
        if self._finish_reason == "error":
            return failures.ended(Cause.CUT, arrived=arrived)
        if self._pictures.lost is not None and not self._pictures.count:
            return failures.lost(self._pictures.lost)
        # The usage comes last of all, so with it the answer is whole, too.
        if not (self._is_done or self._finish_reason or self._usage):
            return failures.ended(broken or Cause.CUT, arrived=arrived)
        if not arrived:
            is_silent = self._has_choices and not self._finish_reason
            return failures.ended(Cause.SILENT if is_silent else Cause.EMPTY, arrived=False)
        return None

    def _believed_usage(self) -> Usage | None:
        usage = self._usage
        if usage is None or usage.cost_nano_usd is None:
            return usage
        is_painted = self._pictures.count > 0 or self._pictures.lost is not None
        if is_painted and usage.cost_nano_usd < PICTURE_COST_NANO_USD_MIN:
            _log.warning(
                "generation %s: a reported cost of %d nano-dollars for a picture is not believed",
                self.generation_id,
                usage.cost_nano_usd,
            )
            return replace(usage, cost_nano_usd=None)
        return usage
