"""`easel check`: what a set-up needs, looked at item by item, each with the step that mends it. It
changes nothing, here or anywhere, and works beside a running bot.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import aiohttp
import discord

from bot import logs, words
from bot.app import App
from bot.clock import SystemClock, utc
from bot.errors import SettingsError, StartError, StoreUnavailable
from bot.ledger.watch import CREDIT_LEFT_TOLD, MODEL_ENDS_WITHIN_DAYS, PUBLISHED
from bot.money import NanoUsd, dollars
from bot.openrouter.client import OpenRouter
from bot.openrouter.models import ModelFacts
from bot.pictures.shelf import Shelf
from bot.settings import Settings
from bot.settings.reading import DEFAULT_FILE, Wrong, load, secret
from bot.store import synced
from bot.store.database import Database
from bot.store.folder import DataFolder
from bot.ui.client import Client, log_in, point_at
from bot.ui.commands import not_known, payload_sha256

State = Literal["ok", "missing", "wrong"]

PERMISSIONS = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}
"""All that Easel needs, by discord.py's names and as Discord shows them."""
KEY, TOKEN = "OPENROUTER_API_KEY", "DISCORD_TOKEN"
DISCORD_ITEMS = ("intents", "permissions", "commands", "invite")
DISCORD_TIMEOUT_S = 30.0
"""For all questions to Discord together; discord.py alone would try for minutes."""
SERVERS_PAGE = 200
SERVER_PAGES_MAX = 10
SERVER_LETTERS_MAX = 60
SERVERS_LOOKED_INTO_MAX = 20
"""Channel by channel, with three questions to Discord for each server."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How an item was found, and the sentence that says so or how to mend it."""

    state: State
    item: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.state} {self.item}: {self.sentence}"


