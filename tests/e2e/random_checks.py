"""What must hold of the books after random requests, by what the stand-in charged and told."""

import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot.pictures.workshop import Workshop
from bot.sandbox.openrouter import Call, Generation, ModelSandbox
from bot.store.database import Database, Transaction
from tests.e2e.oddities import Plan
from tests.e2e.random_play import WIDE, World
from tests.ledger.books import (
    Books,
    invariant_1_no_budget_is_overspent,
    invariant_2_balances_are_the_sums_of_what_rests_on_them,
    invariant_3_closed_once_in_entries_that_stay,
    invariant_10_nothing_is_open_after_recovery,
    read_books,
)

PICTURE_SCALE = 0.0625


async def played_and_checked(folder: Path, seed: int, requests: int) -> str:
    """Plays so many, checks everything, and gives what happened, in a line."""
    async with ModelSandbox(picture_scale=PICTURE_SCALE) as model, Workshop() as workshop:
        world = World(folder / "easel.db", random.Random(seed), model, workshop)
        await world.play(requests)
        seen = await check(world)
    return f"seed {seed}: " + ", ".join(f"{what} {times:,}" for what, times in sorted(seen.items()))


async def check(world: World) -> Counter[str]:
    """Checks everything, and gives how often what happened."""
    async with Database(world.path, world.clock, read_only=True) as database:
        books = await database.read(read_books)
        entries = await database.read(entries_by_exchange)
    most = WIDE.total_month  # as all of them are
    invariant_1_no_budget_is_overspent(
        books, [(balance.name, most) for balance in books.balances.values()]
    )
    invariant_2_balances_are_the_sums_of_what_rests_on_them(books)
    invariant_3_closed_once_in_entries_that_stay(books, Books())
    invariant_10_nothing_is_open_after_recovery(books)
    seen = Counter({"requests": len(world.plans), "ends of the process": world.lives - 1})
    for exchange_id, plan in world.plans.items():
        own = entries.pop(exchange_id, [])
        check_calls(plan)
        check_entries(world, plan, own)
        check_shown(world, exchange_id, own)
        seen.update(entry["basis"] for entry in own)
        seen["calls"] += len(plan.calls)
        seen["cut off"] += plan.cut_off
        seen["above the hold"] += sum(entry["over_nano_usd"] > 0 for entry in own)
    assert not entries
    calls = [call for plan in world.plans.values() for call in plan.calls]
    assert world.model.account.total_nano_usd == sum(call.cost_nano_usd or 0 for call in calls)
    return seen


async def entries_by_exchange(tx: Transaction) -> dict[int, list[sqlite3.Row]]:
    rows = await tx.all("SELECT * FROM entry ORDER BY exchange_id, call_number")
    found: dict[int, list[sqlite3.Row]] = {}
    for row in rows:
        found.setdefault(row["exchange_id"], []).append(row)
    return found


def check_calls(plan: Plan) -> None:
    """No call follows one that may have been billed, and without an end nothing is left undone."""
    assert not (plan.calm and plan.cut_off), plan
    for call, attempt in zip(plan.calls[:-1], plan.attempts, strict=False):
        assert attempt.free, plan
        assert not call.cost_nano_usd, plan
    assert plan.calls or plan.cut_off, plan
    assert len(plan.calls) <= len(plan.attempts), plan


def check_entries(world: World, plan: Plan, entries: Sequence[sqlite3.Row]) -> None:
    """One for each call, as it was charged; and for one that was cut off before it arrived."""
    numbers = [entry["call_number"] for entry in entries]
    assert numbers == list(range(1, len(entries) + 1)), plan
    assert len(entries) - len(plan.calls) in {0, int(plan.cut_off)}, plan
    for entry in entries:
        at: int = entry["call_number"] - 1
        if at == len(plan.calls):
            assert entry["basis"] == "estimate", plan
        else:
            is_last = at == len(plan.calls) - 1
            # A pause may also outlast the patience with silence.
            is_cut_off = plan.attempts[at].paused or (plan.cut_off and is_last)
            check_entry(world, plan, at, entry, cut_off=is_cut_off)


def check_entry(world: World, plan: Plan, at: int, entry: sqlite3.Row, *, cut_off: bool) -> None:
    call, attempt, basis = plan.calls[at], plan.attempts[at], entry["basis"]
    generation = generation_of(world, call)
    charged = call.cost_nano_usd or 0
    assert generation is None or generation.cost_nano_usd == charged
    where = f"{plan}\n{dict(entry)}\n{generation}"
    if entry["generation_id"] is not None:
        assert entry["generation_id"] == call.generation_id, where
    if basis == "estimate":
        assert entry["cost_nano_usd"] >= charged, where
        assert generation is None or not generation.told, where
        assert cut_off or not attempt.free, where
        asked = generation is not None and generation.polls > 0
        if entry["generation_id"] is not None:
            assert asked, where
        if not cut_off:
            assert asked or not attempt.named, where
            assert not attempt.tells, where
        return
    assert entry["cost_nano_usd"] == charged, where
    assert (basis == "void") <= attempt.free, where
    if attempt.tells and not cut_off:
        assert basis == "usage", where
        assert generation is not None, where
        assert generation.polls == 0, where


def generation_of(world: World, call: Call) -> Generation | None:
    if call.generation_id is None:
        return None
    return world.model.account.generations[call.generation_id]


def check_shown(world: World, exchange_id: int, entries: Sequence[sqlite3.Row]) -> None:
    """The answer shows what is in the books by now."""
    shown = world.shown[exchange_id]
    assert shown.cost == sum(entry["cost_nano_usd"] for entry in entries)
    assert shown.estimated is any(entry["basis"] == "estimate" for entry in entries)
    assert not shown.open
