"""A shelf for each test and one workshop for all of them: its process is slow to start."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.pictures.fit import Fit
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    shared = Workshop()
    asyncio.run(shared.__aenter__())
    yield shared
    asyncio.run(shared.__aexit__(None, None, None))


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path / "shelf") as opened:
        yield opened


@pytest.fixture
def intake(shelf: Shelf, workshop: Workshop) -> Intake:
    return Intake(shelf, workshop)


@pytest.fixture
def fit(shelf: Shelf, workshop: Workshop) -> Fit:
    return Fit(shelf, workshop)
