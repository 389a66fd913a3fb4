"""Room on the shelf's disk: some is kept in a file that goes when it is needed. Everything here
blocks, and belongs into a thread.
"""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from bot import words
from bot.errors import Notice, Word
from bot.pictures import disk

SPARE_BYTES = 16 * 1024 * 1024
"""Kept free for what is paid for and under way; and so much has to be free beside it before more is
paid for. Enough for several pictures."""

P = ParamSpec("P")
T = TypeVar("T")


class Room:
    """On the disk of `folder`. What is in `dispensable` can be made again; `placing` is held by
    whoever puts files there.
    """

    def __init__(self, folder: Path, dispensable: Path, placing: threading.Lock) -> None:
        self._folder = folder
        self._dispensable = dispensable
        self._placing = placing
        self._spare = folder / "spare"

    def check(self) -> None:
        """Raises Notice(OWNER) where the disk has hardly room for another picture."""
        if shutil.disk_usage(self._folder).free < SPARE_BYTES:
            raise Notice(Word.OWNER, words.disk_nearly_full())

    def save(self) -> None:
        """Keeps some of the disk free, again if that was needed meanwhile, where it can be had."""
        disk.reserve(self._spare, SPARE_BYTES)

    def give(self) -> bool:
        """Lets go of what can be made again and of what was kept free. False if there was none."""
        with self._placing:
            given = [*self._dispensable.iterdir(), *self._folder.glob(self._spare.name)]
            for path in given:
                path.unlink(missing_ok=True)
        return bool(given)

    def end(self) -> None:
        self._spare.unlink(missing_ok=True)

    def use(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns; called once more if it finds the disk full and there is room
        to give.
        """
        try:
            return function(*args, **kwargs)
        except OSError as error:
            if error.errno not in disk.FULL or not self.give():
                raise
        return function(*args, **kwargs)
