from bot.store import pictures
from bot.store.database import Database, Transaction
from bot.store.pictures import Picture
from tests.ledger.support import SetClock

PICTURE = Picture("ab" * 32, "image/png", 1024, 768, 123_456)


async def test_a_picture_is_found_by_its_id(database: Database) -> None:
    await database.write(lambda tx: pictures.add(tx, PICTURE, "member"))
    assert await database.read(lambda tx: pictures.get(tx, PICTURE.id)) == PICTURE
    assert await database.read(lambda tx: pictures.get(tx, "cd" * 32)) is None


async def test_a_picture_added_again_keeps_its_first_source_and_time(
    database: Database, clock: SetClock
) -> None:
    await database.write(lambda tx: pictures.add(tx, PICTURE, "member"))
    first_ms = clock.now_ms()
    clock.time_ms += 60_000
    await database.write(lambda tx: pictures.add(tx, PICTURE, "model"))

    async def rows(tx: Transaction) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await tx.all("SELECT id, source, created_ms FROM picture")]

    assert await database.read(rows) == [(PICTURE.id, "member", first_ms)]
