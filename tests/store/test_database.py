import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.errors import Notice, StartError, StoreUnavailable, Word
from bot.store import database as module
from bot.store.database import Database, Transaction, migrate
from tests.ledger.support import NOW_MS, SetClock

# The table `synced` stands for any: two columns of text.


async def add(tx: Transaction, scope: str) -> None:
    await tx.run(
        "INSERT INTO synced (scope, payload_sha256) VALUES (:scope, :payload)",
        scope=scope,
        payload="-",
    )


async def scopes(tx: Transaction) -> list[str]:
    return [row["scope"] for row in await tx.all("SELECT scope FROM synced ORDER BY scope")]


def outside(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=0)


async def test_a_write_is_on_disk_when_it_is_acknowledged(database: Database, path: Path):
    await database.write(lambda tx: add(tx, "a"))
    other = outside(path)
    assert other.execute("SELECT scope FROM synced").fetchall() == [("a",)]
    other.close()


async def test_an_operation_gives_what_it_returns_and_one_time(database: Database, clock: SetClock):
    async def operation(tx: Transaction) -> tuple[int, int, int]:
        before = tx.now_ms
        clock.time_ms += 5_000
        await add(tx, "a")
        await add(tx, "b")
        changed = await tx.run("UPDATE synced SET payload_sha256 = :new", new="+")
        return before, tx.now_ms, changed

    assert await database.write(operation) == (NOW_MS, NOW_MS, 2)


async def test_what_an_operation_raises_undoes_it_and_reaches_the_caller(database: Database):
    async def operation(tx: Transaction) -> None:
        await add(tx, "a")
        raise Notice(Word.BUDGET, "No.")

    with pytest.raises(Notice, match="No"):
        await database.write(operation)
    assert await database.read(scopes) == []
    await database.write(lambda tx: add(tx, "b"))
    assert await database.read(scopes) == ["b"]


