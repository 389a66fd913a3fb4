"""Brings the files that a request means home onto the shelf, before their links die."""

from bot.conversation.documents import Documents
from bot.fetch import Fetch
from bot.pictures.intake import UPLOAD_BYTES_MAX, Intake
from bot.pictures.shelf import Shelf
from bot.store import exchanges, pictures
from bot.store.database import Database, Transaction


class Attachments:
    """Fetches, checks and keeps what people attach or point at."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        intake: Intake,
        fetch: Fetch,
        documents: Documents,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._intake = intake
        self._fetch = fetch
        self._documents = documents

    async def bring_home(self, exchange_id: int) -> None:
        """Puts every picture and document of the request that is only a link yet onto the shelf;
        those that are there are left alone.

        Raises Notice (unreadable, too-large) for the first that cannot be used.
        """
        meant = await self._database.read(lambda tx: exchanges.meant(tx, exchange_id))
        for position, each in enumerate(meant):
            if each.url is not None:
                await self._bring_one_home(exchange_id, position, each.name, each.url)

        await self._documents.bring_home(exchange_id)

    async def _bring_one_home(self, exchange_id: int, position: int, name: str, url: str) -> None:
        async with self._shelf.receive(UPLOAD_BYTES_MAX) as incoming:
            await self._fetch.download(url, incoming, UPLOAD_BYTES_MAX)
            picture = await self._intake.accept_upload(incoming.path, name)

        async def operation(tx: Transaction) -> None:
            await pictures.add(tx, picture, "member")
            await exchanges.note_meant_picture(tx, exchange_id, position, picture.id)

        await self._database.write(operation)
