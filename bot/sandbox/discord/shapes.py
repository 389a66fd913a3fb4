"""The shapes of Discord's wire: what a JSON object is here, the kinds and flags of its numbers, and
permissions. Only definitions and arithmetic on them.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

# Any: the payloads of a foreign wire; whoever reads a key judges its value there.
Json = dict[str, Any]

MIB = 1024 * 1024


class ChannelKind(IntEnum):
    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15


THREAD_KINDS = frozenset(
    {ChannelKind.ANNOUNCEMENT_THREAD, ChannelKind.PUBLIC_THREAD, ChannelKind.PRIVATE_THREAD}
)


class MessageKind(IntEnum):
    DEFAULT = 0
    THREAD_CREATED = 18
    REPLY = 19
    COMMAND = 20
    THREAD_STARTER = 21
    MENU = 23


class MessageFlag(IntFlag):
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    HAS_SNAPSHOT = 1 << 14
    COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    MESSAGE_CONTENT = 1 << 15


class Permission(IntFlag):
    """Source: https://discord.com/developers/docs/topics/permissions (2026-08)."""

    KICK_MEMBERS = 1 << 1
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


NO_PERMISSIONS = Permission(0)
ALL_PERMISSIONS = Permission((1 << 53) - 1)
MEMBER_PERMISSIONS = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What @everyone may do in a new server, as far as it matters here."""


@dataclass(slots=True)
class Overwrite:
    """What one channel allows or denies to a role (also @everyone) or to one member."""

    target_id: int
    for_role: bool
    allow: Permission = NO_PERMISSIONS
    deny: Permission = NO_PERMISSIONS


def effective_permissions(
    base: Permission,
    overwrites: list[Overwrite],
    everyone_id: int,
    role_ids: set[int],
    user_id: int,
) -> Permission:
    """A member's permissions in a channel: @everyone's overwrite, all roles', then the member's.

    Source: https://discord.com/developers/docs/topics/permissions#permission-overwrites (2026-08).
    """
    if base & Permission.ADMINISTRATOR:
        return ALL_PERMISSIONS
    granted = base
    for step in range(3):
        chosen = [o for o in overwrites if _step(o, everyone_id, role_ids, user_id) == step]
        for overwrite in chosen:
            granted &= ~overwrite.deny
        for overwrite in chosen:
            granted |= overwrite.allow
    return granted if granted & Permission.VIEW_CHANNEL else Permission(0)


def _step(overwrite: Overwrite, everyone_id: int, role_ids: set[int], user_id: int) -> int | None:
    if not overwrite.for_role:
        return 2 if overwrite.target_id == user_id else None
    if overwrite.target_id == everyone_id:
        return 0
    return 1 if overwrite.target_id in role_ids else None