async def test_a_broken_constraint_is_no_trouble_of_the_database(database: Database):
    await database.write(lambda tx: add(tx, "a"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: add(tx, "a"))


async def test_a_wrong_statement_is_no_trouble_of_the_database(database: Database):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.read(lambda tx: tx.all("SELECT * FROM missing"))


async def test_writes_run_one_at_a_time_in_the_order_they_were_asked(database: Database):
    running: list[str] = []
    order: list[str] = []

    def operation(name: str) -> Callable[[Transaction], Awaitable[None]]:
        async def work(tx: Transaction) -> None:
            assert not running
            running.append(name)
            await add(tx, name)
            running.remove(name)
            order.append(name)

        return work

    names = [f"{number:02}" for number in range(20)]
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(database.write(operation(name)))
    assert order == names
    assert await database.read(scopes) == names


async def test_a_read_sees_one_state_while_others_write(database: Database):
    looked, written = asyncio.Event(), asyncio.Event()

    async def operation(tx: Transaction) -> tuple[list[str], list[str]]:
        before = await scopes(tx)
        looked.set()
        await written.wait()
        return before, await scopes(tx)

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(database.read(operation))
        await looked.wait()
        await database.write(lambda tx: add(tx, "a"))
        assert await database.read(scopes) == ["a"]  # the other reader
        written.set()
    assert reading.result() == ([], [])


async def test_a_read_cannot_write(database: Database):
    with pytest.raises(StoreUnavailable):
        await database.read(lambda tx: add(tx, "a"))
    assert await database.read(scopes) == []


async def test_a_cancelled_caller_leaves_a_write_under_way_whole(database: Database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def operation(tx: Transaction) -> None:
        await add(tx, "a")
        begun.set()
        await go_on.wait()
        await add(tx, "b")

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(database.write(operation))
        await begun.wait()
        caller.cancel()
    assert caller.cancelled()
    go_on.set()
    await database.write(lambda tx: add(tx, "c"))  # runs after it
    assert await database.read(scopes) == ["a", "b", "c"]


async def test_a_cancelled_caller_leaves_a_queued_write_whole(database: Database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def blocking(_tx: Transaction) -> None:
        begun.set()
        await go_on.wait()

    async def both(tx: Transaction) -> None:
        await add(tx, "a")
        await add(tx, "b")

    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(blocking))
        await begun.wait()
        caller = group.create_task(database.write(both))
        await asyncio.sleep(0)  # it is queued now
        caller.cancel()
        await asyncio.wait({caller})
        go_on.set()
    assert caller.cancelled()
    await database.write(lambda tx: add(tx, "c"))
    assert await database.read(scopes) == ["a", "b", "c"]


async def test_a_failure_whose_caller_is_gone_is_logged_without_its_words(
    database: Database, caplog: pytest.LogCaptureFixture
):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def operation(_tx: Transaction) -> None:
        begun.set()
        await go_on.wait()
        raise ValueError("what a person said")

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(database.write(operation))
        await begun.wait()
        caller.cancel()
    go_on.set()
    await database.write(scopes)
    assert "ValueError" in caplog.text
    assert "what a person said" not in caplog.text


@pytest.mark.parametrize("queue_max", [1, 1_000])
async def test_the_end_waits_for_the_writes_queued(
    path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, queue_max: int
):
    monkeypatch.setattr(module, "QUEUE_MAX", queue_max)
    names = [f"{number:02}" for number in range(20)]
    async with asyncio.TaskGroup() as group, Database(path, clock) as database:
        for name in names:
            group.create_task(database.write(lambda tx, name=name: add(tx, name)))
        await asyncio.sleep(0)  # they are queued now, or wait to be
    async with Database(path, clock) as database:
        assert await database.read(scopes) == names


async def test_after_the_end_nothing_runs(path: Path, clock: SetClock):
    async with Database(path, clock) as database:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await database.write(scopes)


async def test_the_end_leaves_one_file(path: Path, clock: SetClock):
    async with Database(path, clock) as database:
        await database.write(lambda tx: add(tx, "a"))
    assert [file.name for file in path.parent.iterdir()] == ["easel.db"]


async def pragma(tx: Transaction, name: str) -> object:
    row = await tx.one(f"PRAGMA {name}")
    assert row is not None
    value: object = row[0]
    return value


@pytest.mark.parametrize(
    ("name", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5_000)],
)
async def test_every_connection_keeps_the_promises(database: Database, name: str, expected: object):
    assert await database.write(lambda tx: pragma(tx, name)) == expected
    assert await database.read(lambda tx: pragma(tx, name)) == expected


async def test_a_broken_reference_is_refused(database: Database):
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await database.write(
            lambda tx: tx.run("INSERT INTO reservation_balance VALUES (1, 1, :id)", id=5)
        )


async def test_read_only_works_beside_a_writer_and_alone(path: Path, clock: SetClock):
    async with Database(path, clock) as database:
        await database.write(lambda tx: add(tx, "a"))
        async with Database(path, clock, read_only=True) as reader:
            assert await reader.read(scopes) == ["a"]
            await database.write(lambda tx: add(tx, "b"))
            assert await reader.read(scopes) == ["a", "b"]
            with pytest.raises(AssertionError):
                await reader.write(scopes)
    async with Database(path, clock, read_only=True) as reader:
        assert await reader.read(scopes) == ["a", "b"]


async def test_a_full_disk_keeps_nothing_and_is_named(database: Database):
    await database.write(lambda tx: add(tx, "a"))

    async def too_much(tx: Transaction) -> None:
        pages = await pragma(tx, "page_count")
        await pragma(tx, f"max_page_count = {pages}")
        await add(tx, "b")
        await add(tx, "c" * 1_000_000)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        await database.write(too_much)
    assert await database.read(scopes) == ["a"]
    await database.write(lambda tx: add(tx, "d"))
    assert await database.read(scopes) == ["a", "d"]


async def test_a_lock_that_stays_is_named(
    path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 20)
    other = outside(path)
    async with Database(path, clock) as database:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="keeps it locked"):
            await database.write(lambda tx: add(tx, "a"))
        assert await database.read(scopes) == []
        with pytest.raises(StartError, match="keeps it locked"):
            async with Database(path, clock):
                raise AssertionError
        other.execute("ROLLBACK")
        await database.write(lambda tx: add(tx, "a"))
    other.close()


