"""Tells those who have to know that a budget is half, nearly or all used up: a server's in the
channel that its admins chose, or else to Easel's owner; the total to the owner.
"""

import logging

import aiohttp
import discord

from bot import words
from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.ledger.budgets import NO_SERVER
from bot.ledger.windows import FOREVER_MS
from bot.money import dollars
from bot.store import alerts, servers
from bot.store.alerts import Alert
from bot.store.database import Database
from bot.ui import markdown
from bot.ui.budget_lines import exact
from bot.ui.owner import Owner

LOOK_PAUSE_S = 15.0
AT_ONCE_MAX = 50
"""The rest is told at the next look."""

log = logging.getLogger(__name__)


class Alerting:
    """What was told is noted after it was: a process that dies in between tells it once more, and
    Discord drops that as a repetition if it comes within minutes.
    """

    def __init__(
        self, client: discord.Client, database: Database, owner: Owner, clock: Clock
    ) -> None:
        self._client = client
        self._database = database
        self._owner = owner
        self._clock = clock

    async def run(self) -> None:
        """Tells what is to be told, ever again. Never returns."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("alerts: %s", error.sentence)
            except Exception:
                log.exception("alerts have to wait")
            await self._clock.sleep(LOOK_PAUSE_S)

    async def look(self) -> None:
        for alert in await self._database.read(lambda tx: alerts.untold(tx, AT_ONCE_MAX)):
            if await self._tell(alert):
                await self._database.write(lambda tx, of=alert: alerts.note_told(tx, of))

    async def _tell(self, alert: Alert) -> bool:
        if alert.server_id == NO_SERVER:
            return await self._owner.reach(_sentence(alert, words.total_in_alert()))
        sentence = _sentence(alert, words.server_in_alert())
        if await self._tell_channel(alert, sentence):
            return True
        guild = self._client.get_guild(alert.server_id)
        name = markdown.escape(guild.name) if guild is not None else str(alert.server_id)
        return await self._owner.reach(_sentence(alert, words.named_server_in_alert(name)))

    async def _tell_channel(self, alert: Alert, sentence: str) -> bool:
        rules = await self._database.read(lambda tx: servers.get(tx, alert.server_id))
        channel = None if rules.notify is None else self._client.get_channel(rules.notify)
        if not isinstance(channel, discord.TextChannel) or channel.guild.id != alert.server_id:
            return False
        try:
            # Discord drops what comes again with the same nonce.
            of = f"{alert.start_ms // 1000}{alert.limit % 10**10}"  # it has 25 letters at most
            nonce = f"{alert.percent}{alert.span[0]}{of}"
            await channel.send(sentence, nonce=nonce)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("server %d: its channel was not told: %r", alert.server_id, error)
            return False
        return True


def _sentence(alert: Alert, whose: str) -> str:
    return words.budget_alert(
        alert.percent,
        whose,
        alert.span,
        dollars(alert.spent),
        exact(alert.limit),
        alert.end_ms if alert.end_ms < FOREVER_MS else None,
    )
