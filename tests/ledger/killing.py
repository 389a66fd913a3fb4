"""Rounds of a writer process that is killed, and of what it leaves: nothing acknowledged is lost,
nothing is half written.
"""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from bot.ledger.book import Book
from bot.store import reservations
from bot.store.database import Database, Transaction, migrate
from tests.ledger import books
from tests.ledger.books import Books, read_books
from tests.ledger.support import SetClock, limits

LINES_MAX = 300
ROOT = Path(__file__).parents[2]


async def killed_writer(path: Path, first_exchange_id: int, lines: int) -> list[str]:
    """What a writer acknowledged before it was killed at once after so many lines."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ledger.writer", path, str(first_exchange_id),
        cwd=ROOT, stdout=PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    said = [await child.stdout.readline() for _ in range(lines)]
    child.kill()
    said.append(await child.stdout.read())
    await child.wait()
    return b"".join(said).decode().splitlines()


def check_acknowledged(said: list[str], found: Books) -> None:
    entries = {(entry.call, entry.basis == "adjustment"): entry for entry in found.entries}
    for line in said:
        what, exchange_id, nano_usd = line.split()
        call = (int(exchange_id), 0 if what == "adjusted" else 1)
        if what == "reserved":
            assert found.reservations[call].hold == int(nano_usd)
        else:
            basis = {"voided": "void", "settled": "usage", "adjusted": "adjustment"}[what]
            entry = entries[call, what == "adjusted"]
            assert (entry.basis, entry.cost) == (basis, int(nano_usd))


async def play(path: Path, rounds: int) -> int:
    """Kills a writer so often at random; how many operations were acknowledged."""
    await migrate(path)
    book = Book(limits())
    acknowledged = 0
    chance = random.Random()  # when it dies is chance anyway
    before = Books()
    for number in range(1, rounds + 1):
        lines = chance.randrange(1, LINES_MAX)
        said = await killed_writer(path, number * 1_000_000, lines)
        acknowledged += len(said)
        async with Database(path, SetClock()) as database:
            found = await database.read(read_books)
            check_acknowledged(said, found)
            books.invariant_2_balances_are_the_sums_of_what_rests_on_them(found)
            books.invariant_3_closed_once_in_entries_that_stay(found, before)

            async def resolve(tx: Transaction) -> None:
                for left in await reservations.open_ones(tx):
                    await book.book_estimate(tx, left.exchange_id, left.call_number, "text")

            await database.write(resolve)
            before = await database.read(read_books)
            books.invariant_10_nothing_is_open_after_recovery(before)
    return acknowledged
