"""A server's settings as its admins type and read them: from text to what is stored, and back."""

import asyncio
import re
import zoneinfo
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import discord

from bot import words
from bot.money import NanoUsd, decimal_usd, nano_usd
from bot.store import servers
from bot.store.database import Database, Transaction
from bot.store.servers import OFF, ON, WHOLE_SERVER, Change, Name, Rules
from bot.ui import markdown

IDS_MAX = 50
"""Of channels, roles or members in one setting."""
PERSONA_LETTERS_MAX = 1_000
ASK_ABOVE_USD_MAX = 1_000_000
CLEAR = "none"
SUGGESTIONS_MAX = 25
"""As many as Discord takes: https://discord.com/developers/docs/interactions/application-commands
(2026-08)."""
CHANGES_SHOWN = 5
PERSONAS_SHOWN = 10
PERSONA_LETTERS_SHOWN = 200
IDS_SHOWN = 20
COLOUR = 0x5865F2

_FOR_CHANNEL = re.compile(r"<#(?P<id>\d{1,20})>\s*:(?P<text>.*)", re.DOTALL)
_ID = r"\d{15,20}"
_AMOUNT = re.compile(r"\$?(?P<amount>\d{1,7}(?:\.\d{1,9})?)", re.ASCII)


class WrongValue(Exception):
    """A setting cannot be this; `str()` says what is allowed."""


@dataclass(frozen=True, slots=True)
class Value:
    """What is to be stored, None to clear it, and the one channel it is for."""

    text: str | None
    channel_id: int = WHOLE_SERVER


class ServerSettings:
    """Reads and changes the settings of the servers. `ask_above` holds where a server says
    nothing.
    """

    def __init__(self, database: Database, ask_above: NanoUsd) -> None:
        self._database = database
        self._ask_above = ask_above

    async def change(self, guild: discord.Guild, member_id: int, name: Name, text: str) -> str:
        """Sets what an admin typed, and gives the sentence that tells them."""
        try:
            value = await _READERS[name](text.strip(), guild)
        except WrongValue as wrong:
            return words.wrong_setting(name, str(wrong))
        await self._database.write(
            lambda tx: servers.put(
                tx, guild.id, name, value.text, member_id=member_id, channel_id=value.channel_id
            )
        )
        rules = await self._database.read(lambda tx: servers.get(tx, guild.id))
        if value.channel_id:
            now = words.setting_none() if value.text is None else markdown.escape(value.text)
            return words.setting_is_now(name, now, value.channel_id)
        return words.setting_is_now(name, dict(self._shown(rules))[name])

    async def pause(self, server_id: int, member_id: int) -> str:
        """Pauses the server, or lets it go on, and gives the sentence that says which."""

        async def turn(tx: Transaction) -> bool:
            begins = not (await servers.get(tx, server_id)).paused
            value = ON if begins else None
            await servers.put(tx, server_id, "paused", value, member_id=member_id)
            return begins

        begins = await self._database.write(turn)
        return words.pause_begins() if begins else words.pause_ends()

    async def show(self, guild: discord.Guild) -> discord.Embed:
        """All settings, and who changed which last."""

        async def read(tx: Transaction) -> tuple[Rules, list[Change]]:
            return await servers.get(tx, guild.id), await servers.changes(
                tx, guild.id, CHANGES_SHOWN
            )

        rules, changes = await self._database.read(read)
        lines = [words.setting_line(name, value) for name, value in self._shown(rules)]
        for channel_id, persona in list(rules.persona_by_channel.items())[:PERSONAS_SHOWN]:
            lines.append(words.setting_line("persona", _persona(persona), channel_id))
        if more := len(rules.persona_by_channel) - PERSONAS_SHOWN:
            lines += [words.and_more(more)] if more > 0 else []
        embed = discord.Embed(
            title=words.settings_title(markdown.escape(guild.name)),
            description="\n".join(lines),
            colour=COLOUR,
        )
        if changes:
            told = [
                words.settings_change(one.name, one.channel_id, one.member_id, one.changed_ms)
                for one in changes
            ]
            embed.add_field(name=words.settings_changes(), value="\n".join(told))
        return embed

    def _shown(self, rules: Rules) -> list[tuple[str, str]]:
        """Each setting of the whole server, as an admin reads it."""
        default = words.setting_default(_price(self._ask_above))
        ask_above = default if rules.ask_above is None else _price(rules.ask_above)
        shown = [
            ("channels", _mentions("#", rules.channels) or words.setting_everywhere()),
            ("roles", _mentions("@&", rules.roles) or words.setting_everywhere()),
            ("blocked", _mentions("@", rules.blocked) or words.setting_nobody()),
            ("cost_line", words.flag(is_on=rules.cost_line)),
            ("ping", words.flag(is_on=rules.ping)),
            ("persona", _persona(rules.persona) if rules.persona else words.setting_none()),
            ("time_zone", rules.time_zone or words.setting_default("UTC")),
            ("notify", _mentions("#", () if rules.notify is None else (rules.notify,))),
            ("ask_above_usd", ask_above),
            ("paused", words.flag(is_on=rules.paused)),
        ]
        return [(name, value or words.setting_none()) for name, value in shown]

    async def suggestions(self, name: str | None, typed: str) -> list[str]:
        """What may be meant by what was typed of a value so far."""
        match name:
            case "cost_line" | "ping":
                known: Iterable[str] = (ON, OFF)
            case "time_zone":
                known = (CLEAR, *await asyncio.to_thread(_zones))
            case None:
                known = ()
            case _:
                known = (CLEAR,)
        found = [each for each in known if typed.strip().casefold() in each.casefold()]
        return found[:SUGGESTIONS_MAX]


