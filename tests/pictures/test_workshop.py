"""The workshop's process under strain. The jobs are functions of the standard library."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import Notice, Word
from bot.pictures import workshop as module
from bot.pictures.worker import MEMORY_BYTES_MAX
from bot.pictures.workshop import Workshop


def children() -> set[int]:
    """The living and the unburied."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe by which a job can say that it has begun."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def says_so_and_hangs(pipe: Path) -> str:
    """For `eval`."""
    return f"open({str(pipe)!r}, 'w').close() or __import__('time').sleep(30)"


async def has_begun(pipe: Path) -> None:
    await asyncio.to_thread(pipe.read_bytes)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


async def test_the_process_starts_with_the_first_job_stays_and_ends_with_the_workshop() -> None:
    before = children()
    async with Workshop() as workshop:
        assert children() == before
        first = await workshop.run(os.getpid)
        assert first != os.getpid()
        assert await workshop.run(os.getpid) == first
        assert children() == before | {first}
    assert children() == before


async def test_the_process_is_light_and_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "planted")
    monkeypatch.setenv("OPENROUTER_API_KEY", "planted")
    async with Workshop() as workshop:
        names = await workshop.run(eval, "sorted(__import__('sys').modules)")
        assert not {"asyncio", "discord", "aiohttp", "httpx", "aiosqlite"} & set(names)
        environment = await workshop.run(eval, "str(__import__('os').environ)")
    assert "planted" not in environment


def test_the_library_of_heic_is_loaded_by_no_import() -> None:
    program = "import sys, bot.pictures.intake; print('pillow_heif' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"


