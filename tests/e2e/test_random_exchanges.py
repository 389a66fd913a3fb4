"""Random exchanges against a stand-in with every billing oddity: the books are its account."""

import random
from pathlib import Path

import pytest

from bot.pictures.workshop import Workshop
from bot.sandbox.openrouter import ModelSandbox
from tests.e2e.random_checks import check
from tests.e2e.random_play import World

REQUESTS = 60
PICTURE_SCALE = 0.0625


async def played(folder: Path, seed: int, requests: int) -> str:
    """What happened, in a line."""
    async with ModelSandbox(picture_scale=PICTURE_SCALE) as model, Workshop() as workshop:
        world = World(folder / "easel.db", random.Random(seed), model, workshop)
        await world.play(requests)
        seen = await check(world)
    return f"seed {seed}: " + ", ".join(f"{what} {times}" for what, times in seen.items())


@pytest.mark.parametrize("seed", [1])
async def test_the_books_are_the_account_whatever_the_bills_look_like(tmp_path: Path, seed: int):
    print(await played(tmp_path, seed, REQUESTS))
