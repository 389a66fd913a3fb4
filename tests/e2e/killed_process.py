"""The real bot, which kills itself with SIGKILL right after the commit that makes a condition true:
`python -m tests.e2e.killed_process CONFIG POINT`. Points are `step:<step>` of the newest exchange,
`state:<state>` of its newest reservation, `generation`, `picture` or `message` for a row that is
there.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import bot.app
from bot import logs
from bot.settings import load
from bot.store.database import Database, Transaction

T = TypeVar("T")


async def reached(tx: Transaction) -> set[str]:
    """All points that the database has reached."""
    exchanges = await tx.all("SELECT step FROM exchange ORDER BY id DESC LIMIT 1")
    calls = await tx.all(
        "SELECT state, generation_id FROM reservation"
        " ORDER BY exchange_id DESC, call_number DESC LIMIT 1"
    )
    points = {f"step:{row['step']}" for row in exchanges}
    points |= {f"state:{row['state']}" for row in calls}
    points |= {"generation" for row in calls if row["generation_id"] is not None}
    if await tx.all("SELECT 1 FROM piece WHERE picture_id IS NOT NULL LIMIT 1"):
        points.add("picture")
    if await tx.all("SELECT 1 FROM message LIMIT 1"):
        points.add("message")
    return points


class DeadlyDatabase(Database):
    """The database, deadly at the point."""

    async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        result = await super().write(operation)
        if sys.argv[2] in await self.read(reached):
            os.kill(os.getpid(), signal.SIGKILL)
        return result


async def main() -> None:
    settings = load(Path(sys.argv[1]), os.environ)
    logs.set_up()
    app = bot.app.App(settings, guild_ready_timeout_s=0.05)
    await app.run(asyncio.Event(), lambda: print("easel: ready", flush=True))


if __name__ == "__main__":
    bot.app.Database = DeadlyDatabase
    asyncio.run(main())
