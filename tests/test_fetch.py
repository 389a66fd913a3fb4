"""The downloader against real bytes on loopback: each answer is written by hand."""

import asyncio
import gzip
import hashlib
import os
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot import fetch as module
from bot.errors import Notice, Word
from bot.fetch import FETCH_TRIES, HOP_BYTES, Fetch
from bot.pictures.shelf import Blob, Shelf

CERTIFICATE = Path(__file__).parent / "certificate.pem"
"""Signed by itself, for these tests alone."""
BYTES_MAX = 2 * 1024 * 1024
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Gives the next of its answers to each request, and remembers the requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[str] = []
        self.closed_early = asyncio.Event()
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode("latin-1"))
            await self.answers.pop(0)(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.closed_early.set()
        finally:
            writer.close()


class Loopback(AbstractResolver):
    """Every name is this machine, whatever port it is asked at."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(f"{host}:{port}")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=family or socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """There is nothing to close."""


@asynccontextmanager
async def listening(serve: Answer, *, tls: bool = False) -> AsyncGenerator[int]:
    """Gives its port. Over TLS nobody has reason to trust it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if tls else None)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    async with listening(serving.serve) as serving.port:
        yield serving


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path / "shelf") as opened:
        yield opened


def answer(
    body: bytes, *, status: str = "200 OK", length: int | None = -1, headers: str = ""
) -> Answer:
    """An answer with its own length, another one, or (None) none at all."""

    async def write(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = len(body) if length == -1 else length
        content_length = "" if said is None else f"Content-Length: {said}\r\n"
        head = f"HTTP/1.1 {status}\r\n{content_length}{headers}Connection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return write


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half an answer, and then nothing until the other side goes away."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    await reader.read()


async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def download(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, path: str = "/a.png"
) -> Blob:
    async with shelf.receive(BYTES_MAX) as incoming:
        await Fetch(session, [server.origin]).download(server.origin + path, incoming, BYTES_MAX)
        return await incoming.keep()


async def refusal(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, *answers: Answer
) -> Notice:
    server.answers.extend(answers)
    with pytest.raises(Notice) as caught:
        await download(session, shelf, server)
    assert [path for path in (shelf.path("0" * 64).parents[2]).rglob("*") if path.is_file()] == []
    return caught.value


@pytest.mark.parametrize("length", [-1, None])
@pytest.mark.parametrize("size", [0, 1, HOP_BYTES, BYTES_MAX - 1, BYTES_MAX])
async def test_a_file_arrives_whole_with_and_without_a_length(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, size: int, length: int | None
) -> None:
    data = os.urandom(size)
    server.answers.append(answer(data, length=length))
    blob = await download(session, shelf, server, "/attachments/1/2/a.png?ex=1&is=2&hm=3")
    assert blob == Blob(hashlib.sha256(data).hexdigest(), size)
    assert server.requests[0].startswith("GET /attachments/1/2/a.png?ex=1&is=2&hm=3 HTTP/1.1\r\n")
    assert "accept-encoding: identity" in server.requests[0].lower()


async def test_a_length_over_the_bound_is_refused_before_the_body(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server
) -> None:
    # The body never comes: whoever waited for it would wait for ever.
    async def only_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {BYTES_MAX + 1}\r\n\r\n".encode())
        await writer.drain()
        await reader.read()

    notice = await refusal(session, shelf, server, only_head)
    assert notice.word is Word.TOO_LARGE
    assert "2 MiB" in notice.sentence
    assert len(server.requests) == 1


async def test_more_than_the_bound_without_a_length_is_refused_on_the_way(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server
) -> None:
    async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(bytes(64 * 1024))
            await writer.drain()

    notice = await refusal(session, shelf, server, endless)
    assert notice.word is Word.TOO_LARGE
    async with asyncio.timeout(10):
        await server.closed_early.wait()


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "410 Gone"])
async def test_a_dead_link_is_said_to_be_dead_and_not_tried_again(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, status: str
) -> None:
    body = b"This content is no longer available."
    notice = await refusal(session, shelf, server, answer(body, status=status))
    assert notice.word is Word.UNREADABLE
    assert "expired" in notice.sentence
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, status: str
) -> None:
    location = f"Location: {server.origin}/elsewhere.png\r\n"
    notice = await refusal(session, shelf, server, answer(b"", status=status, headers=location))
    assert notice.word is Word.UNREADABLE
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(drop, id="dropped"),
        pytest.param(answer(b"half", length=1000), id="cut"),
        pytest.param(answer(b"oops", status="503 Service Unavailable"), id="503"),
        pytest.param(answer(b"slow down", status="429 Too Many Requests"), id="429"),
        pytest.param(answer(b"", status="nonsense"), id="no-http"),
        pytest.param(
            answer(b"4\r\nhalf\r\nnonsense", length=None, headers="Transfer-Encoding: chunked\r\n"),
            id="garbled",
        ),
    ],
)
async def test_a_failed_try_is_followed_by_another_from_the_start(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, first: Answer
) -> None:
    server.answers += [first, answer(b"the whole")]
    blob = await download(session, shelf, server)
    assert shelf.path(blob.id).read_bytes() == b"the whole"
    server.requests.clear()
    server.answers += [first] * FETCH_TRIES
    with pytest.raises(Notice, match="Send it again") as caught:
        await download(session, shelf, server)
    assert caught.value.word is Word.UNREADABLE
    assert len(server.requests) == FETCH_TRIES


