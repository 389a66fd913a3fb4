import asyncio
import base64
import hashlib
import itertools
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Notice, StartError, Word
from bot.pictures import shelf as module
from bot.pictures.disk import BASE64_HOP_BYTES
from bot.pictures.shelf import FITTED_FILES_MAX, Blob, Shelf
from tests.pictures.support import files, keep

MEBIBYTE = 1024 * 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_what_is_kept_is_named_by_its_hash_and_nothing_else_stays(shelf: Shelf) -> None:
    data = os.urandom(3 * MEBIBYTE + 17)
    async with shelf.receive(len(data)) as incoming:
        for start in range(0, len(data), 100_000):
            await incoming.write(data[start : start + 100_000])
        blob = await incoming.keep()
    name = hashlib.sha256(data).hexdigest()
    assert blob == Blob(name, len(data))
    assert shelf.path(name).read_bytes() == data
    assert files(shelf) == [f"{name[:2]}/{name[2:4]}/{name}"]


async def test_the_same_bytes_twice_are_one_file_and_stay_untouched(shelf: Shelf) -> None:
    first = await keep(shelf, b"the same")
    before = shelf.path(first.id).stat()
    assert await keep(shelf, b"the same") == first
    assert len(files(shelf)) == 1
    assert shelf.path(first.id).stat().st_ino == before.st_ino


async def test_a_shorter_file_under_the_name_is_replaced(shelf: Shelf) -> None:
    blob = await keep(shelf, b"as it should be")
    shelf.path(blob.id).write_bytes(b"as it sho")
    await keep(shelf, b"as it should be")
    assert shelf.path(blob.id).read_bytes() == b"as it should be"


async def test_many_keep_the_same_bytes_at_once(shelf: Shelf) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep(shelf, b"popular" * 1000)) for _ in range(20)]
    assert len({task.result() for task in tasks}) == 1
    assert len(files(shelf)) == 1


async def test_leaving_without_keep_removes_the_temporary_file(shelf: Shelf) -> None:
    before = descriptors()
    async with shelf.receive(100) as incoming:
        await incoming.write(b"nobody wants me")
        assert incoming.path.read_bytes() == b"nobody wants me"
    assert not incoming.path.exists()
    assert files(shelf) == []
    assert descriptors() == before


async def test_an_error_in_the_middle_removes_the_temporary_file(shelf: Shelf) -> None:
    async def fail() -> None:
        async with shelf.receive(100) as incoming:
            await incoming.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert files(shelf) == []


async def test_more_than_the_bound_is_refused_and_cannot_be_kept(shelf: Shelf) -> None:
    async with shelf.receive(10) as incoming:
        await incoming.write(b"12345")
        await incoming.write(b"67890")
        with pytest.raises(Notice, match="10") as caught:
            await incoming.write(b"!")
        assert caught.value.word is Word.TOO_LARGE
        with pytest.raises(RuntimeError):
            await incoming.keep()
    assert files(shelf) == []


async def test_exactly_the_bound_is_kept(shelf: Shelf) -> None:
    assert (await keep(shelf, b"x" * 10)).size_bytes == 10


async def test_restart_forgets_what_was_written(shelf: Shelf) -> None:
    async with shelf.receive(5) as incoming:
        await incoming.write(b"wrong")
        await incoming.restart()
        await incoming.write(b"right")
        blob = await incoming.keep()
    assert blob.id == hashlib.sha256(b"right").hexdigest()
    assert shelf.path(blob.id).read_bytes() == b"right"


async def test_what_another_process_wrote_is_adopted_by_its_hash(shelf: Shelf) -> None:
    async with shelf.receive(100) as incoming:
        with incoming.path.open("r+b") as other:
            other.write(b"from elsewhere")
        blob = await incoming.adopt()
    assert blob == Blob(hashlib.sha256(b"from elsewhere").hexdigest(), 14)
    assert shelf.path(blob.id).read_bytes() == b"from elsewhere"


