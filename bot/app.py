"""The composition root: from settings to a running bot. Every object is built here and every
lifetime and task belongs here; the order of entering is the order of stopping, backwards.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import aiohttp
import httpx

from bot.clock import Clock, SystemClock
from bot.confirming import Confirming
from bot.conversation.attachments import Attachments
from bot.conversation.documents import Documents
from bot.conversation.extract import READING_TIMEOUT_S
from bot.conversation.prompt import WINDOW_UNKNOWN, Terms
from bot.errors import StartError
from bot.exchange import Exchanges
from bot.fetch import Fetch, PublicFetch
from bot.health import Heart
from bot.ledger.book import Book
from bot.ledger.budgets import BudgetLimits
from bot.ledger.nightly import Nightly
from bot.ledger.prices import Price
from bot.ledger.settling import Settling
from bot.ledger.watch import Watch
from bot.openrouter.breaker import Breaker
from bot.openrouter.client import OpenRouter, trusted_certificates
from bot.pictures.fit import Fit
from bot.pictures.intake import Intake
from bot.pictures.pruning import Pruning
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from bot.queue import FairQueue
from bot.settings import CDN_URL, WINDOW_TOKENS, Settings
from bot.store.database import Database, migrate
from bot.store.folder import DataFolder
from bot.tasks import Tasks
from bot.ui.adjusting import Adjusting
from bot.ui.alerting import Alerting
from bot.ui.answer import DiscordAnswers
from bot.ui.asking import Asking
from bot.ui.beginning import Beginning
from bot.ui.budgets import Budgets
from bot.ui.catching_up import CatchingUp
from bot.ui.changes import Changes
from bot.ui.client import Client, log_in, point_at
from bot.ui.commands import Tree, sync
from bot.ui.deleting import Deleting
from bot.ui.digests import Digests
from bot.ui.exporting import Exporting
from bot.ui.gateway import Gateway
from bot.ui.links import refresh
from bot.ui.names import Names
from bot.ui.originals import Originals
from bot.ui.owner import Owner
from bot.ui.pointing import Pointing
from bot.ui.presses import Presses
from bot.ui.reading import Reading
from bot.ui.report_view import Drawing, ReportView
from bot.ui.server_settings import ServerSettings
from bot.underway import Underway
from bot.upkeep import Upkeep
from cogs.budget import Budget
from cogs.buttons import Buttons
from cogs.chat import Chat
from cogs.create import Create
from cogs.guide import Guide
from cogs.history import History
from cogs.menus import Menus
from cogs.money import Money
from cogs.server import Server
from cogs.talk import Talk

GUILD_READY_TIMEOUT_S = 2.0
"""How long discord.py waits for one more server before it calls itself ready."""
PICTURE_HOSTS = (
    "https://media.discordapp.net",
    "https://images-ext-1.discordapp.net",
    "https://images-ext-2.discordapp.net",
)
"""Where Discord serves pictures of embeds and components from, beside its CDN."""

log = logging.getLogger(__name__)


class App:
    """A bot that can be run once. `clock` and the time-out are for tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        guild_ready_timeout_s: float = GUILD_READY_TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._guild_ready_timeout_s = guild_ready_timeout_s

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Runs until `stop` is set, and calls `ready` once it answers.

        Raises StartError with the one sentence for the owner when it cannot start, or when
        Discord ends the connection for good.
        """
        settings = self._settings
        with DataFolder(settings.storage.data_dir) as folder:
            await migrate(folder.database)
            async with AsyncExitStack() as stack:
                shelf = await stack.enter_async_context(Shelf(folder.shelf))
                database = await stack.enter_async_context(
                    Database(folder.database, self._clock, give_room=shelf.room.give)
                )
                workshop = await stack.enter_async_context(Workshop())
                # Of its own, so that a long spreadsheet holds up no picture.
                reading_room = await stack.enter_async_context(Workshop(READING_TIMEOUT_S))
                public = await stack.enter_async_context(
                    httpx.AsyncClient(trust_env=False, verify=trusted_certificates())
                )
                downloads = await stack.enter_async_context(_session())
                model = await stack.enter_async_context(
                    OpenRouter(
                        base_url=settings.openrouter.base_url,
                        api_key=settings.openrouter_api_key,
                        timeout_s=settings.openrouter.timeout_s,
                        shelf=shelf,
                        clock=self._clock,
                        fetch=PublicFetch(public),
                    )
                )
                await model.check_key()
                point_at(settings)
                client = Client(settings, self._guild_ready_timeout_s)
                await stack.enter_async_context(client)
                await log_in(client, settings.discord_token)
                group = await stack.enter_async_context(Tasks())
                owner = Owner(client, database)
                underway, catching_up = await self._build(
                    client,
                    database,
                    shelf,
                    workshop,
                    reading_room,
                    model,
                    downloads,
                    owner,
                    group.spawn,
                )
                assert isinstance(client.tree, Tree)
                assert client.application_id is not None
                await sync(client.tree, database, client.application_id)
                watch = Watch(
                    database=database,
                    model=model,
                    clock=self._clock,
                    terms=self._terms(),
                    tell=owner.reach,
                )
                nightly = Nightly(folder.database, database, self._clock, model.key, owner.tell)
                drawing = Drawing(database, reading_room, Names(client))
                digests = Digests(client, database, drawing, owner, model.key)
                pruning = Pruning(
                    database,
                    shelf,
                    self._clock,
                    bytes_max=settings.storage.shelf_gb * 10**9,
                    days_max=settings.storage.shelf_days,
                )
                looks = (nightly.look, digests.look, pruning.look)
                upkeep = Upkeep(folder, shelf, self._clock, owner.tell, looks)
                heart = Heart(folder.heartbeat, database, self._clock, client.is_connected)
                group.spawn(heart.run())  # also while it stops
                gateway = Gateway(client, self._clock, catching_up.before_session)
                alerting = Alerting(client, database, owner, self._clock)
                endless = (
                    *(underway.sweep, watch.run, upkeep.run),
                    *(catching_up.run, alerting.run),
                )
                await self._serve(client, gateway, underway, endless, group, stop, ready)

    async def _build(
        self,
        client: Client,
        database: Database,
        shelf: Shelf,
        workshop: Workshop,
        reading_room: Workshop,
        model: OpenRouter,
        downloads: aiohttp.ClientSession,
        owner: Owner,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> tuple[Underway, CatchingUp]:
        """Puts the parts together and adds the cogs."""
        settings = self._settings
        limits = BudgetLimits(
            member_day=settings.budgets.member_day_nano_usd,
            member_month=settings.budgets.member_month_nano_usd,
            server_month=settings.budgets.server_month_nano_usd,
            total_month=settings.budgets.total_month_nano_usd,
        )
        book = Book(limits)
        intake = Intake(shelf, workshop)
        cdn = settings.discord.cdn_url or CDN_URL
        fetch = Fetch(downloads, (cdn, *PICTURE_HOSTS), partial(refresh, client))
        fit = Fit(shelf, workshop)
        answers = DiscordAnswers(
            client=client,
            database=database,
            book=book,
            fit=fit,
            clock=self._clock,
        )
        confirming = Confirming(
            database, book, answers, ask_above=settings.limits.ask_above_nano_usd
        )
        exchanges = Exchanges(
            database=database,
            queue=FairQueue(
                settings.limits.running_max,
                settings.limits.running_per_member_max,
                settings.limits.queue_max,
            ),
            book=book,
            model=model,
            breaker=Breaker(
                self._clock,
                lambda sentence: spawn(owner.tell(sentence)),
                lambda: spawn(owner.works_again()),
            ),
            settling=Settling(database, book, model, self._clock, settings.limits.unresolved_s),
            attachments=Attachments(
                database,
                shelf,
                intake,
                fetch,
                Documents(database, shelf, reading_room, fetch),
            ),
            intake=intake,
            answers=answers,
            confirming=confirming,
            clock=self._clock,
            terms=self._terms(),
            tell_owner=lambda sentence: spawn(owner.tell(sentence)),
        )
        underway = Underway(exchanges, database, self._clock, spawn)
        reading = Reading(client, database, message_content=settings.discord.message_content)
        deleting = Deleting(client, database)
        changes = Changes(client, database, reading, deleting)
        await client.add_cog(Chat(exchanges, underway, reading, changes))
        beginning = Beginning(exchanges, underway, answers)
        await client.add_cog(Create(reading, beginning))
        await client.add_cog(Talk(reading, beginning))
        presses = Presses(
            exchanges=exchanges,
            confirming=confirming,
            underway=underway,
            database=database,
            book=book,
            reading=reading,
            asking=Asking(reading, database),
            beginning=beginning,
            deleting=deleting,
            originals=Originals(fit),
        )
        await client.add_cog(Buttons(presses))
        await client.add_cog(Menus(client.tree, presses, Pointing(reading, database), beginning))
        await client.add_cog(Guide(client.tree, message_content=settings.discord.message_content))
        drawing = Drawing(database, reading_room, Names(client))
        view = ReportView(database, limits, drawing)
        await client.add_cog(Money(view, Exporting(database), Adjusting(database, book)))
        await client.add_cog(Budget(Budgets(database, limits)))
        await client.add_cog(History(database, book, underway))
        await client.add_cog(Server(ServerSettings(database, settings.limits.ask_above_nano_usd)))
        catching_up = CatchingUp(
            client=client,
            database=database,
            exchanges=exchanges,
            underway=underway,
            reading=reading,
            clock=self._clock,
            young_s=settings.limits.catch_up_s,
        )
        client.add_listener(catching_up.on_ready)
        return underway, catching_up

    async def fit_out(self, client: Client) -> Tree:
        """Gives a client its cogs, and its tree of commands: to look at, for nothing is open and
        nothing of it answers.
        """
        folder = DataFolder(self._settings.storage.data_dir)
        database, shelf, tasks = (
            Database(folder.database, self._clock),
            Shelf(folder.shelf),
            Tasks(),
        )
        model = OpenRouter(
            base_url=self._settings.openrouter.base_url,
            api_key="",
            timeout_s=self._settings.openrouter.timeout_s,
            shelf=shelf,
            clock=self._clock,
        )
        owner = Owner(client, database)
        async with _session() as downloads:
            await self._build(
                client,
                database,
                shelf,
                Workshop(),
                Workshop(),
                model,
                downloads,
                owner,
                tasks.spawn,
            )
        assert isinstance(client.tree, Tree)
        return client.tree

    def _terms(self) -> Terms:
        settings = self._settings
        price = settings.prices[settings.openrouter.model]
        return Terms(
            model=settings.openrouter.model,
            price=Price(price.input, price.cached_input, price.output, price.image_output),
            max_tokens=settings.openrouter.max_tokens,
            context_tokens=settings.limits.context_tokens,
            context_pictures=settings.limits.context_pictures,
            window_tokens=WINDOW_TOKENS.get(settings.openrouter.model, WINDOW_UNKNOWN),
        )

    async def _serve(
        self,
        client: Client,
        gateway: Gateway,
        underway: Underway,
        endless: Sequence[Callable[[], Coroutine[Any, Any, None]]],
        tasks: "Tasks",
        stop: asyncio.Event,
        ready: Callable[[], None],
    ) -> None:
        """Connects, takes up what was left, answers until told to stop, and ends in order."""
        lost: list[StartError] = []
        await underway.line_up()
        connection = tasks.spawn(_connect(gateway, lost))
        is_ready = tasks.spawn(client.wait_until_ready())
        told = tasks.spawn(_wait(stop))
        await asyncio.wait({connection, is_ready, told}, return_when=asyncio.FIRST_COMPLETED)
        if is_ready.done() and not connection.done():
            running = [tasks.spawn(each()) for each in endless]
            ready()
            await asyncio.wait({connection, told}, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                task.cancel()
            await underway.stop(self._settings.limits.stop_grace_s)
        await client.close()
        connection.cancel()  # it may be in a long pause
        await asyncio.wait({connection})
        if lost:
            raise lost[0]


def _session() -> aiohttp.ClientSession:
    """For what Discord serves."""
    return aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())


async def _connect(gateway: Gateway, lost: list[StartError]) -> None:
    try:
        await gateway.run()
    except StartError as error:
        lost.append(error)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
