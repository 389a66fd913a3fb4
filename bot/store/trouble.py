"""What keeps the database from being used, as SQLite says it, and the sentences for it."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot import words
from bot.errors import StartError
from bot.store.folder import DataFolder


@contextmanager
def start_errors(path: Path) -> Generator[None]:
    """Turns what keeps the database from being used into StartError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if reason := reason_of(error):
            raise StartError(unusable(path, reason)) from error
        raise


def unusable(path: Path, reason: str) -> str:
    """The sentence for it; where it is damaged, with the way back."""
    sentence = words.database_unusable(str(path), reason)
    if reason != "damaged":
        return sentence
    kept = DataFolder(path.parent).latest_backup()
    return f"{sentence} {words.latest_backup(None if kept is None else str(kept))}"


_REASONS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_PERM: "read-only",
    sqlite3.SQLITE_CANTOPEN: "not opened",
    sqlite3.SQLITE_IOERR: "failing",
    sqlite3.SQLITE_PROTOCOL: "locked",
}


def reason_of(error: sqlite3.DatabaseError) -> str | None:
    """What keeps the database from being used, for `words`; None when the fault is a statement's.

    Source: https://sqlite.org/rescode.html (2026-08); the low byte is the primary code.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else _REASONS.get(code & 0xFF)
