"""The other side of the wire, a process of its own: answers that were built beforehand, in HTTP
chunks of 16 KiB, plain and over TLS, at full speed or paced; and a sink that remembers what it was
sent. Each connection has a thread, so that no client waits for another's.
"""

import base64
import hashlib
import json
import re
import socket
import socketserver
import ssl
import sys
import threading
import time
from functools import cache

from tests.bench.material import ending, line_answer, picture_bytes, text_events

HTTP_CHUNK_BYTES = 16 * 1024
PIECE_BYTES = 1024 * 1024

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nX-Generation-Id: gen-bench\r\n%b\r\n\r\n"
_SESSION = re.compile(rb'"session_id": ?"([^"]*)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_DATA_URL = re.compile(rb"data:image/png;base64,([^\"]*)")
_FILE = re.compile(rb'name="files\[\d\]".*?\r\n\r\n', re.DOTALL)

_bodies: dict[str, bytes | bytearray] = {}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def _line(size_bytes: int, number: int) -> list[bytes]:
    """The HTTP chunks of an answer with one picture."""
    answer = line_answer(picture_bytes(size_bytes, number))
    starts = range(0, len(answer), HTTP_CHUNK_BYTES)
    chunks = [_chunk(answer[start : start + HTTP_CHUNK_BYTES]) for start in starts]
    return [*chunks, b"0\r\n\r\n"]


@cache
def _text(count: int) -> list[bytes]:
    """The HTTP chunks of an answer of text, one an event."""
    return [*map(_chunk, text_events(count)), _chunk(ending()), b"0\r\n\r\n"]


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket

    def setup(self) -> None:
        assert isinstance(self.server, _Server)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)

    def handle(self) -> None:
        try:
            while self._answer_one():
                pass
        except OSError:
            pass  # the client has gone

    def finish(self) -> None:
        self.request.close()

    def _answer_one(self) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65_536)
            if not more:
                return False
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        body = self._body(rest, int(found[1])) if found else b""
        method, target, _ = head.decode("latin-1").split(" ", 2)
        path = target.partition("?")[0]
        if method == "GET":
            self._give(path)
        elif path.endswith("/chat/completions"):
            session = _SESSION.search(body, 0, 65_536)
            assert session is not None
            self._answer_call(session[1].decode(), body)
        else:
            _bodies[path] = body
            self.request.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    def _body(self, rest: bytes, size_bytes: int) -> bytearray:
        body = bytearray(size_bytes)
        body[: len(rest)] = rest
        view, at = memoryview(body), len(rest)
        while at < size_bytes:
            received = self.request.recv_into(view[at:])
            if not received:
                raise ConnectionError
            at += received
        return body

    def _answer_call(self, key: str, body: bytes | bytearray) -> None:
        kind, *fields = key.split("/")
        if kind == "body":
            _bodies[key] = body
            chunks, pause_s = _text(1), 0.0
        elif kind == "line":
            size_bytes, number, bytes_per_s = map(int, fields)
            chunks = _line(size_bytes, number)
            pause_s = HTTP_CHUNK_BYTES / bytes_per_s if bytes_per_s else 0.0
        else:
            count, per_s = map(int, fields)
            chunks, pause_s = _text(count), 1 / per_s if per_s else 0.0
        self.request.sendall(_HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked"))
        self._send(chunks, pause_s)

    def _send(self, chunks: list[bytes], pause_s: float) -> None:
        if not pause_s:
            self.request.sendall(b"".join(chunks))
            return
        due = time.monotonic()
        for chunk in chunks:
            time.sleep(max(0.0, due - time.monotonic()))
            self.request.sendall(chunk)
            due += pause_s

    def _give(self, path: str) -> None:
        kind, _, rest = path.removeprefix("/").partition("/")
        if kind == "seen":
            body = json.dumps(_seen(rest)).encode()
        else:
            size_bytes, number = map(int, rest.split("/"))
            body = picture_bytes(size_bytes, number)
        if kind != "chunked":
            head = _HEAD % (b"image/png", b"Content-Length: %d" % len(body))
            self.request.sendall(head + body)
            return
        starts = range(0, len(body), HTTP_CHUNK_BYTES)
        chunks = [_chunk(body[start : start + HTTP_CHUNK_BYTES]) for start in starts]
        self.request.sendall(_HEAD % (b"image/png", b"Transfer-Encoding: chunked"))
        self.request.sendall(b"".join([*chunks, b"0\r\n\r\n"]))


def _seen(name: str) -> list[str]:
    """The SHA-256 of every picture or file in what was received under this name."""
    body = bytes(_bodies[name if name.startswith("body/") else f"/{name}"])
    encoded = [base64.b64decode(found) for found in _DATA_URL.findall(body)]
    boundary = b"\r\n" + body.partition(b"\r\n")[0]
    starts = [found.end() for found in _FILE.finditer(body)]
    files = [body[start : body.index(boundary, start)] for start in starts]
    return [hashlib.sha256(data).hexdigest() for data in encoded + files]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.tls = tls
        threading.Thread(target=self.serve_forever, daemon=True).start()


def main() -> None:
    """Arguments: a certificate and its key, or none. It says its ports and ends with its stdin."""
    tls = None
    if len(sys.argv) > 1:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    servers = [_Server(None)] if tls is None else [_Server(None), _Server(tls)]
    print(json.dumps([server.server_address[1] for server in servers]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
