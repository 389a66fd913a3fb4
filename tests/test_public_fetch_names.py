"""Pictures that the model points at, over TLS: the address is the one that was checked, the name is
whose certificate counts.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from bot.errors import Notice, Word
from bot.fetch import Address, PublicFetch
from bot.pictures.shelf import Shelf

CERTIFICATE = Path(__file__).parent / "certificate.pem"
"""Of pictures.example, with its key, signed by itself, for these tests alone."""
LOOPBACK = ip_address("127.0.0.1")
BYTES_MAX = 1_000


class Server:
    """Gives every request the same picture and remembers by which names it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.names: list[tuple[str | None, str]] = []
        self._named: str | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(CERTIFICATE)
        self.context.sni_callback = self._greeted

    def _greeted(self, _socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self._named = name

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        named = self._named
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                host = head.partition("Host: ")[2].partition("\r\n")[0]
                self.names.append((named, host))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    async with await asyncio.start_server(
        serving.serve, "127.0.0.1", 0, ssl=serving.context
    ) as listener:
        serving.port = listener.sockets[0].getsockname()[1]
        yield serving


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path / "shelf") as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with httpx.AsyncClient(trust_env=False, verify=trusting) as opened:
        yield opened


class Names:
    """A resolver whose answers change: each name has one address after the other."""

    def __init__(self, *answers: Address) -> None:
        self.left = list(answers)

    async def resolve(self, _host: str, _port: int, /) -> list[Address]:
        return [self.left.pop(0)]


def local(client: httpx.AsyncClient, server: Server, names: Names) -> PublicFetch:
    """As in use, but this machine's stand-in counts as public."""
    return PublicFetch(
        client,
        ports=(server.port,),
        is_allowed=lambda address: address == LOOPBACK,
        resolve=names.resolve,
    )


async def download(fetch: PublicFetch, shelf: Shelf, server: Server, name: str) -> bytes:
    async with shelf.receive(BYTES_MAX) as incoming:
        await fetch.download(f"https://{name}:{server.port}/a.png", incoming, BYTES_MAX)
        blob = await incoming.keep()
    return shelf.path(blob.id).read_bytes()


async def test_the_name_is_greeted_and_its_certificate_proved_at_the_checked_address(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    fetch = local(client, server, Names(LOOPBACK))
    assert await download(fetch, shelf, server, "pictures.example") == b"picture"
    assert server.names == [("pictures.example", f"pictures.example:{server.port}")]


async def test_a_name_that_resolves_anew_is_asked_once_and_leads_nowhere_else(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    names = Names(LOOPBACK, ip_address("10.0.0.1"))
    fetch = local(client, server, names)
    assert await download(fetch, shelf, server, "pictures.example") == b"picture"
    assert names.left == [ip_address("10.0.0.1")]
    with pytest.raises(Notice) as raised:
        await download(fetch, shelf, server, "pictures.example")
    assert raised.value.word is Word.UNREADABLE
    assert server.connections == 1


async def test_another_name_at_the_same_address_needs_a_certificate_of_its_own(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    fetch = local(client, server, Names(*[LOOPBACK] * 3))
    assert await download(fetch, shelf, server, "pictures.example") == b"picture"
    with pytest.raises(Notice) as raised:
        await download(fetch, shelf, server, "other.example")
    assert raised.value.word is Word.UNREADABLE
    assert [host for _, host in server.names] == [f"pictures.example:{server.port}"]
