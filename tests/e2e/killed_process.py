"""The real bot, which kills itself with SIGKILL at a point of an exchange's way:
`python -m tests.e2e.killed_process CONFIG POINT`. Points are

- right after the commit that makes it true: `step:<step>` and `confirmation:<confirmation>` of the
  newest exchange, `state:<state>` of its newest reservation, `thread`, `meant`, `generation`,
  `text`, `picture`, `message`, `delivered` or `moved` for what is noted;
- between the world and the row that notes it: `opened` (the thread is there), `posted:<part>` (the
  message of the part is there), `posted elsewhere` (one is, in no thread of ours), `uploaded` (a
  member's picture is on the shelf), `headers` (the generation's id came), `whole` (a picture's
  bytes are), `received` (they have a tag, and no name on the shelf yet), `shelved` (they have one),
  `usage` (the stream has ended), `shown` (the result stands in the answer message), `untagged`
  (nothing is left to do), `told` (what an open call cost), `amended` (the line with it), `asked`
  (the buttons for a click are there).

With any other point it lives until somebody else kills it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import discord

import bot.app
import bot.ui.answer
from bot import logs
from bot.ledger.book import Book
from bot.money import Usage
from bot.openrouter.client import Generation, OpenRouter
from bot.pictures.intake import Intake
from bot.pictures.shelf import Blob, Shelf
from bot.settings.reading import load
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange
from bot.store.messages import Posted
from bot.store.pictures import Picture
from bot.ui.answer import DiscordAnswers
from bot.ui.posting import Files, Posting
from bot.ui.threads import Threads

T = TypeVar("T")


def die_at(point: str) -> None:
    if sys.argv[2] == point:
        os.kill(os.getpid(), signal.SIGKILL)


async def reached(tx: Transaction) -> set[str]:
    """All points that the database has reached."""
    exchanges = await tx.all(
        "SELECT step, confirmation, delivered_ms IS NOT NULL AS delivered,"
        " moved IS NOT NULL AS moved,"
        " opens_thread AND answer_channel_id = id AS thread FROM exchange ORDER BY id DESC LIMIT 1"
    )
    calls = await tx.all(
        "SELECT state, generation_id FROM reservation"
        " ORDER BY exchange_id DESC, call_number DESC LIMIT 1"
    )
    points = {f"step:{row['step']}" for row in exchanges}
    points |= {f"confirmation:{row['confirmation']}" for row in exchanges}
    points |= {name for row in exchanges for name in ("thread", "delivered", "moved") if row[name]}
    points |= {f"state:{row['state']}" for row in calls}
    points |= {"generation" for row in calls if row["generation_id"] is not None}
    for kind, row in (
        ("text", "piece WHERE text IS NOT NULL"),
        ("picture", "piece WHERE picture_id IS NOT NULL"),
        ("message", "message"),
        ("meant", "meant WHERE picture_id IS NOT NULL"),
    ):
        if await tx.all(f"SELECT 1 FROM {row} LIMIT 1"):
            points.add(kind)
    return points


class DeadlyDatabase(Database):
    async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        result = await super().write(operation)
        if sys.argv[2] in await self.read(reached):
            die_at(sys.argv[2])
        return result


class DeadlyThreads(Threads):
    async def _open(self, exchange: Exchange) -> None:
        await super()._open(exchange)
        die_at("opened")


class DeadlyPosting(Posting):
    async def note(self, message_id: int, exchange_id: int, part: int, channel_id: int) -> None:
        die_at(f"posted:{part}")
        if channel_id != exchange_id:  # by which a thread of ours goes
            die_at("posted elsewhere")
        await super().note(message_id, exchange_id, part, channel_id)

    async def edit(
        self,
        exchange: Exchange,
        posted: Posted,
        content: str,
        files: Files | None,
        buttons: discord.ui.View,
    ) -> None:
        await super().edit(exchange, posted, content, files, buttons)
        if files is not None:  # progress leaves the files as they are
            die_at("shown")

    async def amend(self, exchange: Exchange, line: str) -> bool:
        done = await super().amend(exchange, line)
        die_at("amended")
        return done


class DeadlyAnswers(DiscordAnswers):
    async def ask(self, exchange: Exchange) -> None:
        await super().ask(exchange)
        die_at("asked")


class DeadlyShelf(Shelf):
    def tag(self, source: Path, tag: str) -> None:
        die_at("whole")
        super().tag(source, tag)

    def place(self, source: Path, blob: Blob) -> None:
        die_at("received")
        super().place(source, blob)


class DeadlyIntake(Intake):
    async def accept_result(self, blob: Blob) -> Picture:
        die_at("shelved")
        return await super().accept_result(blob)

    async def accept_upload(self, path: Path, name: str) -> Picture:
        picture = await super().accept_upload(path, name)
        die_at("uploaded")
        return picture

    async def untag(self, tag: str) -> None:
        await super().untag(tag)
        die_at("untagged")


class DeadlyBook(Book):
    async def note_generation(
        self, tx: Transaction, exchange_id: int, call_number: int, generation_id: str
    ) -> None:
        die_at("headers")
        await super().note_generation(tx, exchange_id, call_number, generation_id)

    async def note_usage(
        self, tx: Transaction, exchange_id: int, call_number: int, usage: Usage
    ) -> None:
        die_at("usage")
        await super().note_usage(tx, exchange_id, call_number, usage)


class DeadlyModel(OpenRouter):
    async def generation(self, generation_id: str) -> Generation | None:
        found = await super().generation(generation_id)
        if found is not None:
            die_at("told")
        return found


async def main() -> None:
    settings = load(Path(sys.argv[1]), os.environ)
    logs.set_up()
    app = bot.app.App(settings, guild_ready_timeout_s=0.05)
    await app.run(asyncio.Event(), lambda: print("easel: ready", flush=True))


if __name__ == "__main__":
    if sys.argv[2] == "posted:-1":
        bot.ui.answer.PING_AFTER_MS = 0  # every answer is late
    bot.app.Database = DeadlyDatabase
    bot.app.Book = DeadlyBook
    bot.app.OpenRouter = DeadlyModel
    bot.app.DiscordAnswers = DeadlyAnswers
    bot.app.Shelf = DeadlyShelf
    bot.app.Intake = DeadlyIntake
    bot.ui.answer.Threads = DeadlyThreads
    bot.ui.answer.Posting = DeadlyPosting
    asyncio.run(main())
