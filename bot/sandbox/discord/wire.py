"""The HTTP side of the loopback Discord below its routes: reading JSON and multipart bodies,
answering JSON, the record of every request, and the faults a test may order.
"""

import asyncio
import contextlib
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from aiohttp import BodyPartReader, web

from bot.sandbox.discord.failures import Refusal
from bot.sandbox.discord.forms import Upload
from bot.sandbox.discord.shapes import MIB, Json
from bot.sandbox.discord.world import World

REQUESTS_KEPT_MAX = 10_000
BODY_BYTES_MAX = 256 * MIB
"""What is read of a body before it is judged: above the limits, so that Discord's refusal comes."""

_FILE_FIELD = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One REST or CDN request as it was answered. `status` 0: the line was cut instead."""

    method: str
    path: str
    query: dict[str, str]
    body: Json | list[Json] | None
    files: tuple[tuple[str, int], ...]
    time_s: float
    status: int


@dataclass
class Fault:
    """What shall go wrong with the next `times` requests that match, after `skip` that pass.

    `method` and `path` are regular expressions, matched whole; a path starts with `/channels`,
    `/webhooks`, `/interactions` … or `/cdn`. `status` answers with `body`; with `after` only once
    the request was carried out. `hold` makes the request wait for the event, `delay_s` for a time.
    `cut_after_bytes` and `pace_s` (a pause every 16 KiB) are for the CDN.
    """

    method: str
    path: str
    times: int = 1
    skip: int = 0
    status: int | None = None
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after: bool = False
    drop: bool = False
    delay_s: float = 0.0
    hold: asyncio.Event | None = None
    cut_after_bytes: int | None = None
    pace_s: float = 0.0

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is its; counts it if so."""
        if not (re.fullmatch(self.method, method) and re.fullmatch(self.path, path)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


def rate_limited(
    path: str,
    retry_after_s: float,
    *,
    method: str = ".*",
    times: int = 1,
    everywhere: bool = False,
) -> Fault:
    """A 429 as Discord sends it, with `Via`, without which discord.py takes it for a ban;
    `everywhere` says that every route is to wait.
    """
    body: Json = {
        "message": "You are being rate limited.",
        "retry_after": retry_after_s,
        "global": everywhere,
    }
    headers = {"Via": "1.1 google", "Retry-After": str(retry_after_s), "X-RateLimit-Scope": "user"}
    if everywhere:
        headers |= {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
    return Fault(method, path, times, status=429, body=body, headers=headers)


@dataclass
class Body:
    """A request's body: its JSON (of `payload_json` where it has files) and its files."""

    data: Json
    uploads: list[Upload]


BODY_KEY = web.RequestKey("body", object)
FILES_KEY = web.RequestKey("files", tuple[tuple[str, int], ...])
FAULT_KEY = web.RequestKey("fault", Fault)


async def read_body(request: web.Request) -> Body:
    """The JSON object and the files; refuses what is no JSON object with 50109."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        return Body(_parsed(request, raw) if raw else {}, [])
    data: Json = {}
    uploads: list[Upload] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        raw = bytes(await part.read())
        file_field = _FILE_FIELD.fullmatch(part.name or "")
        if file_field is not None:
            uploads.append(Upload(int(file_field[1]), part.filename or "unknown", raw))
        elif part.name == "payload_json":
            data = _parsed(request, raw)
    request[FILES_KEY] = tuple((upload.name, len(upload.data)) for upload in uploads)
    return Body(data, uploads)


async def read_list(request: web.Request) -> list[Json]:
    """A body that is a JSON array of objects, as PUT commands sends it."""
    parsed: object = json.loads(await request.read())
    request[BODY_KEY] = parsed
    if not isinstance(parsed, list):
        raise Refusal(50109)
    return cast("list[Json]", parsed)  # the registry judges every item


def _parsed(request: web.Request, raw: bytes) -> Json:
    try:
        parsed: object = json.loads(raw)
    except ValueError as error:
        raise Refusal(50109) from error
    request[BODY_KEY] = parsed
    if not isinstance(parsed, dict):
        raise Refusal(50109)
    return cast("Json", parsed)  # JSON keys are strings


def answer(
    data: object, status: int = 200, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """A JSON answer. Its type is exactly `application/json`: discord.py knows no other."""
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Wire:
    """The record and the faults, as one middleware around every request but the gateway's."""

    def __init__(self, world: World, api_prefix: str) -> None:
        self.world = world
        self.api_prefix = api_prefix
        self.requests: deque[Recorded] = deque(maxlen=REQUESTS_KEPT_MAX)
        self.faults: list[Fault] = []

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix(self.api_prefix)
        if path == "/gateway" and request.path == path:
            return await handler(request)
        status = 0
        try:
            response = await self._faulty(request, path, handler)
            status = response.status
            return response
        finally:
            body = cast("Json | list[Json] | None", request.get(BODY_KEY))  # parsed JSON
            files = request.get(FILES_KEY, ())
            now = self.world.now()
            record = Recorded(request.method, path, dict(request.query), body, files, now, status)
            self.requests.append(record)
            self.world.changed()

    async def _faulty(
        self, request: web.Request, path: str, handler: Handler
    ) -> web.StreamResponse:
        fault = self._fault(request.method, path)
        if fault is None:
            return await self._judged(request, handler)
        request[FAULT_KEY] = fault
        if fault.hold is not None:
            if request.content_type == "application/json":
                await request.read()  # what has arrived is carried out, though its client may go
            await fault.hold.wait()
        await asyncio.sleep(fault.delay_s)
        after = None
        if fault.after or (fault.status is None and not fault.drop):
            after = await self._judged(request, handler)
        elif request.can_read_body:
            # A client that is cut short while it sends sees no answer; and the record is whole.
            with contextlib.suppress(Refusal):
                await read_body(request)
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("cut as ordered")
        if fault.status is None:
            assert after is not None
            return after
        body = fault.body or {"message": f"{fault.status}: as ordered", "code": 0}
        return answer(body, fault.status, fault.headers)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in list(self.faults):
            if fault.takes(method, path):
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _judged(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return answer(refusal.body, refusal.status)
        except web.HTTPException as error:
            return answer({"message": f"{error.status}: {error.reason}", "code": 0}, error.status)
