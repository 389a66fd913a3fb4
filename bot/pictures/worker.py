"""The process that opens strangers' pictures: takes jobs from the workshop one by one, within
bounds of memory and time, and ends when the workshop is gone. It starts fast and small, so it may
import nothing of Easel but what the jobs need.
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bot.errors import Notice, Word

MEMORY_BYTES_MAX = 1024 * 1024 * 1024
"""Of address space. The largest picture within the bounds of `pixels` needs about half of it."""
NICENESS = 10
"""Where cores are few, the bot's own loop comes first."""


@dataclass(frozen=True, slots=True)
class Done:
    value: object


@dataclass(frozen=True, slots=True)
class Refused:
    """The job raised a Notice."""

    word: Word
    sentence: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The job raised anything else. `errno` is an OSError's."""

    kind: str
    errno: int | None


Reply = Done | Refused | Failed
Job = tuple[Callable[..., object], tuple[object, ...]]


def serve(connection: "Connection[Reply, Job]", patience_s: int) -> None:
    """Answers jobs until the other end closes. A job over `patience_s` ends the process: usually
    the workshop has killed it long before, but the workshop may have died.
    """
    while True:
        try:
            job, arguments = connection.recv()
        except (EOFError, OSError):
            return
        signal.alarm(patience_s)
        reply = _reply(job, arguments)
        signal.alarm(0)
        try:
            connection.send(reply)
        except OSError:
            return


def _reply(job: Callable[..., object], arguments: tuple[object, ...]) -> Reply:
    try:
        return Done(job(*arguments))
    except Notice as notice:
        return Refused(notice.word, notice.sentence)
    except OSError as error:
        return Failed(type(error).__name__, error.errno)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like
        return Failed(type(error).__name__, None)


def _bound_memory() -> None:
    for name, bytes_max in (("RLIMIT_AS", MEMORY_BYTES_MAX), ("RLIMIT_CORE", 0)):
        # Not every system has both, or lets them be set.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (bytes_max, bytes_max))


def main() -> None:
    """The program of the process; its arguments are a socket's handle and `patience_s`."""
    # A service manager signals the whole group; the workshop decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _bound_memory()
    os.nice(NICENESS)
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]))
