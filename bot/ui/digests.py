"""What is told at the beginning of a month of the one before: to a server, in the channel that its
admins chose, its report with the chart; to the owner, what all servers spent and what is left.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, tzinfo

import aiohttp
import discord

from bot import words
from bot.clock import utc
from bot.ledger import reports
from bot.ledger.audit import AskKey
from bot.ledger.periods import period_days
from bot.money import NanoUsd, dollars
from bot.store import entries, servers, told
from bot.store.database import Database, Transaction
from bot.store.entries import Totals
from bot.ui import markdown
from bot.ui.owner import Owner
from bot.ui.report_view import Drawing, Look

FROM_HOUR = 9
LAST_DAY = 3
"""Of a month: whom it did not reach by then, it does not reach any more."""
NOT_AGAIN_MS = 300 * 24 * 3_600_000
SERVERS_NAMED = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    """A digest that nobody was told of; its subject is noted once it was."""

    server_id: int
    channel_id: int
    subject: str
    spent: bool


class Digests:
    """`ask_key` asks what the key may still spend."""

    def __init__(
        self,
        client: discord.Client,
        database: Database,
        drawing: Drawing,
        owner: Owner,
        ask_key: AskKey,
    ) -> None:
        self._client = client
        self._database = database
        self._drawing = drawing
        self._owner = owner
        self._ask_key = ask_key

    async def look(self) -> None:
        """Tells what is due; what cannot be told is tried again at the next look."""
        for due in await self._database.read(_due):
            if not due.spent or await self._post(due):
                await self._database.write(lambda tx, of=due: told.note(tx, of.subject))
        await self._tell_owner()

    async def _post(self, due: _Due) -> bool:
        channel = self._client.get_channel(due.channel_id)
        if not isinstance(channel, discord.TextChannel) or channel.guild.id != due.server_id:
            log.warning("server %d: its channel for reports is not there", due.server_id)
            return False
        look = Look(due.server_id, "last-month")
        report = await self._drawing.read(look)
        embed, files = await self._drawing.of_server(report, look, channel.guild.name)
        try:
            # Discord drops what comes again with the same nonce.
            nonce = f"digest{due.server_id % 10**12}{due.subject[-6:]}"
            await channel.send(embed=embed, files=files, nonce=nonce)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("server %d: its report was not posted: %r", due.server_id, error)
            return False
        return True

    async def _tell_owner(self) -> None:
        subject = await self._database.read(_owner_due)
        if subject is None:
            return
        spent = await self._database.read(_by_server)
        if spent:
            key = await self._ask_key()
            left = None if key is None else key.remaining_nano_usd
            lines = [
                words.digest_line(self._name(server_id), dollars(totals.cost), totals.exchanges)
                for server_id, totals in spent[:SERVERS_NAMED]
            ]
            sentence = words.digest_for_owner(
                dollars(NanoUsd(sum(totals.cost for _, totals in spent))),
                lines,
                len(spent) - len(lines),
                None if left is None else dollars(left, 2),
            )
            if not await self._owner.reach(sentence):
                return
        await self._database.write(lambda tx: told.note(tx, subject))

    def _name(self, server_id: int) -> str:
        if not server_id:
            return words.direct_messages()
        guild = self._client.get_guild(server_id)
        return markdown.escape(guild.name) if guild is not None else str(server_id)


async def _due(tx: Transaction) -> list[_Due]:
    found: list[_Due] = []
    for server_id in await servers.with_setting(tx, "notify"):
        zone = await reports.zone_of(tx, server_id)
        subject = _subject(f"digest {server_id}", utc(tx.now_ms).astimezone(zone))
        if subject is None or not await told.is_news(tx, subject, NOT_AGAIN_MS):
            continue
        rules = await servers.get(tx, server_id)
        totals = await entries.of_server(tx, server_id, _days(tx, zone))
        spent = totals.exchanges > 0 or totals.cost != 0
        found.append(_Due(server_id, rules.notify or 0, subject, spent))
    return found


async def _owner_due(tx: Transaction) -> str | None:
    subject = _subject("digest of all", utc(tx.now_ms))
    news = subject is not None and await told.is_news(tx, subject, NOT_AGAIN_MS)
    return subject if news else None


async def _by_server(tx: Transaction) -> list[tuple[int, Totals]]:
    """What each spent, the dearest first; 0 is direct messages."""
    found: list[tuple[int, Totals]] = []
    async for server_id in entries.servers(tx):
        days = await reports.days_of(tx, server_id, "last-month")
        totals = await entries.of_server(tx, server_id, days)
        if totals.exchanges or totals.cost:
            found.append((server_id, totals))
    return sorted(found, key=lambda one: -one[1].cost)


def _days(tx: Transaction, zone: tzinfo) -> entries.Days:
    return period_days("last-month", tx.now_ms, zone)


def _subject(what: str, now: datetime) -> str | None:
    """What is noted as told; None when it is not the time for it."""
    if now.day > LAST_DAY or (now.day == 1 and now.hour < FROM_HOUR):
        return None
    return f"{what} {now.year}{now.month:02}"
