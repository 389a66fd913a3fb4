"""Whether the Easel on a data folder is well, as another process can tell: its loop writes a file
every few seconds, which says how it found itself. Nothing is mended here.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bot import words
from bot.clock import Clock
from bot.errors import StartError, StoreUnavailable
from bot.store.database import Database, Transaction

BEAT_PAUSE_S = 2.0
STALE_S = 30.0
"""A loop not heard for so long does not answer either: writes wait for a lock up to 5 s, and a
stalled disk takes its time."""
BEAT_BYTES_MAX = 4_096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """How Easel found itself at `uptime_s`, seconds since the machine started: they do not go back
    when its clock is set, and one machine's processes agree on them. `database` is what keeps it
    from being written, if anything does.
    """

    uptime_s: float
    connected: bool
    database: str | None


class Heart:
    """Beats until it is cancelled; then its file is gone, as nobody is running."""

    def __init__(
        self, file: Path, database: Database, clock: Clock, is_connected: Callable[[], bool]
    ) -> None:
        self._file = file
        self._database = database
        self._clock = clock
        self._is_connected = is_connected

    async def run(self) -> None:
        """Never returns. A beat that cannot be written is missed."""
        missed = False
        try:
            while True:
                trouble = await self._trouble()
                beat = Beat(time.monotonic(), self._is_connected(), trouble)
                try:
                    await asyncio.to_thread(write, self._file, beat)
                    missed = False
                except OSError as error:
                    if not missed:
                        log.warning("heartbeats are missed: %s", error.strerror)
                    missed = True
                await self._clock.sleep(BEAT_PAUSE_S)
        finally:
            self._file.unlink(missing_ok=True)

    async def _trouble(self) -> str | None:
        try:
            await self._database.write(_nothing)
        except StoreUnavailable as unavailable:
            return unavailable.sentence
        return None


def look(folder: Path, file: Path) -> str:
    """The one line for an Easel that is well. Raises StartError with what it is not."""
    try:
        with file.open("rb") as opened:
            beat = _beat(opened.read(BEAT_BYTES_MAX))
    except (FileNotFoundError, ValueError):
        raise StartError(words.never_heard(str(folder))) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartError(words.folder_unusable(str(folder), reason)) from error
    age_s = time.monotonic() - beat.uptime_s
    if age_s < 0:  # the machine was started anew since
        raise StartError(words.never_heard(str(folder)))
    if age_s > STALE_S:
        raise StartError(words.not_heard(age_s))
    if beat.database is not None:
        raise StartError(beat.database)
    if not beat.connected:
        raise StartError(words.not_connected())
    return words.well(age_s)


async def _nothing(tx: Transaction) -> None:
    """Takes the lock that a write needs, and gives it back."""


def write(file: Path, beat: Beat) -> None:
    """Whole or not at all; raises OSError."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(asdict(beat)), encoding="utf-8")
    part.replace(file)


def _beat(data: bytes) -> Beat:
    found: object = json.loads(data)
    match found:
        case {
            "uptime_s": float(uptime_s),
            "connected": bool(connected),
            "database": (None | str()) as database,
        }:
            return Beat(uptime_s, connected, database)
        case _:
            raise ValueError(found)
