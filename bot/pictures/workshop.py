"""The workshop: one process beside ours in which every file of a stranger is opened, so that
neither a slow decoder nor a broken one can hold or end the bot. What a job does to a picture is in
`pixels`, and to a document in `conversation.extract`.
"""

import asyncio
import ctypes
import io
import logging
import math
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, is_dataclass
from enum import EnumType
from errno import EACCES, EDQUOT, EFBIG, EIO, ENOENT, ENOSPC, EROFS
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, TypeVar

from bot import words
from bot.errors import Notice, Word
from bot.pictures.disk import storage_notice
from bot.pictures.worker import Done, Failed, Job, Refused, Reply

JOB_TIMEOUT_S = 20.0
"""After it the process is killed. The largest picture within the bounds takes about a second."""
PAID_ATTEMPTS = 3
"""For a picture of the model's, which is not given up because a process ended once."""
REPLY_BYTES_MAX = 64 * 1024 * 1024
"""The largest is a chart, of some hundred kilobytes."""
JOBS_MAX = 256
"""Waiting and running; beyond that a job is refused."""
ORPHAN_GRACE_S = 10
"""How much longer than the time limit a process goes on whose workshop has died."""
PR_SET_DUMPABLE = 4
"""By linux/prctl.h."""

PROGRAM = "from bot.pictures.worker import main; main()"

T = TypeVar("T")

_ENVIRONMENT_KEPT = ("HOME", "LANG", "LC_", "LD_", "PATH", "PYTHON", "SYSTEMROOT", "TMPDIR", "TZ")
# Others a picture can provoke, such as by an offset that cannot be sought.
_STORAGE_ERRORS = {EACCES, EDQUOT, EFBIG, EIO, ENOENT, ENOSPC, EROFS}
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    connection: "Connection[Job, Reply]"
    doomed: bool = False


@dataclass(frozen=True, slots=True)
class _Ended:
    """The process ended, or was ended, under the job."""

    how: str


@dataclass(slots=True, eq=False)
class _Task:
    job: Job
    abandoned: bool = False


class _Reader(pickle.Unpickler):  # noqa: S301 - it trusts nothing
    """Reads a reply as data: whoever breaks a decoder writes it, and pickle alone would call for
    them whatever they name.
    """

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Dataclasses and enumerations of our own, and nothing else."""
        if module_name.startswith("bot.") and global_name.isidentifier():
            found = super().find_class(module_name, global_name)
            if isinstance(found, EnumType) or (isinstance(found, type) and is_dataclass(found)):
                return found
        raise pickle.UnpicklingError


def _read(data: bytes) -> Reply | None:
    """None for what is no reply."""
    try:
        reply = _Reader(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - nonsense fails in any way
        return None
    return reply if isinstance(reply, Reply) else None


class Workshop:
    """The workshop from `async with` to its end. The process starts with the first job and stays;
    over the time limit, after a crash or with a cancelled caller it is killed, and the next job
    starts another.
    """

    def __init__(self, timeout_s: float = JOB_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._jobs = 0
        self._thread: ThreadPoolExecutor | None = None
        # The thread alone starts and ends the process; the lock is for killing it from outside.
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._current: _Task | None = None

    async def __aenter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workshop")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread = self._open_thread()
        self._thread = None
        with self._lock:
            self._kill()
        thread.submit(self._end_child)
        await asyncio.to_thread(thread.shutdown)

    async def run(
        self,
        job: Callable[..., T],
        *arguments: object,
        attempts: int = 1,
        unreadable: str | None = None,
    ) -> T:
        """What the job returns. It runs in the process, so it is a module's function, and both its
        arguments and its result can be pickled. Pictures go in and out as paths. With `attempts` it
        is done again when its process ended under it, as one that the system killed.

        Raises the Notice that the job raised, Notice(UNREADABLE) when it failed in any other way
        or took too long or too much memory, Notice(OWNER) when the disk is full and Notice(BUSY)
        when too many wait. It does not say which picture it was; `unreadable` may.
        """
        if self._jobs >= JOBS_MAX:
            raise Notice(Word.BUSY, words.pictures_busy())
        task = _Task((job, arguments))
        self._jobs += 1
        reply: Reply | _Ended = _Ended("never begun")
        try:
            loop = asyncio.get_running_loop()
            for _ in range(attempts):
                reply = await loop.run_in_executor(self._open_thread(), self._perform, task)
                if not isinstance(reply, _Ended):
                    break
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        finally:
            self._jobs -= 1
        match reply:
            case Done(value):
                result: Any = value  # the job's own, and so of the type it declares
                return result
            case Refused(word, sentence):
                raise Notice(word, sentence)
            case Failed(_, errno) if errno in _STORAGE_ERRORS:
                raise storage_notice(OSError(errno or EIO, os.strerror(errno or EIO)))
            case Failed(why, _) | _Ended(why):
                _log.info("a file could not be opened: %s", why)
                raise Notice(Word.UNREADABLE, unreadable or words.picture_unreadable(""))

    def _abandon(self, task: _Task) -> None:
        with self._lock:
            task.abandoned = True
            if self._current is task:
                self._kill()

    def _kill(self) -> None:
        """With the lock held: so that a job that comes next knows that its process is dying."""
        if self._child is not None:
            self._child.doomed = True
            self._child.process.kill()

    def _perform(self, task: _Task) -> Reply | _Ended:
        if self._thread is None:  # the workshop is being left; what still waits is not begun
            return Failed("closed", None)
        try:
            child = self._living_child()
        except OSError as error:
            _log.error("no process for pictures can be started: %s", error.strerror)
            return Refused(Word.BUSY, words.pictures_busy())
        with self._lock:
            if task.abandoned:
                return Failed("abandoned", None)
            self._current = task
        try:
            child.connection.send(task.job)
            if child.connection.poll(self._timeout_s):
                reply = _read(child.connection.recv_bytes(REPLY_BYTES_MAX))
                if reply is not None:
                    return reply
                self._end_child()
                return _Ended("nonsense")
            self._end_child()
            return _Ended("time-out")
        except (EOFError, OSError):
            self._end_child()
            return _Ended(f"crash with code {child.process.returncode}")
        finally:
            with self._lock:
                self._current = None

    def _living_child(self) -> _Child:
        child = self._child
        if child is not None and (child.doomed or child.process.poll() is not None):
            self._end_child()
            child = None
        if child is None:
            child = _start(math.ceil(self._timeout_s) + ORPHAN_GRACE_S)
            with self._lock:
                self._child = child
        return child

    def _end_child(self) -> None:
        with self._lock:
            self._kill()
            child, self._child = self._child, None
        if child is not None:
            child.connection.close()
            child.process.wait()

    def _open_thread(self) -> ThreadPoolExecutor:
        if self._thread is None:
            raise RuntimeError("the workshop is not open")
        return self._thread


def hide_secrets() -> None:
    """Lets no other process of the same user read this one's environment and memory, on Linux.
    It leaves no core dump either. Files are not hidden, the one that `<name>_FILE` names neither.
    (https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html)
    """
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        _log.warning("the secrets of this process are not hidden from others of its user")


def _start(patience_s: int) -> _Child:
    ours, theirs = Pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [
                *(sys.executable, "-P", "-W", "ignore", "-c", PROGRAM),
                *(str(theirs.fileno()), str(patience_s)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # an interrupt at the terminal is not for it
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return _Child(process, ours)


def _environment() -> dict[str, str]:
    """What Python needs and no secrets. Whoever breaks a decoder finds none in there; of what they
    may do as the bot's user, `hide_secrets` takes away the reading of the bot's own.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT_KEPT)}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
