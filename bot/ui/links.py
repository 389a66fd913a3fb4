"""Discord's signed links to files, which die after a day, and fresh ones in their place."""

import asyncio
import logging

import aiohttp
import discord
from discord.http import Route

REFRESH_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


async def refresh(client: discord.Client, url: str) -> str | None:
    """A fresh link in place of one that has died; None where Discord gives none, as for a file
    that is gone.

    Bots may call this endpoint, though Discord's own pages do not have it:
    https://docs.discord.food/reference#refresh-attachment-urls (2026-08).
    """
    route = Route("POST", "/attachments/refresh-urls")
    try:
        async with asyncio.timeout(REFRESH_TIMEOUT_S):
            answer: object = await client.http.request(route, json={"attachment_urls": [url]})
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
        log.info("a link is not refreshed: %s", type(error).__name__)
        return None
    match answer:
        case {"refreshed_urls": [{"refreshed": str(fresh)}]}:
            return fresh
        case _:
            return None