@cache
def _zones() -> Sequence[str]:
    """Read from the disk once, which takes some milliseconds."""
    return sorted(zoneinfo.available_timezones())


def _price(amount: NanoUsd) -> str:
    return f"${decimal_usd(amount).normalize():f}"


def _mentions(sign: str, ids: Sequence[int]) -> str:
    shown = [f"<{sign}{one}>" for one in ids[:IDS_SHOWN]]
    more = [words.and_more(len(ids) - IDS_SHOWN)] if len(ids) > IDS_SHOWN else []
    return " ".join([*shown, *more])


def _persona(text: str) -> str:
    short = text if len(text) <= PERSONA_LETTERS_SHOWN else f"{text[:PERSONA_LETTERS_SHOWN]}…"
    return markdown.escape(" ".join(short.split()))


def _read_ids(text: str, mention: str) -> list[int]:
    """The ids in a list of mentions and ids; ValueError for anything else."""
    found: list[int] = []
    for each in re.split(r"[\s,]+", text.strip(" ,")):
        match = re.fullmatch(
            rf"(?:{mention}(?P<mentioned>{_ID})>|(?P<plain>{_ID}))", each, re.ASCII
        )
        if match is None:
            raise ValueError
        found.append(int(match["mentioned"] or match["plain"]))
    return list(dict.fromkeys(found))


async def _channels(text: str, guild: discord.Guild) -> Value:
    return _list_of(
        text, "<#", words.allowed_channels(IDS_MAX), lambda one: _is_channel(guild, one)
    )


async def _roles(text: str, guild: discord.Guild) -> Value:
    allowed = words.allowed_roles(IDS_MAX)
    return _list_of(text, "<@&", allowed, lambda one: guild.get_role(one) is not None)


async def _members(text: str, _: discord.Guild) -> Value:
    # Easel does not know a server's members, and who left may be blocked all the same.
    return _list_of(text, "<@!?", words.allowed_members(IDS_MAX), lambda _: True)


def _list_of(text: str, mention: str, allowed: str, is_there: Callable[[int], bool]) -> Value:
    if text.casefold() == CLEAR:
        return Value(None)
    try:
        ids = _read_ids(text, mention)
    except ValueError:
        raise WrongValue(allowed) from None
    if len(ids) > IDS_MAX or not all(map(is_there, ids)):
        raise WrongValue(allowed)
    return Value(servers.of_ids(ids))


def _is_channel(guild: discord.Guild, channel_id: int) -> bool:
    channel = guild.get_channel(channel_id)
    return channel is not None and not isinstance(channel, discord.CategoryChannel)


async def _flag(text: str, _: discord.Guild) -> Value:
    known = {CLEAR: Value(None), ON: Value(ON), OFF: Value(OFF)}
    if text.casefold() not in known:
        raise WrongValue(words.allowed_on_off())
    return known[text.casefold()]


async def _persona_value(text: str, guild: discord.Guild) -> Value:
    match = _FOR_CHANNEL.fullmatch(text)
    channel_id = WHOLE_SERVER if match is None else int(match["id"])
    persona = text if match is None else match["text"].strip()
    is_there = match is None or _is_channel(guild, channel_id)
    if not is_there or not 1 <= len(persona) <= PERSONA_LETTERS_MAX:
        raise WrongValue(words.allowed_persona(PERSONA_LETTERS_MAX))
    return Value(None if persona.casefold() == CLEAR else persona, channel_id)


async def _time_zone(text: str, _: discord.Guild) -> Value:
    if text.casefold() == CLEAR:
        return Value(None)
    if text not in await asyncio.to_thread(_zones):
        raise WrongValue(words.allowed_time_zone())
    return Value(text)


async def _notify(text: str, guild: discord.Guild) -> Value:
    value = _list_of(
        text,
        "<#",
        words.allowed_notify(),
        lambda one: isinstance(guild.get_channel(one), discord.TextChannel),
    )
    if value.text is not None and " " in value.text:
        raise WrongValue(words.allowed_notify())
    return value


async def _ask_above(text: str, _: discord.Guild) -> Value:
    if text.casefold() == CLEAR:
        return Value(None)
    match = _AMOUNT.fullmatch(text)
    amount = None if match is None else Decimal(match["amount"])
    if amount is None or amount > ASK_ABOVE_USD_MAX:
        raise WrongValue(words.allowed_ask_above(ASK_ABOVE_USD_MAX))
    nano: NanoUsd = nano_usd(amount)
    return Value(str(nano))


_READERS: dict[Name, Callable[[str, discord.Guild], Awaitable[Value]]] = {
    "channels": _channels,
    "roles": _roles,
    "blocked": _members,
    "cost_line": _flag,
    "ping": _flag,
    "persona": _persona_value,
    "time_zone": _time_zone,
    "notify": _notify,
    "ask_above_usd": _ask_above,
}
