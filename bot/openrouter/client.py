"""The one way to OpenRouter: calls at the model, what a past call cost, what a key is good for.
httpx is known here and in no other module of this package, and its errors end here. What an answer
says is read in `reply`, what a failure means is told in `failures`.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import cache
from types import TracebackType
from typing import Self, cast
from urllib.parse import quote

import httpx

from bot import words
from bot.clock import Clock
from bot.errors import Notice, StartError
from bot.fetch import PublicFetch
from bot.money import Usage
from bot.openrouter import failures
from bot.openrouter.call import Body, Call, Message, PicturePart, TextPart
from bot.openrouter.facts import Generation, KeyFacts, generation_of, key_of
from bot.openrouter.failures import Cause
from bot.openrouter.models import ModelFacts, at_endpoints, find_model
from bot.openrouter.patience import Patience
from bot.openrouter.reply import READ_GAP_S, Ended, Identified, PictureArrived, Reply, Text
from bot.openrouter.stream import parse
from bot.pictures.shelf import Shelf

__all__ = [
    "Call",
    "Ended",
    "Generation",
    "Identified",
    "KeyFacts",
    "Message",
    "NeverLeft",
    "OpenRouter",
    "PictureArrived",
    "PicturePart",
    "Reply",
    "Text",
    "TextPart",
    "Usage",
    "trusted_certificates",
]

CONNECT_S = 10.0
WRITE_S = 60.0
"""For each piece of a request's body."""
POOL_S = 10.0
"""Never waited for in fact: the number of connections has no limit of its own."""
LOOK_UP_S = 30.0
"""For a whole small question: what a generation cost, what a key is good for."""
SMALL_BODY_BYTES_MAX = 64 * 1024
"""What is read of an error's body, and of an answer to a small question."""

LIST_BYTES_MAX = 4 * 1024 * 1024
"""The same of the list of models that paint."""

_PAINTING = ("image", "text")
_TALKING = ("text",)

