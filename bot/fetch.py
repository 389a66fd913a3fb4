"""The one downloader: a file of a stranger's, from the few places we trust to serve it, streamed
into an incoming file of the shelf. What the bytes are is not its business.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

import httpx

from bot import words
from bot.errors import Notice, Word
from bot.pictures.shelf import Incoming

FETCH_TRIES = 2
DOWNLOAD_TIMEOUT_S = 120
"""For all tries together."""
CONNECT_TIMEOUT_S = 10
GAP_TIMEOUT_S = 30
"""The longest silence in the middle of a file."""
HOP_BYTES = 256 * 1024

_TIMEOUT = httpx.Timeout(GAP_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Discord answers 404 for a link that has expired or whose file is gone.
_DEAD = {403, 404, 410}
_log = logging.getLogger(__name__)


class _TryAgain(Exception):
    """This try failed; the next may not."""


class Fetch:
    """Downloads from the allowed origins, such as `https://cdn.discordapp.com`. The client is the
    caller's, and so is whether it heeds proxy settings.
    """

    def __init__(self, client: httpx.AsyncClient, allowed_origins: Sequence[str]) -> None:
        self._client = client
        self._allowed = {_origin(httpx.URL(origin)) for origin in allowed_origins}

    async def download(self, url: str, incoming: Incoming, bytes_max: int) -> None:
        """Writes what the URL gives into `incoming`, whose earlier contents are forgotten when a
        second try is needed. Redirects are not followed.

        Raises Notice: UNREADABLE when the address is none of ours, the link has died or the network
        failed twice, TOO_LARGE beyond `bytes_max`, OWNER as the shelf.
        """
        address = self._address(url)
        try:
            async with asyncio.timeout(DOWNLOAD_TIMEOUT_S):
                for _ in range(FETCH_TRIES):
                    try:
                        return await self._try(address, incoming, bytes_max)
                    except (httpx.TransportError, _TryAgain) as error:
                        _log.info("a download failed: %s", type(error).__name__)
                        await incoming.restart()
        except TimeoutError:
            _log.info("a download took too long")
        raise Notice(Word.UNREADABLE, words.download_failed())

    def _address(self, url: str) -> httpx.URL:
        """Judged by the same parser that connects, so that the two cannot disagree."""
        try:
            address = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise Notice(Word.UNREADABLE, words.download_foreign()) from error
        if address.userinfo or _origin(address) not in self._allowed:
            raise Notice(Word.UNREADABLE, words.download_foreign())
        return address

    async def _try(self, address: httpx.URL, incoming: Incoming, bytes_max: int) -> None:
        async with self._client.stream(
            "GET",
            address,
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            timeout=_TIMEOUT,
        ) as response:
            _check_status(response.status_code)
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) > bytes_max:
                raise Notice(Word.TOO_LARGE, words.over_bytes(bytes_max))
            received = 0
            # httpx declares less than it gives: what it gives can and has to be closed.
            body = cast("AsyncGenerator[bytes]", response.aiter_raw(HOP_BYTES))
            async with aclosing(body) as pieces:
                async for piece in pieces:
                    received += len(piece)
                    if received > bytes_max:
                        raise Notice(Word.TOO_LARGE, words.over_bytes(bytes_max))
                    await incoming.write(piece)


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status in _DEAD:
        raise Notice(Word.UNREADABLE, words.download_dead())
    if status == 429 or status >= 500:
        raise _TryAgain
    _log.info("a download was answered with status %d", status)
    raise Notice(Word.UNREADABLE, words.download_failed())


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port or _DEFAULT_PORTS.get(address.scheme)
