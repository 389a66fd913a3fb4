"""A process that writes to the books until it is killed, and says on its output, line by line, what
was acknowledged: `reserved|settled|voided <exchange> <nano-dollars>`.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from bot.clock import SystemClock
from bot.ledger.book import Book
from bot.money import NanoUsd
from bot.store.database import Database
from bot.store.reservations import Tokens
from tests.ledger.support import ask, limits

CALLERS = 8


def say(what: str, exchange_id: int, nano_usd: int) -> None:
    os.write(1, f"{what} {exchange_id} {nano_usd}\n".encode())


async def write_for_ever(database: Database, exchange_id: int) -> None:
    book = Book(limits(*["1000000"] * 4))
    chance = random.Random(exchange_id)
    while True:
        wanted = ask(exchange_id, member_id=chance.randrange(1, 5))
        held = await database.write(lambda tx, wanted=wanted: book.reserve(tx, wanted))
        say("reserved", exchange_id, held.hold_nano_usd)
        key = (exchange_id, 1)
        cost = NanoUsd(chance.randrange(10**9))
        if chance.random() < 0.3:
            await database.write(lambda tx, key=key: book.void(tx, *key))
            say("voided", exchange_id, 0)
        else:
            await database.write(
                lambda tx, key=key, cost=cost: book.settle(
                    tx, *key, cost, "usage", "picture", Tokens()
                )
            )
            say("settled", exchange_id, cost)
        exchange_id += CALLERS


async def main(path: Path, first_exchange_id: int) -> None:
    async with Database(path, SystemClock()) as database, asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            group.create_task(write_for_ever(database, first_exchange_id + number))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
