"""What the admins of a server set for it, and every change they made. A setting that is not set has
no row; what the settings do is not decided here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.money import NanoUsd
from bot.store.database import Transaction

Name = Literal[
    "channels",
    "roles",
    "blocked",
    "cost_line",
    "ping",
    "persona",
    "time_zone",
    "notify",
    "ask_above_usd",
    "paused",
]
WHOLE_SERVER = 0
OFF = "off"
ON = "on"
_PERSONA: Name = "persona"
_ASK_ABOVE: Name = "ask_above_usd"


@dataclass(frozen=True, slots=True)
class Rules:
    """A server's settings. Empty sets of channels and roles allow all of them; None, for the zone,
    the channel to notify and the price to ask above, is what holds without the server's word.
    """

    channels: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    blocked: tuple[int, ...] = ()
    cost_line: bool = True
    ping: bool = True
    persona: str = ""
    persona_by_channel: Mapping[int, str] = field(default_factory=dict[int, str])
    time_zone: str | None = None
    notify: int | None = None
    ask_above: NanoUsd | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Who set what, and when; no value is one that was cleared."""

    name: str
    channel_id: int
    value: str | None
    member_id: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """When a server's time zone was set, and to what; None is UTC again."""

    changed_ms: int
    zone: str | None


async def get(tx: Transaction, server_id: int) -> Rules:
    """A server's settings; of direct messages, whose server id is 0, there are none."""
    rows = await tx.all(
        "SELECT channel_id, name, value FROM server_setting WHERE server_id = :server_id",
        server_id=server_id,
    )
    values: dict[str, str] = {
        row["name"]: row["value"] for row in rows if row["channel_id"] == WHOLE_SERVER
    }
    notify, ask_above = values.get("notify"), values.get(_ASK_ABOVE)
    return Rules(
        channels=_ids(values.get("channels")),
        roles=_ids(values.get("roles")),
        blocked=_ids(values.get("blocked")),
        cost_line=values.get("cost_line") != OFF,
        ping=values.get("ping") != OFF,
        persona=values.get(_PERSONA, ""),
        persona_by_channel={
            row["channel_id"]: row["value"]
            for row in rows
            if row["channel_id"] != WHOLE_SERVER and row["name"] == _PERSONA
        },
        time_zone=values.get("time_zone"),
        notify=None if notify is None else int(notify),
        ask_above=None if ask_above is None else NanoUsd(int(ask_above)),
        paused=values.get("paused") == ON,
    )


async def with_setting(tx: Transaction, name: Name) -> list[int]:
    """The servers where this is set for the whole server."""
    rows = await tx.all(
        "SELECT server_id FROM server_setting WHERE channel_id = :whole_server AND name = :name"
        " ORDER BY server_id",
        whole_server=WHOLE_SERVER,
        name=name,
    )
    return [row["server_id"] for row in rows]


async def ask_above(tx: Transaction, server_id: int) -> NanoUsd | None:
    """The estimate above which a request in this server is confirmed first, 0 never asks; None
    where the server says nothing.
    """
    row = await tx.one(
        "SELECT value FROM server_setting"
        " WHERE server_id = :server_id AND channel_id = :whole_server AND name = :name",
        server_id=server_id,
        whole_server=WHOLE_SERVER,
        name=_ASK_ABOVE,
    )
    return None if row is None else NanoUsd(int(row["value"]))


def of_ids(ids: Iterable[int]) -> str:
    """Ids as the value of a setting."""
    return " ".join(map(str, ids))


def _ids(value: str | None) -> tuple[int, ...]:
    return () if value is None else tuple(map(int, value.split()))


async def put(
    tx: Transaction,
    server_id: int,
    name: Name,
    value: str | None,
    *,
    member_id: int,
    channel_id: int = WHOLE_SERVER,
) -> None:
    """Sets a setting, or clears it without a value, and notes who did. For one channel alone if
    given: personas are the only ones read so.
    """
    if value is None:
        await tx.run(
            "DELETE FROM server_setting WHERE server_id = :server_id"
            " AND channel_id = :channel_id AND name = :name",
            server_id=server_id,
            channel_id=channel_id,
            name=name,
        )
    else:
        await tx.run(
            "INSERT INTO server_setting (server_id, channel_id, name, value)"
            " VALUES (:server_id, :channel_id, :name, :value)"
            " ON CONFLICT (server_id, channel_id, name) DO UPDATE SET value = excluded.value",
            server_id=server_id,
            channel_id=channel_id,
            name=name,
            value=value,
        )
    await tx.run(
        "INSERT INTO server_change (server_id, channel_id, name, value, member_id, changed_ms)"
        " VALUES (:server_id, :channel_id, :name, :value, :member_id, :now_ms)",
        server_id=server_id,
        channel_id=channel_id,
        name=name,
        value=value,
        member_id=member_id,
        now_ms=tx.now_ms,
    )


async def changes(tx: Transaction, server_id: int, most: int) -> list[Change]:
    """The newest changes of a server's settings, newest first."""
    rows = await tx.all(
        "SELECT name, channel_id, value, member_id, changed_ms FROM server_change"
        " WHERE server_id = :server_id ORDER BY id DESC LIMIT :most",
        server_id=server_id,
        most=most,
    )
    return [
        Change(row["name"], row["channel_id"], row["value"], row["member_id"], row["changed_ms"])
        for row in rows
    ]


async def zone_changes(tx: Transaction, server_id: int) -> list[ZoneChange]:
    """Every change of a server's time zone, oldest first: windows depend on all of them."""
    rows = await tx.all(
        "SELECT changed_ms, value FROM server_change"
        " WHERE server_id = :server_id AND name = 'time_zone' ORDER BY id",
        server_id=server_id,
    )
    return [ZoneChange(row["changed_ms"], row["value"]) for row in rows]