_log = logging.getLogger(__name__)


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Whom to believe over TLS, for every client of the process: reading it takes 40 ms."""
    return httpx.create_ssl_context(trust_env=False)


class NeverLeft(asyncio.CancelledError):
    """A call was cancelled before its request had left: nobody can have acted on it."""


class OpenRouter:
    """OpenRouter with one key, from `async with` to its end.

    Nothing is retried, except that a call for text alone is made once more with both modalities
    when OpenRouter does not offer it otherwise (then nothing was charged), and all later ones are.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        timeout_s: float,
        shelf: Shelf,
        clock: Clock,
        fetch: PublicFetch | None = None,
        read_gap_s: float = READ_GAP_S,
    ) -> None:
        """`timeout_s` is for a whole call, `read_gap_s` for silence within one. Without `fetch` a
        picture that an answer only points at is lost. An empty `api_key` is
        none: it will do to ask for what is published.
        """
        self._base_url = base_url
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._read_gap_s = read_gap_s
        self._shelf = shelf
        self._fetch = fetch
        self._clock = clock
        self._text_needs_both = False
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            base_url=self._base_url,
            verify=trusted_certificates(),
            headers=httpx.Headers(
                {
                    **({"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}),
                    # A compressed picture is hardly smaller and costs three times the work.
                    "Accept-Encoding": "identity",
                    "User-Agent": "Easel",
                    "X-OpenRouter-Title": "Easel",
                },
                # A key of odd characters is for OpenRouter to refuse.
                encoding="utf-8",
            ),
            timeout=httpx.Timeout(
                connect=CONNECT_S, read=self._read_gap_s, write=WRITE_S, pool=POOL_S
            ),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        client = self._open_client()
        self._client = None
        await client.aclose()

    def stream(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Makes a call. Entering sends it and gives the reply when its headers are there, before
        any of its body; leaving closes the connection at once.

        Entering and iterating raise CallFailed; entering, when it is cancelled before the request
        has left, NeverLeft. The pictures of an answer are on the shelf.
        """

        async def send(deadline_s: float) -> httpx.Response:
            return await self._send(call, deadline_s)

        return _Stream(send, self._shelf, self._fetch, call.tag, self._timeout_s, self._read_gap_s)

    async def generation(self, generation_id: str) -> Generation | None:
        """What a past call cost; None while that is not known, also because the question failed."""
        try:
            status, body = await self._ask("/generation", {"id": generation_id})
            found = generation_of(parse(body)) if status == 200 else None
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            _log.warning("generation %s: %s", generation_id, type(error).__name__)
            return None
        if found is None and status != 404:
            _log.warning("generation %s: no cost in an answer of status %d", generation_id, status)
        return found

    async def check_key(self) -> KeyFacts:
        """What OpenRouter says of the key. Raises StartError: it is refused, or nobody answers."""
        try:
            status, body = await self._ask("/key", {})
        except (httpx.HTTPError, TimeoutError) as error:
            reason = type(error).__name__
            raise StartError(words.openrouter_unreachable(self._base_url, reason)) from error
        if status in {401, 403}:
            raise StartError(words.key_refused())
        try:
            facts = key_of(parse(body)) if status == 200 else None
        except ValueError:
            facts = None
        if facts is None:
            raise StartError(words.key_not_checked(self._base_url, status))
        return facts

    async def key(self) -> KeyFacts | None:
        """What OpenRouter says of the key now; None when it does not say."""
        answer = await self._facts("/key", {})
        return None if answer is None else key_of(answer)

    async def model(self, model_id: str) -> ModelFacts | None:
        """What OpenRouter publishes of a model that paints; None when it does not say."""
        answer = await self._facts("/models", {"output_modalities": "image"})
        found = None if answer is None else find_model(answer, model_id)
        if found is None:
            return None
        offers = await self._facts(f"/models/{quote(model_id, safe='/:')}/endpoints", {})
        return found if offers is None else at_endpoints(found, offers)

    async def _facts(self, path: str, parameters: Mapping[str, str]) -> object:
        """The JSON that answers a question nothing depends on, or None with a line in the log."""
        try:
            status, body = await self._ask(path, parameters, LIST_BYTES_MAX)
            if status == 200:
                return parse(body)
            _log.warning("%s answers with status %d", path, status)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            _log.warning("%s: %s", path, type(error).__name__)
        return None

    async def _send(self, call: Call, deadline_s: float) -> httpx.Response:
        """Sends a call and gives its answer, of status 200 and unread; raises CallFailed.

        `deadline_s` is in the event loop's time.
        """
        talks_only = not call.may_paint and not self._text_needs_both
        response = await self._post(call, _TALKING if talks_only else _PAINTING, deadline_s)
        if talks_only and response.status_code == 404:
            await response.aclose()
            _log.warning("the model is not offered for text alone: asking for both from now on")
            response = await self._post(call, _PAINTING, deadline_s)
            self._text_needs_both = response.status_code != 404
        if response.is_success:
            return response
        try:
            async with asyncio.timeout_at(deadline_s):
                text = await _small_text(response)
        except (httpx.HTTPError, TimeoutError):
            text = b""  # the status says enough
        finally:
            await response.aclose()
        now_ms = self._clock.now_ms()
        raise failures.of_status(response.status_code, response.headers, text, now_ms)

    async def _post(
        self, call: Call, modalities: Sequence[str], deadline_s: float
    ) -> httpx.Response:
        body = Body(call, modalities, self._shelf)
        client = self._open_client()
        try:
            async with asyncio.timeout_at(deadline_s), aclosing(body.blocks()) as blocks:
                request = client.build_request(
                    "POST",
                    "/chat/completions",
                    content=blocks,
                    headers={
                        "Content-Type": "application/json",
                        "Content-Length": str(body.size_bytes),
                    },
                )
                return await client.send(request, stream=True)
        except Notice as notice:
            raise failures.not_sent(notice) from notice
        except asyncio.CancelledError as cancelled:
            if not body.has_left:
                raise NeverLeft from cancelled
            raise
        except (httpx.HTTPError, TimeoutError) as error:
            _log.warning("no answer of the model came: %s", type(error).__name__)
            if not body.has_left:
                raise failures.failure(Cause.UNREACHABLE) from error
            late = isinstance(error, TimeoutError | httpx.TimeoutException)
            raise failures.failure(Cause.TIMED_OUT if late else Cause.NO_ANSWER) from error

    async def _ask(
        self, path: str, parameters: Mapping[str, str], bytes_max: int = SMALL_BODY_BYTES_MAX
    ) -> tuple[int, bytes]:
        """The status and the text that answer a small question."""
        async with (
            asyncio.timeout(LOOK_UP_S),
            self._open_client().stream("GET", path, params=parameters) as response,
        ):
            return response.status_code, await _small_text(response, bytes_max)

    def _open_client(self) -> httpx.AsyncClient:
        if self._client is None:
            raise RuntimeError("the client is not open")
        return self._client


class _Stream(AbstractAsyncContextManager[Reply]):
    """One call, from its sending to the end of its connection."""

    def __init__(
        self,
        send: Callable[[float], Awaitable[httpx.Response]],
        shelf: Shelf,
        fetch: PublicFetch | None,
        tag: str,
        timeout_s: float,
        read_gap_s: float,
    ) -> None:
        self._send = send
        self._shelf = shelf
        self._fetch = fetch
        self._tag = tag
        self._timeout_s = timeout_s
        self._read_gap_s = read_gap_s
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Reply:
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        response = await self._send(deadline_s)
        self._exit.push_async_callback(response.aclose)
        # httpx says less than it gives; a generator left open would be closed by nobody knows whom.
        chunks = cast("AsyncGenerator[bytes]", response.aiter_bytes())
        self._exit.push_async_callback(chunks.aclose)
        patience = Patience()
        self._exit.callback(patience.close)
        loop = asyncio.get_running_loop()

        async def receive(gap_s: float) -> bytes:
            # The limit is on one await, never around a `yield`: it cannot hit the consumer.
            try:
                return await patience.wait(anext(chunks, b""), min(deadline_s, loop.time() + gap_s))
            except httpx.TimeoutException as error:
                raise TimeoutError from error
            except (httpx.HTTPError, httpx.StreamError) as error:
                raise ConnectionError(type(error).__name__) from error

        generation_id = response.headers.get("x-generation-id") or None
        reply = Reply(receive, self._shelf, self._fetch, self._tag, generation_id, self._read_gap_s)
        self._exit.push_async_callback(reply.aclose)
        return reply

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exit.aclose()


async def _small_text(response: httpx.Response, bytes_max: int = SMALL_BODY_BYTES_MAX) -> bytes:
    """The beginning of a body. What is longer than this is no small JSON, and will not parse."""
    text = bytearray()
    async for chunk in response.aiter_bytes(SMALL_BODY_BYTES_MAX):
        text += chunk
        if len(text) >= bytes_max:
            break
    return bytes(text)
