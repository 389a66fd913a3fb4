"""Copies of the database, made beside a running bot, and kept only if they hold what it held.
SQLite copies what one reader sees, so nobody who writes waits. Everything here blocks, and belongs
into a thread. What the shelf holds is no part of it.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from bot import words
from bot.errors import StartError
from bot.store.database import BUSY_TIMEOUT_MS
from bot.store.folder import DAILY_BACKUPS, DataFolder
from bot.store.trouble import reason_of, start_errors

DAILY_KEPT = 7
DATABASE_FILES = ("", "-wal", "-shm")
"""By the ends of their names: what SQLite keeps beside a database is a part of it."""
SUMS = {
    "entry": ("cost_nano_usd", "over_nano_usd"),
    "balance": ("spent_nano_usd", "held_nano_usd"),
    "reservation": ("hold_nano_usd",),
}
"""What of a table is summed, beside counting its rows."""


def back_up(database: Path, file: Path) -> int:
    """Copies the database as it is now into `file`, which is there whole or not at all, and gives
    its size in bytes. The copy was opened on its own, is sound, and has the schema, the rows and
    the sums that were in the database at that moment.

    Raises StartError: the database cannot be read, the file cannot be written, or they differ.
    """
    if any(_is_same(file, database.with_name(f"{database.name}{end}")) for end in DATABASE_FILES):
        raise StartError(words.backup_is_database(str(file)))
    with start_errors(database):
        source = _open(database, "ro")
    part = file.with_name(f"{file.name}.part")
    with closing(source), _copy_errors(file):
        try:
            part.unlink(missing_ok=True)  # of a backup that was killed
            part.touch(mode=0o600)  # it holds people's words
            source.execute("BEGIN")  # what is counted and what is copied are one state
            held = _contents(source)
            with closing(_open(part, "rw")) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file
            _compare(part, held, file)
            _sync(part)
            part.replace(file)
            _sync(file.parent)
            return file.stat().st_size
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _is_same(file: Path, other: Path) -> bool:
    return file.exists() and other.exists() and file.samefile(other)


def back_up_daily(folder: DataFolder, day: str) -> bool:
    """Makes the backup of this day (ISO 8601), unless it is there, and lets go of the oldest beyond
    `DAILY_KEPT`. Whether it was made. Raises as `back_up`.
    """
    file = folder.backups / f"easel-{day}.db"
    if file.exists():
        return False
    with _copy_errors(file):
        folder.backups.mkdir(mode=0o700, exist_ok=True)
        for part in folder.backups.glob("*.part"):
            part.unlink()  # of an earlier day, and killed
    back_up(folder.database, file)
    with _copy_errors(file):
        kept = sorted(each for each in folder.backups.glob(DAILY_BACKUPS) if each != file)
        for old in kept[: -(DAILY_KEPT - 1)]:
            old.unlink()
    return True


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_MS / 1000,
    )


def _contents(connection: sqlite3.Connection) -> dict[str, int]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found: dict[str, int] = {"schema": version}
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        sums = [f"coalesce(sum({column}), 0)" for column in SUMS.get(table, ())]
        names = ["rows", *SUMS.get(table, ())]
        query = f'SELECT {", ".join(["count(*)", *sums])} FROM "{table}"'  # noqa: S608 - its own
        values = connection.execute(query).fetchone()
        found |= {f"{table}.{name}": value for name, value in zip(names, values, strict=True)}
    return found


def _compare(part: Path, held: Mapping[str, int], file: Path) -> None:
    with closing(_open(part, "rw")) as copy:
        (sound,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise StartError(words.backup_differs(str(file), "damaged"))
        restored = _contents(copy)
    if differing := [name for name, value in held.items() if restored.get(name) != value]:
        raise StartError(words.backup_differs(str(file), ", ".join(differing)))


@contextmanager
def _copy_errors(file: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartError(words.backup_failed(str(file), reason)) from error
    except sqlite3.DatabaseError as error:
        if reason_of(error) is None:
            raise
        raise StartError(words.backup_failed(str(file), str(error))) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
