"""What arrived is written down once, whoever breaks it off and when."""

import asyncio
from pathlib import Path

from bot.clock import SystemClock
from bot.conversation.arrived import Arrived
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from bot.store import conversations, exchanges, pieces
from bot.store.database import Database, Transaction, migrate
from bot.store.exchanges import Exchange
from bot.store.pictures import Picture

ASKED = Exchange(
    id=1,
    conversation_id=1,
    command="message",
    server_id=2,
    channel_id=3,
    member_id=4,
    prompt="two foxes",
    upload_bytes_max=10,
    answer_channel_id=3,
)
FIRST, SECOND = (Picture(letter * 64, "image/png", 1, 1, 1) for letter in "ab")


async def test_what_is_broken_off_while_it_is_written_down_counts_as_written(tmp_path: Path):
    path = tmp_path / "easel.db"
    await migrate(path)
    is_busy, go_on = asyncio.Event(), asyncio.Event()

    async def claim(tx: Transaction) -> None:
        await conversations.open_conversation(tx, ASKED.id, "chain")
        await exchanges.claim(tx, ASKED, ())

    async def keep_busy(_: Transaction) -> None:
        is_busy.set()
        await go_on.wait()

    async with (
        Database(path, SystemClock()) as database,
        Shelf(tmp_path / "shelf") as shelf,
        Workshop() as workshop,
        asyncio.TaskGroup() as group,
    ):
        await database.write(claim)
        arrived = Arrived(database, Intake(shelf, workshop), ASKED.id)
        group.create_task(database.write(keep_busy))
        await is_busy.wait()
        writing = group.create_task(arrived.write(FIRST))
        await asyncio.sleep(0)  # it has begun
        writing.cancel()
        await asyncio.wait([writing])
        taking_up = group.create_task(arrived.take_up())
        await asyncio.sleep(0)
        go_on.set()
        assert await taking_up
        await arrived.write(SECOND)
        made = await database.read(lambda tx: pieces.of_exchange(tx, ASKED.id))
    assert [piece.picture for piece in made] == [FIRST, SECOND]
