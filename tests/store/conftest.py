from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database, migrate
from tests.ledger.support import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await migrate(tmp_path / "easel.db")
    return tmp_path / "easel.db"


@pytest.fixture
async def database(path: Path, clock: SetClock) -> AsyncIterator[Database]:
    async with Database(path, clock) as opened:
        yield opened
