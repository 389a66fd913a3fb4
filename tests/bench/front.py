"""What stands before the loopback Discord: it takes every request at the speed of the socket, notes
when its last byte was there, and hands it on. Without it the stand-in's own reading of forms, which
takes longer than the bot's sending, would be most of what is measured.
"""

import re
import socket
import socketserver
import threading
import time
from dataclasses import dataclass

UPLOAD_BYTES_MIN = 100_000
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taken:
    """A request whose last byte was there at `time_s`, in seconds since 1970."""

    method: str
    path: str
    size_bytes: int
    time_s: float

    @property
    def is_upload(self) -> bool:
        return self.size_bytes >= UPLOAD_BYTES_MIN


class Front(socketserver.ThreadingTCPServer):
    """The front of what listens at a port of this machine, until `server_close`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.behind = ("127.0.0.1", port)
        self.taken: list[Taken] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    def uploads(self, since: int = 0) -> list[Taken]:
        """The uploads among the requests, without the first `since` of all requests."""
        return [one for one in self.taken[since:] if one.is_upload]


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        assert isinstance(self.server, Front)
        try:
            with socket.create_connection(self.server.behind) as behind:
                for one in (self.request, behind):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while _pass_one(self.request, behind, self.server.taken):
                    pass
        except OSError:
            pass  # one of the two has gone


def _pass_one(before: socket.socket, behind: socket.socket, taken: list[Taken]) -> bool:
    """Hands one request on, and its answer back; False when one of the two is done."""
    found = _read(before)
    if found is None:
        return False
    head, body = found
    method, path, _ = head.split(b" ", 2)
    taken.append(Taken(method.decode(), path.decode(), len(body), time.time()))
    behind.sendall(head)
    behind.sendall(body)
    answer = _read(behind)
    if answer is None:
        return False
    before.sendall(answer[0])
    before.sendall(answer[1])
    return True


def _read(source: socket.socket) -> tuple[bytes, bytearray] | None:
    """A head with its blank line, and its body; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = source.recv(65_536)
        if not more:
            return None
        data += more
    end = data.index(b"\r\n\r\n") + 4
    head, rest = data[:end], data[end:]
    found = _LENGTH.search(head)
    body = bytearray(int(found[1]) if found else 0)
    body[: len(rest)] = rest
    view, at = memoryview(body), len(rest)
    while at < len(body):
        received = source.recv_into(view[at:])
        if not received:
            return None
        at += received
    return head, body