class Check:
    """One look through everything. `say` is given each finding as it is made."""

    def __init__(self, say: Callable[[Finding], None]) -> None:
        self._say = say
        self.is_ok = True

    def _tell(self, state: State, item: str, sentence: str) -> None:
        self.is_ok = self.is_ok and state == "ok"
        self._say(Finding(state, item, sentence))

    async def run(self, config: Path | None, environment: Mapping[str, str]) -> None:
        """Nothing beyond the settings can be looked at where they are wrong."""
        path = config or Path(environment.get("EASEL_CONFIG") or DEFAULT_FILE)
        try:
            settings = load(config, environment, secrets=False)
        except SettingsError as error:
            is_there = error.found != words.found_no_file()
            self._tell("wrong" if is_there else "missing", "config", str(error))
            return
        read = words.config_read if _is_there(path) else words.config_defaults
        self._tell("ok", "config", read(str(path)))
        secrets = {name: _secret(name, environment) for name in (KEY, TOKEN)}
        # The findings say it all, but for a fault of our own.
        known = [each for each in secrets.values() if isinstance(each, str)]
        logs.set_up(known, level=logging.ERROR)
        self._folder(settings.storage.data_dir)
        told = await self._database(DataFolder(settings.storage.data_dir).database)
        await self._provider(settings, self._usable("key", secrets[KEY]))
        token = self._usable("token", secrets[TOKEN])
        if token is None:
            self._unknown(DISCORD_ITEMS, "token")
        else:
            await self._discord(settings, token, told)

    def _usable(self, item: str, found: str | SettingsError) -> str | None:
        """A secret; None, and said, where there is none that can be one."""
        if isinstance(found, str):
            return found
        if found.found == words.found_nothing():
            self._tell("missing", item, words.secret_missing(found.allowed))
        else:
            self._tell("wrong", item, str(found))
        return None

    def _unknown(self, items: tuple[str, ...], because_of: str) -> None:
        for item in items:
            self._tell("missing", item, words.needs(because_of))

    def _folder(self, path: Path) -> None:
        try:
            found = next(each for each in (path, *path.absolute().parents) if each.exists())
            reason = None
            if not found.is_dir():
                reason = words.not_a_folder()
            elif not os.access(found, os.R_OK | os.W_OK | os.X_OK):
                reason = words.may_not_be_written()
        except OSError as error:
            found, reason = path, error.strerror or type(error).__name__
        if reason is not None:
            self._tell("wrong", "data folder", words.folder_unusable(str(path), reason))
        elif found == path:
            self._tell("ok", "data folder", words.folder_usable(str(path)))
        else:
            self._tell("missing", "data folder", words.folder_missing(str(path)))

    async def _database(self, path: Path) -> str | None:
        """Gives what was told to Discord last of the commands, as far as that is known."""
        try:
            if not _is_there(path):
                self._tell("missing", "database", words.database_missing(str(path)))
                return None
            async with Database(path, SystemClock(), read_only=True) as database:
                told = await database.read(lambda tx: synced.payload_sha256(tx, "global"))
        except StoreUnavailable as error:
            self._tell("wrong", "database", error.sentence)
        except StartError as error:
            self._tell("wrong", "database", str(error))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._tell("wrong", "database", words.folder_unusable(str(path.parent), reason))
        else:
            self._tell("ok", "database", words.database_current(str(path)))
            return told
        return None

    async def _provider(self, settings: Settings, key: str | None) -> None:
        async with OpenRouter(
            base_url=settings.openrouter.base_url,
            api_key=key or "",
            timeout_s=settings.openrouter.timeout_s,
            shelf=Shelf(DataFolder(settings.storage.data_dir).shelf),
            clock=SystemClock(),
        ) as openrouter:
            if key is None:
                self._unknown(("credit",), "key")
            else:
                await self._key(openrouter)
            self._model(settings, await openrouter.model(settings.openrouter.model))

    async def _key(self, openrouter: OpenRouter) -> None:
        try:
            facts = await openrouter.check_key()
        except StartError as error:
            self._tell("wrong", "key", str(error))
            self._unknown(("credit",), "key")
            return
        self._tell("ok", "key", words.key_accepted())
        left = facts.remaining_nano_usd
        if left is None:
            self._tell("ok", "credit", words.credit_unlimited())
        elif left < min(CREDIT_LEFT_TOLD):
            self._tell("wrong", "credit", words.credit_low(dollars(left, 2)))
        else:
            self._tell("ok", "credit", words.credit_left(dollars(left, 2)))

    def _model(self, settings: Settings, facts: ModelFacts | None) -> None:
        name = settings.openrouter.model
        if facts is None:
            self._tell("wrong", "model", words.model_not_found(name, settings.openrouter.base_url))
            self._tell("missing", "price", words.price_not_known())
            return
        today = utc(SystemClock().now_ms()).date()
        if facts.ends_on is not None and (facts.ends_on - today).days <= MODEL_ENDS_WITHIN_DAYS:
            self._tell("wrong", "model", words.model_ends(name, facts.ends_on.isoformat()))
        elif facts.endpoints == 0:
            self._tell("wrong", "model", words.model_unoffered(name))
        else:
            self._tell("ok", "model", words.model_offered(name))
        for kind in PUBLISHED:
            published: NanoUsd | None = getattr(facts, kind)
            configured: NanoUsd = getattr(settings.prices[name], kind)
            if published is not None and published != configured:
                amounts = [dollars(NanoUsd(each * 10**6)) for each in (configured, published)]
                self._tell("wrong", "price", words.price_changed(name, kind, *amounts))
                return
        self._tell("ok", "price", words.price_as_published(name))

    async def _discord(self, settings: Settings, token: str, told: str | None) -> None:
        point_at(settings)
        pending = ["token", *DISCORD_ITEMS]
        try:
            async with (
                asyncio.timeout(DISCORD_TIMEOUT_S),
                Client(settings, guild_ready_timeout_s=0) as client,
            ):
                await log_in(client, token)
                self._tell("ok", pending.pop(0), words.token_accepted(str(client.user)))
                self._intents(settings, client)
                pending.pop(0)
                await self._permissions(client)
                pending.pop(0)
                await self._commands(settings, client, told)
                pending.pop(0)
                self._tell("ok", pending.pop(0), words.invite(invite_url(client.application_id)))
        except StartError as error:
            self._tell("wrong", pending.pop(0), str(error))
            self._unknown(tuple(pending), "token")
        except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
            sentence = words.discord_unreachable(type(error).__name__)
            for item in pending:
                self._tell("wrong", item, sentence)

    def _intents(self, settings: Settings, client: Client) -> None:
        assert client.application is not None
        flags = client.application.flags
        if not settings.discord.message_content:
            self._tell("ok", "intents", words.intents_not_asked())
        elif flags.gateway_message_content or flags.gateway_message_content_limited:
            self._tell("ok", "intents", words.intents_granted())
        else:
            self._tell("wrong", "intents", words.intent_missing())

    async def _permissions(self, client: Client) -> None:
        """As the server's roles give them, and where its channels take some of them away; a line
        for each server.
        """
        number = 0
        async for server in _servers(client):
            number += 1
            item = f"permissions in {_plain(str(server['name']))} ({server['id']})"
            given = discord.Permissions(int(str(server["permissions"])))
            lacking = [shown for name, shown in PERMISSIONS.items() if not getattr(given, name)]
            if lacking and not given.administrator:
                self._tell("wrong", item, words.permissions_missing(lacking))
            else:
                looked = number <= SERVERS_LOOKED_INTO_MAX
                closed = await _closed(client, int(str(server["id"]))) if looked else None
                self._tell("ok", item, words.permissions_given(closed))
        if number == 0:
            self._tell("missing", "permissions", words.in_no_server())
        elif number >= SERVERS_PAGE * SERVER_PAGES_MAX:
            self._tell("ok", "permissions", words.more_servers(number))

    async def _commands(self, settings: Settings, client: Client, told: str | None) -> None:
        assert client.application_id is not None
        tree = await App(settings).fit_out(client)
        lacking = await not_known(tree)
        if lacking:
            self._tell("missing", "commands", words.commands_not_told(lacking))
        elif told != payload_sha256(tree, client.application_id):
            self._tell("wrong", "commands", words.commands_changed())
        else:
            self._tell("ok", "commands", words.commands_told(len(tree.get_commands())))


