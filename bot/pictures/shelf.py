"""The shelf: the content-addressed store of picture bytes, a folder on the disk. It alone builds
paths, and everything that touches the disk happens in its own two threads. What the bytes mean is
not its business.
"""

import asyncio
import binascii
import hashlib
import logging
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pybase64

from bot import words
from bot.errors import Notice, StartError, Word
from bot.pictures import disk
from bot.pictures.disk import BASE64_HOP_BYTES, Stored
from bot.pictures.room import Room

THREADS = 2
"""Enough to keep a disk busy. They are apart from the default pool, where uploads read."""
FITTED_FILES_MAX = 256
"""Derivatives kept; beyond that the oldest go."""
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes on the shelf. `id` is their SHA-256 in hex."""

    id: str
    size_bytes: int


class Shelf:
    """The open shelf, from `async with` to its end.

    Opening makes the folders and clears away what an earlier process left half-done, so no other
    process may be using it. Raises StartError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._fitted = folder / "fitted"
        self._tagged = folder / "tagged"
        self._placing = threading.Lock()
        self.room = Room(folder, self._fitted, self._placing)
        self._executor: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._prepare)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StartError(words.shelf_unusable(str(self._folder), reason)) from error
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="shelf")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        executor = self._open_executor()
        self._executor = None
        await asyncio.to_thread(executor.shutdown)
        await asyncio.to_thread(self.room.end)

    def receive(self, bytes_max: int, tag: str | None = None) -> "Incoming":
        """A place for bytes still arriving: `async with shelf.receive(…) as incoming:`. What is
        kept with a tag is `tagged` until it is untagged, whenever the process is killed.
        """
        return Incoming(self, self._incoming / secrets.token_hex(16), bytes_max, tag)

    async def tagged(self, prefix: str) -> list[Blob]:
        """What was kept with tags that begin so, in their order; on the shelf by now."""
        return await self.run(self._find_tagged, prefix)

    async def untag(self, prefix: str) -> None:
        """Forgets the tags that begin so; what they were on stays on the shelf."""

        def forget() -> None:
            for path in self._tagged.glob(f"{prefix}*"):
                path.unlink()

        await self.run(forget)

    def path(self, blob_id: str) -> Path:
        """Where a blob's bytes are, or would be: for reading and uploading, never for writing."""
        assert len(blob_id) == 64
        assert set(blob_id) <= set("0123456789abcdef")
        return self._folder / blob_id[:2] / blob_id[2:4] / blob_id

    async def read_base64(self, blob_id: str) -> AsyncIterator[bytes]:
        """The blob in base64, in pieces that join. Nothing stays open between two of them."""
        path = self.path(blob_id)
        offset = 0
        while piece := await self.run(disk.read_base64, path, offset):
            yield piece
            offset += BASE64_HOP_BYTES

    async def fitted(self, blob_id: str, bytes_max: int) -> Path | None:
        """The derivative of a blob that was made for this limit, if it is still there."""

        def find() -> Path | None:
            return next(self._fitted.glob(f"{blob_id}-{bytes_max}.*"), None)

        return await self.run(find)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """What the function returns, called in one of the shelf's threads.

        A cancelled caller does not stop a function that has begun. An OSError becomes
        Notice(OWNER): the disk is full or fails.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._open_executor(), function, *arguments)
        except OSError as error:
            raise disk.storage_notice(error) from error

    async def stored(self) -> list[Stored]:
        """All that is on the shelf, in the order in which it came, or came again."""
        return await self.run(disk.walk, self._folder)

    async def remove(self, blob_ids: Iterable[str], came_before_ms: int) -> None:
        """Takes these off the shelf, unless they came again since that time."""

        def remove() -> None:
            for path in map(self.path, blob_ids):
                with self._placing:
                    disk.remove_old(path, came_before_ms)

        await self.run(remove)

    async def finish(self, function: Callable[[], None]) -> None:
        """Calls the function in one of the shelf's threads, even if the caller is cancelled."""
        future = self._open_executor().submit(function)
        # Unlike awaiting the future, `wait` leaves it alone when the caller is cancelled.
        await asyncio.wait([asyncio.wrap_future(future)])

    def place(self, source: Path, blob: Blob) -> None:
        """In a thread: gives a finished file of the same file system its name. Durable after it."""
        target = self.path(blob.id)
        # One at a time: else one could rely on a folder or a name that another has not synced yet.
        with self._placing:
            disk.make_folder(target.parent.parent)
            disk.make_folder(target.parent)
            if disk.has_size(target, blob.size_bytes):
                os.utime(target)  # it came again
                source.unlink()
            else:
                source.rename(target)
            # Also when it was there: whoever renamed it may have been killed before this.
            disk.sync_folder(target.parent)

    def tag(self, source: Path, tag: str) -> None:
        """In a thread: gives a finished file a second name. Durable after it."""
        disk.name_twice(source, self._tagged / tag)
        disk.sync_folder(self._tagged)

    def _find_tagged(self, prefix: str) -> list[Blob]:
        found: list[Blob] = []
        for path in sorted(self._tagged.glob(f"{prefix}*")):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(Blob(sha256, path.stat().st_size))
            disk.name_twice(path, self._incoming / path.name)
            self.place(self._incoming / path.name, found[-1])
        return found

    def place_fitted(self, source: Path, blob_id: str, bytes_max: int, suffix: str) -> Path:
        """In a thread: keeps a derivative for a while. It can be made again: it is not synced."""
        target = self._fitted / f"{blob_id}-{bytes_max}{suffix}"
        with self._placing:
            source.rename(target)
            by_age = sorted(self._fitted.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            for old in by_age[:-FITTED_FILES_MAX]:
                old.unlink()
        return target

    def _prepare(self) -> None:
        for folder in (self._folder, self._incoming, self._fitted, self._tagged):
            folder.mkdir(parents=True, exist_ok=True)
            disk.sync_folder(folder)
        for folder in (self._incoming, self._fitted):
            # A file made here also proves that the folder can be written.
            (folder / "probe").touch()
            for stale in folder.iterdir():
                stale.unlink()

    def _open_executor(self) -> ThreadPoolExecutor:
        if self._executor is None:
            raise RuntimeError("the shelf is not open")
        return self._executor


class Incoming:
    """Bytes on their way to the shelf, in a temporary file that leaving removes unless it was kept.

    Each call is one awaited hop to the shelf's threads. A cancelled caller may leave a hop under
    way: it ends by itself, and leaving the context waits for it. After a call that raised there is
    nothing to do but leave.
    """

    def __init__(self, shelf: Shelf, path: Path, bytes_max: int, tag: str | None) -> None:
        self.path = path
        self._shelf = shelf
        self._bytes_max = bytes_max
        self._tag = tag
        # What follows belongs to whoever holds the lock. It is only ever taken in the threads.
        self._lock = threading.Lock()
        self._file: int | None = None
        self._ended = False
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._padded = False

    async def __aenter__(self) -> Self:
        try:
            await self._shelf.run(self._begin)
        except BaseException:
            await self._shelf.finish(self._discard)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._shelf.finish(self._discard)

    async def write(self, data: bytes) -> None:
        """Appends. Raises Notice(TOO_LARGE) beyond `bytes_max`, Notice(OWNER) on a full disk."""
        await self._shelf.run(self._write, data)

    async def write_base64(self, parts: list[bytes]) -> None:
        """Appends what the parts, joined to a multiple of 4 characters, are the base64 of.

        Raises Notice(UNREADABLE) for what is not strict base64, else as `write`.
        """
        await self._shelf.run(self._write_base64, parts)

    async def restart(self) -> None:
        """Forgets what was written so far."""
        await self._shelf.run(self._restart)

    async def keep(self) -> Blob:
        """Puts what was written on the shelf, and is back when it would outlast a power cut."""
        return await self._shelf.run(self._keep)

    async def adopt(self) -> Blob:
        """Puts on the shelf what another process has written to `path`. Raises as `write`."""
        return await self._shelf.run(self._adopt)

    async def keep_fitted(self, blob_id: str, bytes_max: int, suffix: str) -> Path:
        """Keeps what another process has written to `path` as a derivative of that blob."""

        def keep() -> Path:
            with self._lock:
                self._close()
                return self._shelf.place_fitted(self.path, blob_id, bytes_max, suffix)

        return await self._shelf.run(keep)

    def _begin(self) -> None:
        with self._lock:
            if not self._ended:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    def _write(self, data: bytes) -> None:
        with self._lock, self._closed_on_error():
            self._append(data)

    def _write_base64(self, parts: list[bytes]) -> None:
        with self._lock, self._closed_on_error():
            text = b"".join(parts)
            if not text:
                return
            if self._padded:
                raise Notice(Word.UNREADABLE, words.result_unreadable())
            try:
                data = pybase64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise Notice(Word.UNREADABLE, words.result_unreadable()) from error
            self._padded = text.endswith(b"=")
            self._append(data)

    def _append(self, data: bytes) -> None:
        if self._size_bytes + len(data) > self._bytes_max:
            raise Notice(Word.TOO_LARGE, words.over_bytes(self._bytes_max))
        file = self._opened()
        rest = memoryview(data)
        while rest:
            rest = rest[self._shelf.room.use(os.write, file, rest) :]
        self._hash.update(data)
        self._size_bytes += len(data)

    @contextmanager
    def _closed_on_error(self) -> Generator[None]:
        """What was written in part must not be kept, whatever the caller makes of the error."""
        try:
            yield
        except BaseException:
            self._close()
            raise

    def _restart(self) -> None:
        with self._lock:
            file = self._opened()
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
            self._hash = hashlib.sha256()
            self._size_bytes = 0
            self._padded = False

    def _keep(self) -> Blob:
        with self._lock:
            return self._put()

    def _adopt(self) -> Blob:
        with self._lock:
            self._size_bytes = os.fstat(self._opened()).st_size
            if self._size_bytes > self._bytes_max:
                raise Notice(Word.TOO_LARGE, words.over_bytes(self._bytes_max))
            with self.path.open("rb") as written:
                self._hash = hashlib.file_digest(written, "sha256")
            return self._put()

    def _put(self) -> Blob:
        os.fsync(self._opened())
        self._close()
        blob = Blob(self._hash.hexdigest(), self._size_bytes)
        if self._tag is not None:
            self._shelf.room.use(self._shelf.tag, self.path, self._tag)
        self._shelf.room.use(self._shelf.place, self.path, blob)
        return blob

    def _opened(self) -> int:
        if self._file is None:
            raise RuntimeError("the incoming file is not open")
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _discard(self) -> None:
        with self._lock:
            self._ended = True
            try:
                self._close()
                self.path.unlink(missing_ok=True)
            except OSError as error:
                # The next start clears it away.
                _log.warning("a temporary file stays behind: %s", error.strerror)
