"""The gateway, version 10: sessions over web sockets, events numbered and kept for a resume, zlib
or plain frames. It renders what the world tells for each session's intents; it changes nothing.
"""

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from secrets import token_hex
from typing import cast

from aiohttp import WSMsgType, web

from bot.sandbox.discord import payloads
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.shapes import Intent, Json
from bot.sandbox.discord.world import Channel, Message, Role, Server, User, World

EVENTS_KEPT_MAX = 5_000
"""Events a session keeps for a resume; an older sequence number cannot be resumed."""
SESSIONS_KEPT_MAX = 8
HEARTBEAT_INTERVAL_MS = 41_250
_PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
_DISPATCH, _HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE, _RESUME = 0, 1, 2, 3, 4, 6
_RECONNECT, _REQUEST_MEMBERS, _INVALID_SESSION, _HELLO, _HEARTBEAT_ACK = 7, 8, 9, 10, 11


@dataclass(eq=False)
class Session:
    """What outlives a connection: the intents, and the events by number."""

    id: str
    intents: Intent
    events: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=EVENTS_KEPT_MAX))
    number: int = 0
    connection: "Connection | None" = None

    def add(self, name: str, data: object) -> None:
        self.number += 1
        event: Json = {"op": _DISPATCH, "t": name, "s": self.number, "d": data}
        self.events.append(event)
        if self.connection is not None:
            self.connection.put(event)


