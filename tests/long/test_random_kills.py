"""200 exchanges in a row, the real process killed over each of them at a random moment. Each run
throws other dice; `$EASEL_SEED` throws those of an earlier one again, except for what falls to the
order of events on the network.
"""

import asyncio
import os
import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from bot.money import nano_usd
from bot.sandbox.discord.world import Message
from bot.store.database import Transaction
from tests.e2e.killing import Killing, check_shelf, is_small
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line

EXCHANGES = 200
WAIT_S_MAX = 1.0
"""Longer than one takes on a machine that has nothing else to do."""
TIMEOUT_S = 60.0
PHOTO = ("photo.png", png((200, 60, 40)))
PLENTY = 100_000
CAPS = ("member_day", "member_month", "server_month", "total_month")
SETTINGS = "[budgets]\n" + "".join(f"{cap}_usd = {PLENTY}\n" for cap in CAPS)


@pytest.mark.timeout(3_600)
async def test_two_hundred_in_a_row_killed_at_random(tmp_path: Path):
    # Not from `random` itself, whose seed is pytest's.
    seed = int(os.environ.get("EASEL_SEED") or random.SystemRandom().getrandbits(32))
    print(f"\nEASEL_SEED={seed}", flush=True)
    dice = random.Random(seed)
    async with Stage(tmp_path) as stage:
        stage.limit(unresolved_s=600.0)  # a cost is asked for longer than the processes die
        stage.budget(**{f"{cap}_nano_usd": nano_usd(PLENTY) for cap in CAPS})
        asked = [await killed_over(stage, tmp_path, n, dice) for n in range(EXCHANGES)]
        await stage.start()
        await stage.until_idle(TIMEOUT_S)
        await stage.until_books_closed(TIMEOUT_S)
        books = await stage.read(entries)
        seen = Counter(
            ended(stage, message, books.pop(message.id, []), f"fox {number}")
            for number, message in enumerate(asked)
        )
        assert not books
        await check_shelf(stage)
    print(", ".join(f"{what} {times}" for what, times in sorted(seen.items())))
    assert seen["result"] > EXCHANGES // 10


async def killed_over(stage: Stage, folder: Path, number: int, dice: random.Random) -> Message:
    """What was asked of a process that was killed some time after."""
    killing = Killing(stage, folder, settings=SETTINGS)
    wait_s = dice.uniform(0.0, WAIT_S_MAX)
    photo = dice.choice([None, None, PHOTO])

    async def ask() -> None:
        await killing.ask(f"fox {number}", photo)

    async def some_time() -> None:
        await asyncio.sleep(wait_s)  # for nothing: the moment is what is random

    await killing.die("a moment", ask, some_time)
    assert killing.asked is not None
    return killing.asked


async def entries(tx: Transaction) -> dict[int, list[sqlite3.Row]]:
    found: dict[int, list[sqlite3.Row]] = {}
    for row in await tx.all("SELECT * FROM entry"):
        found.setdefault(row["exchange_id"], []).append(row)
    return found


def ended(stage: Stage, asked: Message, booked: list[sqlite3.Row], words: str) -> str:
    """How a request ended, in one word. Fails unless it ended in one message and the books say of
    its one call what the account says. One that was never heard left nothing.
    """
    calls = [call for call in stage.model.calls if call.words == words]
    assert len(calls) <= 1
    places = [asked.channel] if asked.thread is None else [asked.channel, asked.thread]
    shown = [
        message
        for place in places
        for message in stage.ours(place)
        if not message.pinged and (place is asked.thread or message.reply_to is asked)
    ]
    if not shown:
        assert not calls
        assert not booked
        return "unheard"
    (message,) = shown
    line = last_line(message)
    assert is_small(line)
    assert not message.thinking
    assert "not known" not in line
    (entry,) = booked
    if entry["basis"] == "estimate":
        assert entry["generation_id"] is None
        assert "≈" in line
    else:
        assert entry["cost_nano_usd"] == calls[0].cost_nano_usd
        assert entry["generation_id"] == calls[0].generation_id
    return "result" if message.attachments else line.split()[1]
