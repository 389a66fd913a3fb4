"""What members and channels are called, for where no mention can stand. Names are only for looks:
what cannot be found out in time goes without.
"""

import asyncio
import logging
from collections.abc import Sequence

import aiohttp
import discord

PATIENCE_S = 2.0
"""For all the names of one report together."""
KEPT_MAX = 2_000
ID_DIGITS = 4

log = logging.getLogger(__name__)

Called = tuple[str, ...]
"""The best name first; the last of a member is their account's, in Latin letters."""


class Names:
    """Asks Discord once for a name and keeps it while the process lives."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._members: dict[int, Called] = {}

    async def of_members(self, ids: Sequence[int]) -> dict[int, Called]:
        """A name for each of them."""
        try:
            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
                for member_id in ids:
                    group.create_task(self._find(member_id))
        except TimeoutError:
            log.info("some names were not found in time")
        return {one: self._members.get(one) or (_ending(one),) for one in ids}

    def of_channel(self, channel_id: int) -> Called:
        """Of a channel or thread that this process has heard of."""
        channel = self._client.get_channel(channel_id)
        name: object = getattr(channel, "name", None)
        return (
            (f"#{name}", _ending(channel_id)) if isinstance(name, str) else (_ending(channel_id),)
        )

    async def _find(self, member_id: int) -> None:
        if member_id in self._members:
            return
        try:
            found = self._client.get_user(member_id) or await self._client.fetch_user(member_id)
        except (discord.HTTPException, aiohttp.ClientError) as error:
            log.info("the name of %d is not known: %r", member_id, error)
            return
        while len(self._members) >= KEPT_MAX:
            self._members.pop(next(iter(self._members)))
        self._members[member_id] = (found.display_name, found.name)


def _ending(an_id: int) -> str:
    return f"…{an_id % 10**ID_DIGITS:0{ID_DIGITS}}"
