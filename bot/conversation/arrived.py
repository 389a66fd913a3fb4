"""What a stream brings, written down as it arrives: pictures at once, the text between two of them
as one piece, in the model's order. Where it is shown is not this module's business.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.errors import CallFailed, Notice, Word
from bot.openrouter.client import Ended, Identified, PictureArrived, Reply, Text
from bot.pictures.intake import Intake
from bot.pictures.shelf import Blob
from bot.store import pictures, pieces
from bot.store.database import Database, Transaction
from bot.store.pictures import Picture
from bot.store.pieces import Piece

ACCEPT_TRIES = 60
ACCEPT_PAUSE_S = 1.0
BITS_MAX = 1_000

log = logging.getLogger(__name__)


class Arrived:
    """The pieces of one call's answer. A call is made once, so its pieces are written once."""

    def __init__(self, database: Database, intake: Intake, exchange_id: int) -> None:
        self._database = database
        self._intake = intake
        self._exchange_id = exchange_id
        self._count = 0
        self.has_picture = False
        self._unwritten: list[str] = []

    async def listen(
        self,
        reply: Reply,
        show: Callable[[str], None],
        note_generation: Callable[[str], Awaitable[None]],
    ) -> tuple[Ended, Notice | None]:
        """Takes everything a reply brings, has its id noted as soon as it is known and shows each
        bit of text as it comes; gives its end, and why a picture of it could not be used, if one
        could not. Raises what the reply raises, after what had arrived is written.
        """
        lost: Notice | None = None
        try:
            async for event in reply:
                match event:
                    case Identified(generation_id):
                        await note_generation(generation_id)
                    case Text(text):
                        clean = text.encode("utf-8", "replace").decode().replace("\0", "")
                        self._unwritten.append(clean)
                        if len(self._unwritten) > BITS_MAX:  # each costs more than its letters
                            self._unwritten = ["".join(self._unwritten)]
                        show(clean)
                    case PictureArrived(blob):
                        try:
                            picture = await self._accept(blob)
                        except Notice as notice:
                            lost = notice
                            continue
                        await self.write(picture)
                    case Ended() as end:
                        await self.write()
                        return end, lost
        except CallFailed:
            await self.write()
            raise
        raise AssertionError("a reply ends with Ended or a failure")

    async def _accept(self, blob: Blob) -> Picture:
        """It was paid for, so it waits while the workshop is full."""
        for _ in range(ACCEPT_TRIES - 1):
            try:
                return await self._intake.accept_result(blob)
            except Notice as notice:
                if notice.word is not Word.BUSY:
                    raise
            await asyncio.sleep(ACCEPT_PAUSE_S)
        return await self._intake.accept_result(blob)

    async def take_up(self) -> bool:
        """Writes down the pictures that had come when the process ended, and were not yet.
        True if there is anything of the answer now.
        """
        exchange_id = self._exchange_id
        # A write, since it comes after those under way.
        saved = await self._database.write(lambda tx: pieces.of_exchange(tx, exchange_id))
        self._count = len(saved)
        noted = {piece.picture.id for piece in saved if piece.picture is not None}
        self.has_picture = bool(noted)
        for blob in await self._intake.left_over(str(exchange_id)):
            if blob.id not in noted:
                noted.add(blob.id)
                try:
                    picture = await self._accept(blob)
                except Notice as notice:
                    log.warning("exchange %d: a picture left over: %s", exchange_id, notice.word)
                    continue
                await self.write(picture)
        return self._count > 0

    async def write(self, picture: Picture | None = None) -> None:
        """Writes the text that came since the last picture down, and then this one."""
        text = "".join(self._unwritten).strip()
        new = [Piece(text=text)] if text else []
        if picture is not None:
            new.append(Piece(picture=picture))
        first = self._count

        async def operation(tx: Transaction) -> None:
            if picture is not None:
                await pictures.add(tx, picture, "model")
            for position, piece in enumerate(new, first):
                await pieces.add(tx, self._exchange_id, position, piece)

        # Before it is waited for: a write that has begun is finished, also without its caller.
        self._unwritten.clear()
        self._count += len(new)
        self.has_picture |= picture is not None
        if new:
            await self._database.write(operation)
