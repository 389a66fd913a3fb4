import os
from pathlib import Path

import pytest

from bot.pictures.shelf import Blob, Shelf


async def keep(shelf: Shelf, data: bytes, tag: str) -> Blob:
    async with shelf.receive(len(data), tag) as incoming:
        await incoming.write(data)
        return await incoming.keep()


async def test_what_is_kept_with_a_tag_is_found_by_it_in_order(shelf: Shelf):
    second = await keep(shelf, b"second", "7-002")
    first = await keep(shelf, b"first", "7-001")
    await keep(shelf, b"another's", "77-001")
    assert await shelf.tagged("7-") == [first, second]


async def test_what_is_untagged_stays_on_the_shelf(shelf: Shelf):
    blob = await keep(shelf, b"bytes", "7-001")
    other = await keep(shelf, b"another's", "8-001")
    await shelf.untag("7-")
    assert await shelf.tagged("7-") == []
    assert await shelf.tagged("8-") == [other]
    assert shelf.path(blob.id).read_bytes() == b"bytes"


async def test_a_tag_is_there_before_the_name_on_the_shelf_and_outlasts_the_process(
    tmp_path: Path,
):
    async with Shelf(tmp_path) as shelf:
        blob = await keep(shelf, b"bytes", "7-001")
        shelf.path(blob.id).unlink()  # as if killed right before it had this name
    async with Shelf(tmp_path) as shelf:
        assert await shelf.tagged("7-") == [blob]
        assert shelf.path(blob.id).read_bytes() == b"bytes"
        assert await shelf.tagged("7-") == [blob]
        assert list((tmp_path / "incoming").iterdir()) == []


async def test_the_same_bytes_under_two_tags_are_two_of_one(shelf: Shelf):
    blob = await keep(shelf, b"bytes", "7-001")
    await keep(shelf, b"bytes", "7-002")
    assert await shelf.tagged("7-") == [blob, blob]


async def test_without_a_tag_there_is_no_second_name(shelf: Shelf):
    async with shelf.receive(5) as incoming:
        await incoming.write(b"bytes")
        await incoming.keep()
    assert await shelf.tagged("") == []


async def test_a_file_system_without_hard_links_keeps_a_copy(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(source), str(target))

    monkeypatch.setattr(os, "link", refuse)
    blob = await keep(shelf, b"bytes", "7-001")
    shelf.path(blob.id).unlink()
    assert await shelf.tagged("7-") == [blob]
    assert shelf.path(blob.id).read_bytes() == b"bytes"
