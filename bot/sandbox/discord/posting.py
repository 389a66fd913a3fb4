"""What happens to messages and threads: sent, edited, deleted, opened and archived, by the bot or
by a person, under the permissions and limits of the place. Each change is told to the world.
"""

import re

from bot.sandbox.discord import images
from bot.sandbox.discord.failures import Refusal, form_error
from bot.sandbox.discord.forms import Draft, Upload
from bot.sandbox.discord.shapes import ChannelKind, Json, MessageFlag, MessageKind, Permission
from bot.sandbox.discord.world import (
    UPLOAD_BYTES_BY_TIER,
    Channel,
    Message,
    StoredFile,
    User,
)

NONCE_KEPT_S = 300.0
"""How long a nonce is remembered; Discord says "the past few minutes"."""

_UNSENDABLE = frozenset({ChannelKind.CATEGORY, ChannelKind.FORUM})
_SETTABLE_FLAGS = (
    MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2
)


def upload_bytes_max(channel: Channel) -> int:
    """The largest single file that may be sent here."""
    return UPLOAD_BYTES_BY_TIER[0] if channel.server is None else channel.server.upload_bytes_max


def send(channel: Channel, author: User, draft: Draft) -> Message:
    """An ordinary message. The same enforced nonce soon after gives the message it gave before."""
    _check_may_send(channel, author, draft)
    if draft.enforce_nonce and draft.nonce is not None:
        for message in reversed(channel.log.values()):
            if message.created_at < channel.world.now() - NONCE_KEPT_S:
                break
            if message.nonce == draft.nonce and message.author is author:
                return message
    reply_to = _replied(channel, author, draft)
    _wake(channel, author)
    kind = MessageKind.DEFAULT if reply_to is None else MessageKind.REPLY
    return add(channel, author, draft, kind=kind, reply_to=reply_to)


def add(
    channel: Channel,
    author: User,
    draft: Draft,
    *,
    kind: MessageKind = MessageKind.DEFAULT,
    reply_to: Message | None = None,
    snapshots: list[Message] | None = None,
    interaction: Json | None = None,
    visible_to: User | None = None,
    loading: bool = False,
    message_id: int | None = None,
) -> Message:
    """Put a message into the log, whatever the permissions, and tell of it."""
    world = channel.world
    message = Message(message_id or world.new_id(), channel, author, kind, world.now())
    message.nonce, message.reply_to, message.interaction = draft.nonce, reply_to, interaction
    message.visible_to, message.snapshots = visible_to, snapshots or []
    if loading:
        message.flags |= MessageFlag.LOADING
    if visible_to is not None:
        message.flags |= MessageFlag.EPHEMERAL
    if snapshots:
        message.flags |= MessageFlag.HAS_SNAPSHOT
    _apply(message, draft)
    if not loading and not snapshots:
        _refuse_empty(message)
    message.pinged = [] if visible_to or loading else _pinged(message)
    channel.log[message.id] = message
    if channel.is_thread and author not in channel.people:
        channel.people.append(author)
    world.tell("MESSAGE_CREATE", message)
    return message


def edit(message: Message, draft: Draft) -> None:
    """Change what the draft names, keep the rest. No edit pings anybody."""
    channel = message.channel
    if channel.archived:
        raise Refusal(50083)
    before = (message.content, message.embeds, message.components, message.files, message.flags)
    was_thinking = message.thinking
    message.flags &= ~MessageFlag.LOADING
    try:
        _apply(message, draft)
        _refuse_empty(message)
    except Refusal:
        message.content, message.embeds, message.components, message.files, message.flags = before
        raise
    message.edits += 1
    if not was_thinking:
        message.edited_at = channel.world.now()
    channel.world.tell("MESSAGE_UPDATE", message)


def delete(message: Message, by: User) -> None:
    granted = message.channel.permissions_of(by)
    if message.author is not by and not granted & Permission.MANAGE_MESSAGES:
        raise Refusal(50013)
    if message.channel.archived:
        raise Refusal(50083)
    remove(message)


def remove(message: Message) -> None:
    """Take a message out of the log, whatever the permissions."""
    message.deleted = True
    message.channel.log.pop(message.id, None)
    message.channel.world.tell("MESSAGE_DELETE", message)


def _check_may_send(channel: Channel, author: User, draft: Draft) -> None:
    if channel.kind in _UNSENDABLE:
        raise Refusal(50008)
    if not channel.may_see(author):
        raise Refusal(50001)
    granted = channel.permissions_of(author)
    needed = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    if draft.uploads:
        needed |= Permission.ATTACH_FILES
    if draft.embeds and author.is_bot:
        needed |= Permission.EMBED_LINKS
    if needed & ~granted:
        raise Refusal(50013, f"{author.name} lacks {needed & ~granted!r} in #{channel.name}")
    if channel.server is None and author.is_bot and not all(one.dms_open for one in channel.people):
        raise Refusal(50007)
    if channel.archived and channel.locked and not granted & Permission.MANAGE_THREADS:
        raise Refusal(160005)


