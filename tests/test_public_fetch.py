"""Pictures that the model only points at: fetched from public addresses, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from bot.errors import Notice, Word
from bot.fetch import REDIRECTS_MAX, Address, PublicFetch, is_public
from bot.pictures.shelf import Shelf

BYTES_MAX = 1_000_000


class Server:
    """Answers each request with the next of its answers, and remembers the heads."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.heads: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(self.answers.pop(0))
            await writer.drain()
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    async with await asyncio.start_server(serving.serve, "127.0.0.1", 0) as listener:
        serving.port = listener.sockets[0].getsockname()[1]
        yield serving


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path / "shelf") as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


def found(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        len(body),
        body,
    )


def moved(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def loopback_for_every_name(host: str, port: int) -> list[Address]:
    """A resolver that knows one machine, and says so for literal addresses as well."""
    try:
        return [ip_address(host.strip("[]"))]
    except ValueError:
        return [ip_address("127.0.0.1")]


def local(client: httpx.AsyncClient, server: Server) -> PublicFetch:
    """As in use, but http to this machine's stand-in counts as public."""
    return PublicFetch(
        client,
        schemes=("http",),
        ports=(server.port,),
        is_allowed=lambda address: str(address) == "127.0.0.1" or is_public(address),
        resolve=loopback_for_every_name,
    )


async def downloaded(fetch: PublicFetch, shelf: Shelf, url: str) -> bytes:
    async with shelf.receive(BYTES_MAX) as incoming:
        await fetch.download(url, incoming, BYTES_MAX)
        blob = await incoming.keep()
    return shelf.path(blob.id).read_bytes()


async def refused(fetch: PublicFetch, shelf: Shelf, url: str) -> Word:
    with pytest.raises(Notice) as raised:
        await downloaded(fetch, shelf, url)
    return raised.value.word


async def test_the_address_that_was_checked_is_connected_to_by_name(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    server.answers = [found(b"picture")]
    url = f"http://pictures.example:{server.port}/a.png?b=c"
    assert await downloaded(local(client, server), shelf, url) == b"picture"
    assert server.heads[0].startswith("GET /a.png?b=c HTTP/1.1\r\n")
    assert f"Host: pictures.example:{server.port}\r\n" in server.heads[0]


async def test_redirects_are_followed_a_few_times(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    server.answers = [moved("/b.png"), moved(f"http://other.example:{server.port}/c"), found(b"x")]
    url = f"http://pictures.example:{server.port}/a.png"
    assert await downloaded(local(client, server), shelf, url) == b"x"
    assert "Host: other.example" in server.heads[2]
    server.answers = [moved("/again")] * (REDIRECTS_MAX + 1)
    assert await refused(local(client, server), shelf, url) is Word.UNREADABLE


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "https://a.example/",
        "http://somebody:secret@pictures.example:{port}/",
        "file:///etc/passwd",
    ],
)
async def test_a_redirect_to_where_it_may_not_go_is_refused(
    client: httpx.AsyncClient, server: Server, shelf: Shelf, location: str
):
    server.answers = [moved(location.format(port=server.port))]
    url = f"http://pictures.example:{server.port}/a.png"
    assert await refused(local(client, server), shelf, url) is Word.UNREADABLE
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example/a.png",
        "https://pictures.example:8443/a.png",
        "https://pictures.example:0/a.png",
        "https://somebody:secret@pictures.example/a.png",
        "ftp://pictures.example/a.png",
        "https:///a.png",
        "https://127.0.0.1/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "https://localhost/a.png",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_what_is_not_public_https_is_refused_before_anything_is_sent(
    client: httpx.AsyncClient, shelf: Shelf, url: str
):
    assert await refused(PublicFetch(client), shelf, url) is Word.UNREADABLE


async def test_one_private_address_among_public_ones_refuses_the_name(
    client: httpx.AsyncClient, shelf: Shelf
):
    async def both(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.216.34"), ip_address("10.0.0.1")]

    fetch = PublicFetch(client, resolve=both)
    assert await refused(fetch, shelf, "https://pictures.example/") is Word.UNREADABLE


async def test_more_than_the_bound_is_refused(
    client: httpx.AsyncClient, server: Server, shelf: Shelf
):
    server.answers = [found(bytes(BYTES_MAX + 1))]
    url = f"http://pictures.example:{server.port}/a.png"
    assert await refused(local(client, server), shelf, url) is Word.TOO_LARGE


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("0.0.0.0", False),  # as a target, not as an interface
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", False),
        ("2002:a00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("::7f00:1", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("4000::1", False),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("240.0.0.1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
    ],
)
def test_public_is_what_anybody_can_reach(address: str, *, public: bool):
    assert is_public(ip_address(address)) is public
