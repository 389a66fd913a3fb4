"""Books of a year for measuring: servers and members that spend as people do, a few much and most
little, with reservations, balances and entries that agree with each other.
"""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bot.clock import day_number
from bot.ledger.windows import window
from bot.store.balances import Span
from bot.store.database import migrate

SERVERS = 50
MEMBERS_PER_SERVER = 100
DAYS = 365
MINE = 1
"""The server that is measured; it has its share of a million, however many there are of others."""
MINE_SHARE = 20_000
DAY_MS = 86_400_000
MODEL = "openai/gpt-5.4-image-2"
SPANS: tuple[Span, ...] = ("day", "week", "month", "ever")
ROWS_AT_ONCE = 20_000

# kind, cost from … to in nano-dollars, of how many of a hundred
KINDS = (
    ("picture", 180_000_000, 230_000_000, 45),
    ("edit", 190_000_000, 260_000_000, 30),
    ("text", 2_000_000, 30_000_000, 25),
)

ENTRY = (
    "INSERT INTO entry (exchange_id, call_number, time_ms, day, server_id, member_id, channel_id,"
    " model, kind, basis, cost_nano_usd, over_nano_usd, generation_id, prompt_tokens,"
    " completion_tokens, price_id, rated_nano_usd)"
    " VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 900, 1200, 1, ?)"
)
RESERVATION = (
    "INSERT INTO reservation (exchange_id, call_number, state, server_id, member_id, channel_id,"
    " model, max_tokens, hold_nano_usd, day, generation_id, created_ms, closed_ms, price_id)"
    " VALUES (?, 1, 'settled', ?, ?, ?, ?, 16000, 498000000, ?, ?, ?, ?, 1)"
)
RESTS = "INSERT INTO reservation_balance VALUES (?, 1, ?)"
BALANCE = (
    "INSERT INTO balance (id, scope, span, server_id, subject_id, start_ms, end_ms, spent_nano_usd)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
Key = tuple[str, Span, int, int, int, int]


def make(path: Path, entries: int, now_ms: int, *, whole: bool = True) -> None:
    """A database with so many entries up to `now_ms`, of which MINE_SHARE are MINE's; `whole`
    with the reservations and balances behind them.
    """
    asyncio.run(migrate(path))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO price (model, from_ms, input, cached_input, output, image_output)"
            " VALUES (?, 0, 8000, 2000, 15000, 30000)",
            (MODEL,),
        )
        _fill(connection, entries, now_ms, whole=whole)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection, entries: int, now_ms: int, *, whole: bool) -> None:
    ids: dict[Key, int] = {}
    spent: dict[int, int] = {}
    windows: dict[int, list[tuple[Span, int, int]]] = {}
    every: list[list[tuple[object, ...]]] = [[], [], []]
    for number, (time_ms, server_id, member_id, kind, cost) in enumerate(_charges(entries, now_ms)):
        exchange_id = (1_000_000_000 + number) << 22
        day = day_number(time_ms)
        channel_id = server_id * 1_000 + number % 7
        generation_id = f"gen-{exchange_id:020}"
        basis = "estimate" if number % 500 == 0 else "usage"
        every[0].append(
            (
                *(exchange_id, time_ms, day, server_id, member_id, channel_id, MODEL),
                *(kind, basis, cost, generation_id, cost),
            )
        )
        if whole:
            every[1].append(
                (
                    *(exchange_id, server_id, member_id, channel_id, MODEL, day, generation_id),
                    *(time_ms - 90_000, time_ms),
                )
            )
            if day not in windows:
                windows[day] = []
                for span in SPANS:
                    found = window(span, time_ms)
                    windows[day].append((span, found.start_ms, found.end_ms))
            for span, start_ms, end_ms in windows[day]:
                keys: list[Key] = [
                    ("member", span, 0, member_id, start_ms, end_ms),
                    ("member", span, server_id, member_id, start_ms, end_ms),
                    ("server", span, server_id, 0, start_ms, end_ms),
                ]
                if span == "month":
                    keys.append(("total", span, 0, 0, start_ms, end_ms))
                for key in keys:
                    balance_id = ids.setdefault(key, len(ids) + 1)
                    spent[balance_id] = spent.get(balance_id, 0) + cost
                    every[2].append((exchange_id, balance_id))
        if len(every[0]) >= ROWS_AT_ONCE:
            _write(connection, every)
    connection.execute("PRAGMA defer_foreign_keys = ON")
    _write(connection, every)
    connection.executemany(
        BALANCE,
        (
            (balance_id, key[0], key[1], key[2], key[3], key[4], key[5], spent[balance_id])
            for key, balance_id in ids.items()
        ),
    )


def _write(connection: sqlite3.Connection, every: list[list[tuple[object, ...]]]) -> None:
    for statement, rows in zip((ENTRY, RESERVATION, RESTS), every, strict=True):
        connection.executemany(statement, rows)
        rows.clear()


def _charges(entries: int, now_ms: int) -> Iterator[tuple[int, int, int, str, int]]:
    """Time, server, member, kind and cost of each charge, in the order of time. Those of MINE are
    the same whatever the others spend.
    """
    mine, others = random.Random(7), random.Random(11)
    every = entries // MINE_SHARE
    start_ms = now_ms - DAYS * DAY_MS
    members = range(1, MEMBERS_PER_SERVER + 1)
    weights = [1 / member for member in members]
    kinds, shares = [kind[:3] for kind in KINDS], [kind[3] for kind in KINDS]
    for number in range(entries):
        is_mine = number % every == 0
        dice = mine if is_mine else others
        server_id = MINE if is_mine else dice.randrange(2, SERVERS + 1)
        (kind, least, most), *_ = dice.choices(kinds, shares)
        member = dice.choices(members, weights)[0]
        time_ms = start_ms + number * DAYS * DAY_MS // entries
        yield time_ms, server_id, server_id * 1_000 + member, kind, dice.randint(least, most)
