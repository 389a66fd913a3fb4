from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.openrouter.client import OpenRouter
from bot.pictures.shelf import Shelf
from tests.ledger.support import SetClock
from tests.openrouter.support import API_KEY, RawServer


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path / "shelf") as opened:
        yield opened
        assert not list((tmp_path / "shelf" / "incoming").iterdir()), "a temporary file was left"


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer() as opened:
        yield opened


@pytest.fixture
async def client(server: RawServer, shelf: Shelf) -> AsyncIterator[OpenRouter]:
    """A client that has much patience."""
    async with OpenRouter(
        base_url=server.base_url,
        api_key=API_KEY,
        timeout_s=60,
        shelf=shelf,
        clock=SetClock(),
        read_gap_s=30,
    ) as opened:
        yield opened


@pytest.fixture
async def hasty(server: RawServer, shelf: Shelf) -> AsyncIterator[OpenRouter]:
    """A client that takes a tenth of a second of silence for the end."""
    async with OpenRouter(
        base_url=server.base_url,
        api_key=API_KEY,
        timeout_s=60,
        shelf=shelf,
        clock=SetClock(),
        read_gap_s=0.1,
    ) as opened:
        yield opened
