"""An interaction: what a person did with a command, a menu, a button or a modal, its payload, its
two clocks, and how its first response and follow-ups become messages. The routes are `webhooks`'.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.failures import Refusal, TimedOut, form_error
from bot.sandbox.discord.forms import Draft, Upload, read_draft
from bot.sandbox.discord.shapes import Json, MessageFlag, MessageKind
from bot.sandbox.discord.world import Channel, Message, User

FIRST_RESPONSE_S = 3.0
TOKEN_S = 15 * 60.0
CHOICES_MAX = 25
COMMAND, COMPONENT, TYPING, MODAL_SUBMIT = 2, 3, 4, 5
REPLY, DEFERRED_REPLY, DEFERRED_UPDATE, UPDATE, AUTOCOMPLETE, MODAL = 4, 5, 6, 7, 8, 9


@dataclass(eq=False)
class Interaction:
    """One use of a command or component by a person, and the bot's answers to it."""

    id: int
    kind: int
    person: User
    channel: Channel
    data: Json
    created_at: float
    message: Message | None = None
    token: str = field(default_factory=lambda: token_urlsafe(32))
    response: int | None = None
    answered_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list[Message])
    modal: Json | None = None
    choices: list[Json] = field(default_factory=list[Json])

    @property
    def latency_s(self) -> float | None:
        """Seconds until the first response; None while there is none."""
        return None if self.answered_at is None else self.answered_at - self.created_at

    @property
    def ephemeral(self) -> bool:
        """Whether the first response is one that only the person sees."""
        return self.original is not None and self.original.ephemeral

    @property
    def messages(self) -> list[Message]:
        """The answers that still stand: the original response and the follow-ups."""
        every = [self.original, *self.followups]
        return [message for message in every if message is not None and not message.deleted]

    async def answered(self, timeout_s: float = FIRST_RESPONSE_S) -> None:
        """Wait for the first response. Raises TimedOut."""
        await self._wait(lambda: self.answered_at is not None, "no first response", timeout_s)

    async def finished(self, timeout_s: float = 10.0) -> Message:
        """The original response once it is no longer "thinking". Raises TimedOut."""

        def done() -> bool:
            return self.original is not None and not self.original.thinking

        await self._wait(done, "no finished response", timeout_s)
        assert self.original is not None
        return self.original

    async def _wait(self, predicate: Callable[[], bool], what: str, timeout_s: float) -> None:
        try:
            await self.channel.world.wait_until(predicate, timeout_s)
        except TimedOut as error:
            story = self.channel.transcript()
            asked = self.data.get("name") or self.data.get("custom_id")
            raise TimedOut(f"{what} to {asked!r}:\n{story}") from error

    def payload(self) -> Json:
        """INTERACTION_CREATE, with fresh links."""
        world, channel, server = self.channel.world, self.channel, self.channel.server
        owner = "0" if server is None else str(server.id)
        payload: Json = {
            "id": str(self.id),
            "application_id": str(world.bot.id),
            "type": self.kind,
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel)
            | {"permissions": str(int(channel.permissions_of(self.person)))},
            "app_permissions": str(int(channel.permissions_of(world.bot))),
            "attachment_size_limit": posting.upload_bytes_max(channel),
            "authorizing_integration_owners": {"0": owner},
            "context": 1 if server is None else 0,
            "entitlements": [],
            "locale": "en-US",
        }
        if server is None:
            payload["user"] = payloads.user(self.person)
        else:
            permissions = str(int(channel.permissions_of(self.person)))
            member = payloads.full_member(server.members[self.person.id], world)
            payload["member"] = member | {"permissions": permissions}
            payload |= {"guild_id": str(server.id), "guild_locale": "en-US"}
            payload["guild"] = {"id": str(server.id), "locale": "en-US", "features": []}
        if self.message is not None:
            payload["message"] = payloads.message(self.message)
        return payload

    def respond(self, body: Json, uploads: list[Upload]) -> Json:
        """The first response. Refuses a second (40060), a late (10062) and an unfitting one."""
        world = self.channel.world
        if self.response is not None:
            raise Refusal(40060)
        if world.now() - self.created_at > FIRST_RESPONSE_S:
            raise Refusal(10062)
        if self.channel.archived and self.channel.locked:
            raise Refusal(50083, status=403)
        kind = body.get("type")
        data: Json = body.get("data") or {}
        if kind not in self._fitting():
            raise form_error("type", "INTERACTION_APPLICATION_COMMAND_INVALID_TYPE", f"not {kind}")
        if kind in {REPLY, DEFERRED_REPLY}:
            self.original = self._add(read_draft(data, uploads), loading=kind == DEFERRED_REPLY)
        elif kind == MODAL:
            self.modal = _judged_modal(data)
        elif kind == AUTOCOMPLETE:
            self.choices = _judged_choices(data)
        else:
            self.original = self.message
            if kind == UPDATE and self.message is not None:
                posting.edit(self.message, read_draft(data, uploads))
        self.response, self.answered_at = kind, world.now()
        world.changed()
        return self._acknowledged()

    def _fitting(self) -> set[int]:
        if self.kind == TYPING:
            return {AUTOCOMPLETE}
        kinds = {REPLY, DEFERRED_REPLY}
        if self.message is not None:
            kinds |= {DEFERRED_UPDATE, UPDATE}
        return kinds if self.kind == MODAL_SUBMIT else kinds | {MODAL}

    def _acknowledged(self) -> Json:
        """What `?with_response=1` answers."""
        resource: Json = {"type": self.response}
        interaction: Json = {"id": str(self.id), "type": self.kind}
        if self.original is not None:
            interaction |= {
                "response_message_id": str(self.original.id),
                "response_message_loading": self.original.thinking,
                "response_message_ephemeral": self.original.ephemeral,
            }
            if self.response in {REPLY, UPDATE}:
                resource["message"] = payloads.message(self.original)
        return {"interaction": interaction, "resource": resource}

    def _add(self, draft: Draft, *, loading: bool = False) -> Message:
        world = self.channel.world
        metadata: Json = {
            "id": str(self.id),
            "type": self.kind,
            "user": payloads.user(self.person),
            "authorizing_integration_owners": {"0": "0"},
        }
        kind, about = MessageKind.COMMAND, self.original or self.message
        if self.kind == COMMAND and self.data.get("type") in {2, 3}:
            kind = MessageKind.MENU
        if about is not None:
            kind = MessageKind.REPLY
            known = (
                "interacted_message_id" if about is self.message else "original_response_message_id"
            )
            metadata[known] = str(about.id)
        draft.nonce = None
        return posting.add(
            self.channel,
            world.bot,
            draft,
            kind=kind,
            reply_to=None if about is None or about.ephemeral else about,
            interaction=metadata,
            visible_to=self.person if draft.flags & MessageFlag.EPHEMERAL else None,
            loading=loading,
        )

    def follow_up(self, body: Json, uploads: list[Upload]) -> Message:
        """A further message; right after a deferred reply, as documented, the edit of that one."""
        self._check_token()
        if self.response is None:
            raise Refusal(10015)
        draft = read_draft(body, uploads)
        if self.original is not None and self.original.thinking:
            posting.edit(self.original, draft)
            return self.original
        message = self._add(draft)
        self.followups.append(message)
        return message

    def answer(self, name: str) -> Message:
        """The response `@original`, or an answer by its id, while the token lives."""
        self._check_token()
        for message in self.messages:
            if str(message.id) == name or (name == "@original" and message is self.original):
                return message
        raise Refusal(10008)

    def _check_token(self) -> None:
        if self.channel.deleted:
            raise Refusal(10003)
        if self.channel.world.now() - self.created_at > TOKEN_S:
            raise Refusal(50027)


def _judged_modal(data: Json) -> Json:
    if not 1 <= len(str(data.get("title") or "")) <= 45:
        raise form_error(
            "data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length."
        )
    if not 1 <= len(str(data.get("custom_id") or "")) <= 100:
        raise form_error("data.custom_id", "BASE_TYPE_BAD_LENGTH", "Must be 1 to 100 in length.")
    if not 1 <= len(data.get("components") or []) <= 5:
        raise form_error("data.components", "BASE_TYPE_BAD_LENGTH", "Must be 1 to 5 in length.")
    return data


def _judged_choices(data: Json) -> list[Json]:
    choices: list[Json] = data.get("choices") or []
    if len(choices) > CHOICES_MAX:
        raise form_error("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    if not all(1 <= len(str(choice.get("name") or "")) <= 100 for choice in choices):
        raise form_error(
            "data.choices", "BASE_TYPE_BAD_LENGTH", "Names must be 1 to 100 in length."
        )
    return choices
