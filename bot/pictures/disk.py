"""What the disk is asked to do for the shelf, so that it outlasts a power cut: names, folders, and
what it means when the disk says no. Everything here blocks, and belongs into a thread.
"""

import contextlib
import errno
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pybase64

from bot import words
from bot.errors import Notice, Word

BASE64_HOP_BYTES = 768 * 1024
"""Read and encoded per hop; a multiple of 3, so that the encoded pieces join."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_log = logging.getLogger(__name__)


def storage_notice(error: OSError) -> Notice:
    """The notice for a disk that is full or fails, noted in the log for the owner."""
    full = error.errno in FULL
    _log.error("the shelf's disk %s: %s", "is full" if full else "failed", error.strerror)
    return Notice(Word.OWNER, words.disk_full() if full else words.shelf_failed())


def read_base64(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return pybase64.b64encode(file.read(BASE64_HOP_BYTES))


def has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def name_twice(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def reserve(file: Path, size_bytes: int) -> None:
    """Keeps so much of the disk for later, in a file, if there is twice that."""
    if file.exists() or shutil.disk_usage(file.parent).free < 2 * size_bytes:
        return
    with file.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, size_bytes)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file on the shelf; `since_ms` is when it came, or came again."""

    id: str
    size_bytes: int
    since_ms: int


def walk(folder: Path) -> list[Stored]:
    """All that have a name by their bytes, in the order in which they came."""
    found: list[Stored] = []
    for path in folder.glob("??/??/*"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append(Stored(path.name, stat.st_size, stat.st_mtime_ns // 1_000_000))
    return sorted(found, key=lambda stored: stored.since_ms)


def remove_old(path: Path, came_before_ms: int) -> None:
    """Unless it came since, or is gone already."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_mtime_ns // 1_000_000 < came_before_ms:
            path.unlink()


def make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir()
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