def _secret(name: str, environment: Mapping[str, str]) -> str | SettingsError:
    wrong: list[Wrong] = []
    found = secret(name, environment, wrong)
    return SettingsError("environment", *wrong[0]) if wrong else found


def _is_there(path: Path) -> bool:
    return path.exists()


def invite_url(application_id: int | None) -> str:
    """Where an admin lets Easel into a server, with no more rights than it needs."""
    permissions = discord.Permissions(**dict.fromkeys(PERMISSIONS, True))
    return (
        f"https://discord.com/oauth2/authorize?client_id={application_id}"
        f"&scope=bot+applications.commands&permissions={permissions.value}"
    )


async def _servers(client: Client) -> AsyncIterator[Mapping[str, object]]:
    """The servers as Discord lists them, with Easel's permissions in each, which discord.py's own
    objects of them leave out.
    """
    after: int | None = None
    for _ in range(SERVER_PAGES_MAX):
        page = await client.http.get_guilds(SERVERS_PAGE, after=after, with_counts=False)
        for server in page:
            yield cast("Mapping[str, object]", server)  # its type does not know the permissions
        if len(page) < SERVERS_PAGE:
            return
        after = int(page[-1]["id"])


async def _closed(client: Client, server_id: int) -> list[tuple[str, list[str]]]:
    """The channels that Easel sees and where it may not do all that it needs, with what."""
    assert client.user is not None
    server = await client.fetch_guild(server_id, with_counts=False)
    me = await server.fetch_member(client.user.id)
    found: list[tuple[str, list[str]]] = []
    for channel in await server.fetch_channels():
        may = channel.permissions_for(me)
        lacking = [shown for name, shown in PERMISSIONS.items() if not getattr(may, name)]
        if lacking and may.view_channel and not isinstance(channel, discord.CategoryChannel):
            found.append((_plain(channel.name), lacking))
    return found


def _plain(name: str) -> str:
    """A server's name as it may stand in a line."""
    shown = "".join(letter for letter in name if letter.isprintable() and letter != ":")
    return " ".join(shown.split())[:SERVER_LETTERS_MAX]
