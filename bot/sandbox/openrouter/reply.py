"""Playing an answer step by step while the meter counts what it used. How a step looks on the wire
is `wire.py`'s, which answer is played is the server's.
"""

import asyncio
import base64
import functools
import re
import socket
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, assert_never

from aiohttp import web

from bot.sandbox import painting
from bot.sandbox.openrouter.account import Generation, image_tokens
from bot.sandbox.openrouter.request import (
    ChatRequest,
    SentPicture,
    count_text_tokens,
)
from bot.sandbox.openrouter.script import (
    Answer,
    Comment,
    Drip,
    Drop,
    ErrorChunk,
    Finish,
    Gate,
    Headers,
    NoUsage,
    Paint,
    Raw,
    Say,
    Show,
    Stall,
    Step,
    UsageStep,
    source_picture,
)
from bot.sandbox.openrouter.turnstile import Turnstile

Json = dict[str, object]
P = ParamSpec("P")
T = TypeVar("T")


class Dropped(Exception):
    """The connection was ended in the middle, as the script said."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What all replies share."""

    worker: ThreadPoolExecutor
    """One thread: several would only fight with the event loop for the interpreter."""
    after_picture: Turnstile
    scale: float

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of the work, done off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.worker, functools.partial(work, *args, **kwargs))


class Reply:
    """One answer being played. The two kinds of reply differ in how they put things."""

    def __init__(
        self,
        http: web.Request,
        chat: ChatRequest,
        generation: Generation,
        answer: Answer,
        studio: Studio,
        settle: Callable[[], None],
    ) -> None:
        self.http = http
        self.chat = chat
        self.generation = generation
        self.answer = answer
        self.studio = studio
        self.settle = settle
        self.failed = False
        self.headers = {"X-Provider-Name": "OpenAI", "Cache-Control": "no-cache"}
        if answer.named:
            self.headers["X-Generation-Id"] = generation.id

    async def head(self) -> None: ...

    async def comment(self, count: int) -> None: ...

    async def raw(self, data: bytes) -> None: ...

    async def text(self, piece: str) -> None:
        raise NotImplementedError

    async def pictures(self, urls: Sequence[str], step: Paint, /) -> None:
        raise NotImplementedError

    async def finish(self, step: Finish) -> None:
        raise NotImplementedError

    async def error(self, step: ErrorChunk) -> None:
        raise NotImplementedError

    async def usage(self, usage: Json, step: UsageStep, /) -> None:
        raise NotImplementedError

    async def close(self) -> web.StreamResponse:
        raise NotImplementedError

    @property
    def cost_nano_usd(self) -> int:
        """What this answer is charged, as far as it got: nothing for an error or for zero
        completion tokens without a finish reason (OpenRouter's zero-completion insurance).
        """
        if self.answer.cost_nano_usd is not None:
            return self.answer.cost_nano_usd
        meter, reason = self.generation.meter, self.generation.finish_reason
        if reason == "error" or (reason is None and not meter.completion_tokens):
            return 0
        return meter.cost_nano_usd

    async def play(self) -> web.StreamResponse:
        """Plays every step and what a normal answer ends with. Raises Dropped after a drop, and
        ConnectionError or CancelledError when the client has gone.
        """
        ended = counted = False
        for step in self.answer.steps:
            if isinstance(step, Finish | UsageStep | NoUsage) and not ended:
                await self._end(step if isinstance(step, Finish) else Finish())
                ended = True
            if isinstance(step, UsageStep | NoUsage):
                counted = True
                await self._count(step)
            elif not isinstance(step, Finish):
                await self._play(step)
            ended = ended or self.failed or self.generation.finish_reason is not None
            if self.generation.finish_reason == "length":
                break
        if not ended:
            await self._end(Finish())
        if not counted and not self.failed:
            await self._count(UsageStep())
        return await self.close()

    async def _play(self, step: Step) -> None:
        match step:
            case Say():
                await self._say(step)
            case Paint():
                await self._paint(step)
            case Show(url):
                await self.pictures([url], Paint())
            case Raw(data):
                await self.raw(data)
            case Comment(count):
                await self.comment(count)
            case Headers():
                await self.head()
            case Gate(event):
                await event.wait()
            case Stall():
                await asyncio.Event().wait()
            case Drip(pause_s):
                while True:
                    await self.comment(1)
                    await asyncio.sleep(pause_s)
            case Drop(reset):
                self._drop(reset=reset)
            case ErrorChunk():
                self.failed = True
                self._note(Finish("error", None))
                self.settle()
                await self.error(step)
            case Finish() | UsageStep() | NoUsage():
                raise AssertionError("ends are played by `play`")
            case _:
                assert_never(step)

    async def _say(self, step: Say) -> None:
        words = re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", step.text)
        for at in range(0, len(words), step.words_per_delta):
            piece = "".join(words[at : at + step.words_per_delta])
            meter = self.generation.meter
            meter.text_tokens += count_text_tokens(piece)
            if meter.text_tokens > self.chat.max_tokens:
                meter.text_tokens = self.chat.max_tokens
                await self._end(Finish("length", "max_output_tokens"))
                return
            await self.text(piece)

    async def _paint(self, step: Paint) -> None:
        drawn = await self.studio.run(_draw, self.chat, step, self.studio.scale)
        for _ in range(step.copies):
            await self.pictures([url for url, _ in drawn], step)
        meter = self.generation.meter
        meter.pictures += len(drawn)
        meter.image_tokens += sum(tokens for _, tokens in drawn)
        if step.finish is not None:
            self._note(Finish(step.finish))
        await self.studio.after_picture.passage()

    async def _end(self, step: Finish) -> None:
        self._note(step)
        await self.finish(step)

    def _note(self, step: Finish) -> None:
        self.generation.finish_reason = step.reason
        self.generation.native_finish_reason = step.native

    async def _count(self, step: UsageStep | NoUsage) -> None:
        # Charged before the client can read of it, so that whoever compares the books sees both.
        self.settle()
        if isinstance(step, NoUsage):
            return
        usage = {**self.generation.meter.usage(self.cost_nano_usd), **step.change}
        await self.usage({k: v for k, v in usage.items() if k not in step.leave_out}, step)

    def _drop(self, *, reset: bool) -> None:
        transport = self.http.transport
        if transport is not None and reset:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif transport is not None:
            transport.close()
        raise Dropped


def _draw(chat: ChatRequest, step: Paint, scale: float) -> list[tuple[str, int]]:
    """The pictures of a step as data URLs, each with its image tokens."""
    size = painting.SIZES[chat.image_size]
    drawn: list[tuple[str, int]] = []
    source: SentPicture | None = source_picture(chat) if step.words is None else None
    asked = " ".join(chat.last.words.split()) if step.words is None else step.words
    for number in range(1, step.count + 1):
        words = asked if step.count == 1 else f"{asked} ({number})"
        if source is not None:
            ratio = step.aspect_ratio or chat.aspect_ratio
            picture = painting.edit(source.data, words, ratio)
            width, height = picture.size
        else:
            width, height = size[step.aspect_ratio or chat.aspect_ratio or "1:1"]
            picture = painting.paint(words, round(width * scale), round(height * scale))
        tokens = image_tokens(width, height, chat.image_size)
        encoded = base64.b64encode(painting.encode(picture, step.media_type, words)).decode()
        drawn.append((f"data:{step.media_type};base64,{encoded}", tokens))
    return drawn