async def test_migrating_makes_the_database_and_again_does_nothing(tmp_path: Path):
    names = [migration.name for migration in module.migrations()]
    assert await migrate(tmp_path / "easel.db") == names
    assert await migrate(tmp_path / "easel.db") == []


async def test_two_that_migrate_at_once_take_each_step_once(tmp_path: Path):
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(migrate(tmp_path / "easel.db")) for _ in range(2)]
    names = [migration.name for migration in module.migrations()]
    assert sorted(both[0].result() + both[1].result()) == names


def test_migrations_are_numbered_without_a_gap():
    numbers = [migration.number for migration in module.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_migration_that_fails_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "easel.db"
    steps = module.migrations()
    bad = module.Migration(
        len(steps) + 1, "bad.sql", "CREATE TABLE one (id INTEGER);\nCREATE TABLE one (id INTEGER);"
    )
    monkeypatch.setattr(module, "migrations", lambda: [*steps, bad])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        await migrate(path)
    other = outside(path)
    assert other.execute("PRAGMA user_version").fetchone() == (len(steps),)
    assert not other.execute("SELECT name FROM sqlite_schema WHERE name = 'one'").fetchall()
    other.close()


async def test_a_newer_schema_is_refused(path: Path, clock: SetClock):
    other = outside(path)
    other.execute("PRAGMA user_version = 999")
    other.close()
    with pytest.raises(StartError, match=r"newer Easel \(schema 999"):
        await migrate(path)
    with pytest.raises(StartError, match=r"newer Easel \(schema 999"):
        async with Database(path, clock):
            raise AssertionError


async def test_an_older_schema_is_refused_by_all_but_migrate(path: Path, clock: SetClock):
    other = outside(path)
    other.execute("PRAGMA user_version = 0")
    other.close()
    for read_only in (False, True):
        with pytest.raises(StartError, match="easel migrate"):
            async with Database(path, clock, read_only=read_only):
                raise AssertionError


async def test_opening_makes_no_database(tmp_path: Path, clock: SetClock):
    with pytest.raises(StartError, match=r"missing\.db cannot be used"):
        async with Database(tmp_path / "missing.db", clock):
            raise AssertionError
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize("name", ["folder", "file/easel.db", "missing/easel.db", "text.db"])
async def test_a_path_that_holds_no_database_is_one_sentence_with_the_path(
    tmp_path: Path, clock: SetClock, name: str
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "text.db").write_text("Not a database, only some lines of text.\n" * 100)
    path = tmp_path / name
    with pytest.raises(StartError) as migrating:
        await migrate(path)
    with pytest.raises(StartError) as opening:
        async with Database(path, clock):
            raise AssertionError
    for error in (migrating, opening):
        assert str(path) in str(error.value)
        assert str(error.value).endswith(".")
        assert "\n" not in str(error.value)


async def test_an_old_sqlite_is_refused(
    path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "SQLITE_MIN", (99, 0, 0))
    with pytest.raises(StartError, match=r"needs 99\.0\.0"):
        async with Database(path, clock):
            raise AssertionError


@pytest.mark.parametrize("name", ["missing/easel.db", "text.db"])
def test_a_program_that_cannot_open_the_database_ends_without_a_traceback(
    tmp_path: Path, name: str
):
    (tmp_path / "text.db").write_text("Not a database, only some lines of text.\n" * 100)
    program = (
        "import asyncio, pathlib, sys\n"
        "from bot.store.database import migrate\n"
        "try: asyncio.run(migrate(pathlib.Path(sys.argv[1])))\n"
        "except Exception as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path / name], capture_output=True, text=True, check=True
    )
    assert name in ended.stdout
    assert ended.stderr == ""
