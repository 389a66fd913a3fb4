from collections.abc import AsyncIterator, Iterator

import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.sandbox.discord.sandbox import DiscordSandbox
from tests.sandbox.specs import discord_specs_at_hand, validate_discord


@pytest.fixture
def discord_addresses() -> Iterator[None]:
    """discord.py's own addresses, put back after the test."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, yarl.URL(gateway)


@pytest.fixture
async def sandbox(discord_addresses: None) -> AsyncIterator[DiscordSandbox]:
    """A loopback Discord; what it was asked and granted must fit Discord's OpenAPI document."""
    async with DiscordSandbox() as opened:
        yield opened
    if discord_specs_at_hand():
        for request in opened.requests:
            if 200 <= request.status < 300:
                validate_discord(request.method, request.path, request.body)
