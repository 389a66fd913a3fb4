"""The connection to Discord's gateway: begun, kept, and begun again after whatever ends it, as
discord.py's own loop does, which an event it cannot read would end for good. What the events mean
is not known here.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from bot import words
from bot.clock import Clock
from bot.errors import StartError
from bot.ui.client import Client

CONNECT_TIMEOUT_S = 60.0
RETRY_PAUSE_S = 1.5
RETRY_PAUSE_S_MAX = 60.0
STEADY_S = 10.0
"""None after a connection that lasted so long, and doubled from one that did not to the next."""
RESUMES_MAX = 6
"""Connections in a row that did not last, before the session is given up with what it may bring."""
IDENTIFY_PAUSE_S = 5.0
IDENTIFY_PAUSE_S_MAX = 900.0
IDENTIFY_MEMORY_S = 3_600.0
"""Before a new session: doubled with each other of the last hour, so that a day sees about 200 of
the 1,000 after which Discord takes the token back.
https://discord.com/developers/docs/events/gateway#session-start-limit-object (2026-08)."""
IDENTIFIES_SPARED = 50
"""Of those Discord still allows today: left for starts."""
STARTS_SPARED = 5
"""And of these, by a program that is started ever again."""
ALLOWANCE_TIMEOUT_S = 5.0
ALLOWANCE_PAUSE_S_MAX = 86_400.0
CLEAN_CLOSE = 1000
INTENT_NOT_ALLOWED = 4014

log = logging.getLogger(__name__)


class Gateway:
    """One bot's connection. Exchanges under way do not depend on it."""

    def __init__(
        self, client: Client, clock: Clock, before_session: Callable[[], Awaitable[None]]
    ) -> None:
        """`before_session` is awaited before each new session, whose events no other precede."""
        self._client = client
        self._clock = clock
        self._before_session = before_session
        self._socket: DiscordWebSocket | None = None
        self._resumes = False
        self._failures = 0
        self._identified_s: deque[float] = deque()

    async def run(self) -> None:
        """Stays connected until the client is closed. Raises StartError when Discord says never
        again, or when not even the first connection comes about.
        """
        while not self._client.is_closed():
            if not self._resumes:
                await self._before_identify()
                await self._before_session()
            began_s = self._clock.monotonic_s()
            try:
                await self._listen()
            except ReconnectWebSocket as asked:
                self._resumes = asked.resume and self._has_session
            except discord.ConnectionClosed as error:
                if error.code != CLEAN_CLOSE:
                    raise StartError(_closed(error)) from error
            except Exception as error:
                if self._socket is None:
                    raise StartError(words.discord_unreachable(type(error).__name__)) from error
                self._note(error)
            self._client.dispatch("disconnect")
            if self._client.is_closed():
                return
            lasted = self._clock.monotonic_s() - began_s >= STEADY_S
            self._failures = 0 if lasted else self._failures + 1
            if self._failures >= RESUMES_MAX:
                self._resumes = False
            if self._failures:
                pause_s = RETRY_PAUSE_S * 2 ** min(self._failures - 1, 10)
                await self._clock.sleep(min(pause_s, RETRY_PAUSE_S_MAX))

    async def _listen(self) -> None:
        """One connection, to its end, which is an exception."""
        before = self._socket
        if before is None or not self._resumes:
            connecting = DiscordWebSocket.from_client(self._client, initial=before is None)
        else:
            connecting = DiscordWebSocket.from_client(
                self._client,
                resume=True,
                gateway=before.gateway,
                session=before.session_id,
                sequence=before.sequence,
            )
        socket = await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        if before is None or not self._resumes:
            self._identified_s.append(self._clock.monotonic_s())
        self._socket = self._client.ws = socket
        self._resumes = True
        try:
            while True:
                await socket.poll_event()
        finally:
            if socket.open:
                await socket.close()  # with a code that lets the session live

    def _note(self, error: Exception) -> None:
        """Decides whether the session may go on after an error in mid-connection."""
        if isinstance(error, (OSError, aiohttp.ClientError, discord.DiscordException)):
            log.warning("the connection to Discord was lost: %r", error)
            self._resumes = self._resumes and self._has_session
            return
        log.error("Discord sent what cannot be read", exc_info=error)
        # The event counts as seen and does not come again, but without the very first there is no
        # session.
        assert self._socket is not None
        self._resumes = self._has_session and self._socket.sequence not in {None, 1}

    @property
    def _has_session(self) -> bool:
        return self._socket is not None and self._socket.session_id is not None

    async def _before_identify(self) -> None:
        """Spares the sessions that Discord allows in a day; a process begins with one at once.

        What earlier processes used is known from Discord alone, and only where it says so.
        """
        is_first = self._socket is None
        now_s = self._clock.monotonic_s()
        while self._identified_s and self._identified_s[0] < now_s - IDENTIFY_MEMORY_S:
            self._identified_s.popleft()
        if not is_first:
            pause_s = IDENTIFY_PAUSE_S * 2 ** min(len(self._identified_s), 10)
            await self._clock.sleep(min(pause_s, IDENTIFY_PAUSE_S_MAX))
        allowed_in_s = await self._allowed_in_s(STARTS_SPARED if is_first else IDENTIFIES_SPARED)
        if allowed_in_s:
            log.error("%s", words.few_sessions_left(allowed_in_s))
            await self._clock.sleep(allowed_in_s)

    async def _allowed_in_s(self, spared: int) -> float:
        """How long not to begin a session, by what Discord says is left of the day's."""
        try:
            async with asyncio.timeout(ALLOWANCE_TIMEOUT_S):
                _, _, limit = await self._client.http.get_bot_gateway()
            if limit["remaining"] > spared:
                return 0.0
            return min(limit["reset_after"] / 1000, ALLOWANCE_PAUSE_S_MAX)
        except (
            discord.DiscordException,
            aiohttp.ClientError,
            OSError,
            TimeoutError,
            LookupError,
            TypeError,
        ) as error:
            log.warning("Discord does not say how many sessions are left: %r", error)
            return 0.0


def _closed(error: discord.ConnectionClosed) -> str:
    if error.code == INTENT_NOT_ALLOWED:
        return words.intent_missing()
    return words.discord_closed(error.code)
