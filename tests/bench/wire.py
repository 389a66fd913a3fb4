"""Our side of the wire to `server`: starting it, and the floors, which are the least that any
client could do.
"""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import certifi
import httpx

from bot.openrouter.client import trusted_certificates

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the server is. `tls` is None where no certificate could be made."""

    plain: str
    tls: str | None
    certificate: Path

    @property
    def context(self) -> ssl.SSLContext:
        """Trusts the server."""
        return ssl.create_default_context(cafile=self.certificate)


@contextmanager
def serving(folder: Path) -> Generator[Wire]:
    """The server, from its start to its end. `folder` is for its certificate."""
    files = _certificate(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server", *map(str, files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports: list[int] = json.loads(process.stdout.readline())
        plain = f"http://127.0.0.1:{ports[0]}"
        tls = f"https://127.0.0.1:{ports[1]}" if len(ports) > 1 else None
        yield Wire(plain, tls, folder / "certificate.pem")
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _certificate(folder: Path) -> list[Path]:
    """A certificate for this machine and its key; nothing where openssl is missing."""
    program = shutil.which("openssl")
    if program is None:
        return []
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return [certificate, key]


@contextmanager
def trusted(certificate: Path) -> Generator[None]:
    """Meanwhile every client of httpx trusts this certificate, and no other, by default."""
    where = certifi.where
    certifi.where = lambda: str(certificate)
    trusted_certificates.cache_clear()
    try:
        yield
    finally:
        certifi.where = where
        trusted_certificates.cache_clear()


def client(wire: Wire, origin: str) -> httpx.AsyncClient:
    """A bare client that heeds no proxy, with as many connections as it likes."""
    return httpx.AsyncClient(
        verify=wire.context if origin == wire.tls else False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        timeout=60,
        trust_env=False,
    )


async def drop_stream(http: httpx.AsyncClient, origin: str, key: str) -> int:
    """F-net: an answer of the model read to nothing. Gives its size."""
    size_bytes = 0
    async with http.stream(
        "POST", f"{origin}/chat/completions", json={"session_id": key}
    ) as response:
        async for data in response.aiter_raw():
            size_bytes += len(data)
    return size_bytes


async def seen(http: httpx.AsyncClient, origin: str, name: str) -> list[str]:
    """The SHA-256 of the files that the server received under a name."""
    found: list[str] = (await http.get(f"{origin}/seen/{name}")).json()
    return found


class SendFile:
    """The floor of an upload: a bare socket and `sendfile`, with a ready form around the file."""

    def __init__(self, origin: str, path: str, file: Path, headers: str = "") -> None:
        host, port = origin.rpartition("/")[2].split(":")
        self._address = (host, int(port))
        self._file = file
        boundary = "0123456789abcdef"
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="payload_json"\r\n'
            "Content-Type: application/json\r\n\r\n"
            '{"content": "floor", "attachments": [{"id": 0, "filename": "floor.png"}]}'
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="files[0]"; '
            'filename="floor.png"\r\nContent-Type: application/octet-stream\r\n\r\n'
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        size_bytes = len(form) + file.stat().st_size + len(self._tail)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {size_bytes}\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\n{headers}\r\n"
        )
        self._head = head.encode() + form

    async def send(self) -> bytes:
        """The beginning of the answer."""
        loop = asyncio.get_running_loop()
        with socket.socket() as connection, self._file.open("rb") as file:
            connection.setblocking(False)
            await loop.sock_connect(connection, self._address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_sendall(connection, self._head)
            await loop.sock_sendfile(connection, file)
            await loop.sock_sendall(connection, self._tail)
            return await loop.sock_recv(connection, 65_536)
