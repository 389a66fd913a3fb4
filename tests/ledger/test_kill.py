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

ROUNDS = 4
LINES_MAX = 150
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
    costs = {entry.call[0]: (entry.basis, entry.cost) for entry in found.entries}
    for line in said:
        what, exchange_id, nano_usd = line.split()
        reservation = found.reservations[int(exchange_id), 1]
        if what == "reserved":
            assert reservation.hold == int(nano_usd)
        else:
            basis = "void" if what == "voided" else "usage"
            assert costs[int(exchange_id)] == (basis, int(nano_usd))


async def test_a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_half(tmp_path: Path):
    path = tmp_path / "easel.db"
    await migrate(path)
    book = Book(limits(*["1000000"] * 4))
    chance = random.Random()  # when it dies is chance anyway
    for round_number in range(1, ROUNDS + 1):
        said = await killed_writer(path, round_number * 1_000_000, chance.randrange(1, LINES_MAX))
        async with Database(path, SetClock()) as database:
            found = await database.read(read_books)
            check_acknowledged(said, found)
            books.invariant_2_balances_are_the_sums_of_what_rests_on_them(found)
            books.invariant_3_closed_once_in_entries_that_stay(found, Books())

            async def resolve(tx: Transaction) -> None:
                for left in await reservations.open_ones(tx):
                    await book.book_estimate(tx, left.exchange_id, left.call_number, "text")

            await database.write(resolve)
            books.invariant_10_nothing_is_open_after_recovery(await database.read(read_books))
