"""Fit: a picture in a file small enough for where it goes. The original is never touched."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.pictures.pixels import refit, repack
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import PAID_ATTEMPTS, Workshop
from bot.store.pictures import Picture

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A file to upload. By `suffix` Discord knows its type; `changed`: it is not the original."""

    path: Path
    suffix: str
    changed: bool


class Fit:
    """Fits pictures under limits. It holds nothing but its tools."""

    def __init__(self, shelf: Shelf, workshop: Workshop) -> None:
        self._shelf = shelf
        self._workshop = workshop

    async def fit(self, picture: Picture, bytes_max: int) -> Fitted:
        """The picture as it is if it has at most `bytes_max` bytes, else a copy with the least
        loss: JPEG, or WebP where alpha is used, of lower quality, then of smaller size.

        A copy is kept for a while, so that doing it again costs nothing; upload it soon. Raises
        Notice: TOO_LARGE if it can be made to fit at no size, UNREADABLE if it is damaged, BUSY
        and OWNER as the workshop and the shelf.
        """
        if picture.size_bytes <= bytes_max:
            path = self._shelf.path(picture.id)
            return Fitted(path, SUFFIXES[picture.media_type], changed=False)
        known = await self._shelf.fitted(picture.id, bytes_max)
        if known is None:
            async with self._shelf.receive(bytes_max) as copy:
                source = str(self._shelf.path(picture.id))
                suffix = await self._workshop.run(
                    refit, source, str(copy.path), bytes_max, attempts=PAID_ATTEMPTS
                )
                known = await copy.keep_fitted(picture.id, bytes_max, suffix)
        return Fitted(known, known.suffix, changed=True)

    @asynccontextmanager
    async def repacked(self, picture: Picture, bytes_max: int) -> AsyncGenerator[Fitted]:
        """A copy with the very same pixels and at most `bytes_max` bytes, while entered. Raises
        Notice: TOO_LARGE if there is none, else as `fit`.
        """
        async with self._shelf.receive(bytes_max) as copy:
            source = str(self._shelf.path(picture.id))
            suffix = await self._workshop.run(
                repack, source, str(copy.path), bytes_max, attempts=PAID_ATTEMPTS
            )
            yield Fitted(copy.path, suffix, changed=True)
