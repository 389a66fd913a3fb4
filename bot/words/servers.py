"""What people read of a server's settings: refusals by them, and what admins are told."""

from collections.abc import Sequence

PLACES_NAMED_MAX = 10
"""In a refusal; a server may allow more."""


def blocked_here() -> str:
    return "The admins of this server do not let you use Easel here. Ask one of them why."


def paused_here() -> str:
    return "Easel is paused in this server until an admin lets it go on (`/server pause`)."


def role_needed(role_ids: Sequence[int]) -> str:
    return (
        "In this server Easel is for some roles only: "
        f"{_named([f'<@&{role_id}>' for role_id in role_ids])}. Ask an admin for one of them."
    )


def channel_not_allowed(channel_ids: Sequence[int]) -> str:
    return (
        "The admins of this server do not let Easel be used in this channel. Ask me in "
        f"{_named([f'<#{channel_id}>' for channel_id in channel_ids])}."
    )


def _named(names: Sequence[str]) -> str:
    more = ["…"] if len(names) > PLACES_NAMED_MAX else []
    return ", ".join([*names[:PLACES_NAMED_MAX], *more])


def setting_is_now(name: str, value: str, channel_id: int | None = None) -> str:
    where = "" if channel_id is None else f" in <#{channel_id}>"
    return f"`{name}`{where} is now: {value}"


def pause_begins() -> str:
    return (
        "Easel is paused in this server: it takes no more requests here. What is running is"
        " finished. `/server pause` once more lets it go on."
    )


def pause_ends() -> str:
    return "Easel goes on in this server."


def settings_title(server: str) -> str:
    return f"Easel's settings in {server}"


def settings_changes() -> str:
    return "Last changes"


def settings_change(name: str, channel_id: int, member_id: int, changed_ms: int) -> str:
    where = f" in <#{channel_id}>" if channel_id else ""
    return f"<t:{changed_ms // 1000}:R> `{name}`{where} by <@{member_id}>"


def setting_line(name: str, value: str, channel_id: int | None = None) -> str:
    where = "" if channel_id is None else f" in <#{channel_id}>"
    return f"`{name}`{where}: {value}"


def setting_everywhere() -> str:
    return "all"


def setting_nobody() -> str:
    return "nobody"


def setting_none() -> str:
    return "none"


def setting_default(value: str) -> str:
    return f"{value} (the bot's own)"


def flag(*, is_on: bool) -> str:
    return "on" if is_on else "off"


def wrong_setting(name: str, allowed: str) -> str:
    return f"Nothing was changed. `{name}` may be {allowed}, or `none` to clear it."


def allowed_channels(most: int) -> str:
    return (
        f"up to {most} channels of this server, as mentions or ids, such as `#general #studio`"
        " (threads count as their channel)"
    )


def allowed_roles(most: int) -> str:
    return f"up to {most} roles of this server, as mentions or ids, such as `@Painters`"


def allowed_members(most: int) -> str:
    return f"up to {most} members, as mentions or ids, such as `@Mara`"


def allowed_on_off() -> str:
    return "`on` or `off`"


def allowed_persona(most: int) -> str:
    return (
        f"a text of at most {most:,} characters, for the whole server, or for one of its channels"
        " as `#channel: text`"
    )


def allowed_time_zone() -> str:
    return "the name of an IANA time zone, such as `Europe/Berlin`"


def allowed_notify() -> str:
    return "one text channel of this server, as a mention or id, such as `#admins`"


def allowed_ask_above(most: int) -> str:
    return (
        f"an amount in US dollars from 0 to {most:,} with at most 9 decimals, such as `0.60`; 0"
        " never asks"
    )
