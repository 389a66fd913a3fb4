"""What the tests of the client share: a loopback server that sends exactly the bytes it is told,
and short ways to write requests, events and pictures.
"""

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pybase64
import pytest

from bot.errors import CallFailed
from bot.money import NanoUsd, Usage
from bot.openrouter.call import Call, Message, PicturePart, TextPart
from bot.openrouter.client import Ended, Identified, OpenRouter, PictureArrived, Text
from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture
from tests.ledger.support import SetClock

MODEL = "openai/gpt-5.4-image-2"
API_KEY = "sk-or-v1-never-logged"
PROMPT = "a fox that never reaches a log"
GENERATION_ID = "gen-1790000000-AbCdEfGhIjKlMnOpQrSt"
USAGE: dict[str, object] = {
    "prompt_tokens": 1894,
    "completion_tokens": 7090,
    "cost": 0.212233,
    "prompt_tokens_details": {"cached_tokens": 128},
    "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 7024},
}

FOX = b"\x89PNG a fox" * 1000
OWL = b"\x89PNG an owl" * 1000
COST = NanoUsd(212_233_000)
REPORTED = Usage(COST, 1894, 128, 7090, 7024)

Happening = Text | PictureArrived | Ended


@dataclass
class Request:
    """What a connection asked."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


class Connection:
    """One request being answered, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(
        self, status: int = 200, headers: Mapping[str, str] | None = None, *, sized: bool = False
    ) -> None:
        """The status line and the headers; `sized`: their own `Content-Length`, no chunks."""
        fields = {"X-Generation-Id": GENERATION_ID, "Content-Type": "text/event-stream"}
        if not sized:
            fields["Transfer-Encoding"] = "chunked"
        lines = [f"{name}: {value}" for name, value in (fields | dict(headers or {})).items()]
        text = "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""])
        await self.write(text.encode())

    async def send(self, *pieces: bytes) -> None:
        """Each piece as one HTTP chunk, written by itself."""
        for piece in pieces:
            await self.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    async def end(self) -> None:
        await self.write(b"0\r\n\r\n")

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> None:
        """Returns when the client has closed the connection."""
        try:
            while await self.reader.read(65_536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        found: socket.socket = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


class RawServer:
    """Answers each request with the next script, once its body is read, if bodies are read."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.scripts: deque[Script] = deque()
        self.reads_bodies = True
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._faults: list[Exception] = []

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/api/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            if task is not None:
                task.cancel()
        await self._server.wait_closed()
        if self._faults and error is None:
            raise ExceptionGroup("the server's scripts failed", self._faults)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - told when the server ends
            self._faults.append(error)
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        line, *fields = head.decode().split("\r\n")
        pairs = (entry.split(": ", 1) for entry in fields if entry)
        headers = {name.lower(): value for name, value in pairs}
        size = int(headers.get("content-length", "0")) if self.reads_bodies else 0
        self.requests.append(Request(line, headers, await reader.readexactly(size)))
        await self.scripts.popleft()(Connection(reader, writer))
        return self.reads_bodies


def event(value: object) -> bytes:
    """A server-sent event of this JSON, or of these words."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"data: {text}\n\n".encode()


def chunk(delta: object = None, finish: str | None = None, **fields: object) -> bytes:
    """An event with one choice."""
    choice = {"index": 0, "delta": delta or {"content": ""}, "finish_reason": finish}
    return event({"id": GENERATION_ID, "choices": [choice], **fields})


def says(text: str) -> bytes:
    return chunk({"role": "assistant", "content": text})


def paints(*pictures: bytes | str, finish: str | None = None, content: str | None = "") -> bytes:
    """A delta with pictures, as bytes or as URLs."""
    return chunk({"role": "assistant", "content": content, "images": images(*pictures)}, finish)


def images(*pictures: bytes | str) -> list[dict[str, object]]:
    urls = [one if isinstance(one, str) else data_url(one) for one in pictures]
    return [{"type": "image_url", "image_url": {"url": url}} for url in urls]


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{pybase64.b64encode(data).decode()}"


def usage(**changes: object) -> bytes:
    return event({"id": GENERATION_ID, "choices": [], "usage": USAGE | changes})


STOP = chunk(finish="stop")
DONE = event("[DONE]")


def streams(*pieces: bytes) -> Script:
    """A whole streamed answer."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(*pieces)
        await connection.end()

    return script


def drops(*pieces: bytes, reset: bool = False) -> Script:
    """A streamed answer whose connection is lost behind these pieces."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(*pieces)
        if reset:
            connection.reset()
        else:
            connection.writer.close()

    return script


def stalls(*pieces: bytes) -> Script:
    """A streamed answer that stops behind these pieces, until the client goes away."""

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(*pieces)
        await connection.until_closed()

    return script


def answers(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Script:
    """A plain answer of a known length."""

    async def script(connection: Connection) -> None:
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await connection.head(status, fields | dict(headers or {}), sized=True)
        await connection.write(body)

    return script


def a_call(
    *parts: str | Picture,
    may_paint: bool = True,
    aspect_ratio: str | None = None,
    image_size: str | None = None,
) -> Call:
    told = [TextPart(part) if isinstance(part, str) else PicturePart(part) for part in parts]
    return Call(
        model=MODEL,
        messages=(
            Message("system", (TextPart("You are a drawing bot."),)),
            Message("user", tuple(told or [TextPart(PROMPT)])),
        ),
        max_tokens=16_000,
        may_paint=may_paint,
        aspect_ratio=aspect_ratio,
        image_size=image_size,
        user="5e884898da28047151d0e56f8dc62927",
        session_id="easel-991",
    )


async def hear(client: OpenRouter, call: Call | None = None) -> list[Happening]:
    """Everything of an answer but its id; raises what it raises."""
    async with client.stream(call or a_call()) as reply:
        return [one async for one in reply if not isinstance(one, Identified)]


async def hear_until(client: OpenRouter, heard: list[Happening]) -> None:
    """The same, one by one into a list, which is left as it was when it failed."""
    async with client.stream(a_call()) as reply:
        async for happening in reply:
            if not isinstance(happening, Identified):
                heard.append(happening)  # noqa: PERF401 - the list is looked at after a failure


def told(shelf: Shelf, heard: Sequence[Happening]) -> list[str | bytes]:
    """The text and the pictures of an answer, texts in a row joined."""
    result: list[str | bytes] = []
    for happening in heard:
        match happening:
            case Text(text):
                if result and isinstance(before := result[-1], str):
                    result[-1] = before + text
                else:
                    result.append(text)
            case PictureArrived(blob):
                result.append(shelf.path(blob.id).read_bytes())
            case Ended():
                pass
    return result


async def failure_of(
    server: RawServer, client: OpenRouter, script: Script
) -> tuple[CallFailed, list[Happening]]:
    """How the answer failed, and what had come before."""
    server.scripts.append(script)
    heard: list[Happening] = []
    with pytest.raises(CallFailed) as caught:
        await hear_until(client, heard)
    assert len(server.requests) == 1
    return caught.value, heard


def plain(*, content: str | None = "Here.", finish: str | None = "stop", **fields: object) -> bytes:
    message = {"role": "assistant", "content": content, "images": images(FOX, OWL)}
    choices = [{"index": 0, "message": message, "finish_reason": finish}]
    return json.dumps({"choices": choices, "usage": USAGE, **fields}, indent=1).encode()


@asynccontextmanager
async def opened(base_url: str, shelf: Shelf, timeout_s: float = 30) -> AsyncGenerator[OpenRouter]:
    async with OpenRouter(
        base_url=base_url, api_key=API_KEY, timeout_s=timeout_s, shelf=shelf, clock=SetClock()
    ) as client:
        yield client