@pytest.mark.parametrize(
    ("job", "arguments"),
    [(os.abort, ()), (os._exit, (0,)), (os.kill, (0, signal.SIGKILL)), (int, ("no number",))],
)
async def test_a_job_that_fails_or_ends_the_process_is_unreadable_and_the_next_one_works(
    job: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    before = children()
    async with Workshop() as workshop:
        with pytest.raises(Notice) as caught:
            await workshop.run(job, *arguments)
        assert caught.value.word is Word.UNREADABLE
        assert await workshop.run(abs, -3) == 3
        assert len(children() - before) == 1
    assert children() == before


async def test_what_the_process_replies_calls_nothing_here(tmp_path: Path) -> None:
    path = tmp_path / "made"
    reduced = f"lambda _: (__import__('os').mkdir, ({str(path)!r},))"
    broken = f"type('Any', (), {{'__reduce__': {reduced}}})()"
    async with Workshop() as workshop:
        with pytest.raises(Notice) as caught:
            await workshop.run(eval, broken)
        assert caught.value.word is Word.UNREADABLE
        assert await workshop.run(abs, -3) == 3
    assert not path.exists()


async def test_a_job_over_the_time_limit_is_killed_and_the_next_one_works() -> None:
    before = children()
    async with Workshop(timeout_s=0.5) as workshop:
        started_s = time.monotonic()
        with pytest.raises(Notice) as caught:
            await workshop.run(time.sleep, 30)
        assert caught.value.word is Word.UNREADABLE
        assert time.monotonic() - started_s < 10
        assert await workshop.run(abs, -3) == 3
    assert children() == before


ENDS_ONCE = (
    "__import__('os').abort() if not __import__('os').path.exists(mark)"
    " and not open(mark, 'w').close() else 'done'"
)


async def test_with_attempts_a_job_is_done_again_when_its_process_ended_under_it(
    tmp_path: Path,
) -> None:
    async with Workshop() as workshop:
        for attempts in (1, 2):
            mark = tmp_path / str(attempts)
            job = workshop.run(eval, ENDS_ONCE, {"mark": str(mark)}, attempts=attempts)
            if attempts == 2:
                assert await job == "done"
            else:
                with pytest.raises(Notice):
                    await job


async def test_a_job_that_fails_is_not_done_again(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = f"open({str(count)!r}, 'a').write('x') and int('no number')"
    async with Workshop() as workshop:
        with pytest.raises(Notice):
            await workshop.run(eval, program, attempts=3)
    assert count.read_text() == "x"


async def test_memory_beyond_the_bound_is_refused_and_the_next_one_works() -> None:
    async with Workshop() as workshop:
        with pytest.raises(Notice) as caught:
            await workshop.run(bytearray, MEMORY_BYTES_MAX)
        assert caught.value.word is Word.UNREADABLE
        assert await workshop.run(abs, -3) == 3


async def test_a_notice_of_a_job_arrives_as_it_is() -> None:
    program = (
        "exec('from bot.errors import Notice, Word\\nraise Notice(Word.TOO_LARGE, \"Too big.\")')"
    )
    async with Workshop() as workshop:
        with pytest.raises(Notice) as caught:
            await workshop.run(eval, program)
    assert caught.value.word is Word.TOO_LARGE
    assert caught.value.sentence == "Too big."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
async def test_a_full_disk_is_the_owners_and_not_the_pictures_fault() -> None:
    write = "open('/dev/full', 'wb', buffering=0).write(b'x')"
    async with Workshop() as workshop:
        with pytest.raises(Notice) as caught:
            await workshop.run(eval, write)
    assert caught.value.word is Word.OWNER


async def test_a_cancelled_job_is_killed_and_the_one_behind_it_is_not(pipe: Path) -> None:
    before = children()
    async with Workshop() as workshop, asyncio.TaskGroup() as group:
        first = await workshop.run(os.getpid)
        slow = group.create_task(workshop.run(eval, says_so_and_hangs(pipe)))
        await has_begun(pipe)
        behind = group.create_task(workshop.run(abs, -3))
        slow.cancel()
        assert await behind == 3
        assert slow.cancelled()
        assert await workshop.run(os.getpid) != first
    assert children() == before


async def test_jobs_cancelled_at_any_moment_disturb_nobody() -> None:
    before = children()
    async with Workshop() as workshop:
        for turns in range(60):
            async with asyncio.TaskGroup() as group:
                doomed = group.create_task(workshop.run(abs, -1))
                innocent = group.create_task(workshop.run(abs, -2))
                for _ in range(turns % 20):
                    await asyncio.sleep(0)
                doomed.cancel()
            assert innocent.result() == 2
    assert children() == before


async def test_a_process_that_died_while_idle_is_replaced() -> None:
    async with Workshop() as workshop:
        pid = await workshop.run(os.getpid)
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert await workshop.run(os.getpid) != pid


async def test_waiting_jobs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOBS_MAX", 2)
    async with Workshop() as workshop, asyncio.TaskGroup() as group:
        tasks = [group.create_task(workshop.run(time.sleep, 30)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Notice) as caught:
            await workshop.run(abs, -1)
        assert caught.value.word is Word.BUSY
        for task in tasks:
            task.cancel()
    assert [task.cancelled() for task in tasks] == [True, True]


async def test_leaving_waits_neither_for_a_running_job_nor_for_one_behind_it(pipe: Path) -> None:
    before = children()
    started_s = time.monotonic()

    async def hang(workshop: Workshop, job: str) -> None:
        with pytest.raises(Notice):
            await workshop.run(eval, job)

    async with asyncio.TaskGroup() as group, Workshop() as workshop:
        group.create_task(hang(workshop, says_so_and_hangs(pipe)))
        await has_begun(pipe)
        group.create_task(hang(workshop, "__import__('time').sleep(30)"))
        await asyncio.sleep(0)
    assert time.monotonic() - started_s < 10
    assert children() == before


SIGNALLED_PROGRAM = """
import asyncio, os, signal, sys, time
from bot.pictures.workshop import Workshop

async def main():
    async with Workshop() as workshop:
        pid = await workshop.run(os.getpid)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert await workshop.run(os.getpid) == pid
        print(pid, flush=True)
        if sys.argv[1] == "interrupted":
            loop = asyncio.get_running_loop()
            stop = asyncio.Event()
            loop.add_signal_handler(signal.SIGINT, stop.set)
            os.killpg(0, signal.SIGINT)
            await stop.wait()
        else:
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["interrupted", "killed"])
def test_signals_and_a_dead_parent_leave_no_process_and_no_traceback(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SIGNALLED_PROGRAM, end],
        capture_output=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    # Its standard error is at its end only when the workshop's process, which has it too, is gone.
    assert done.returncode == (0 if end == "interrupted" else -signal.SIGKILL)
    assert done.stderr == b""
    assert int(done.stdout) > 0