def _replied(channel: Channel, author: User, draft: Draft) -> Message | None:
    reference = draft.reference
    if reference is None:
        return None
    if not channel.permissions_of(author) & Permission.READ_MESSAGE_HISTORY:
        raise Refusal(160002)
    if int(reference.get("channel_id") or channel.id) != channel.id:
        message = "Cannot reply to a message in a different channel"
        raise form_error("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", message)
    found = channel.log.get(int(reference.get("message_id") or 0))
    if found is None or found.visible_to is not None:
        if reference.get("fail_if_not_exists", True):
            raise form_error("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None
    if found.kind in {MessageKind.THREAD_STARTER, MessageKind.THREAD_CREATED}:
        message = "Cannot reply to a system message"
        raise form_error("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", message)
    return found


def _apply(message: Message, draft: Draft) -> None:
    """Write a draft into a message, after the judgement that needs the place."""
    channel = message.channel
    keep_v2 = message.flags & MessageFlag.COMPONENTS_V2
    if draft.content is not None:
        message.content = draft.content
    if draft.embeds is not None:
        message.embeds = draft.embeds
    if draft.components is not None:
        message.components = draft.components
    message.flags = message.flags & ~_SETTABLE_FLAGS | keep_v2
    message.flags |= MessageFlag(draft.flags) & _SETTABLE_FLAGS
    if message.flags & MessageFlag.COMPONENTS_V2 and (message.content or message.embeds):
        raise form_error("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS", "This message is V2.")
    if any(len(upload.data) > upload_bytes_max(channel) for upload in draft.uploads):
        raise Refusal(40005)
    private = message.visible_to is not None
    new = [store(channel, upload, ephemeral=private) for upload in draft.uploads]
    message.files = [*_kept(message, draft), *new]
    shown = repr([message.embeds, message.components])
    for file in message.files:
        file.shown_elsewhere = f"'attachment://{file.name}'" in shown
    if draft.content is not None or message.reply_to is not None:
        _find_mentions(message, draft.allowed_mentions)


def _kept(message: Message, draft: Draft) -> list[StoredFile]:
    if draft.kept is None:
        return message.files
    by_id = {file.id: file for file in message.files}
    for number, file_id in enumerate(draft.kept):
        if file_id not in by_id:
            path = f"attachments.{number}"
            raise form_error(path, "ATTACHMENT_NOT_FOUND", "Attachment data not found")
    hidden = [file for file in message.files if file.shown_elsewhere and file.id not in draft.kept]
    return [*(by_id[file_id] for file_id in draft.kept), *hidden]


def store(channel: Channel, upload: Upload, *, ephemeral: bool) -> StoredFile:
    """Keep an uploaded file so that the CDN serves it, under a name made safe for a URL."""
    world = channel.world
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", upload.name) or "unknown"
    file = StoredFile(
        world.new_id(),
        name,
        upload.data,
        images.media_type(name, upload.data),
        channel.id,
        description=upload.description,
        ephemeral=ephemeral,
    )
    size = images.picture_size(upload.data)
    if size is not None:
        file.width, file.height = size
    world.files[file.id] = file
    return file


def _find_mentions(message: Message, allowed: Json | None) -> None:
    """Who the text mentions, as far as `allowed_mentions` lets it; a reply mentions its author."""
    world, server = message.channel.world, message.channel.server
    user_ids = [int(found) for found in re.findall(r"<@!?(\d+)>", message.content)]
    users = [world.users[user_id] for user_id in user_ids if user_id in world.users]
    users = [user for user in users if _allows(allowed, "users", user.id)]
    roles = {} if server is None else server.roles
    role_ids = [int(found) for found in re.findall(r"<@&(\d+)>", message.content)]
    replied = message.reply_to
    pings_replied = allowed is None or allowed.get("replied_user", False)
    if message.id in message.channel.log:  # an edit leaves that as it was
        pings_replied = replied is not None and replied.author in message.mentions
    if replied is not None and pings_replied:
        users.append(replied.author)
    message.mentions = list(dict.fromkeys(users))
    message.mentioned_roles = [
        roles[role_id]
        for role_id in dict.fromkeys(role_ids)
        if role_id in roles and _allows(allowed, "roles", role_id)
    ]
    message.mentions_everyone = (
        re.search(r"@(everyone|here)\b", message.content) is not None
        and (allowed is None or "everyone" in allowed.get("parse", []))
        and bool(message.channel.permissions_of(message.author) & Permission.MENTION_EVERYONE)
    )


def _pinged(message: Message) -> list[User]:
    """Whom the new message notifies; an edit never does."""
    server = message.channel.server
    members = [] if server is None else list(server.members.values())
    by_role = [one.user for one in members if set(one.roles) & set(message.mentioned_roles)]
    everyone = [one.user for one in members] if message.mentions_everyone else []
    found = dict.fromkeys([*message.mentions, *by_role, *everyone])
    silent = message.flags & MessageFlag.SUPPRESS_NOTIFICATIONS
    return [] if silent else [user for user in found if user is not message.author]


def _allows(allowed: Json | None, kind: str, target_id: int) -> bool:
    if allowed is None or kind in allowed.get("parse", []):
        return True
    listed: list[str | int] = allowed.get(kind) or []
    return str(target_id) in {str(one) for one in listed}


def _refuse_empty(message: Message) -> None:
    shown = message.content.strip() or message.files or message.embeds or message.components
    if not shown:
        raise Refusal(50006)
    _refuse_lost_files(message)


def _refuse_lost_files(message: Message) -> None:
    names = {file.name for file in message.files}
    shown = repr([message.embeds, message.components])
    for name in re.findall(r"'attachment://([^']+)'", shown):
        if name not in names:
            code = "REFERENCED_ATTACHMENT_NOT_FOUND"
            raise form_error("embeds", code, f"The referenced attachment {name} was not found")


def _wake(channel: Channel, author: User) -> None:
    """Sending un-archives a thread, and the update comes before the message."""
    if channel.archived:
        channel.archived = False
        channel.archived_at = channel.world.now()
        if author not in channel.people:
            channel.people.append(author)
        channel.world.tell("THREAD_UPDATE", channel)


def open_thread(
    parent: Channel,
    by: User,
    name: str,
    minutes: int,
    *,
    starter: Message | None = None,
    kind: ChannelKind = ChannelKind.PUBLIC_THREAD,
) -> Channel:
    """A thread from a message, whose id it takes, or without one."""
    world = parent.world
    _check_may_open(parent, by, starter, kind)
    if parent.kind is ChannelKind.ANNOUNCEMENT and kind is ChannelKind.PUBLIC_THREAD:
        kind = ChannelKind.ANNOUNCEMENT_THREAD
    thread_id = world.new_id() if starter is None else starter.id
    thread = Channel(world, thread_id, kind, name, parent.server, parent, owner=by, people=[by])
    thread.auto_archive_minutes, thread.archived_at = minutes, world.now()
    thread.starter = starter
    world.channels[thread.id] = thread
    world.tell("THREAD_CREATE", thread)
    if starter is not None:
        starter.thread = thread
        starter.flags |= MessageFlag.HAS_THREAD
        world.tell("MESSAGE_UPDATE", starter)
        _add_system(thread, by, MessageKind.THREAD_STARTER, "", starter)
    elif kind is not ChannelKind.PRIVATE_THREAD and parent.kind is not ChannelKind.FORUM:
        _add_system(parent, by, MessageKind.THREAD_CREATED, name, None)
    return thread


def _add_system(
    channel: Channel, by: User, kind: MessageKind, content: str, about: Message | None
) -> None:
    world = channel.world
    message = Message(world.new_id(), channel, by, kind, world.now(), content, reply_to=about)
    channel.log[message.id] = message
    world.tell("MESSAGE_CREATE", message)


def _check_may_open(parent: Channel, by: User, starter: Message | None, kind: ChannelKind) -> None:
    threadable = {ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT}
    if starter is None:
        threadable.add(ChannelKind.FORUM)
    if parent.kind not in threadable:
        raise Refusal(50024)
    if not parent.may_see(by):
        raise Refusal(50001)
    needed = Permission.CREATE_PUBLIC_THREADS
    if kind is ChannelKind.PRIVATE_THREAD:
        needed = Permission.CREATE_PRIVATE_THREADS
    if parent.kind is ChannelKind.FORUM:
        needed = Permission.SEND_MESSAGES
    if starter is not None:
        needed |= Permission.READ_MESSAGE_HISTORY
    if needed & ~parent.permissions_of(by):
        raise Refusal(50013, f"{by.name} may not open threads in #{parent.name}")
    if starter is not None and starter.id in parent.world.channels:
        raise Refusal(160004)


def change_thread(
    thread: Channel,
    by: User,
    *,
    name: str | None = None,
    archived: bool | None = None,
    locked: bool | None = None,
    minutes: int | None = None,
) -> None:
    """Rename, archive, lock or reopen a thread."""
    granted = thread.permissions_of(by)
    manages = bool(granted & Permission.MANAGE_THREADS)
    if locked is not None and locked != thread.locked and not manages:
        raise Refusal(50013)
    if thread.archived and archived is not False:
        raise Refusal(50083)
    if thread.locked and not manages:
        raise Refusal(50013)
    may_reopen = archived is False and bool(granted & Permission.SEND_MESSAGES_IN_THREADS)
    if not (manages or thread.owner is by or may_reopen):
        raise Refusal(50013)
    if archived is not None and archived != thread.archived:
        thread.archived, thread.archived_at = archived, thread.world.now()
    thread.name = name or thread.name
    thread.locked = thread.locked if locked is None else locked
    thread.auto_archive_minutes = minutes or thread.auto_archive_minutes
    thread.world.tell("THREAD_UPDATE", thread)


def delete_channel(channel: Channel) -> None:
    """The channel or thread is gone, with its messages and its threads."""
    world = channel.world
    for thread in channel.threads:
        delete_channel(thread)
    channel.deleted = True
    world.channels.pop(channel.id, None)
    world.tell("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)
