"""What people said while Easel was not connected: read from the channels it was used in once it is
connected again, and put on the way that every message goes. A message is an exchange by its id, so
that reading one again, or hearing it late, changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

import discord

from bot import words
from bot.clock import Clock
from bot.conversation.joining import DISCORD_EPOCH_MS
from bot.errors import Notice, StoreUnavailable, Word
from bot.exchange import Exchanges
from bot.request import Request
from bot.store import missed
from bot.store.database import Database
from bot.ui.reading import Reading
from bot.underway import Underway

EXCHANGES_MAX = 5_000
CHANNELS_MAX = 200
"""The channels looked at: those used last, by the last exchanges."""
MESSAGES_MAX = 200
"""The newest of each channel that are looked at; of those young enough to be answered, more."""
YOUNG_MESSAGES_MAX = 2_000
MISSED_WITHIN_MS = 7 * 24 * 3_600 * 1_000
"""What is older is not even answered with a line."""
CHANNELS_AT_ONCE = 4
CHANNEL_TIMEOUT_S = 60.0
PAUSES_S = (5.0, 30.0, 120.0)
"""Before each further look at the channels that could not be read."""

log = logging.getLogger(__name__)


class CatchingUp:
    """Finds what was missed, after each beginning of a session. `young_s` is how old a message may
    be to be answered.
    """

    def __init__(
        self,
        *,
        client: discord.Client,
        database: Database,
        exchanges: Exchanges,
        underway: Underway,
        reading: Reading,
        clock: Clock,
        young_s: float,
    ) -> None:
        self._client = client
        self._database = database
        self._exchanges = exchanges
        self._underway = underway
        self._reading = reading
        self._clock = clock
        self._young_ms = int(young_s * 1000)
        self._last_seen: dict[int, int] = {}
        self._is_connected = asyncio.Event()

    async def before_session(self) -> None:
        """Notes what was seen last in every channel, before anything new is heard."""
        try:
            seen = await self._database.read(
                lambda tx: missed.last_seen(tx, EXCHANGES_MAX, CHANNELS_MAX)
            )
        except StoreUnavailable as error:
            log.error("nothing is caught up: %s", error.sentence)  # noqa: TRY400 - as foreseen
            return
        # What was not looked at yet since the session before stays to be looked at.
        self._last_seen = seen | self._last_seen

    async def on_ready(self) -> None:
        """A session has begun."""
        self._is_connected.set()

    async def run(self) -> None:
        """Catches up whenever a session has begun. Never returns, whatever it runs into."""
        while True:
            await self._is_connected.wait()
            self._is_connected.clear()
            left, self._last_seen = self._last_seen, {}
            for pause_s in (*PAUSES_S, None):
                left = await self._look(left)
                if not left or pause_s is None:
                    break
                await self._clock.sleep(pause_s)
                if self._is_connected.is_set():
                    break  # what is left is looked at with what is new
            self._last_seen = self._last_seen | left

    async def _look(self, last_seen: Mapping[int, int]) -> dict[int, int]:
        """Those of the channels that could not be read now."""
        free = asyncio.Semaphore(CHANNELS_AT_ONCE)
        left: dict[int, int] = {}

        async def look_into(channel_id: int, seen_id: int) -> None:
            try:
                async with free, asyncio.timeout(CHANNEL_TIMEOUT_S):
                    await self._take(await self._missed_in(channel_id, seen_id), seen_id)
            except (discord.NotFound, discord.Forbidden):
                pass  # gone, or none of ours to read
            except Exception:  # one channel keeps no other from being caught up
                log.exception("channel %d is not caught up", channel_id)
                left[channel_id] = seen_id

        async with asyncio.TaskGroup() as group:
            for channel_id, seen_id in last_seen.items():
                group.create_task(look_into(channel_id, seen_id))
        return left

    async def _missed_in(self, channel_id: int, seen_id: int) -> list[Request]:
        """What was asked in a channel and is not known, oldest first."""
        now_ms = self._clock.now_ms()
        young_id, oldest_id = _id_at(now_ms - self._young_ms), _id_at(now_ms - MISSED_WITHIN_MS)
        # Of the young ones also what is older than what was seen last: a process may have ended
        # between the two.
        oldest_id = max(min(seen_id, young_id), oldest_id)
        channel = self._client.get_channel(channel_id)
        if channel is None:
            channel = await self._client.fetch_channel(channel_id)
        if not isinstance(channel, discord.abc.Messageable):
            return []
        found: list[discord.Message] = []
        answered: set[int | None] = set()  # also while the database could not be asked
        looked_at = 0
        async for message in channel.history(limit=YOUNG_MESSAGES_MAX, oldest_first=False):
            looked_at += 1
            if message.id <= (oldest_id if looked_at <= MESSAGES_MAX else max(oldest_id, young_id)):
                break
            if message.author == self._client.user and message.reference is not None:
                answered.add(message.reference.message_id)
            if self._reading.is_addressed(message) and message.id not in answered:
                found.append(message)
        ids = [message.id for message in found]
        known = await self._database.read(lambda tx: missed.known_of(tx, ids))
        unknown = [message for message in reversed(found) if message.id not in known]
        read = [await self._reading.message(message) for message in await _with_roles(unknown)]
        return [request for request in read if request is not None]

    async def _take(self, requests: Sequence[Request], seen_id: int) -> None:
        """Answers the young ones, those of one member in one conversation as one, and each other
        conversation with a line. All are claimed before the first begins, so that they can join.
        """
        young_id = _id_at(self._clock.now_ms() - self._young_ms)
        young = [request for request in requests if request.exchange.id >= young_id]
        old = [request for request in requests if seen_id < request.exchange.id < young_id]
        admitted: list[int] = []
        for group in _groups(old, _conversation):
            too_late = Notice(Word.BUSY, words.said_while_away())
            await self._admit(replace(group[-1], refusal=too_late), admitted)
        for group in _groups(young, _speaker):
            for request in group:
                await self._admit(replace(request, joins_within_ms=self._young_ms), admitted)
        for exchange_id in sorted(admitted):
            self._underway.start(exchange_id)

    async def _admit(self, request: Request, admitted: list[int]) -> None:
        if (await self._exchanges.admit(request)).fresh:
            admitted.append(request.exchange.id)


def _conversation(request: Request) -> Hashable:
    """What would begin one of its own counts with what else its member began in the channel."""
    asked = request.exchange
    if asked.conversation_id == asked.id:
        return asked.channel_id, asked.member_id
    return asked.conversation_id


def _speaker(request: Request) -> Hashable:
    return request.exchange.conversation_id, request.exchange.member_id


def _groups(requests: Sequence[Request], key: Callable[[Request], Hashable]) -> list[list[Request]]:
    """Those of one key together, in the order of the first of each."""
    groups: dict[Hashable, list[Request]] = {}
    for request in requests:
        groups.setdefault(key(request), []).append(request)
    return list(groups.values())


async def _with_roles(messages: Sequence[discord.Message]) -> list[discord.Message]:
    """Unlike an event, a message that is read does not say which roles its author has; who has
    left the server is not answered.
    """
    members: dict[int, discord.Member | None] = {}
    known: list[discord.Message] = []
    for message in messages:
        if message.guild is not None and not isinstance(message.author, discord.Member):
            author_id = message.author.id
            if author_id not in members:
                try:
                    members[author_id] = await message.guild.fetch_member(author_id)
                except discord.NotFound:
                    members[author_id] = None
            member = members[author_id]
            if member is None:
                continue
            message.author = member
        known.append(message)
    return known


def _id_at(time_ms: int) -> int:
    """The least id of what was said then or later."""
    return max(0, time_ms - DISCORD_EPOCH_MS) << 22
