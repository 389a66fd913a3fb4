"""The loopback Discord as one object: a server on this machine with a gateway, REST and a CDN,
where a real bot logs in, and people who talk to it. It wires the parts; rules live in them.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.sandbox.discord.cdn import Cdn
from bot.sandbox.discord.commands import Commands
from bot.sandbox.discord.gateway import Gateway
from bot.sandbox.discord.rest import Rest
from bot.sandbox.discord.shapes import MEMBER_PERMISSIONS, Json, Permission
from bot.sandbox.discord.webhooks import Webhooks
from bot.sandbox.discord.wire import BODY_BYTES_MAX, Fault, Handler, Recorded, Wire
from bot.sandbox.discord.world import Message, Role, Server, User, World
from bot.sandbox.people import Person

API_PREFIX = "/api/v10"
TOKEN = "MTIz.sandbox.only-good-on-this-machine"  # noqa: S105  # opens nothing anywhere
BOT_PERMISSIONS = MEMBER_PERMISSIONS & ~Permission.CREATE_PRIVATE_THREADS


class DiscordSandbox:
    """A Discord on 127.0.0.1, up while the context is open.

    It refuses what Discord refuses, keeps everything in memory, and limits no rate. `now` gives
    seconds since 1970 for every clock in it: the 3 seconds of an interaction, the 15 minutes of its
    token, the day of a CDN link.
    """

    def __init__(self, *, port: int = 0, now: Callable[[], float] = time.time) -> None:
        self.world = World(now)
        self.gateway = Gateway(self.world)
        self.commands = Commands(self.world)
        self.webhooks = Webhooks(self.world)
        self.token = TOKEN
        self._cdn = Cdn(self.world)
        self._rest = Rest(self.world, self.commands, self._cdn)
        self._wire = Wire(self.world, API_PREFIX)
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self._middleware])
        for route in (*self._rest.routes(), *self.webhooks.routes()):
            app.router.add_route(route.method, API_PREFIX + route.path, route.handler)
        app.add_routes([*self._cdn.routes(), web.get("/gateway", self.gateway.handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._cdn.url = self.cdn_url
        self._rest.token = self.gateway.token = self.token
        self._rest.gateway_url = self.gateway.url = self.gateway_url
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gateway.drop_connections()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self._wire.handle(request, handler)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{API_PREFIX}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/gateway"

    @property
    def cdn_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/cdn"

    @property
    def bot_user(self) -> User:
        return self.world.bot

    @property
    def application_id(self) -> int:
        return self.world.bot.id

    @property
    def message_content_enabled(self) -> bool:
        """The portal's toggle of the message-content intent. On by default."""
        return self.world.message_content_enabled

    @message_content_enabled.setter
    def message_content_enabled(self, enabled: bool) -> None:
        self.world.message_content_enabled = enabled

    @property
    def requests(self) -> deque[Recorded]:
        """Every REST and CDN request so far, oldest first, up to a bound."""
        return self._wire.requests

    @property
    def faults(self) -> list[Fault]:
        """Faults still to happen; append to order one."""
        return self._wire.faults

    def sent(self, method: str, path: str) -> list[Recorded]:
        """The recorded requests of a method whose path matches the regular expression whole."""
        pattern = re.compile(path)
        return [
            one for one in self.requests if one.method == method and pattern.fullmatch(one.path)
        ]

    def add_person(self, name: str) -> Person:
        person = Person(self.world.new_id(), name, world=self.world, sandbox=self)
        self.world.users[person.id] = person
        return person

    def add_server(self, name: str, *, tier: int = 0, owner: User | None = None) -> Server:
        """A server with the bot in it under its managed role. `tier` 0 to 3 is the boost level."""
        world = self.world
        server = Server(
            world, world.new_id(), name, owner or self.add_person(f"{name}'s owner"), tier
        )
        server.roles[server.id] = Role(server.id, "@everyone", MEMBER_PERMISSIONS)
        managed = Role(world.new_id(), world.bot.name, BOT_PERMISSIONS, managed_by=world.bot)
        server.roles[managed.id] = managed
        world.servers[server.id] = server
        server.join(server.owner)
        server.join(world.bot, [managed])
        world.tell("GUILD_CREATE", server)
        return server

    def redeliver(self, message: Message) -> None:
        """Send the event of a message once more, as Discord sometimes does."""
        self.world.tell("MESSAGE_CREATE", message)

    def unfurl(self, message: Message, embed: Json) -> None:
        """Show what a link in a message leads to: an update that nobody made."""
        message.embeds.append(embed)
        self.world.tell("MESSAGE_UPDATE", message)

    def drop_connections(self) -> None:
        """Cut the bot's gateway connection without a word; it may resume."""
        self.gateway.drop_connections()

    def reconnect(self) -> None:
        """Ask the bot to reconnect and resume (op 7)."""
        self.gateway.reconnect()

    def invalidate_sessions(self) -> None:
        """End the bot's session (op 9): it must identify anew and misses what happens meanwhile."""
        self.gateway.invalidate_sessions()

    async def wait_until(self, predicate: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Return once the predicate holds; asked again at every change. Raises TimedOut."""
        await self.world.wait_until(predicate, timeout_s)

    async def wait_connected(self, timeout_s: float = 10.0) -> None:
        """Return once a bot is logged in to the gateway. Raises TimedOut."""
        await self.wait_until(lambda: self.gateway.connected, timeout_s)