async def test_adopting_more_than_the_bound_is_refused(shelf: Shelf) -> None:
    async with shelf.receive(5) as incoming:
        incoming.path.write_bytes(b"123456")
        with pytest.raises(Notice) as caught:
            await incoming.adopt()
    assert caught.value.word is Word.TOO_LARGE
    assert files(shelf) == []


@pytest.mark.parametrize("text", [b"AAA", b"AA-_", b"AA A", b"AAA\n", b"A===", b"AAAA=", b"<htm"])
async def test_base64_is_strict(shelf: Shelf, text: bytes) -> None:
    async with shelf.receive(100) as incoming:
        with pytest.raises(Notice) as caught:
            await incoming.write_base64([text])
    assert caught.value.word is Word.UNREADABLE
    assert files(shelf) == []


async def test_base64_ends_at_its_padding(shelf: Shelf) -> None:
    async with shelf.receive(100) as incoming:
        await incoming.write_base64([b"QQ", b"=="])
        await incoming.write_base64([])
        with pytest.raises(Notice):
            await incoming.write_base64([b"QQ=="])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 140)), pieces=st.integers(1, 9))
def test_batches_of_base64_cut_at_any_multiple_of_4_give_the_same_file(
    tmp_path: Path, data: bytes, cuts: list[int], pieces: int
) -> None:
    text = base64.b64encode(data)
    bounds = sorted({0, len(text), *(min(4 * cut, len(text)) for cut in cuts)})

    async def receive() -> Blob:
        async with Shelf(tmp_path) as shelf, shelf.receive(400) as incoming:
            for start, end in itertools.pairwise(bounds):
                batch = text[start:end]
                # Within a batch the parts may be cut anywhere.
                step = max(1, len(batch) // pieces)
                parts = [batch[at : at + step] for at in range(0, len(batch), step)]
                await incoming.write_base64(parts)
            return await incoming.keep()

    blob = asyncio.run(receive())
    assert blob == Blob(hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, BASE64_HOP_BYTES - 1, BASE64_HOP_BYTES, 2 * BASE64_HOP_BYTES + 1]
)
async def test_base64_pieces_join(shelf: Shelf, size: int) -> None:
    data = os.urandom(size)
    blob = await keep(shelf, data)
    before = descriptors()
    pieces = [piece async for piece in shelf.read_base64(blob.id)]
    assert b"".join(pieces) == base64.b64encode(data)
    assert all(len(piece) <= BASE64_HOP_BYTES * 4 // 3 for piece in pieces)
    assert descriptors() == before


async def test_a_reader_that_stops_early_leaves_nothing_open(shelf: Shelf) -> None:
    blob = await keep(shelf, os.urandom(3 * BASE64_HOP_BYTES))
    before = descriptors()
    reader = shelf.read_base64(blob.id)
    await anext(reader)
    assert descriptors() == before


async def test_a_missing_blob_is_a_notice_to_the_owner(shelf: Shelf) -> None:
    with pytest.raises(Notice) as caught:
        await anext(shelf.read_base64("0" * 64))
    assert caught.value.word is Word.OWNER


class Held:
    """Something of `os`, made to wait inside the shelf's thread until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()
        real: Callable[..., object] = getattr(os, name)

        def held(*arguments: object) -> object:
            self.reached.set()
            assert self.go.wait(10)
            return real(*arguments)

        monkeypatch.setattr(module.os, name, held)


@pytest.mark.parametrize("name", ["open", "write", "fsync"])
async def test_a_cancelled_caller_leaves_nothing_half_written_and_nothing_open(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = os.urandom(100_000)
    before = descriptors()
    held = Held(monkeypatch, name)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep(shelf, data))
        assert await asyncio.to_thread(held.reached.wait, 10)
        task.cancel()
        # The cancellation is under way while the thread still holds the file.
        await asyncio.sleep(0)
        held.go.set()
    assert task.cancelled()
    monkeypatch.undo()
    assert descriptors() == before
    # What was being kept when the caller went away is whole; everything else is gone.
    whole = hashlib.sha256(data).hexdigest()
    kept = [f"{whole[:2]}/{whole[2:4]}/{whole}"] if name == "fsync" else []
    assert files(shelf) == kept
    assert all(shelf.path(whole).read_bytes() == data for _ in kept)


async def test_a_caller_cancelled_twice_leaves_nothing_open(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    held = Held(monkeypatch, "write")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep(shelf, b"unlucky"))
        assert await asyncio.to_thread(held.reached.wait, 10)
        for _ in range(2):
            task.cancel()
            await asyncio.wait([task], timeout=0)
            await asyncio.sleep(0)
    assert task.cancelled()
    assert files(shelf) != []
    held.go.set()
    # Nobody waits for it any more, so all that can be said is that it comes.
    async with asyncio.timeout(10):
        while files(shelf) or descriptors() != before:
            await shelf.run(int)


async def test_opening_makes_the_folders_and_clears_away_what_is_stale(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "shelf"
    async with Shelf(folder) as shelf:
        blob = await keep(shelf, b"stays")
    for stale in ("incoming/half", "fitted/old-1.jpg"):
        (folder / stale).write_bytes(b"stale")
    async with Shelf(folder) as shelf:
        assert files(shelf) == [f"{blob.id[:2]}/{blob.id[2:4]}/{blob.id}"]


async def test_a_folder_that_cannot_be_used_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StartError, match=r"file/shelf.*Not a directory"):
        async with Shelf(tmp_path / "file" / "shelf"):
            pass


async def test_derivatives_are_bounded_in_number(shelf: Shelf) -> None:
    for number in range(FITTED_FILES_MAX + 3):
        async with shelf.receive(10) as incoming:
            await incoming.keep_fitted("ab" * 32, number, ".jpg")
    assert len(files(shelf)) == FITTED_FILES_MAX
    # Which of the old ones went cannot be told: files of one moment are equally old.
    newest = await shelf.fitted("ab" * 32, FITTED_FILES_MAX + 2)
    assert newest is not None
    assert newest.suffix == ".jpg"


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow over 64 KiB: the nearest to a full disk that needs no privileges."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.usefixtures("small_files")
async def test_a_disk_that_takes_no_more_is_a_notice_to_the_owner(shelf: Shelf) -> None:
    async with shelf.receive(MEBIBYTE) as incoming:
        await incoming.write(b"x" * 60_000)
        with pytest.raises(Notice, match="full") as caught:
            await incoming.write(b"x" * 60_000)
        assert caught.value.word is Word.OWNER
        with pytest.raises(RuntimeError):
            await incoming.keep()
    assert files(shelf) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_really_full_disk_leaves_nothing_behind_and_is_usable_again(
    small_disk: Path,
) -> None:
    async with Shelf(small_disk / "shelf") as shelf:
        before = descriptors()
        with pytest.raises(Notice, match="full") as caught:
            await keep(shelf, b"x" * 2 * MEBIBYTE)
        assert caught.value.word is Word.OWNER
        assert files(shelf) == []
        assert descriptors() == before
        await keep(shelf, b"x" * (MEBIBYTE // 2))


MEMORY_PROGRAM = """
import asyncio, pathlib, resource, sys
from bot.pictures.shelf import Shelf

async def main(folder, hops):
    async with Shelf(pathlib.Path(folder)) as shelf:
        async with shelf.receive(1 << 30) as incoming:
            for number in range(hops):
                await incoming.write_base64([number.to_bytes(3, "big").hex()[:4].encode() * 65536])
            blob = await incoming.keep()
        async for _ in shelf.read_base64(blob.id):
            pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    def peak_kib(hops: int) -> int:
        command = [sys.executable, "-c", MEMORY_PROGRAM, str(tmp_path / str(hops)), str(hops)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    # 12 MiB and 60 MiB of base64.
    assert peak_kib(240) - peak_kib(48) < 2 * 1024