async def test_a_silence_in_the_middle_is_a_failed_try(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAITS", aiohttp.ClientTimeout(sock_read=0.2))
    server.answers += [hang, answer(b"the whole")]
    blob = await download(session, shelf, server)
    assert shelf.path(blob.id).read_bytes() == b"the whole"


async def test_a_download_that_drips_for_ever_ends_at_its_time_limit(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    monkeypatch.setattr(module, "DOWNLOAD_TIMEOUT_S", 0.5)
    notice = await refusal(session, shelf, server, drip)
    assert notice.word is Word.UNREADABLE
    assert len(server.requests) == 1
    async with asyncio.timeout(10):
        await server.closed_early.wait()


async def test_a_cancelled_download_leaves_nothing(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server
) -> None:
    begun = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await hang(reader, writer)

    server.answers.append(begin)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(download(session, shelf, server))
        await begun.wait()
        task.cancel()
    assert task.cancelled()
    assert list((shelf.path("0" * 64).parents[2] / "incoming").iterdir()) == []


async def test_nobody_there_is_a_notice(session: aiohttp.ClientSession, shelf: Shelf) -> None:
    nobody = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = nobody.sockets[0].getsockname()[1]
    nobody.close()
    await nobody.wait_closed()
    fetch = Fetch(session, [f"http://127.0.0.1:{port}"])
    async with shelf.receive(100) as incoming:
        with pytest.raises(Notice) as caught:
            await fetch.download(f"http://127.0.0.1:{port}/a.png", incoming, 100)
    assert caught.value.word is Word.UNREADABLE


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.png",
        "https://cdn.discordapp.com.evil.example/a.png",
        "https://cdn.discordapp.com@evil.example/a.png",
        "https://user:word@cdn.discordapp.com/a.png",
        "https://:@cdn.discordapp.com/a.png",
        "https://evil.example\\@cdn.discordapp.com/a.png",
        "https://evil.example#@cdn.discordapp.com/a.png",
        "https://cdn.discordapp.com:444/a.png",
        "http://cdn.discordapp.com/a.png",
        "http://127.0.0.1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//cdn.discordapp.com/a.png",
        "cdn.discordapp.com/a.png",
        "",
        "http://[::1",
        "https://cdn.discordapp.com:x/",
        "\x00",
        "https://cdn.discord\napp.com/a.png",
        "https://cdn.discordapp.com/a.png\r\nX: y",
    ],
)
async def test_a_foreign_address_is_refused_without_a_request(shelf: Shelf, url: str) -> None:
    names = Loopback(0)
    connector = aiohttp.TCPConnector(resolver=names)
    async with aiohttp.ClientSession(connector=connector) as session, shelf.receive(9) as incoming:
        fetch = Fetch(session, ["https://cdn.discordapp.com", "https://media.discordapp.net"])
        with pytest.raises(Notice, match="only fetched from Discord") as caught:
            await fetch.download(url, incoming, 9)
    assert caught.value.word is Word.UNREADABLE
    assert names.asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cdn.discordapp.com/a.png", "cdn.discordapp.com:443"),
        ("https://CDN.discordapp.com:443/a.png", "cdn.discordapp.com:443"),
        ("https://media.discordapp.net/a.png", "media.discordapp.net:443"),
        ("http://pictures.example:5000/a.png", "pictures.example:5000"),
    ],
)
async def test_an_allowed_address_is_asked_as_it_is(shelf: Shelf, url: str, host: str) -> None:
    server = Server()
    server.answers.append(answer(b"ok"))
    async with listening(server.serve, tls=url.startswith("https:")) as port:
        names = Loopback(port)
        connector = aiohttp.TCPConnector(resolver=names, ssl=False)
        async with aiohttp.ClientSession(connector=connector) as http, shelf.receive(9) as incoming:
            origins = ["https://cdn.discordapp.com", "https://media.discordapp.net"]
            fetch = Fetch(http, [*origins, "http://pictures.example:5000"])
            await fetch.download(url, incoming, 9)
    assert [name.lower() for name in names.asked] == [host]
    assert server.requests[0].startswith("GET /a.png HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/a%21%2f~!(%C3%A9)?hm=%7e&x=a+b&y=&z#top", "/a%21%2f~!(%C3%A9)?hm=%7e&x=a+b&y=&z"),
        ("/é a.png", "/%C3%A9%20a.png"),
    ],
)
async def test_letters_that_may_be_signed_are_left_and_others_are_escaped(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server, path: str, asked: str
) -> None:
    server.answers.append(answer(b"ok"))
    await download(session, shelf, server, path)
    assert server.requests[0].startswith(f"GET {asked} HTTP/1.1\r\n")


async def test_a_body_that_calls_itself_compressed_is_taken_as_it_is(
    session: aiohttp.ClientSession, shelf: Shelf, server: Server
) -> None:
    data = gzip.compress(bytes(100))
    server.answers.append(answer(data, headers="Content-Encoding: gzip\r\n"))
    blob = await download(session, shelf, server)
    assert shelf.path(blob.id).read_bytes() == data


async def speak_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_server_that_does_not_prove_its_name_is_a_notice(
    session: aiohttp.ClientSession, shelf: Shelf, tls: bool
) -> None:
    async with listening(speak_plainly, tls=tls) as port, shelf.receive(9) as incoming:
        origin = f"https://127.0.0.1:{port}"
        with pytest.raises(Notice) as caught:
            await Fetch(session, [origin]).download(f"{origin}/a.png", incoming, 9)
    assert "Send it again" in caught.value.sentence
