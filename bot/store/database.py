"""The database: opening it, moving its schema forward, and running operations on it. One task owns
the one writing connection, so operations that write run one at a time and belong to no caller; two
more own the reading ones. No noun's SQL lives here: that is in the store's other modules.
"""

import asyncio
import contextlib
import importlib.resources
import logging
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiosqlite

from bot import words
from bot.clock import Clock
from bot.errors import StartError, StoreUnavailable
from bot.store.trouble import reason_of, start_errors, unusable

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for another process's lock."""
WAL_TRIES = 100
"""Within that time, where SQLite itself does not wait."""
QUEUE_MAX = 1_000
"""Operations waiting for a connection; beyond that, callers wait to be queued."""
READERS = 8
"""A read is short, but each of its statements waits for a turn of the loop: with two of them the
progress of twenty pictures that arrive at once kept a `/spend` waiting for 0.4 s."""
READER_CACHE_KIB = 256
"""Of each reader: the system keeps the file in memory anyway."""
SQLITE_MIN = (3, 37, 0)
"""STRICT tables came with it: https://sqlite.org/stricttables.html (2026-08)."""

T = TypeVar("T")
Value = int | str | None
"""What a parameter may be: SQLite and PostgreSQL agree on these."""
Work = Callable[[aiosqlite.Connection], Awaitable[None]]

_log = logging.getLogger(__name__)


class Transaction:
    """The statements of one operation. They see one state of the database, and are kept together
    or not at all. Good only until the operation returns.

    `now_ms` is read once, when the operation begins, so that everything it writes has one time.
    """

    def __init__(self, connection: aiosqlite.Connection, now_ms: int) -> None:
        self._connection = connection
        self.now_ms = now_ms

    async def run(self, sql: str, **parameters: Value) -> int:
        """The number of rows that the statement changed."""
        cursor = await self._connection.execute(sql, parameters)
        try:
            return cursor.rowcount
        finally:
            await cursor.close()

    async def one(self, sql: str, **parameters: Value) -> sqlite3.Row | None:
        """The only row of the answer, or None."""
        rows = await self.all(sql, **parameters)
        assert len(rows) <= 1
        return rows[0] if rows else None

    async def all(self, sql: str, **parameters: Value) -> list[sqlite3.Row]:
        """All rows of the answer, in memory: ask for as many as that allows."""
        return list(await self._connection.execute_fetchall(sql, parameters))