class Connection:
    """One web socket: a queue of frames to write, and the compression that spans them."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.session: Session | None = None
        self._frames: asyncio.Queue[Json | int | str] = asyncio.Queue()
        zlib_asked = request.query.get("compress") == "zlib-stream"
        self._zlib = zlib.compressobj() if zlib_asked else None

    def put(self, frame: Json | int | str) -> None:
        """Write a frame after those before it; a number closes the socket with that code, a text
        is sent as it is.
        """
        self._frames.put_nowait(frame)

    async def write(self) -> None:
        while True:
            frame = await self._frames.get()
            if isinstance(frame, int):
                await self.socket.close(code=frame)
                return
            text = frame if isinstance(frame, str) else json.dumps(frame)
            if self._zlib is None:
                await self.socket.send_str(text)
            else:
                data = self._zlib.compress(text.encode())
                await self.socket.send_bytes(data + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    def abort(self) -> None:
        """Cut the line without a closing frame, as a network does."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Gateway:
    """Sessions and their connections. `url` and `token` are set before the first connection."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = ""
        self.token = ""
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identifies = 0
        self.resumes = 0
        world.listeners.append(self.hear)

    @property
    def connected(self) -> bool:
        """Whether a bot is logged in and listening."""
        return any(session.connection is not None for session in self.sessions.values())

    def hear(self, name: str, subject: object) -> None:
        for session in list(self.sessions.values()):
            data = _render(name, subject, session.intents, self.world)
            if data is not None:
                session.add(name, data)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=16 * 1024)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self.connections.append(connection)
        connection.put(
            {"op": _HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}, "s": None}
        )
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(connection.write())
                await self._read(connection)
                writing.cancel()
        except* ConnectionError:
            pass  # the line was cut while writing; the session waits for its resume
        finally:
            self._forget(connection)
        return socket

    async def _read(self, connection: Connection) -> None:
        """Take frames until the line ends; a clean close by the client ends its session too."""
        while True:
            frame = await connection.socket.receive()
            if frame.type is WSMsgType.CLOSE and frame.data in {1000, 1001}:
                if connection.session is not None:
                    self.sessions.pop(connection.session.id, None)
                return
            if connection.socket.closed or frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSING}:
                return
            if frame.type is WSMsgType.TEXT:
                self._take(connection, cast("Json", json.loads(frame.data)))
                self.world.changed()
            else:
                connection.put(4002)

    def _take(self, connection: Connection, frame: Json) -> None:
        operation, data = frame.get("op"), frame.get("d")
        if operation == _HEARTBEAT:
            connection.put({"op": _HEARTBEAT_ACK, "d": None, "s": None, "t": None})
        elif operation == _IDENTIFY and isinstance(data, dict):
            self._identify(connection, cast("Json", data))
        elif operation == _RESUME and isinstance(data, dict):
            self._resume(connection, cast("Json", data))
        elif connection.session is None:
            connection.put(4003)
        elif operation not in {_PRESENCE, _VOICE, _REQUEST_MEMBERS}:
            connection.put(4001)

    def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session is not None:
            return connection.put(4005)
        if data.get("token") != self.token:
            return connection.put(4004)
        if not isinstance(data.get("intents"), int):
            return connection.put(4013)
        intents = Intent(int(data["intents"]))
        enabled = Intent.MESSAGE_CONTENT if self.world.message_content_enabled else Intent(0)
        if intents & _PRIVILEGED & ~enabled:
            return connection.put(4014)
        self.identifies += 1
        session = Session(token_hex(16), intents)
        self.sessions[session.id] = session
        while len(self.sessions) > SESSIONS_KEPT_MAX:
            self.sessions.pop(next(iter(self.sessions)))
        self._attach(connection, session)
        session.add("READY", self._ready(session))
        if intents & Intent.GUILDS:
            for server in self._bot_servers():
                session.add("GUILD_CREATE", payloads.server_created(server))
        return None

    def _ready(self, session: Session) -> Json:
        world = self.world
        content_flag = 1 << 19 if world.message_content_enabled else 0
        return {
            "v": 10,
            "user": payloads.user(world.bot)
            | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(one.id), "unavailable": True} for one in self._bot_servers()],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [0, 1],
            "application": {"id": str(world.bot.id), "flags": content_flag},
            "private_channels": [],
        }

    def _bot_servers(self) -> list[Server]:
        return [one for one in self.world.servers.values() if self.world.bot.id in one.members]

    def _resume(self, connection: Connection, data: Json) -> None:
        if data.get("token") != self.token:
            return connection.put(4004)
        session = self.sessions.get(str(data.get("session_id")))
        seen = data.get("seq")
        if session is None or not isinstance(seen, int):
            return connection.put({"op": _INVALID_SESSION, "d": False, "s": None, "t": None})
        if seen > session.number:
            return connection.put(4007)
        if session.events and session.events[0]["s"] > seen + 1:
            self.sessions.pop(session.id)
            return connection.put({"op": _INVALID_SESSION, "d": False, "s": None, "t": None})
        self.resumes += 1
        self._attach(connection, session)
        for event in session.events:
            if event["s"] > seen:
                connection.put(event)
        session.add("RESUMED", {"_trace": []})
        return None

    def _attach(self, connection: Connection, session: Session) -> None:
        if session.connection is not None:
            session.connection.abort()
        connection.session, session.connection = session, connection

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
        self.world.changed()

    def drop_connections(self) -> None:
        """Cut every line without a word; the sessions can be resumed."""
        for connection in self.connections:
            connection.abort()

    def babble(self, text: str) -> None:
        """Say on every line what is no event."""
        for connection in self.connections:
            connection.put(text)

    def close(self, code: int) -> None:
        """End every line with a code; the sessions are over."""
        self.sessions.clear()
        for connection in self.connections:
            connection.put(code)

    def reconnect(self) -> None:
        """Ask every client to reconnect and resume (op 7)."""
        for connection in self.connections:
            connection.put({"op": _RECONNECT, "d": None, "s": None, "t": None})

    def invalidate_sessions(self) -> None:
        """End every session (op 9); what happens until the next IDENTIFY is lost to the bot."""
        self.sessions.clear()
        for connection in self.connections:
            connection.put({"op": _INVALID_SESSION, "d": False, "s": None, "t": None})


def _render(name: str, subject: object, intents: Intent, world: World) -> object | None:
    """The data of an event for a session; None if its intents or permissions keep it out."""
    match subject:
        case Interaction():
            return subject.payload()
        case Message():
            return _render_message(name, subject, intents, world)
        case (Message() as message, User() as user, str() as emoji):
            return _render_reaction(message, user, emoji, intents, world)
        case Channel():
            return _render_channel(name, subject, intents, world)
        case Server() if intents & Intent.GUILDS:
            if name == "GUILD_DELETE":
                return {"id": str(subject.id)}
            return payloads.server_created(subject) if world.bot.id in subject.members else None
        case (Server(id=server_id), Role() as role) if intents & Intent.GUILDS:
            return {"guild_id": str(server_id), "role": payloads.role(role)}
        case _:
            return None


def _render_message(name: str, message: Message, intents: Intent, world: World) -> object | None:
    channel = message.channel
    private = channel.server is None or message.visible_to is not None
    needed = Intent.DIRECT_MESSAGES if private else Intent.GUILD_MESSAGES
    if not intents & needed or not (private or channel.may_see(world.bot)):
        return None
    if name != "MESSAGE_DELETE":
        return payloads.from_gateway(message, redact=not intents & Intent.MESSAGE_CONTENT)
    gone: Json = {"id": str(message.id), "channel_id": str(channel.id)}
    return (
        gone if private or channel.server is None else gone | {"guild_id": str(channel.server.id)}
    )


def _render_reaction(
    message: Message, user: User, emoji: str, intents: Intent, world: World
) -> object | None:
    server = message.channel.server
    needed = Intent.DIRECT_MESSAGE_REACTIONS if server is None else Intent.GUILD_MESSAGE_REACTIONS
    if not intents & needed or not (server is None or message.channel.may_see(world.bot)):
        return None
    reaction: Json = {
        "user_id": str(user.id),
        "channel_id": str(message.channel.id),
        "message_id": str(message.id),
        "message_author_id": str(message.author.id),
        "emoji": {"id": None, "name": emoji},
        "burst": False,
        "type": 0,
    }
    if server is not None:
        reaction["guild_id"] = str(server.id)
        member = payloads.member(server.members[user.id], world)
        reaction["member"] = member | {"user": payloads.user(user)}
    return reaction


def _render_channel(name: str, channel: Channel, intents: Intent, world: World) -> object | None:
    hidden = channel.is_thread and not channel.may_see(world.bot)
    if channel.server is None or hidden or not intents & Intent.GUILDS:
        return None
    payload = payloads.channel(channel, world.bot)
    if name == "THREAD_CREATE":
        payload["newly_created"] = True
    if name == "THREAD_DELETE":
        return {key: payload[key] for key in ("id", "guild_id", "parent_id", "type")}
    return payload
