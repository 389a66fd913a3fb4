"""The state of the loopback Discord: people, servers, channels, threads, messages, files, and the
one `World` that numbers them, knows the time and tells listeners what changed. What may be done is
judged elsewhere (`forms`, `posting`); how it looks on the wire is `payloads`'.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.sandbox.discord.failures import Refusal, SandboxError, TimedOut
from bot.sandbox.discord.shapes import (
    ALL_PERMISSIONS,
    MEMBER_PERMISSIONS,
    MIB,
    NO_FLAGS,
    NO_PERMISSIONS,
    THREAD_KINDS,
    ChannelKind,
    Json,
    MessageFlag,
    MessageKind,
    Overwrite,
    Permission,
    effective_permissions,
)

DISCORD_EPOCH_MS = 1_420_070_400_000
UPLOAD_BYTES_BY_TIER = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)
TRANSCRIPT_MESSAGES_MAX = 30


@dataclass(eq=False)
class User:
    id: int
    name: str
    is_bot: bool = False
    dms_open: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: Permission
    managed_by: User | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Member:
    user: User
    roles: list[Role]
    joined_at: float


@dataclass(eq=False)
class StoredFile:
    """An uploaded file. `shown_elsewhere`: an embed or a component shows it, so that the message's
    attachments do not list it (discord-api-docs#8277).
    """

    id: int
    name: str
    data: bytes
    content_type: str
    channel_id: int
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False
    shown_elsewhere: bool = False


@dataclass(eq=False)
class Message:
    id: int
    channel: "Channel"
    author: User
    kind: MessageKind
    created_at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    files: list[StoredFile] = field(default_factory=list[StoredFile])
    flags: MessageFlag = NO_FLAGS
    nonce: str | None = None
    reply_to: "Message | None" = None
    snapshots: list["Message"] = field(default_factory=list["Message"])
    mentions: list[User] = field(default_factory=list[User])
    mentioned_roles: list[Role] = field(default_factory=list[Role])
    mentions_everyone: bool = False
    pinged: list[User] = field(default_factory=list[User])
    reactions: dict[str, list[User]] = field(default_factory=dict[str, list[User]])
    interaction: Json | None = None
    visible_to: User | None = None
    thread: "Channel | None" = None
    edited_at: float | None = None
    edits: int = 0
    deleted: bool = False

    @property
    def attachments(self) -> list[StoredFile]:
        """The files that the message's payload lists as attachments."""
        return [file for file in self.files if not file.shown_elsewhere]

    @property
    def thinking(self) -> bool:
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def ephemeral(self) -> bool:
        return self.visible_to is not None

    @property
    def buttons(self) -> list[Json]:
        """Every button, in order, as its component payload."""
        return [part for part in walk(self.components) if part.get("type") == 2]

    def line(self) -> str:
        """The message as one line of a transcript."""
        parts = [f"{self.author.name}:", self.content or "(no text)"]
        parts += [f"[{file.name} {len(file.data)} bytes]" for file in self.files]
        parts += [f"(embed {embed.get('title', '')!r})" for embed in self.embeds]
        parts += [f"<{button.get('label')}>" for button in self.buttons]
        if self.thinking:
            parts.append("(thinking)")
        if self.visible_to is not None:
            parts.append(f"(only {self.visible_to.name} sees this)")
        return " ".join(parts)


@dataclass(eq=False)
class Channel:
    world: "World"
    id: int
    kind: ChannelKind
    name: str
    server: "Server | None" = None
    parent: "Channel | None" = None
    overwrites: list[Overwrite] = field(default_factory=list[Overwrite])
    log: dict[int, Message] = field(default_factory=dict[int, Message])
    people: list[User] = field(default_factory=list[User])
    owner: User | None = None
    archived: bool = False
    locked: bool = False
    auto_archive_minutes: int = 4320
    archived_at: float = 0.0
    starter: Message | None = None
    typing: list[tuple[float, User]] = field(default_factory=list[tuple[float, User]])
    deleted: bool = False

    @property
    def is_thread(self) -> bool:
        return self.kind in THREAD_KINDS

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def messages(self) -> list[Message]:
        """What everyone in the channel sees, oldest first."""
        return [message for message in self.log.values() if message.visible_to is None]

    def seen_by(self, person: User) -> list[Message]:
        """What this person sees, oldest first, with the private answers to them."""
        return [m for m in self.log.values() if m.visible_to in {None, person}]

    @property
    def threads(self) -> list["Channel"]:
        """The threads of this channel, oldest first, archived ones too."""
        return [c for c in self.world.channels.values() if c.parent is self and c.is_thread]

    def permissions_of(self, user: User) -> Permission:
        """What the person or the bot may do here; nothing for who is not in the server."""
        if self.server is None:
            return MEMBER_PERMISSIONS if user in self.people else NO_PERMISSIONS
        place = self.parent if self.is_thread and self.parent is not None else self
        return self.server.permissions_of(user, place.overwrites)

    def may_see(self, user: User) -> bool:
        granted = self.permissions_of(user)
        if self.kind is ChannelKind.PRIVATE_THREAD and user not in self.people:
            return bool(granted & Permission.MANAGE_THREADS)
        return bool(granted & Permission.VIEW_CHANNEL)

    def set_permissions(
        self,
        target: Role | User,
        *,
        allow: Permission = NO_PERMISSIONS,
        deny: Permission = NO_PERMISSIONS,
    ) -> None:
        """Replace the channel's overwrite for a role or a member."""
        kept = [overwrite for overwrite in self.overwrites if overwrite.target_id != target.id]
        self.overwrites = [*kept, Overwrite(target.id, isinstance(target, Role), allow, deny)]
        self.world.tell("CHANNEL_UPDATE", self)

    def message(self, message_id: int) -> Message:
        """The message of this id; refuses with 10008 if there is none."""
        found = self.log.get(message_id)
        if found is None:
            raise Refusal(10008)
        return found

    def transcript(self) -> str:
        """The last messages, one a line, for people who wonder what happened."""
        lines = [message.line() for message in self.log.values()][-TRANSCRIPT_MESSAGES_MAX:]
        return "\n".join(f"  {line}" for line in lines) or "  (no messages)"

    async def wait_for(
        self, predicate: Callable[[Message], bool], timeout_s: float = 10.0
    ) -> Message:
        """The first message here, private ones included, that satisfies the predicate.

        Raises TimedOut, with the channel's transcript, if there is none in time.
        """

        def find() -> Message | None:
            return next((message for message in self.log.values() if predicate(message)), None)

        try:
            await self.world.wait_until(lambda: find() is not None, timeout_s)
        except TimedOut as error:
            raise TimedOut(f"no such message in #{self.name}:\n{self.transcript()}") from error
        message = find()
        assert message is not None
        return message


@dataclass(eq=False)
class Server:
    world: "World"
    id: int
    name: str
    owner: User
    tier: int = 0
    upload_bytes_override: int | None = None
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]

    @property
    def channels(self) -> list[Channel]:
        """The server's channels, without threads."""
        mine = [channel for channel in self.world.channels.values() if channel.server is self]
        return [channel for channel in mine if not channel.is_thread]

    @property
    def active_threads(self) -> list[Channel]:
        mine = [channel for channel in self.world.channels.values() if channel.server is self]
        return [channel for channel in mine if channel.is_thread and not channel.archived]

    @property
    def upload_bytes_max(self) -> int:
        return self.upload_bytes_override or UPLOAD_BYTES_BY_TIER[self.tier]

    def permissions_of(self, user: User, overwrites: Sequence[Overwrite] = ()) -> Permission:
        """A member's permissions, in the server or under a channel's overwrites."""
        member = self.members.get(user.id)
        if member is None:
            return NO_PERMISSIONS
        if user is self.owner:
            return ALL_PERMISSIONS
        base = self.everyone.permissions
        for role in member.roles:
            base |= role.permissions
        role_ids = {role.id for role in member.roles}
        return effective_permissions(base, list(overwrites), self.id, role_ids, user.id)

    def add_channel(self, name: str, kind: str = "text") -> Channel:
        """A new channel: `text`, `announcement`, `forum`, `voice`, `stage` or `category`."""
        channel = Channel(self.world, self.world.new_id(), ChannelKind[kind.upper()], name, self)
        self.world.channels[channel.id] = channel
        self.world.tell("CHANNEL_CREATE", channel)
        return channel

    def add_role(self, name: str, permissions: Permission = NO_PERMISSIONS) -> Role:
        role = Role(self.world.new_id(), name, permissions)
        self.roles[role.id] = role
        self.world.tell("GUILD_ROLE_CREATE", (self, role))
        return role

    def set_role_permissions(self, role: Role, permissions: Permission) -> None:
        role.permissions = permissions
        self.world.tell("GUILD_ROLE_UPDATE", (self, role))

    def join(self, user: User, roles: Sequence[Role] = ()) -> None:
        self.members[user.id] = Member(user, list(roles), self.world.now())

    def leave(self, user: User) -> None:
        """The person, or the bot, is no longer a member."""
        if self.members.pop(user.id, None) is not None and user is self.world.bot:
            self.world.tell("GUILD_DELETE", self)

    @property
    def bot_role(self) -> Role:
        """The bot's managed role, whose permissions are those of its invite link."""
        return next(role for role in self.roles.values() if role.managed_by is self.world.bot)


