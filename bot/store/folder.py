"""The data folder: made, found writable, and held by one process at a time. What lies in it is
named here and nowhere else.
"""

import fcntl
import os
import platform
from pathlib import Path
from types import TracebackType
from typing import Self

from bot import words
from bot.clock import utc
from bot.errors import StartError

HOLDER_BYTES_MAX = 300

DAILY_BACKUPS = "easel-*.db"


class DataFolder:
    """A context manager that holds the folder: a second one on it, in this process or another,
    is a StartError that names the first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "easel.db"
        self.shelf = path / "shelf"
        self.backups = path / "backups"
        self.heartbeat = path / "heartbeat"
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StartError(words.folder_unusable(str(self.path), reason)) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            first = self._holder()
            os.close(self._lock)
            raise StartError(words.folder_taken(str(self.path), first)) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()} {platform.node()}".encode(), 0)
        return self

    def _holder(self) -> str:
        """Who wrote into the lock, and when."""
        noted = os.pread(self._lock, HOLDER_BYTES_MAX, 0).decode(errors="replace")
        process, _, host = noted.partition(" ")
        since = utc(os.fstat(self._lock).st_mtime_ns // 1_000_000)
        return words.folder_holder(process, host, f"{since:%Y-%m-%d %H:%M:%S} UTC")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._lock)

    def latest_backup(self) -> Path | None:
        """The newest of the daily backups; their names sort as their days do."""
        return max(self.backups.glob(DAILY_BACKUPS), default=None)
