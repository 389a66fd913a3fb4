"""How the state looks on Discord's wire: one function a kind of object, giving new JSON each time,
with fresh links to files. `hidden` is for a bot without the message-content intent.
"""

from copy import deepcopy

from bot.sandbox.discord.shapes import ChannelKind, Json, MessageFlag
from bot.sandbox.discord.world import (
    DISCORD_EPOCH_MS,
    Channel,
    Member,
    Message,
    Role,
    Server,
    StoredFile,
    User,
    World,
    walk,
)


def user(person: User) -> Json:
    return {
        "id": str(person.id),
        "username": person.name,
        "global_name": None,
        "discriminator": "0000" if person.is_bot else "0",
        "avatar": None,
        "bot": person.is_bot,
        "public_flags": 0,
    }


def member(one: Member, world: World) -> Json:
    """Without the user, as in messages; GUILD_CREATE and REST add it."""
    return {
        "roles": [str(role.id) for role in one.roles],
        "joined_at": world.moment(one.joined_at),
        "nick": None,
        "avatar": None,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def full_member(one: Member, world: World) -> Json:
    return {**member(one, world), "user": user(one.user)}


def role(one: Role) -> Json:
    payload: Json = {
        "id": str(one.id),
        "name": one.name,
        "permissions": str(int(one.permissions)),
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0,
        "managed": one.managed_by is not None,
        "mentionable": False,
        "flags": 0,
    }
    if one.managed_by is not None:
        payload["tags"] = {"bot_id": str(one.managed_by.id)}
    return payload


def channel(one: Channel, seen_by: User | None = None) -> Json:
    """A channel, DM or thread. `seen_by` adds that user's thread membership."""
    payload: Json = {
        "id": str(one.id),
        "type": int(one.kind),
        "last_message_id": str(next(reversed(one.log))) if one.log else None,
        "flags": 0,
    }
    if one.server is None:
        payload["recipients"] = [user(person) for person in one.people if not person.is_bot]
        return payload
    payload |= {
        "guild_id": str(one.server.id),
        "name": one.name,
        "parent_id": None if one.parent is None else str(one.parent.id),
        "rate_limit_per_user": 0,
    }
    return payload | (_thread(one, seen_by) if one.is_thread else _place(one))


def _place(one: Channel) -> Json:
    payload: Json = {
        "position": 0,
        "nsfw": False,
        "topic": None,
        "permission_overwrites": [
            {
                "id": str(overwrite.target_id),
                "type": 0 if overwrite.for_role else 1,
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for overwrite in one.overwrites
        ],
    }
    if one.kind in {ChannelKind.VOICE, ChannelKind.STAGE}:
        payload |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    if one.kind is ChannelKind.FORUM:
        payload |= {
            "available_tags": [],
            "default_reaction_emoji": None,
            "default_sort_order": None,
        }
    return payload


def _thread(one: Channel, seen_by: User | None) -> Json:
    assert one.owner is not None
    world = one.world
    count = sum(1 for message in one.log.values() if message.visible_to is None)
    payload: Json = {
        "owner_id": str(one.owner.id),
        "message_count": count,
        "total_message_sent": count,
        "member_count": min(len(one.people), 50),
        "thread_metadata": {
            "archived": one.archived,
            "locked": one.locked,
            "auto_archive_duration": one.auto_archive_minutes,
            "archive_timestamp": world.moment(one.archived_at),
            "create_timestamp": world.moment(_created(one.id)),
        },
    }
    if one.kind is ChannelKind.PRIVATE_THREAD:
        payload["thread_metadata"]["invitable"] = True
    if seen_by is not None and seen_by in one.people:
        payload["member"] = {
            "id": str(one.id),
            "user_id": str(seen_by.id),
            "join_timestamp": world.moment(_created(one.id)),
            "flags": 0,
        }
    return payload


def _created(snowflake: int) -> float:
    return ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000


def server(one: Server) -> Json:
    """The server as REST gives it."""
    return {
        "id": str(one.id),
        "name": one.name,
        "owner_id": str(one.owner.id),
        "icon": None,
        "splash": None,
        "banner": None,
        "description": None,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role(item) for item in one.roles.values()],
        "premium_tier": one.tier,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "afk_timeout": 300,
        "system_channel_flags": 0,
    }


def server_created(one: Server) -> Json:
    """GUILD_CREATE. Without the members intent it lists no member but the bot itself."""
    world = one.world
    threads = [thread for thread in one.active_threads if thread.may_see(world.bot)]
    return {
        **server(one),
        "joined_at": world.moment(one.members[world.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(one.members),
        "members": [full_member(one.members[world.bot.id], world)],
        "channels": [channel(item) for item in one.channels],
        "threads": [channel(thread, world.bot) for thread in threads],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(file: StoredFile, world: World) -> Json:
    url = world.file_url(file)
    payload: Json = {
        "id": str(file.id),
        "filename": file.name,
        "size": len(file.data),
        "url": url,
        "proxy_url": url,
        "content_type": file.content_type,
        "flags": 0,
    }
    if file.width is not None:
        payload |= {"width": file.width, "height": file.height}
    if file.description:
        payload["description"] = file.description
    if file.ephemeral:
        payload["ephemeral"] = True
    return payload


def content_is_hidden(one: Message, bot: User) -> bool:
    """Whether a bot without the content intent gets this message empty.

    It sees its own, direct messages, mentions of itself and replies that ping it; not replies to
    its answers to interactions. Source: discord-api-docs, "you might not need message content".
    """
    if one.author is bot or one.channel.server is None:
        return False
    if f"<@{bot.id}>" in one.content or f"<@!{bot.id}>" in one.content:
        return bot not in one.mentions
    replied = one.reply_to
    own = replied is not None and replied.author is bot and replied.interaction is None
    return not (own and bot in one.mentions)


def message(one: Message, *, redact: bool = False, with_reply: bool = True) -> Json:
    """The message as REST gives it; the gateway adds `from_gateway`. `redact`: the bot has no
    message-content intent, so that content it may not see is empty.
    """
    world = one.channel.world
    hidden = redact and content_is_hidden(one, world.bot)
    payload: Json = {
        "id": str(one.id),
        "channel_id": str(one.channel.id),
        "author": user(one.author),
        "type": int(one.kind),
        "timestamp": world.moment(one.created_at),
        "edited_timestamp": None if one.edited_at is None else world.moment(one.edited_at),
        "tts": False,
        "pinned": False,
        "flags": int(one.flags),
        "mention_everyone": one.mentions_everyone,
        "mentions": [user(person) for person in one.mentions],
        "mention_roles": [str(item.id) for item in one.mentioned_roles],
        **_content(one, hidden),
    }
    if one.reactions:
        payload["reactions"] = _reactions(one)
    if one.nonce is not None:
        payload["nonce"] = one.nonce
    if one.interaction is not None:
        payload |= {"application_id": str(world.bot.id), "webhook_id": str(world.bot.id)}
        payload["interaction_metadata"] = one.interaction
    elif one.author is world.bot:
        payload["application_id"] = str(world.bot.id)
    if one.thread is not None and not one.thread.deleted:
        payload["thread"] = channel(one.thread)
    if one.reply_to is not None:
        payload["message_reference"] = _reference(one.reply_to, 0)
        if with_reply:
            gone = one.reply_to.deleted
            replied = None if gone else message(one.reply_to, redact=redact, with_reply=False)
            payload["referenced_message"] = replied
    if one.snapshots:
        payload["message_reference"] = _reference(one.snapshots[0], 1)
    return payload


def _reference(to: Message, kind: int) -> Json:
    reference: Json = {"type": kind, "message_id": str(to.id), "channel_id": str(to.channel.id)}
    if to.channel.server is not None:
        reference["guild_id"] = str(to.channel.server.id)
    return reference


def _content(one: Message, hidden: bool) -> Json:
    """The fields that the message-content intent guards."""
    if hidden:
        empty: Json = {"content": "", "attachments": [], "embeds": [], "components": []}
        return empty | ({"message_snapshots": []} if one.snapshots else {})
    world = one.channel.world
    content: Json = {
        "content": one.content,
        "attachments": [attachment(file, world) for file in one.attachments],
        "embeds": [_shown(embed, one) for embed in one.embeds],
        "components": [_shown(component, one) for component in one.components],
    }
    if one.snapshots:
        content["message_snapshots"] = [{"message": _snapshot(item)} for item in one.snapshots]
    return content


def _snapshot(one: Message) -> Json:
    world = one.channel.world
    return {
        **_content(one, hidden=False),
        "type": int(one.kind),
        "timestamp": world.moment(one.created_at),
        "edited_timestamp": None if one.edited_at is None else world.moment(one.edited_at),
        "flags": int(one.flags & ~MessageFlag.HAS_THREAD),
        "mentions": [user(person) for person in one.mentions],
        "mention_roles": [],
    }


def _shown(part: Json, one: Message) -> Json:
    """A copy of an embed or component whose `attachment://name` links lead to the files."""
    copy = deepcopy(part)
    for item in walk(copy):
        url = item.get("url")
        if not isinstance(url, str) or not url.startswith("attachment://"):
            continue
        for file in one.files:
            if file.name == url.removeprefix("attachment://"):
                payload = attachment(file, one.channel.world)
                item |= {"url": payload["url"], "proxy_url": payload["url"]}
                item |= {"width": file.width, "height": file.height}
                item |= {"content_type": file.content_type, "attachment_id": str(file.id)}
    return copy


def _reactions(one: Message) -> list[Json]:
    me = one.channel.world.bot
    return [
        {
            "emoji": {"id": None, "name": emoji},
            "count": len(people),
            "count_details": {"burst": 0, "normal": len(people)},
            "me": me in people,
            "me_burst": False,
            "burst_colors": [],
        }
        for emoji, people in one.reactions.items()
    ]


def from_gateway(one: Message, *, redact: bool) -> Json:
    """The message as MESSAGE_CREATE and MESSAGE_UPDATE carry it.

    A private answer comes without a server, as if by direct message (discord-api-docs#4557).
    """
    payload = message(one, redact=redact)
    server = one.channel.server
    if server is None or one.visible_to is not None:
        return payload
    payload["guild_id"] = str(server.id)
    if one.author.id in server.members and one.interaction is None:
        payload["member"] = member(server.members[one.author.id], server.world)
    for person, mention in zip(one.mentions, payload["mentions"], strict=True):
        if person.id in server.members:
            mention["member"] = member(server.members[person.id], server.world)
    return payload
