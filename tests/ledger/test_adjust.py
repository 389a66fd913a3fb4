"""Corrections of the books: what they move, and what they must not."""

import pytest

from bot.errors import Notice
from bot.ledger.book import Book
from bot.ledger.budgets import SPANS
from bot.money import NanoUsd, nano_usd
from bot.store import budgets
from bot.store.budgets import Name
from bot.store.database import Database
from bot.store.reservations import Tokens
from tests.ledger.books import read_books
from tests.ledger.support import DAY_MS, SetClock, ask, limits

POT = 501
BOOK = Book(limits())


async def spend(database: Database, exchange_id: int, cost: str, member_id: int = 7) -> None:
    wanted = ask(exchange_id, member_id=member_id, role_ids=frozenset({POT}))
    await database.write(lambda tx: BOOK.reserve(tx, wanted))
    await database.write(
        lambda tx: BOOK.settle(tx, exchange_id, 1, nano_usd(cost), "usage", "picture", Tokens())
    )


async def adjust(database: Database, amount: str, adjustment_id: int = 900) -> bool:
    return await database.write(
        lambda tx: BOOK.adjust(
            tx,
            adjustment_id,
            server_id=10,
            member_id=7,
            channel_id=100,
            role_ids=frozenset({POT}),
            amount=nano_usd(amount),
            actor_id=1,
            reason="a picture that was wrong",
        )
    )


async def spent(database: Database, now_ms: int) -> dict[str, NanoUsd]:
    """What the books say of the windows of an instant, the server's by its span."""
    rows = await database.read(
        lambda tx: tx.all(
            "SELECT scope, span, server_id, spent_nano_usd FROM balance"
            " WHERE start_ms <= :now_ms AND :now_ms < end_ms AND subject_id <> 8",
            now_ms=now_ms,
        )
    )
    return {
        f"{row['scope']} {row['span']}{' here' if row['server_id'] else ''}": NanoUsd(
            row["spent_nano_usd"]
        )
        for row in rows
    }


async def test_an_adjustment_is_an_entry_and_moves_what_the_servers_admins_set(
    database: Database, clock: SetClock
):
    name = Name(10, "role-pot", POT, "day")
    await database.write(lambda tx: budgets.put(tx, name, nano_usd(9), actor_id=1))
    await spend(database, 1, "0.5")
    assert await adjust(database, "-0.2")
    assert await adjust(database, "0.1", 901)
    found = await spent(database, clock.time_ms)
    moved = {name for name, amount in found.items() if amount == nano_usd("0.4")}
    assert moved == {*(f"member {span} here" for span in SPANS), "role-pot day here"}
    assert {found[name] for name in found.keys() - moved} == {nano_usd("0.5")}
    books = await database.read(read_books)
    assert [(entry.basis, entry.cost) for entry in books.entries] == [
        ("usage", nano_usd("0.5")),
        ("adjustment", nano_usd("-0.2")),
        ("adjustment", nano_usd("0.1")),
    ]
    assert (await database.read(lambda tx: BOOK.charge(tx, 1))).cost == nano_usd("0.5")


async def test_the_same_adjustment_again_changes_nothing(database: Database):
    await spend(database, 1, "0.5")
    assert await adjust(database, "-0.2")
    before = await database.read(read_books)
    assert not await adjust(database, "-0.2")
    assert await database.read(read_books) == before


async def test_what_is_given_back_makes_no_room_in_a_window_that_did_not_pay_for_it(
    database: Database, clock: SetClock
):
    await spend(database, 1, "0.5")
    clock.time_ms += DAY_MS
    await spend(database, 2, "0.1")
    await spend(database, 3, "0.7", member_id=8)  # of others nothing is given back
    await adjust(database, "-0.4")
    found = await spent(database, clock.time_ms)
    assert found["member day here"] == 0
    assert found["member month here"] == nano_usd("0.2")
    await adjust(database, "-5", 901)
    found = await spent(database, clock.time_ms)
    assert found["member month here"] == 0


async def test_admins_neither_lift_the_owners_caps_by_corrections_nor_use_up_what_all_share(
    database: Database,
):
    book = Book(limits(server_month="1"))
    await spend(database, 1, "0.7")
    await adjust(database, "-0.7")
    with pytest.raises(Notice, match="this server's monthly budget"):
        await database.write(lambda tx: book.reserve(tx, ask(2)))
    await adjust(database, "1000000", 901)
    elsewhere = ask(3, server_id=11)
    assert (await database.write(lambda tx: book.reserve(tx, elsewhere))).is_open
