"""The one downloader: a file of a stranger's, from the few places we trust to serve it, or from a
public address that the model names, streamed into an incoming file of the shelf. What the bytes are
is not its business.
"""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import cast

import aiohttp
import httpx
import yarl

from bot import words
from bot.errors import Notice, Word
from bot.pictures.shelf import Incoming

FETCH_TRIES = 2
DOWNLOAD_TIMEOUT_S = 120
"""For all tries together."""
CONNECT_TIMEOUT_S = 10
GAP_TIMEOUT_S = 30
"""The longest silence in the middle of a file."""
HOP_BYTES = 512 * 1024
"""The most that is gathered before it is written, away from the event loop."""
REDIRECTS_MAX = 3
"""Followed for one picture that is only pointed at."""

_TIMEOUT = httpx.Timeout(GAP_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
_WAITS = aiohttp.ClientTimeout(
    connect=GAP_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S, sock_read=GAP_TIMEOUT_S
)
_IDENTITY = {"Accept-Encoding": "identity"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Discord answers 404 for a link that has expired or whose file is gone.
_DEAD = {403, 404, 410}
_REDIRECTS = {301, 302, 303, 307, 308}
# Of IPv6 only this is given out (https://www.iana.org/assignments/ipv6-unicast-address-assignments);
# what leads on to IPv4, such as mapped addresses and NAT64, and old local ones lie outside.
_UNICAST = ip_network("2000::/3")
# Special ones that not every Python of 3.11 knows (IANA's special-purpose registries, 2026-08).
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
# All characters of an address as RFC 3986 has them.
_WELL_WRITTEN = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]
Refresh = Callable[[str], Awaitable[str | None]]
"""From a link that has died to a fresh one, if there is any."""


class _TryAgain(Exception):
    """This try failed; the next may not."""


class _LinkDead(Notice):
    """The link has expired, or its file is gone."""

    def __init__(self) -> None:
        super().__init__(Word.UNREADABLE, words.download_dead())


class Fetch:
    """Downloads from the allowed origins, such as `https://cdn.discordapp.com`. The session is the
    caller's, and so is whether it heeds proxy settings or remembers cookies. It is aiohttp's, which
    reads a file with a third of the work.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        allowed_origins: Sequence[str],
        refresh: Refresh | None = None,
    ) -> None:
        self._session = session
        self._allowed = {_origin(yarl.URL(origin)) for origin in allowed_origins}
        self._refresh = refresh

    async def download(self, url: str, incoming: Incoming, bytes_max: int) -> None:
        """Writes what the URL gives into `incoming`, whose earlier contents are forgotten when a
        second try is needed. Redirects are not followed; a link that has died is refreshed once.

        Raises Notice: UNREADABLE when the address is none of ours, the link has died for good or
        the network failed twice, TOO_LARGE beyond `bytes_max`, OWNER as the shelf.
        """
        try:
            await self._download(url, incoming, bytes_max)
        except _LinkDead:
            fresh = None if self._refresh is None else await self._refresh(url)
            if fresh is None:
                raise
            await incoming.restart()
            await self._download(fresh, incoming, bytes_max)

    async def _download(self, url: str, incoming: Incoming, bytes_max: int) -> None:
        address = self._allowed_address(url)

        async def work() -> None:
            async with self._session.get(
                address,
                headers=_IDENTITY,
                allow_redirects=False,
                auto_decompress=False,
                timeout=_WAITS,
                middlewares=(_once,),
            ) as response:
                _check_status(response.status)
                _check_length(response.headers, bytes_max)
                await _write(response.content.iter_chunked(HOP_BYTES), incoming, bytes_max)

        await _patiently(work, incoming)

    def _allowed_address(self, url: str) -> yarl.URL:
        """Judged by the same parser that connects, so that the two cannot disagree."""
        try:
            # What is well written is asked for to the letter, since the letters may be signed.
            address = yarl.URL(url, encoded=_WELL_WRITTEN.fullmatch(url) is not None)
            is_anonymous = address.user is None and address.password is None
            if url.isprintable() and is_anonymous and _origin(address) in self._allowed:
                return address
        except ValueError as error:
            raise Notice(Word.UNREADABLE, words.download_foreign()) from error
        raise Notice(Word.UNREADABLE, words.download_foreign())


class PublicFetch:
    """Downloads from wherever the model points, and only from public addresses: what is connected
    to is the address that was checked, also after a redirect, so that a name which resolves anew
    leads nowhere else. What is allowed besides https and port 443 is for tests.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        schemes: Sequence[str] = ("https",),
        ports: Sequence[int] = (443,),
        is_allowed: Callable[[Address], bool] | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._client = client
        self._schemes = frozenset(schemes)
        self._ports = frozenset(ports)
        self._is_allowed = is_allowed or is_public
        self._resolve = resolve or resolve_name

    async def download(self, url: str, incoming: Incoming, bytes_max: int) -> None:
        """Writes what the URL gives into `incoming`, after at most REDIRECTS_MAX redirects.

        Raises Notice as `Fetch.download`; an address that is not public is UNREADABLE.
        """

        async def work() -> None:
            target = url
            for _ in range(REDIRECTS_MAX + 1):
                moved = await self._one(target, incoming, bytes_max)
                if moved is None:
                    return
                target = moved
            _log.info("a download was led on too often")
            raise Notice(Word.UNREADABLE, words.download_failed())

        await _patiently(work, incoming)

    async def _one(self, url: str, incoming: Incoming, bytes_max: int) -> str | None:
        """Where it has moved to, or None once it is received."""
        named = _parsed(url)
        port = _DEFAULT_PORTS.get(named.scheme) if named.port is None else named.port
        if named.scheme not in self._schemes or port is None or port not in self._ports:
            raise Notice(Word.UNREADABLE, words.download_not_public())
        host = named.raw_host.decode("ascii")
        try:
            addresses = await self._resolve(host, port)
        except (OSError, ValueError) as error:  # ValueError: no name at all
            raise _TryAgain from error
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            _log.warning("a download from an address that is not public was refused")
            raise Notice(Word.UNREADABLE, words.download_not_public())
        moved = await _receive(
            self._client,
            named.copy_with(host=str(addresses[0])),
            incoming,
            bytes_max,
            # Closed, for a connection is kept by its address: to another name there it would be
            # lent without that name's certificate being seen.
            headers={"Host": named.netloc.decode("ascii"), "Connection": "close"},
            extensions={"sni_hostname": host},
        )
        return None if moved is None else str(named.join(moved))


def is_public(address: Address) -> bool:
    """Whether anybody on the internet can be reached there; no address that holds another one."""
    if isinstance(address, IPv6Address) and (
        address not in _UNICAST
        or address.sixtofour is not None
        or address.teredo is not None
        or address.scope_id is not None
    ):
        return False
    if any(address in special for special in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast


async def resolve_name(host: str, port: int) -> list[Address]:
    """All addresses of a name, by the system's resolver. Raises OSError if there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in found]


async def _patiently(work: Callable[[], Awaitable[None]], incoming: Incoming) -> None:
    """Tries it FETCH_TRIES times, all within DOWNLOAD_TIMEOUT_S."""
    try:
        async with asyncio.timeout(DOWNLOAD_TIMEOUT_S):
            for _ in range(FETCH_TRIES):
                try:
                    return await work()
                except (aiohttp.ClientError, httpx.TransportError, _TryAgain) as error:
                    _log.info("a download failed: %s", type(error.__cause__ or error).__name__)
                    await incoming.restart()
    except TimeoutError:
        _log.info("a download took too long")
    raise Notice(Word.UNREADABLE, words.download_failed())


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Sends it. A lost connection becomes an error after which aiohttp does not send it again by
    itself: how often a file is asked for is counted here.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _TryAgain from error


def _parsed(url: str) -> httpx.URL:
    """Judged by the same parser that connects, so that the two cannot disagree."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Notice(Word.UNREADABLE, words.download_foreign()) from error
    if address.userinfo or not address.host:
        raise Notice(Word.UNREADABLE, words.download_foreign())
    return address


async def _receive(
    client: httpx.AsyncClient,
    address: httpx.URL,
    incoming: Incoming,
    bytes_max: int,
    *,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, str] | None = None,
) -> str | None:
    """Writes the answer into `incoming`, or gives where it has moved to."""
    async with client.stream(
        "GET",
        address,
        headers={**_IDENTITY, **(headers or {})},
        extensions=dict(extensions or {}),
        follow_redirects=False,
        timeout=_TIMEOUT,
    ) as response:
        if response.status_code in _REDIRECTS and "Location" in response.headers:
            return response.headers["Location"]
        _check_status(response.status_code)
        _check_length(response.headers, bytes_max)
        # httpx declares less than it gives: what it gives can and has to be closed.
        body = cast("AsyncGenerator[bytes]", response.aiter_raw())
        async with aclosing(body) as pieces:
            await _write(pieces, incoming, bytes_max)
    return None


async def _write(pieces: AsyncIterator[bytes], incoming: Incoming, bytes_max: int) -> None:
    received = 0
    batch: list[bytes] = []
    batch_bytes = 0
    async for piece in pieces:
        received += len(piece)
        if received > bytes_max:
            raise Notice(Word.TOO_LARGE, words.over_bytes(bytes_max))
        if batch_bytes + len(piece) > HOP_BYTES:
            await incoming.write(b"".join(batch))
            batch, batch_bytes = [], 0
        batch.append(piece)
        batch_bytes += len(piece)
    if batch:
        await incoming.write(b"".join(batch))


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status in _DEAD:
        raise _LinkDead
    if status == 429 or status >= 500:
        raise _TryAgain
    _log.info("a download was answered with status %d", status)
    raise Notice(Word.UNREADABLE, words.download_failed())


def _check_length(headers: Mapping[str, str], bytes_max: int) -> None:
    """Refuses what says beforehand that it is too long."""
    length = headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > bytes_max:
        raise Notice(Word.TOO_LARGE, words.over_bytes(bytes_max))


def _origin(address: yarl.URL) -> tuple[str, str | None, int | None]:
    return address.scheme, address.host, address.port