class Database:
    """The open database, from `async with` to its end, which waits for the operations queued.

    An operation is an async function of its transaction alone: no other await, no side effect, its
    checks before its first write, and it may be run again. What it raises undoes it and reaches
    the caller; a database that cannot be used (full disk, lock, damage) is `StoreUnavailable`.

    Opening raises StartError: no database there, not writable, damaged, or of another schema.
    `read_only` is for tools beside a running bot: `write` is then an error of ours. `give_room` is
    called in a thread when the disk is full; where it says that it gave some, the operation is
    run once more.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        read_only: bool = False,
        give_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._clock = clock
        self._give_room = give_room
        self._read_only = read_only
        self._open = False
        self._writes: asyncio.Queue[Work] = asyncio.Queue(QUEUE_MAX)
        self._reads: asyncio.Queue[Work] = asyncio.Queue(QUEUE_MAX)
        self._lanes: list[asyncio.Task[None]] = []
        self._connections: list[aiosqlite.Connection] = []

    async def __aenter__(self) -> Self:
        try:
            with start_errors(self._path):
                if not self._read_only:
                    writer = await self._connect("rw")
                    async with _transaction(writer, "BEGIN IMMEDIATE"):
                        pass  # a file that cannot be written is found out here
                    self._begin_lane(writer, self._writes)
                for _ in range(READERS):
                    connection = await self._connect("ro" if self._read_only else "rw")
                    await connection.execute_fetchall("PRAGMA query_only = ON")
                    await connection.execute_fetchall(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
                    self._begin_lane(connection, self._reads)
        except BaseException:
            await self._close()
            raise
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        try:
            await self._reads.join()
            await self._writes.join()
        finally:
            await self._close()

    async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        """What the operation returns, once it is on the disk.

        A caller that is cancelled leaves an operation that is queued or under way as it is: it is
        finished whole.
        """
        assert not self._read_only
        return await self._submit(self._writes, "BEGIN IMMEDIATE", operation)

    async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        """What the operation returns; it sees one state of the database and cannot write."""
        return await self._submit(self._reads, "BEGIN DEFERRED", operation)

    async def _connect(self, mode: str) -> aiosqlite.Connection:
        connection = await _connect(self._path, mode)
        self._connections.append(connection)
        known = migrations()[-1].number
        found = await _schema_version(connection)
        if found > known:
            raise StartError(words.database_newer(str(self._path), found, known))
        if found < known:
            raise StartError(words.database_older(str(self._path), found, known))
        return connection

    def _begin_lane(self, connection: aiosqlite.Connection, queue: asyncio.Queue[Work]) -> None:
        # The one place where work outlives its caller: a write belongs to the database, and
        # neither a cancelled request nor a stopping bot may tear it.
        lane = asyncio.create_task(_serve(connection, queue))  # noqa: TID251
        self._lanes.append(lane)

    async def _submit(
        self,
        queue: asyncio.Queue[Work],
        begin: str,
        operation: Callable[[Transaction], Awaitable[T]],
    ) -> T:
        if not self._open:
            raise RuntimeError("the database is not open")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def work(connection: aiosqlite.Connection) -> None:
            try:
                result = await self._transact(connection, begin, operation)
            except Exception as error:  # noqa: BLE001 - it is the caller's to handle
                if done.done():  # the caller is gone
                    _log.warning("abandoned operation failed: %s", type(error).__name__)
                else:
                    done.set_exception(error)
                    done.exception()  # taken note of, should the caller be cancelled just now
            except BaseException:
                done.cancel()
                raise
            else:
                if not done.done():
                    done.set_result(result)

        await queue.put(work)
        return await done

    async def _transact(
        self,
        connection: aiosqlite.Connection,
        begin: str,
        operation: Callable[[Transaction], Awaitable[T]],
        *,
        again: bool = True,
    ) -> T:
        try:
            async with _transaction(connection, begin):
                return await operation(Transaction(connection, self._clock.now_ms()))
        except sqlite3.DatabaseError as error:
            reason = reason_of(error)
            if reason is None:
                raise
            if reason == "full" and again and await asyncio.to_thread(self._give_room):
                return await self._transact(connection, begin, operation, again=False)
            raise StoreUnavailable(words.database_unavailable(reason)) from error

    async def _close(self) -> None:
        for lane in self._lanes:
            lane.cancel()
        try:
            if self._lanes:
                await asyncio.wait(self._lanes)
            # The writer was opened first and is closed last: it tidies up the write-ahead log.
            for connection in reversed(self._connections):
                await connection.close()
        except BaseException:
            # Who is cancelled once more does not wait; a thread left behind would keep the process.
            for connection in self._connections:
                connection.stop()  # pyright: ignore[reportUnknownMemberType]  # aiosqlite's own
            raise


async def migrate(path: Path) -> list[str]:
    """Brings the database's schema up to date, making the file if there is none, and gives the
    names of the steps taken, each of them one transaction. Safe to call again and side by side.

    Raises StartError: the database is damaged, newer than this program, or cannot be used.
    """
    steps = migrations()
    with start_errors(path):
        connection = await _connect(path, "rwc")
        try:
            (sound,) = await connection.execute_fetchall("PRAGMA quick_check(1)")
            if sound[0] != "ok":
                raise StartError(unusable(path, "damaged"))
            found = await _schema_version(connection)
            if found > steps[-1].number:
                raise StartError(words.database_newer(str(path), found, steps[-1].number))
            return [step.name for step in steps if await _apply(connection, step)]
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema; its number is the version that it leads to."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All steps this program knows, in order."""
    folder = importlib.resources.files("bot.store") / "migrations"
    found = [
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if (match := re.fullmatch(r"(\d{4})_\w+\.sql", file.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


async def _apply(connection: aiosqlite.Connection, step: Migration) -> bool:
    """Whether the step was still to be taken."""
    async with _transaction(connection, "BEGIN IMMEDIATE"):
        if await _schema_version(connection) >= step.number:
            return False
        for statement in _statements(step.sql):
            await connection.execute_fetchall(statement)
        await connection.execute_fetchall(f"PRAGMA user_version = {step.number}")
        return True


def _statements(script: str) -> list[str]:
    """The statements of a script. `executescript` would commit before the first of them."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


async def _schema_version(connection: aiosqlite.Connection) -> int:
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    version: int = rows[0][0]
    return version


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _try_open(uri: str) -> None:
    sqlite3.connect(uri, uri=True).close()


async def _connect(path: Path, mode: str) -> aiosqlite.Connection:
    """A connection with all the promises on; `mode` as in SQLite's file URIs."""
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        raise StartError(
            words.sqlite_too_old(sqlite3.sqlite_version, ".".join(map(str, SQLITE_MIN)))
        )
    # Where opening fails aiosqlite does not wait for its thread, and when the loop ends then, the
    # thread prints a traceback; so what cannot be opened is found out before.
    await asyncio.to_thread(_try_open, _uri(path, mode))
    connection = await aiosqlite.connect(
        _uri(path, mode),
        uri=True,
        isolation_level=None,  # transactions are ours to begin
        timeout=BUSY_TIMEOUT_MS / 1000,
    )
    try:
        connection.row_factory = sqlite3.Row
        if mode != "ro":
            await _write_ahead(connection)
        journal = list(await connection.execute_fetchall("PRAGMA journal_mode"))
        if mode != "ro" and journal[0][0] != "wal":
            raise StartError(words.database_unusable(str(path), "no-wal"))
        await connection.execute_fetchall("PRAGMA synchronous = FULL")
        await connection.execute_fetchall("PRAGMA foreign_keys = ON")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _write_ahead(connection: aiosqlite.Connection) -> None:
    """Switches to the write-ahead log. SQLite does not wait for a lock by itself here, and another
    that makes the same database holds one for a moment.
    """
    for tries_left in reversed(range(WAL_TRIES)):
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not tries_left:
                raise
        await asyncio.sleep(BUSY_TIMEOUT_MS / 1000 / WAL_TRIES)


async def _serve(connection: aiosqlite.Connection, queue: asyncio.Queue[Work]) -> None:
    while True:
        work = await queue.get()
        try:
            await work(connection)
        finally:
            queue.task_done()


@asynccontextmanager
async def _transaction(connection: aiosqlite.Connection, begin: str) -> AsyncGenerator[None]:
    await connection.execute_fetchall(begin)
    try:
        yield
        await connection.execute_fetchall("COMMIT")
    except BaseException:
        # Some failures end the transaction themselves, and then there is none to roll back.
        with contextlib.suppress(sqlite3.OperationalError):
            await connection.execute_fetchall("ROLLBACK")
        raise
