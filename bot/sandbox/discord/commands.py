"""The application's commands as it registered them, and what a person may make of them: the client
offers only what is registered, with the options, types and choices that were given.
"""

import re
from collections.abc import Callable

from bot.sandbox.discord.failures import SandboxError, form_error
from bot.sandbox.discord.shapes import Json, Permission
from bot.sandbox.discord.world import Channel, Role, User, World

CHAT_INPUT = 1
_SUBCOMMAND, _GROUP = 1, 2
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER, _ATTACHMENT = range(
    3, 12
)
_NAME = re.compile(r"[-_'\w]{1,32}")
_OPTIONS_MAX = 25
_CHOICES_MAX = 25


class Commands:
    """The registry: global commands under 0, a server's under its id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scopes: dict[int, list[Json]] = {0: []}
        self.syncs = 0

    def replace(self, scope: int, payloads: list[Json]) -> list[Json]:
        """The bulk overwrite of one scope; a command keeps its id as long as its name stays."""
        for number, payload in enumerate(payloads):
            _judge(payload, str(number))
        known = {(old["type"], old["name"]): old["id"] for old in self.scopes.get(scope, [])}
        made: list[Json] = []
        for payload in payloads:
            kind = payload.get("type") or CHAT_INPUT
            new_id = known.get((kind, payload["name"])) or str(self.world.new_id())
            made.append({
                "description": "", "options": [], "default_member_permissions": None,
                "dm_permission": True, "nsfw": False, "contexts": None, "integration_types": [0],
                **payload,
                "id": new_id, "type": kind, "application_id": str(self.world.bot.id),
                "version": str(self.world.new_id()),
                **({"guild_id": str(scope)} if scope else {}),
            })  # fmt: skip
        self.scopes[scope] = made
        self.syncs += 1
        self.world.changed()
        return made

    def offered(self, person: User, channel: Channel, name: str, kind: int) -> Json:
        """The registered command that the person's client offers here. Raises SandboxError."""
        server = channel.server
        found = self._find(0 if server is None else server.id, name, kind)
        if found is None:
            raise SandboxError(f"no command {name!r} is registered")
        if not channel.may_see(person):
            raise SandboxError(f"{person.name} does not see #{channel.name}")
        contexts = found["contexts"]
        here = 1 if server is None else 0
        if contexts is None:
            contexts = [0, 1] if found["dm_permission"] else [0]
        if here not in contexts:
            raise SandboxError(f"{name!r} is not offered in this context")
        granted = channel.permissions_of(person)
        if not granted & Permission.USE_APPLICATION_COMMANDS:
            raise SandboxError(f"{person.name} may not use commands in #{channel.name}")
        needed = Permission(int(found["default_member_permissions"] or 0))
        gated = found["default_member_permissions"] is not None and server is not None
        if gated and (needed & ~granted or not needed) and not granted & Permission.ADMINISTRATOR:
            raise SandboxError(f"{name!r} is not offered to {person.name}, who lacks {needed!r}")
        return found

    def _find(self, server_id: int, name: str, kind: int) -> Json | None:
        for scope in (server_id, 0):
            for command in self.scopes.get(scope, []):
                if command["name"] == name and command["type"] == kind:
                    return command
        return None


def _judge(payload: Json, path: str) -> None:
    name = payload.get("name")
    is_slash = payload.get("type") in {None, CHAT_INPUT}
    if not isinstance(name, str) or not 1 <= len(name) <= 32:
        raise form_error(f"{path}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32.")
    if is_slash and (_NAME.fullmatch(name) is None or name != name.lower()):
        raise form_error(
            f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"
        )
    if is_slash and not 1 <= len(payload.get("description") or "") <= 100:
        raise form_error(f"{path}.description", "BASE_TYPE_BAD_LENGTH", "Must be 1 to 100.")
    options: list[Json] = payload.get("options") or []
    choices: list[Json] = payload.get("choices") or []
    if len(options) > _OPTIONS_MAX or len(choices) > _CHOICES_MAX:
        raise form_error(f"{path}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer.")
    seen_optional = False
    for number, option in enumerate(options):
        _judge(option | {"type": CHAT_INPUT}, f"{path}.options.{number}")
        seen_optional |= option["type"] > _GROUP and not option.get("required")
        if seen_optional and option.get("required"):
            code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
            raise form_error(f"{path}.options.{number}", code, "Required options come first")


Resolve = Callable[[str, object], str]
"""Notes an object under a kind of `resolved` and gives its id."""


def filled(
    command: Json, words: list[str], values: dict[str, object], resolve: Resolve
) -> list[Json]:
    """The options of an interaction, from a person's values. Raises SandboxError where the client
    would not send. `words` are the names of a group and a sub-command below the command.
    """
    options: list[Json] = command.get("options") or []
    if words:
        for option in options:
            if option["name"] == words[0] and option["type"] in {_SUBCOMMAND, _GROUP}:
                inner = filled(option, words[1:], values, resolve)
                return [{"name": option["name"], "type": option["type"], "options": inner}]
        raise SandboxError(f"{command['name']!r} has no sub-command {words[0]!r}")
    if any(option["type"] in {_SUBCOMMAND, _GROUP} for option in options):
        raise SandboxError(f"{command['name']!r} needs a sub-command")
    unknown = values.keys() - {option["name"] for option in options}
    if unknown:
        raise SandboxError(f"{command['name']!r} has no option {sorted(unknown)}")
    made: list[Json] = []
    for option in options:
        if option["name"] in values:
            value = _value(option, values[option["name"]], resolve)
            made.append({"name": option["name"], "type": option["type"], "value": value})
        elif option.get("required"):
            raise SandboxError(f"{command['name']!r} needs the option {option['name']!r}")
    return made


def _value(option: Json, value: object, resolve: Resolve) -> object:
    wrong = SandboxError(f"option {option['name']!r} cannot be {value!r}")
    match option["type"], value:
        case (3, str()) | (4, int()) | (10, int() | float()):
            return _plain(option, value, wrong)
        case 5, bool():
            return value
        case ((6 | 9), User()):
            return resolve("users", value)
        case ((8 | 9), Role()):
            return resolve("roles", value)
        case 7, Channel():
            return resolve("channels", value)
        case 11, (str(), bytes()):
            return resolve("attachments", value)
        case _:
            raise wrong


def _plain(option: Json, value: str | float, wrong: SandboxError) -> str | float:
    """A text or number within the option's choices (by name or value) and bounds."""
    choices: list[Json] = option.get("choices") or []
    if choices:
        for choice in choices:
            if value in {choice["name"], choice["value"]}:
                return choice["value"]
        raise wrong
    size = len(value) if isinstance(value, str) else value
    unit = "length" if isinstance(value, str) else "value"
    least, most = option.get(f"min_{unit}"), option.get(f"max_{unit}")
    if most is None and isinstance(value, str):
        most = 6000
    if (least is not None and size < least) or (most is not None and size > most):
        raise wrong
    return value
