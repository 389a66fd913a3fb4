"""The loopback OpenRouter: one server on a free port, its controls and its records. It lives as
long as its context and knows nothing of the bot that calls it.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.sandbox.openrouter.account import CREDIT_NANO_USD, Account, Generation, Meter
from bot.sandbox.openrouter.cache import PromptCache
from bot.sandbox.openrouter.catalogue import endpoints, model_row
from bot.sandbox.openrouter.reply import Dropped, Reply, Studio
from bot.sandbox.openrouter.request import (
    MODEL,
    MODEL_DATED,
    ChatRequest,
    Refusal,
    SentPicture,
    read_request,
)
from bot.sandbox.openrouter.script import (
    Answer,
    ErrorIn200,
    Scripted,
    Status,
    Told,
    scripted,
    untold_answer,
)
from bot.sandbox.openrouter.turnstile import Changes, Turnstile
from bot.sandbox.openrouter.wire import StreamedReply, WholeReply, dumps, error_object

API_KEY = "sk-or-v1-sandbox"
BODY_BYTES_MAX = 128 * 1024 * 1024
CALLS_KEPT = 2_000
SHUTDOWN_GRACE_S = 0.5
ERROR_TYPES = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    500: "server",
    502: "provider_unavailable",
    503: "provider_unavailable",
    504: "timeout",
    524: "timeout",
    529: "provider_overloaded",
}

Json = dict[str, object]


@dataclass(slots=True)
class Call:
    """One call of `/chat/completions`, as it was received and how it ended."""

    number: int
    headers: dict[str, str]
    """Lower-case names; without the key."""
    request: Json = field(default_factory=dict[str, object])
    """The JSON, every data URL as `data:<type>;sha256=<hex>;bytes=<n>`; empty if it was refused."""
    words: str = ""
    """The first text of the last user message."""
    pictures: tuple[SentPicture, ...] = ()
    """All pictures sent, in order, without their bytes."""
    status: int | None = None
    refusal: str | None = None
    generation_id: str | None = None
    cost_nano_usd: int | None = None
    finish_reason: str | None = None
    cancelled: bool = False
    ended: bool = False


class ModelSandbox:
    """OpenRouter on 127.0.0.1 with a stand-in for `openai/gpt-5.4-image-2`.

    Untold it draws, edits and answers by itself; `script` and `when` tell it what to do instead.
    On leaving the context it raises what its own code did wrong, as an ExceptionGroup.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        credit_nano_usd: int = CREDIT_NANO_USD,
        port: int = 0,
        picture_scale: float = 1.0,
    ) -> None:
        """`picture_scale` shrinks new pictures (never what they cost) where tests need many."""
        self.api_key = api_key
        self.account = Account(credit_nano_usd)
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.gate = Turnstile()
        """Closed, every accepted call waits before its answer begins."""
        self.headers_before_gate = False
        self.pause_after_picture = Turnstile()
        """Closed, a reply waits when a picture is out and its usage is not."""
        self.generation_misses = 1
        """So many polls of `/generation` answer 404 after a generation ended."""
        self.charge_cancelled = True
        """Whether a cancelled or dropped answer is charged what it had produced."""
        self.expiration_date: str | None = None
        """The day from which the model is no longer offered, as `/models` says it."""
        self.text_only_accepted = True
        """False: `modalities: ["text"]` answers 404."""
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stand-in")
        self._studio = Studio(worker, self.pause_after_picture, picture_scale)
        self._port = port
        self._script: deque[Scripted] = deque()
        self._rules: list[tuple[Callable[[Call], bool], Callable[[Call], Told]]] = []
        self._cache = PromptCache()
        self._changes = Changes()
        self._calls_made = 0
        self._faults: list[Exception] = []
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        assert self._port, "the sandbox runs"
        return f"http://127.0.0.1:{self._port}/api/v1"

    def script(self, *answers: Told) -> None:
        """The next calls are answered with these, in order; each an answer, a step or steps."""
        self._script.extend(scripted(told) for told in answers)

    def when(self, condition: Callable[[Call], bool], told: Told | Callable[[Call], Told]) -> None:
        """Calls for which the condition holds are answered so, or as is said when they come,
        unless a script is queued.
        """
        self._rules.append((condition, told if callable(told) else lambda _: told))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds; looked at whenever a call comes, is charged or ends.
        The caller limits the time.
        """
        await self._changes.until(condition)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self._watching()])
        app.add_routes(
            [
                web.post("/api/v1/chat/completions", self._chat),
                web.get("/api/v1/generation", self._generation),
                web.get("/api/v1/key", self._key),
                web.get("/api/v1/credits", self._credits),
                web.get("/api/v1/models", self._models),
                web.get("/api/v1/models/{author}/{slug}/endpoints", self._endpoints),
            ]
        )
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,  # a client that leaves cancels its generation
            shutdown_timeout=SHUTDOWN_GRACE_S,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        await asyncio.to_thread(self._studio.worker.shutdown, cancel_futures=True)
        if self._faults and error is None:
            raise ExceptionGroup("the stand-in model failed", self._faults)

    def _watching(self) -> Middleware:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return await handler(request)
            except Refusal as refusal:
                return _json(refusal.envelope, refusal.status, refusal.headers)
            except (web.HTTPException, ConnectionError):
                raise
            except Exception as error:
                self._faults.append(error)
                raise

        return watch

    def _authorize(self, http: web.Request) -> None:
        sent = http.headers.get("Authorization")
        if sent is None or not sent.startswith("Bearer "):
            raise Refusal(401, "No auth credentials found", "authentication")
        if sent != f"Bearer {self.api_key}":
            raise Refusal(401, "User not found.", "authentication")

    async def _chat(self, http: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in http.headers.items()}
        headers.pop("authorization", None)
        self._calls_made += 1
        call = Call(self._calls_made, headers)
        self.calls.append(call)
        self._changes.note()
        try:
            self._authorize(http)
            chat = await self._studio.run(read_request, await _body(http))
            call.request = chat.short
            call.words = chat.last.words
            call.pictures = tuple(replace(picture, data=b"") for picture in chat.pictures)
            self._changes.note()
            if not chat.may_paint and "modalities" in chat.short and not self.text_only_accepted:
                message = "No endpoints found that support the requested output modalities: text"
                raise Refusal(404, message, "not_found")
            told = self._choose(call, chat)
            if isinstance(told, Status):
                return await self._refuse(told, call)
            return await self._generate(http, call, chat, told)
        except Refusal as refusal:
            call.status = refusal.status
            call.refusal = str(refusal)
            raise
        finally:
            call.ended = True
            self._changes.note()

    def _choose(self, call: Call, chat: ChatRequest) -> Scripted:
        if self._script:
            return self._script.popleft()
        for condition, told in self._rules:
            if condition(call):
                return scripted(told(call))
        return untold_answer(chat)

    async def _refuse(self, told: Status, call: Call) -> web.StreamResponse:
        await self.gate.passage()
        call.status = told.code
        headers = dict(told.headers)
        if told.cost_nano_usd is not None:
            generation = Generation(_new_id(), int(time.time()), True, Meter(0), 0, told.look_up)
            self.account.start(generation)
            self.account.end(generation, told.cost_nano_usd)
            headers["X-Generation-Id"] = call.generation_id = generation.id
            call.cost_nano_usd = told.cost_nano_usd
        if isinstance(told.body, bytes):
            return web.Response(
                status=told.code, body=told.body, content_type="text/html", headers=headers
            )
        if not isinstance(told.body, str):
            return _json(told.body, told.code, headers)
        call.refusal = told.body
        error_type = told.error_type or ERROR_TYPES.get(told.code)
        refusal = Refusal(told.code, told.body, error_type, metadata=told.metadata)
        return _json(refusal.envelope, told.code, headers)

    async def _generate(
        self, http: web.Request, call: Call, chat: ChatRequest, told: Answer | ErrorIn200
    ) -> web.StreamResponse:
        answer = told if isinstance(told, Answer) else Answer(())
        meter = Meter(chat.prompt_tokens, self._cache.tokens(chat))
        generation = Generation(
            id=_new_id(),
            created_s=int(time.time()),
            streamed=chat.stream,
            meter=meter,
            hold_nano_usd=self.account.hold(chat.prompt_tokens, chat.max_tokens),
            look_up=answer.look_up,
            user=chat.user,
            session_id=chat.session_id,
            headers=call.headers,
        )
        self.account.start(generation)
        call.status = 200
        call.generation_id = generation.id

        def settle() -> None:
            self._settle(call, generation, reply)

        kind = StreamedReply if chat.stream and not answer.plain else WholeReply
        reply = kind(http, chat, generation, answer, self._studio, settle)
        try:
            if self.headers_before_gate:
                await reply.head()
            await self.gate.passage()
            if isinstance(told, ErrorIn200):
                generation.finish_reason = "error"
                settle()
                error = error_object(told.code, told.message, told.error_type)
                body: Json = {"error": error, "user_id": "user_sandbox"}
                return _json(body, 200, reply.headers)
            return await reply.play()
        except (Dropped, ConnectionError):
            generation.cancelled = call.cancelled = not generation.ended
            return web.Response()  # to nobody: the connection is gone
        except asyncio.CancelledError:
            generation.cancelled = call.cancelled = not generation.ended
            raise
        finally:
            settle()

    def _settle(self, call: Call, generation: Generation, reply: Reply) -> None:
        if generation.ended:
            return
        cost, cut = reply.cost_nano_usd, reply.answer.cut_nano_usd
        if generation.cancelled and cut is not None:
            cost = cut
        elif generation.cancelled and not self.charge_cancelled:
            cost = reply.answer.cost_nano_usd or 0
        self.account.end(generation, cost)
        call.cost_nano_usd = cost
        call.finish_reason = generation.finish_reason
        self._changes.note()

    async def _generation(self, http: web.Request) -> web.StreamResponse:
        self._authorize(http)
        wanted = http.query.get("id", "")
        generation = self.account.generations.get(wanted)
        facts = None if generation is None else generation.poll(self.generation_misses)
        if facts is not None:
            return _json({"data": facts})
        raise Refusal(404, f"Generation {wanted[:80]} not found", "not_found")

    async def _key(self, http: web.Request) -> web.StreamResponse:
        self._authorize(http)
        return _json({"data": self.account.key_facts()})

    async def _credits(self, http: web.Request) -> web.StreamResponse:
        self._authorize(http)
        raise Refusal(403, "Only management keys can perform this operation", "permission_denied")

    async def _models(self, http: web.Request) -> web.StreamResponse:
        asked = http.query.get("output_modalities", "text").split(",")
        rows = (
            [model_row() | {"expiration_date": self.expiration_date}]
            if {"text", "image", "all"} & set(asked)
            else []
        )
        return _json({"data": rows, "total_count": len(rows), "links": {"next": None}})

    async def _endpoints(self, http: web.Request) -> web.StreamResponse:
        wanted = f"{http.match_info['author']}/{http.match_info['slug']}"
        if wanted not in {MODEL, MODEL_DATED}:
            raise Refusal(404, f"Model {wanted[:80]} not found", "not_found")
        return _json({"data": endpoints()})


async def _body(http: web.Request) -> bytes:
    try:
        return await http.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refusal(413, "The request body is too large", "payload_too_large") from error


def _json(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    return web.Response(
        status=status, body=dumps(body), content_type="application/json", headers=headers
    )


def _new_id() -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return f"gen-{int(time.time())}-{''.join(random.choices(letters, k=20))}"