class World:
    """Everything that exists, and the news of its changes. Not safe for several threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.listeners: list[Callable[[str, object], None]] = []
        self.users: dict[int, User] = {}
        self.servers: dict[int, Server] = {}
        self.channels: dict[int, Channel] = {}
        self.files: dict[int, StoredFile] = {}
        self.file_url: Callable[[StoredFile], str] = lambda file: file.name
        self.message_content_enabled = True
        self._last_id = 0
        self._changed = asyncio.Event()
        self.bot = User(self.new_id(), "Easel", is_bot=True)
        self.users[self.bot.id] = self.bot

    def new_id(self) -> int:
        """A snowflake of this moment; later ones are always greater."""
        made = (int(self.now() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last_id = max(made, self._last_id + 1)
        return self._last_id

    def moment(self, time_s: float) -> str:
        """Seconds since 1970 as the wire writes a time."""
        return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="microseconds")

    def tell(self, event: str, subject: object) -> None:
        """Tell every listener of a change, and wake who waits for one."""
        for listener in self.listeners:
            listener(event, subject)
        self.changed()

    def changed(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Return once the predicate holds; it is asked again at every change. Raises TimedOut."""
        try:
            async with asyncio.timeout(timeout_s):
                while not predicate():
                    await self._changed.wait()
        except TimeoutError as error:
            raise TimedOut(f"did not happen within {timeout_s} s") from error

    def channel(self, channel_id: int) -> Channel:
        """The channel or thread of this id; refuses with 10003 if there is none."""
        found = self.channels.get(channel_id)
        if found is None:
            raise Refusal(10003)
        return found

    def dm_with(self, user: User) -> Channel:
        """The bot's DM channel with a person, opened if need be."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and user in channel.people:
                return channel
        if user.is_bot:
            raise SandboxError("bots cannot be sent direct messages")
        people = [user, self.bot]
        channel = Channel(self, self.new_id(), ChannelKind.DM, f"DM {user.name}", people=people)
        self.channels[channel.id] = channel
        return channel


def walk(parts: object) -> list[Json]:
    """Every JSON object within a tree of lists and objects, parents first."""
    found: list[Json] = []
    pending: list[object] = [parts]
    while pending:
        part = pending.pop(0)
        if isinstance(part, dict):
            found.append(part)  # pyright: ignore[reportUnknownArgumentType]  # foreign JSON
            pending = [*part.values(), *pending]  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
        elif isinstance(part, list):
            pending = [*part, *pending]  # pyright: ignore[reportUnknownVariableType]
    return found
