"""A process that writes to the books until it is killed, and says on its output, line by line, what
was acknowledged: `reserved|settled|voided|adjusted <exchange> <nano-dollars>`.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from bot.clock import SystemClock
from bot.ledger.book import Book
from bot.money import NanoUsd
from bot.store import budgets
from bot.store.budgets import Name
from bot.store.database import Database
from bot.store.reservations import Tokens
from tests.ledger.support import ask, limits

CALLERS = 32
RICH = "1000000"
POT = Name(10, "role-pot", 501, "day")


def say(what: str, exchange_id: int, nano_usd: int) -> None:
    os.write(1, f"{what} {exchange_id} {nano_usd}\n".encode())


async def write_for_ever(database: Database, exchange_id: int) -> None:
    book = Book(limits(*[RICH] * 4))
    chance = random.Random(exchange_id)
    while True:
        member_id = chance.randrange(1, 5)
        roles = frozenset({POT.subject_id}) if chance.random() < 0.5 else frozenset[int]()
        wanted = ask(exchange_id, member_id=member_id, role_ids=roles)
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
        if chance.random() < 0.1:
            await adjust(database, book, exchange_id, member_id, roles)
        exchange_id += CALLERS


async def adjust(
    database: Database, book: Book, exchange_id: int, member_id: int, roles: frozenset[int]
) -> None:
    amount = NanoUsd(-(10**8))
    await database.write(
        lambda tx: book.adjust(
            tx,
            exchange_id,
            server_id=10,
            member_id=member_id,
            channel_id=100,
            role_ids=roles,
            amount=amount,
            actor_id=1,
            reason="a test",
        )
    )
    say("adjusted", exchange_id, amount)


async def main(path: Path, first_exchange_id: int) -> None:
    async with Database(path, SystemClock()) as database, asyncio.TaskGroup() as group:
        await database.write(lambda tx: budgets.put(tx, POT, NanoUsd(10**15), actor_id=1))
        for number in range(CALLERS):
            group.create_task(write_for_ever(database, first_exchange_id + number))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
