"""The human side of the loopback Discord: what a person does in their client. Everything goes by
the rules of the place, as for a person: what the client would not offer raises SandboxError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.commands import CHAT_INPUT, Commands, filled
from bot.sandbox.discord.failures import Refusal, SandboxError
from bot.sandbox.discord.forms import Draft, Upload, read_draft, read_thread
from bot.sandbox.discord.interactions import (
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    TYPING,
    Interaction,
)
from bot.sandbox.discord.shapes import ChannelKind, Json, Permission
from bot.sandbox.discord.webhooks import Webhooks
from bot.sandbox.discord.world import Channel, Message, Role, User, World, walk

File = tuple[str, bytes]
"""A file by name and content."""


class Application(Protocol):
    """What a person's client knows of the bot's application."""

    commands: Commands
    webhooks: Webhooks


@dataclass(eq=False, kw_only=True)
class Person(User):
    """Somebody with an account. `join` a server first; direct messages need none."""

    world: World
    sandbox: Application

    async def say(
        self,
        channel: Channel,
        text: str = "",
        *,
        files: Sequence[File] = (),
        reply_to: Message | None = None,
        ping: bool = True,
        unfurled: Sequence[Json] = (),
    ) -> Message:
        """Write a message. `ping`: a reply pings whom it replies to. `unfurled`: embeds that a link
        in it shows. Raises Refusal where the person may not.
        """
        body: Json = {"content": text, "nonce": str(self.world.new_id())}
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(reply_to.id)}
            body["message_reference"]["channel_id"] = str(reply_to.channel.id)
            parse = ["users", "roles", "everyone"]
            body["allowed_mentions"] = {"parse": parse, "replied_user": ping}
        draft = read_draft(body, _uploads(files))
        draft.embeds = list(unfurled)
        return posting.send(channel, self, draft)

    async def forward(self, message: Message, channel: Channel) -> Message:
        """Forward a message: an empty one with a snapshot of it."""
        return posting.add(channel, self, Draft(), snapshots=[message])

    async def edit_message(self, message: Message, text: str) -> None:
        if message.author is not self:
            raise Refusal(50005)
        posting.edit(message, read_draft({"content": text}, []))

    async def delete(self, message: Message) -> None:
        """Delete a message: one's own, or with the right to manage messages; a private answer is
        only dismissed.
        """
        if message.visible_to is self:
            posting.remove(message)
        else:
            posting.delete(message, self)

    async def react(self, message: Message, emoji: str) -> None:
        """Add a reaction to a message."""
        if message.deleted or message not in message.channel.seen_by(self):
            raise SandboxError(f"{self.name} does not see this message")
        self.world.tell("MESSAGE_REACTION_ADD", (message, self, emoji))

    async def start_thread(
        self, channel: Channel, name: str, *, message: Message | None = None, text: str = ""
    ) -> Channel:
        """Open a public thread, from a message if given; in a forum, a post with this text."""
        title, minutes = read_thread({"name": name})
        thread = posting.open_thread(channel, self, title, minutes, starter=message)
        if channel.kind is ChannelKind.FORUM:
            posting.add(thread, self, read_draft({"content": text}, []), message_id=thread.id)
        return thread

    async def change_thread(
        self,
        thread: Channel,
        *,
        name: str | None = None,
        archived: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Rename, archive, lock or reopen a thread, as far as the person may."""
        posting.change_thread(thread, self, name=name, archived=archived, locked=locked)

    async def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or thread, with the right to manage it."""
        needed = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
        if not channel.permissions_of(self) & needed:
            raise Refusal(50013)
        posting.delete_channel(channel)

    @property
    def dm(self) -> Channel:
        """The direct messages with the bot."""
        return self.world.dm_with(self)

    @property
    def pings(self) -> list[Message]:
        """The messages that pinged this person, oldest first."""
        logs = [channel.log.values() for channel in self.world.channels.values()]
        found = [message for log in logs for message in log if self in message.pinged]
        return sorted(found, key=lambda message: message.id)

    async def command(self, channel: Channel, name: str, /, **options: object) -> Interaction:
        """Use a slash command; `name` may go on with a group and sub-command: `report show`.

        An option is text, a number, a bool, a User, Channel or Role, or a File; a choice goes by
        name or value. Raises SandboxError where the client would not send it.
        """
        head, *words = name.split()
        command = self.sandbox.commands.offered(self, channel, head, CHAT_INPUT)
        data: Json = {"id": command["id"], "name": head, "type": CHAT_INPUT, "resolved": {}}
        resolver = _Resolver(channel, data["resolved"])
        data["options"] = filled(command, words, options, resolver.note)
        return self._interact(COMMAND, channel, data)

    async def suggestions(
        self, channel: Channel, name: str, option: str, typed: str, /, **options: object
    ) -> list[str]:
        """What the client offers while an option is typed into, the other options as given."""
        head, *words = name.split()
        command = self.sandbox.commands.offered(self, channel, head, CHAT_INPUT)
        data: Json = {"id": command["id"], "name": head, "type": CHAT_INPUT, "resolved": {}}
        resolver = _Resolver(channel, data["resolved"])
        data["options"] = filled(command, words, options | {option: typed}, resolver.note)
        focused = [one for one in walk(data["options"]) if one["name"] == option]
        declared = [one for one in walk(command["options"]) if one.get("name") == option]
        if not any(one.get("autocomplete") for one in declared):
            raise SandboxError(f"{option!r} of {name!r} suggests nothing")
        focused[0]["focused"] = True
        interaction = self._interact(TYPING, channel, data)
        await interaction.answered()
        return [str(choice["name"]) for choice in interaction.choices]

    async def menu(
        self, target: Message | User, name: str, channel: Channel | None = None
    ) -> Interaction:
        """Use a context menu command on a message, or on a person in a channel."""
        place = target.channel if isinstance(target, Message) else channel
        assert place is not None
        kind = 3 if isinstance(target, Message) else 2
        command = self.sandbox.commands.offered(self, place, name, kind)
        data: Json = {"id": command["id"], "name": name, "type": kind, "resolved": {}}
        resolver = _Resolver(place, data["resolved"])
        data["target_id"] = resolver.note("messages" if kind == 3 else "users", target)
        return self._interact(COMMAND, place, data)

    async def click(self, message: Message, button: str) -> Interaction:
        """Press the button with this label or custom id. Raises SandboxError if there is none."""
        if message.deleted or message not in message.channel.seen_by(self):
            raise SandboxError(f"{self.name} does not see this message")
        for part in message.buttons:
            if button in {part.get("label"), part.get("custom_id")}:
                if part.get("disabled") or "custom_id" not in part:
                    raise SandboxError(f"button {button!r} is disabled or a link")
                data: Json = {"component_type": 2, "custom_id": part["custom_id"]}
                return self._interact(COMPONENT, message.channel, data, message)
        raise SandboxError(f"no button {button!r} on: {message.line()}")

    async def submit(self, interaction: Interaction, **values: object) -> Interaction:
        """Send the modal that an interaction was answered with. Values go by custom id or by label
        with `_` for spaces: text, a list of choices, or a list of Files; what is left out keeps its
        preset.
        """
        modal = interaction.modal
        if modal is None:
            raise SandboxError("no modal is open")
        data: Json = {"custom_id": modal["custom_id"], "resolved": {}}
        resolver = _Resolver(interaction.channel, data["resolved"])
        data["components"] = [_answered(one, dict(values), resolver) for one in modal["components"]]
        return self._interact(MODAL_SUBMIT, interaction.channel, data, interaction.message)

    def _interact(
        self, kind: int, channel: Channel, data: Json, message: Message | None = None
    ) -> Interaction:
        world = self.world
        interaction = Interaction(world.new_id(), kind, self, channel, data, world.now(), message)
        self.sandbox.webhooks.open(interaction)
        return interaction


def _uploads(files: Sequence[File]) -> list[Upload]:
    return [Upload(index, name, data) for index, (name, data) in enumerate(files)]


@dataclass
class _Resolver:
    """Collects the objects that an interaction's data names by id."""

    channel: Channel
    resolved: Json

    def note(self, kind: str, value: object) -> str:
        world = self.channel.world
        match value:
            case Message():
                self._put(kind, value.id, payloads.message(value))
                return str(value.id)
            case User():
                self._put(kind, value.id, payloads.user(value))
                server = self.channel.server
                if server is not None and value.id in server.members:
                    self._put("members", value.id, payloads.member(server.members[value.id], world))
                return str(value.id)
            case Channel():
                self._put(kind, value.id, payloads.channel(value))
                return str(value.id)
            case Role():
                self._put(kind, value.id, payloads.role(value))
                return str(value.id)
            case (str() as name, bytes() as data):
                file = posting.store(self.channel, Upload(0, name, data), ephemeral=True)
                self._put(kind, file.id, payloads.attachment(file, world))
                return str(file.id)
            case _:
                raise SandboxError(f"{value!r} cannot be an option")

    def _put(self, kind: str, object_id: int, payload: Json) -> None:
        self.resolved.setdefault(kind, {})[str(object_id)] = payload


def _answered(component: Json, values: dict[str, object], resolver: _Resolver) -> Json:
    """A modal's component as its submit carries it."""
    kind = component["type"]
    if kind == 1:  # a row
        inner = [_answered(one, values, resolver) for one in component["components"]]
        return {"type": 1, "components": inner}
    if kind == 18:  # a label around its component
        label = str(component.get("label"))
        inner = component["component"]
        names = {label, label.replace(" ", "_")} & values.keys()
        if names:
            values[inner["custom_id"]] = values[names.pop()]
        return {"type": 18, "component": _answered(inner, values, resolver)}
    made: Json = {"type": kind, "custom_id": component.get("custom_id")}
    given = values.get(str(component.get("custom_id")), values.get(str(component.get("label"))))
    if kind == 4:
        return made | {"value": component.get("value") or "" if given is None else str(given)}
    options: list[Json] = component.get("options") or []
    chosen: list[object] = [one["value"] for one in options if one.get("default")]
    if isinstance(given, list):
        chosen = list(cast("list[object]", given))  # judged by `note` or turned into text
    if kind == 19:
        return made | {"values": [resolver.note("attachments", file) for file in chosen]}
    return made | {"values": [str(choice) for choice in chosen]}
