"""Prices with their dates, and what was charged beside what should have been by them."""

import sqlite3
from dataclasses import replace

import pytest

from bot.ledger.book import Book
from bot.ledger.prices import Price
from bot.ledger.reports import server_report
from bot.money import NanoUsd
from bot.openrouter.models import find_model
from bot.store import prices
from bot.store.database import Database
from bot.store.reservations import Tokens
from tests.ledger.support import HOUR_MS, NOW_MS, PRICE, SetClock, ask, limits

DEARER = Price(NanoUsd(9_000), NanoUsd(2_000), NanoUsd(15_000), NanoUsd(30_000))
USED = Tokens(prompt_tokens=1_000, cached_tokens=400, completion_tokens=300, image_tokens=200)
RATED = 600 * 8_000 + 400 * 2_000 + 100 * 15_000 + 200 * 30_000


async def kept(database: Database) -> list[tuple[str, int, int]]:
    rows = await database.read(lambda tx: tx.all("SELECT model, from_ms, input FROM price"))
    return [(row["model"], row["from_ms"], row["input"]) for row in rows]


async def test_a_price_is_kept_once_and_again_when_it_changes(database: Database, clock: SetClock):
    for number, price in enumerate((PRICE, PRICE, DEARER, PRICE), 1):
        wanted = replace(ask(number), price=price)
        await database.write(lambda tx, wanted=wanted: Book(limits()).reserve(tx, wanted))
        clock.time_ms += HOUR_MS
    model = ask().model
    assert await kept(database) == [
        (model, NOW_MS, 8_000),
        (model, NOW_MS + 2 * HOUR_MS, 9_000),
        (model, NOW_MS + 3 * HOUR_MS, 8_000),
    ]


async def test_a_charge_is_rated_by_the_price_it_was_held_at(database: Database):
    book = Book(limits())
    await database.write(lambda tx: book.reserve(tx, ask(1)))
    await database.write(lambda tx: book.reserve(tx, replace(ask(2), price=DEARER)))
    for number in (1, 2):
        await database.write(
            lambda tx, number=number: book.settle(
                tx, number, 1, NanoUsd(RATED + 7), "usage", "picture", USED
            )
        )
    await database.write(lambda tx: book.reserve(tx, ask(3)))
    await database.write(lambda tx: book.book_estimate(tx, 3, 1, "picture"))
    rows = await database.read(
        lambda tx: tx.all("SELECT price_id, rated_nano_usd FROM entry ORDER BY exchange_id")
    )
    assert [row["rated_nano_usd"] for row in rows] == [RATED, RATED + 600 * 1_000, None]
    assert rows[0]["price_id"] != rows[1]["price_id"]
    report = await database.read(lambda tx: server_report(tx, 10, "month"))
    assert report.drift.charged == 2 * (RATED + 7)
    assert report.drift.rated == 2 * RATED + 600 * 1_000


async def test_overruns_are_counted_with_what_they_come_to(database: Database):
    book = Book(limits())
    held = await database.write(lambda tx: book.reserve(tx, ask(1)))
    cost = NanoUsd(held.hold_nano_usd + 5)
    await database.write(lambda tx: book.settle(tx, 1, 1, cost, "usage", "picture", Tokens()))
    report = await database.read(lambda tx: server_report(tx, 10, "month"))
    assert (report.drift.overruns, report.drift.over, report.drift.rated) == (1, 5, 0)


@pytest.mark.parametrize("wrong", [-1, 10_000_001])
async def test_a_price_below_zero_or_absurd_is_refused(database: Database, wrong: int):
    per_token = PRICE.per_token._replace(output=NanoUsd(wrong))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: prices.id_of(tx, "openai/a", per_token))
    assert await kept(database) == []


async def test_a_price_that_was_kept_stays(database: Database):
    await database.write(lambda tx: prices.id_of(tx, "openai/a", PRICE.per_token))
    for change in ("UPDATE price SET input = 1", "DELETE FROM price"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await database.write(lambda tx, change=change: tx.run(change))


@pytest.mark.parametrize("said", ["-1", "-0.000001", "0.02", "NaN", "free", None])
def test_a_published_price_below_zero_or_absurd_is_no_price(said: str | None):
    row = {"id": "openai/a", "pricing": {"prompt": said, "completion": "0.000015"}}
    found = find_model({"data": [row]}, "openai/a")
    assert found is not None
    assert (found.input, found.output) == (None, 15_000)
