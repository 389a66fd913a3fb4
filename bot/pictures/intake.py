"""Intake: what may become a picture. Of a member's file the model gets a clean copy; what the model
made is kept byte for byte. Where bytes come from and where they go is not decided here.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bot import words
from bot.errors import Notice, Word
from bot.pictures.pixels import Header, inspect, normalise
from bot.pictures.shelf import Blob, Shelf
from bot.pictures.workshop import PAID_ATTEMPTS, Workshop
from bot.store.pictures import Picture

UPLOAD_BYTES_MAX = 25 * 1024 * 1024
"""Of a member's file; and of the copy, which is far smaller."""

T = TypeVar("T")


class Intake:
    """Takes pictures in. It holds nothing but its tools."""

    def __init__(self, shelf: Shelf, workshop: Workshop) -> None:
        self._shelf = shelf
        self._workshop = workshop

    async def accept_upload(self, path: Path, name: str) -> Picture:
        """The picture made of a member's file: upright, in sRGB, without metadata, at most 2048
        pixels long, alpha kept, an animation's first frame. It is on the shelf; the file at `path`
        stays the caller's. `name` is only for the sentences.

        Raises Notice: TOO_LARGE names the bound, UNREADABLE what is accepted, BUSY and OWNER as
        the workshop and the shelf.
        """
        if await self._shelf.run(os.path.getsize, path) > UPLOAD_BYTES_MAX:
            bound = words.byte_size(UPLOAD_BYTES_MAX)
            raise Notice(Word.TOO_LARGE, words.picture_too_large(name, bound))
        async with self._shelf.receive(UPLOAD_BYTES_MAX) as copy:
            unreadable = words.picture_unreadable(name)
            header = await self._job(unreadable, normalise, str(path), str(copy.path), name)
            blob = await copy.adopt()
        return _picture(blob, header)

    async def accept_result(self, blob: Blob) -> Picture:
        """The picture that a blob on the shelf is. The bytes stay as they are, whatever it is.

        Raises Notice: UNREADABLE if it is none, is damaged or over the bounds of pixels, BUSY and
        OWNER as the workshop.
        """
        unreadable = words.result_unreadable()
        try:
            path = str(self._shelf.path(blob.id))
            header = await self._job(unreadable, inspect, path, "", attempts=PAID_ATTEMPTS)
        except Notice as notice:
            if notice.word is Word.TOO_LARGE:
                raise Notice(Word.UNREADABLE, unreadable) from notice
            raise
        return _picture(blob, header)

    async def check_room(self) -> None:
        """Raises Notice(OWNER) where the disk has hardly room for what the model is to make."""
        await self._shelf.run(self._shelf.room.check)

    async def left_over(self, tag: str) -> list[Blob]:
        """What the model made that is kept with this tag, in the order in which it came."""
        return await self._shelf.tagged(f"{tag}-")

    async def untag(self, tag: str) -> None:
        """Forgets the tag: what was kept with it is noted by now."""
        await self._shelf.untag(f"{tag}-")

    async def _job(
        self, unreadable: str, job: Callable[..., T], *arguments: object, attempts: int = 1
    ) -> T:
        """The workshop does not know whose picture it is; the sentence given here does."""
        try:
            return await self._workshop.run(job, *arguments, attempts=attempts)
        except Notice as notice:
            if notice.word is Word.UNREADABLE:
                raise Notice(Word.UNREADABLE, unreadable) from notice
            raise


def _picture(blob: Blob, header: Header) -> Picture:
    return Picture(blob.id, header.media_type, header.width, header.height, blob.size_bytes)
