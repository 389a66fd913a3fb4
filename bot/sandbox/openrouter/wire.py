"""The two forms of an answer on the wire: a stream of server-sent events and one JSON body, as
OpenRouter writes them (its streaming docs, 2026-08). Nothing is decided or counted here.
"""

import itertools
import json
import re
from collections.abc import Callable, Sequence

from aiohttp import web

from bot.sandbox.openrouter.account import Generation
from bot.sandbox.openrouter.reply import Reply, Studio
from bot.sandbox.openrouter.request import MODEL_DATED, ChatRequest
from bot.sandbox.openrouter.script import Answer, ErrorChunk, Finish, Paint, UsageStep

AWKWARD_PIECE_BYTES = 65_521
_AWKWARD = re.compile(rb"[\xc2-\xf4](?=[\x80-\xbf])|\r(?=\n)|\n(?=[\r\n])|dat(?=a: )")

Json = dict[str, object]


class StreamedReply(Reply):
    """Server-sent events."""

    response: web.StreamResponse | None = None

    async def head(self) -> None:
        await self._prepared()

    async def comment(self, count: int) -> None:
        for _ in range(count):
            await self._lines(b": OPENROUTER PROCESSING")

    async def raw(self, data: bytes) -> None:
        await self._write(data)

    async def text(self, piece: str) -> None:
        await self._chunk(self._choice({"role": "assistant", "content": piece}))

    async def pictures(self, urls: Sequence[str], step: Paint, /) -> None:
        delta: Json = {"role": "assistant", "content": step.content, "images": _images(urls)}
        choice = self._choice(delta, Finish(step.finish) if step.finish else None)
        await self._lines(await self.studio.run(self._data, {"choices": [choice]}))

    async def finish(self, step: Finish) -> None:
        delta: Json = {"role": "assistant", "content": ""}
        if step.refusal is not None:
            delta["refusal"] = step.refusal
        await self._chunk(self._choice(delta, step))

    async def error(self, step: ErrorChunk) -> None:
        fields: Json = {"error": error_object(step.code, step.message, step.error_type)}
        if step.with_choices:
            choice: Json = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
            fields["choices"] = [choice]
        await self._lines(self._data(fields))

    async def usage(self, usage: Json, step: UsageStep, /) -> None:
        choices = [self._choice({"role": "assistant", "content": ""})] if step.with_choice else []
        await self._lines(self._data({"choices": choices, "usage": usage}))

    async def close(self) -> web.StreamResponse:
        response = await self._prepared()
        if self.answer.done:
            await self._lines(b"data: [DONE]")
        await response.write_eof()
        return response

    async def _prepared(self) -> web.StreamResponse:
        if self.response is None:
            self.response = web.StreamResponse(headers=self.headers)
            self.response.content_type = "text/event-stream"
            await self.response.prepare(self.http)
        return self.response

    async def _chunk(self, choice: Json) -> None:
        await self._lines(self._data({"choices": [choice]}))

    def _choice(self, delta: Json, finish: Finish | None = None) -> Json:
        return {
            "index": 0,
            "delta": delta,
            "finish_reason": finish.reason if finish else None,
            "native_finish_reason": finish.native if finish else None,
            "logprobs": None,
        }

    def _data(self, fields: Json) -> bytes:
        envelope: Json = {
            "id": self.generation.id,
            "provider": "OpenAI",
            "model": MODEL_DATED,
            "object": "chat.completion.chunk",
            "created": self.generation.created_s,
        }
        return b"data: " + dumps({**envelope, **fields, **self.answer.extra})

    async def _lines(self, line: bytes) -> None:
        end = self.answer.line_end.encode()
        await self._write(line + end + end)

    async def _write(self, data: bytes) -> None:
        response = await self._prepared()
        for piece in _awkwardly(data) if self.answer.awkward else [data]:
            await response.write(piece)


class WholeReply(Reply):
    """One JSON body. Comments and raw bytes have no place in it."""

    def __init__(
        self,
        http: web.Request,
        chat: ChatRequest,
        generation: Generation,
        answer: Answer,
        studio: Studio,
        settle: Callable[[], None],
    ) -> None:
        super().__init__(http, chat, generation, answer, studio, settle)
        self.message: Json = {"role": "assistant", "content": None, "refusal": None}
        self.said: list[str] = []
        self.urls: list[str] = []
        self.choice: Json = {"index": 0, "logprobs": None, "message": self.message}
        self.body: Json = {}

    async def text(self, piece: str) -> None:
        self.said.append(piece)

    async def pictures(self, urls: Sequence[str], _step: Paint, /) -> None:
        self.urls.extend(urls)

    async def finish(self, step: Finish) -> None:
        self.message["refusal"] = step.refusal

    async def error(self, step: ErrorChunk) -> None:
        self.choice["error"] = error_object(step.code, step.message, step.error_type)

    async def usage(self, usage: Json, _step: UsageStep, /) -> None:
        self.body["usage"] = usage

    async def close(self) -> web.StreamResponse:
        self.message["content"] = "".join(self.said) or None
        if self.urls:
            self.message["images"] = _images(self.urls)
        self.choice["finish_reason"] = self.generation.finish_reason
        self.choice["native_finish_reason"] = self.generation.native_finish_reason
        body: Json = {
            "id": self.generation.id,
            "provider": "OpenAI",
            "model": MODEL_DATED,
            "object": "chat.completion",
            "created": self.generation.created_s,
            "system_fingerprint": None,
            "choices": [self.choice],
            **self.body,
            **self.answer.extra,
        }
        data = await self.studio.run(dumps, body)
        return web.Response(body=data, content_type="application/json", headers=self.headers)


def error_object(code: int | str, message: str, error_type: str | None) -> Json:
    """The `error` of an envelope."""
    error: Json = {"code": code, "message": message}
    if error_type is not None:
        error["metadata"] = {"error_type": error_type, "provider_name": "OpenAI"}
    return error


def dumps(value: object) -> bytes:
    """Compact JSON in UTF-8, letters outside ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _images(urls: Sequence[str]) -> list[Json]:
    return [
        {"type": "image_url", "index": index, "image_url": {"url": url}}
        for index, url in enumerate(urls)
    ]


def _awkwardly(data: bytes) -> list[bytes]:
    """Cut inside characters, inside line ends and inside `data`, and often in long lines."""
    cuts = {found.end() for found in _AWKWARD.finditer(data)}
    cuts |= set(range(AWKWARD_PIECE_BYTES, len(data), AWKWARD_PIECE_BYTES))
    edges = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]
