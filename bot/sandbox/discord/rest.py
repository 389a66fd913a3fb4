"""The REST routes of the bot's own token: itself, servers, channels, messages, threads, commands.
Each handler reads, asks `posting` to judge and change, and answers; no rule lives here.
"""

from collections.abc import Callable
from itertools import islice

from aiohttp import web

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.cdn import Cdn
from bot.sandbox.discord.commands import Commands
from bot.sandbox.discord.failures import Refusal
from bot.sandbox.discord.forms import read_auto_archive, read_draft, read_thread
from bot.sandbox.discord.shapes import ChannelKind, Json, Permission
from bot.sandbox.discord.wire import Handler, answer, read_body, read_list
from bot.sandbox.discord.world import Channel, Message, Server, World

HISTORY_MAX = 100
SERVERS_MAX = 200


class Rest:
    """`token` is set before the first request."""

    def __init__(self, world: World, commands: Commands, cdn: Cdn) -> None:
        self.world = world
        self.commands = commands
        self.cdn = cdn
        self.token = ""
        self.gateway_url = ""

    def routes(self) -> list[web.RouteDef]:
        """Every route, each behind the bot's token."""
        channel, app = "/channels/{channel}", "/applications/{application}"
        message = channel + "/messages/{message}"
        server = "/guilds/{guild}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/users/@me", self.get_me),
            ("GET", "/users/@me/guilds", self.get_servers),
            ("POST", "/users/@me/channels", self.open_dm),
            ("GET", "/users/{user}", self.get_user),
            ("GET", "/oauth2/applications/@me", self.get_application),
            ("GET", "/applications/@me", self.get_application),
            ("GET", "/gateway", self.get_gateway),
            ("GET", "/gateway/bot", self.get_gateway),
            ("GET", server, self.get_server),
            ("GET", server + "/channels", self.get_channels),
            ("GET", server + "/members/{user}", self.get_member),
            ("GET", server + "/threads/active", self.get_active_threads),
            ("GET", channel, self.get_channel),
            ("PATCH", channel, self.edit_channel),
            ("DELETE", channel, self.delete_channel),
            ("POST", channel + "/typing", self.type),
            ("POST", channel + "/threads", self.open_thread),
            ("PUT", channel + "/thread-members/@me", self.join_thread),
            ("GET", channel + "/messages", self.get_history),
            ("POST", channel + "/messages", self.send),
            ("GET", message, self.get_message),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
            ("POST", message + "/threads", self.open_thread),
            ("PUT", message + "/reactions/{emoji}/@me", self.react),
            ("DELETE", message + "/reactions/{emoji}/@me", self.unreact),
            ("GET", app + "/commands", self.get_commands),
            ("PUT", app + "/commands", self.put_commands),
            ("GET", app + "/guilds/{guild}/commands", self.get_commands),
            ("PUT", app + "/guilds/{guild}/commands", self.put_commands),
            ("POST", "/attachments/refresh-urls", self.cdn.refresh),
        ]
        return [web.route(method, path, self._guarded(handler)) for method, path, handler in table]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bot {self.token}":
                await request.read()
                raise Refusal(0)
            return await handler(request)

        return guarded

    def _channel(self, request: web.Request) -> Channel:
        """The channel in the path, if the bot can see it."""
        channel = self.world.channel(_id(request, "channel", 10003))
        if not channel.may_see(self.world.bot):
            raise Refusal(50001)
        return channel

    def _message(self, request: web.Request) -> Message:
        """The message in the path; private answers do not exist for the bot's token."""
        message = self._channel(request).message(_id(request, "message", 10008))
        if message.visible_to is not None:
            raise Refusal(10008)
        return message

    def _server(self, request: web.Request) -> Server:
        server = self.world.servers.get(_id(request, "guild", 10004))
        if server is None:
            raise Refusal(10004)
        if self.world.bot.id not in server.members:
            raise Refusal(50001)
        return server

    def _shown(self, message: Message) -> Json:
        """A message as REST shows it: content as the portal's toggle says, not the session."""
        return payloads.message(message, redact=not self.world.message_content_enabled)

    async def get_me(self, _request: web.Request) -> web.StreamResponse:
        return answer(payloads.user(self.world.bot) | {"verified": True, "mfa_enabled": True})

    async def get_user(self, request: web.Request) -> web.StreamResponse:
        user = self.world.users.get(_id(request, "user", 10013))
        if user is None:
            raise Refusal(10013)
        return answer(payloads.user(user))

    async def get_application(self, _request: web.Request) -> web.StreamResponse:
        bot = self.world.bot
        owner = next((user for user in self.world.users.values() if not user.is_bot), bot)
        content_flag = 1 << 19 if self.world.message_content_enabled else 0
        return answer({
            "id": str(bot.id), "name": bot.name, "icon": None, "description": "",
            "bot_public": True, "bot_require_code_grant": False, "verify_key": "0" * 64,
            "owner": payloads.user(owner), "flags": content_flag, "bot": payloads.user(bot),
            "team": None, "approximate_guild_count": len(self.world.servers),
        })  # fmt: skip

    async def get_gateway(self, _request: web.Request) -> web.StreamResponse:
        limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return answer({"url": self.gateway_url, "shards": 1, "session_start_limit": limit})

    async def open_dm(self, request: web.Request) -> web.StreamResponse:
        user_id = str((await read_body(request)).data.get("recipient_id"))
        user = self.world.users.get(int(user_id)) if user_id.isdigit() else None
        if user is None:
            raise Refusal(10013)
        if user.is_bot:
            raise Refusal(50007)
        return answer(payloads.channel(self.world.dm_with(user)))

    async def get_servers(self, request: web.Request) -> web.StreamResponse:
        """By id, with the bot's permissions as roles give them."""
        bot, after = self.world.bot, int(request.query.get("after", "0"))
        limit = int(request.query.get("limit", str(SERVERS_MAX)))
        found = [one for _, one in sorted(self.world.servers.items()) if bot.id in one.members]
        page = [one for one in found if one.id > after][: min(limit, SERVERS_MAX)]
        shown: list[Json] = [
            {
                "id": str(server.id), "name": server.name, "icon": None, "banner": None,
                "owner": server.owner is bot, "features": [],
                "permissions": str(int(server.permissions_of(bot))),
            }
            for server in page
        ]  # fmt: skip
        return answer(shown)

    async def get_server(self, request: web.Request) -> web.StreamResponse:
        return answer(payloads.server(self._server(request)))

    async def get_channels(self, request: web.Request) -> web.StreamResponse:
        return answer([payloads.channel(channel) for channel in self._server(request).channels])

    async def get_member(self, request: web.Request) -> web.StreamResponse:
        server = self._server(request)
        member = server.members.get(_id(request, "user", 10013))
        if member is None:
            raise Refusal(10007)
        return answer(payloads.full_member(member, self.world))

    async def get_active_threads(self, request: web.Request) -> web.StreamResponse:
        bot = self.world.bot
        threads = [one for one in self._server(request).active_threads if one.may_see(bot)]
        shown = [payloads.channel(thread, bot) for thread in threads]
        return answer(
            {"threads": shown, "members": [one["member"] for one in shown if "member" in one]}
        )

    async def get_channel(self, request: web.Request) -> web.StreamResponse:
        return answer(payloads.channel(self._channel(request), self.world.bot))

    async def edit_channel(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        body = (await read_body(request)).data
        if not channel.is_thread:
            raise Refusal(50013)
        name = read_thread(body)[0] if "name" in body else None
        minutes = read_auto_archive(body) if "auto_archive_duration" in body else None
        archived, locked = body.get("archived"), body.get("locked")
        bot = self.world.bot
        posting.change_thread(
            channel, bot, name=name, archived=archived, locked=locked, minutes=minutes
        )
        return answer(payloads.channel(channel, bot))

    async def delete_channel(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        needed = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
        if not channel.permissions_of(self.world.bot) & needed:
            raise Refusal(50013)
        posting.delete_channel(channel)
        return answer(payloads.channel(channel))

    async def type(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        needed = Permission.SEND_MESSAGES
        if channel.is_thread:
            needed = Permission.SEND_MESSAGES_IN_THREADS
        if not channel.permissions_of(self.world.bot) & needed:
            raise Refusal(50013)
        channel.typing.append((self.world.now(), self.world.bot))
        return web.Response(status=204)

    async def open_thread(self, request: web.Request) -> web.StreamResponse:
        """From a message or, without one, a private thread unless the body says otherwise."""
        channel = self._channel(request)
        body = (await read_body(request)).data
        name, minutes = read_thread(body)
        starter = self._message(request) if "message" in request.match_info else None
        kind = ChannelKind.PUBLIC_THREAD
        if starter is None and channel.kind is not ChannelKind.FORUM:
            kind = ChannelKind(body.get("type") or ChannelKind.PRIVATE_THREAD)
        bot = self.world.bot
        thread = posting.open_thread(channel, bot, name, minutes, starter=starter, kind=kind)
        return answer(payloads.channel(thread, bot), 201)

    async def join_thread(self, request: web.Request) -> web.StreamResponse:
        thread = self._channel(request)
        if thread.archived:
            raise Refusal(50083)
        if self.world.bot not in thread.people:
            thread.people.append(self.world.bot)
        return web.Response(status=204)

    async def get_history(self, request: web.Request) -> web.StreamResponse:
        """Newest first. Without the permission to read history it is empty, not refused."""
        channel = self._channel(request)
        limit = int(request.query.get("limit", "50"))
        if not channel.permissions_of(self.world.bot) & Permission.READ_MESSAGE_HISTORY:
            return answer([])
        found = _history(channel, min(max(limit, 1), HISTORY_MAX), request.query.get)
        return answer([self._shown(message) for message in found])

    async def send(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        channel = self._channel(request)
        draft = read_draft(body.data, body.uploads)
        return answer(self._shown(posting.send(channel, self.world.bot, draft)))

    async def get_message(self, request: web.Request) -> web.StreamResponse:
        message = self._message(request)
        if not message.channel.permissions_of(self.world.bot) & Permission.READ_MESSAGE_HISTORY:
            raise Refusal(50013)
        return answer(self._shown(message))

    async def edit(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        message = self._message(request)
        if message.author is not self.world.bot:
            raise Refusal(50005)
        if message.thinking:
            # Whether Discord lets the bot's token finish a "thinking" answer is not documented, so
            # nothing may rely on it.
            raise Refusal(10008)
        draft = read_draft(body.data, body.uploads)
        granted = message.channel.permissions_of(self.world.bot)
        if draft.uploads and not granted & Permission.ATTACH_FILES:
            raise Refusal(50013)
        posting.edit(message, draft)
        return answer(self._shown(message))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        posting.delete(self._message(request), self.world.bot)
        return web.Response(status=204)

    async def react(self, request: web.Request) -> web.StreamResponse:
        message = self._message(request)
        needed = Permission.ADD_REACTIONS | Permission.READ_MESSAGE_HISTORY
        if needed & ~message.channel.permissions_of(self.world.bot):
            raise Refusal(50013)
        people = message.reactions.setdefault(request.match_info["emoji"], [])
        if self.world.bot not in people:
            people.append(self.world.bot)
        self.world.changed()
        return web.Response(status=204)

    async def unreact(self, request: web.Request) -> web.StreamResponse:
        message = self._message(request)
        people = message.reactions.get(request.match_info["emoji"], [])
        if self.world.bot in people:
            people.remove(self.world.bot)
        if not people:
            message.reactions.pop(request.match_info["emoji"], None)
        self.world.changed()
        return web.Response(status=204)

    def _scope(self, request: web.Request) -> int:
        if request.match_info["application"] != str(self.world.bot.id):
            raise Refusal(50001)
        return self._server(request).id if "guild" in request.match_info else 0

    async def get_commands(self, request: web.Request) -> web.StreamResponse:
        return answer(self.commands.scopes.get(self._scope(request), []))

    async def put_commands(self, request: web.Request) -> web.StreamResponse:
        scope = self._scope(request)
        return answer(self.commands.replace(scope, await read_list(request)))


def _id(request: web.Request, name: str, code: int) -> int:
    value = request.match_info[name]
    if not value.isdigit():
        raise Refusal(code)
    return int(value)


def _history(channel: Channel, limit: int, query: Callable[[str], str | None]) -> list[Message]:
    """Newest first: the newest of all or before an id, the nearest after one, or around one."""
    newest_first = channel.messages[::-1]
    before, after, around = query("before"), query("after"), query("around")
    if before is not None:
        return list(islice((one for one in newest_first if one.id < int(before)), limit))
    if after is not None:
        following = (one for one in channel.messages if one.id > int(after))
        return list(islice(following, limit))[::-1]
    if around is not None:
        older = [one for one in newest_first if one.id < int(around)][: limit // 2]
        rest = [one for one in channel.messages if one.id >= int(around)][: limit - len(older)]
        return [*reversed(rest), *older]
    return newest_first[:limit]
