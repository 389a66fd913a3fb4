"""/history: what a person asked, page by page. A page is known by the `custom_id` of the button
that leads to it, so that paging outlives a restart.
"""

import re
from dataclasses import dataclass, replace
from typing import cast

import discord

from bot import words
from bot.ledger.book import Book, Charge
from bot.ledger.periods import PERIODS, Period, instants, period_days
from bot.money import dollars
from bot.store import asked, messages
from bot.store.asked import Asked
from bot.store.database import Transaction
from bot.ui import markdown

PAGE_LINES = 8
PAGES_MAX = 100
PROMPT_LETTERS_SHOWN = 120
LATEST = 2**63 - 1
COLOUR = 0x5865F2

_CUSTOM_ID = re.compile(
    r"history:(?P<member>\d{1,19}):(?P<server>\d{1,19}|-):(?P<period>[a-z-]{1,10})"
    r":(?P<newest>\d{1,19}):(?P<page>\d{1,2})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of whose history: `server_id` None means everywhere, and 0 direct messages;
    nothing newer than `newest_id` is on it, so that pages stay where they are.
    """

    member_id: int
    server_id: int | None
    period: Period
    newest_id: int
    number: int = 0

    @property
    def custom_id(self) -> str:
        server = "-" if self.server_id is None else self.server_id
        return f"history:{self.member_id}:{server}:{self.period}:{self.newest_id}:{self.number}"


def read(custom_id: object) -> Page | None:
    """None for what does not name a page."""
    found = _CUSTOM_ID.fullmatch(custom_id) if isinstance(custom_id, str) else None
    if found is None or found["period"] not in PERIODS:
        return None
    return Page(
        member_id=int(found["member"]),
        server_id=None if found["server"] == "-" else int(found["server"]),
        period=cast("Period", found["period"]),  # it is one of them
        newest_id=min(int(found["newest"]), LATEST),
        number=int(found["page"]),
    )


def may_see(interaction: discord.Interaction[discord.Client], page: Page) -> bool:
    """One's own, and others' in the server where one may manage it."""
    if page.member_id == interaction.user.id:
        return True
    here = interaction.guild_id is not None and page.server_id == interaction.guild_id
    return here and interaction.permissions.manage_guild


@dataclass(frozen=True, slots=True)
class Line:
    """An exchange, what it cost, and the address of its answer."""

    asked: Asked
    charge: Charge
    link: str | None


async def lines(tx: Transaction, book: Book, page: Page) -> list[Line]:
    """What is on a page, and one more if there is another page."""
    first_ms, before_ms = instants(period_days(page.period, tx.now_ms))
    found = await asked.of_member(
        tx,
        page.member_id,
        server_id=page.server_id,
        first_ms=first_ms,
        before_ms=before_ms,
        newest_id=page.newest_id,
        skip=page.number * PAGE_LINES,
        most=PAGE_LINES + 1,
    )
    return [Line(one, await book.charge(tx, one.id), await _link(tx, one)) for one in found]


async def _link(tx: Transaction, one: Asked) -> str | None:
    """Of the answer, or else of the message that asked; what only one person sees has none."""
    posted = (await messages.of_exchange(tx, one.id)).get(messages.ANSWER)
    if one.moved == "history" or (one.private and one.moved is None):
        return None
    where = one.server_id or "@me"
    if posted is not None and not one.waits:
        there = "@me" if one.moved == "direct" else where
        return f"https://discord.com/channels/{there}/{posted.channel_id}/{posted.id}"
    if one.command == "message":
        return f"https://discord.com/channels/{where}/{one.channel_id}/{one.id}"
    return None


def embed(page: Page, found: list[Line], *, own: bool) -> discord.Embed:
    """A page as its reader sees it: of others without the words that were asked in
    private or deleted.
    """
    shown = [f"{_line(one)}\n{_words(one.asked, own=own)}" for one in found[:PAGE_LINES]] or [
        words.history_nothing()
    ]
    if not own:
        shown.insert(0, words.history_of(f"<@{page.member_id}>"))
    title = words.history_title(words.PERIODS[page.period], own=own)
    made = discord.Embed(title=title, description="\n".join(shown), colour=COLOUR)
    return made.set_footer(text=words.history_page(page.number + 1))


def buttons(page: Page, found: list[Line]) -> discord.ui.View:
    """To the pages beside this one; none where there is only one."""
    view = discord.ui.View(timeout=None)
    has_older = len(found) > PAGE_LINES and page.number + 1 < PAGES_MAX
    for label, number, there in (
        (words.newer(), page.number - 1, page.number > 0),
        (words.older(), page.number + 1, has_older),
    ):
        if there:
            custom_id = replace(page, number=number).custom_id
            view.add_item(discord.ui.Button(label=label, custom_id=custom_id))
    view.stop()  # it is only sent; a view that is not stopped is kept
    return view


def _line(one: Line) -> str:
    outcome = words.history_running()
    if one.asked.has_ended:
        charge = one.charge
        charged = charge.cost != 0 or one.asked.word is None
        cost = words.history_cost(
            dollars(charge.cost) if charged else None,
            estimated=charge.estimated,
            known=not charge.open,
        )
        outcome = words.history_outcome(one.asked.word, cost, waits=one.asked.waits)
    return words.history_line(one.asked.created_ms, one.asked.command, outcome, one.link)


def _words(one: Asked, *, own: bool) -> str:
    if one.private and not own:
        return f"> {words.history_private()}"
    if one.forgotten and not own:
        return f"> {words.words_deleted()}"
    text = " ".join(one.prompt.split())
    if len(text) > PROMPT_LETTERS_SHOWN:
        text = f"{text[: PROMPT_LETTERS_SHOWN - 1]}…"
    return f"> {markdown.escape(text)}"
