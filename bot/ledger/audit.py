"""The audit: whether the books are whole, agree with themselves, and with what the provider says
that it charged today. Finds and tells; mends nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from bot import words
from bot.clock import Clock, milliseconds, utc
from bot.errors import StoreUnavailable
from bot.money import NanoUsd, dollars, nano_usd
from bot.openrouter.client import KeyFacts
from bot.store import audit as store
from bot.store.audit import ChargedSince
from bot.store.database import Database

ACCOUNT_MARGIN = nano_usd("0.01")
ACCOUNT_MARGIN_SHARE = 1_000
"""The provider's sum of a day may be off by a cent, or by a thousandth of it if that is more."""

AskKey = Callable[[], Awaitable[KeyFacts | None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """How something was found, and what that means."""

    item: str
    is_right: bool
    sentence: str

    def __str__(self) -> str:
        return f"{'ok' if self.is_right else 'wrong'} {self.item}: {self.sentence}"


async def audit(database: Database, clock: Clock, ask_key: AskKey | None) -> AsyncIterator[Finding]:
    """Each finding as it is made; one for each difference. `ask_key` asks the provider what the key
    was used for; without it that is not compared. To be given a database of its own: it reads for
    long.
    """
    try:
        async for finding in _of_the_database(database):
            yield finding
        if ask_key is not None:
            yield await _of_the_account(database, clock, ask_key)
    except StoreUnavailable as error:
        yield Finding("database", is_right=False, sentence=error.sentence)


async def _of_the_database(database: Database) -> AsyncIterator[Finding]:
    damage = await database.read(store.damage)
    for each in damage:
        yield Finding("database", is_right=False, sentence=words.audit_damage(each))
    if not damage:
        yield Finding("database", is_right=True, sentence=words.audit_whole())
    # One read each, for one state of the books.
    balances = await database.read(store.wrong_balances)
    for off in balances:
        sentence = words.audit_balance(
            off.name,
            dollars(off.spent, 9),
            dollars(off.spent_by_entries, 9),
            dollars(off.held, 9),
            dollars(off.held_by_reservations, 9),
        )
        yield Finding("balances", is_right=False, sentence=sentence)
    if not balances:
        count = await database.read(store.balances)
        yield Finding("balances", is_right=True, sentence=words.audit_balances(count))
    entries = await database.read(store.wrong_entries)
    for each in entries:
        yield Finding("entries", is_right=False, sentence=words.audit_entry(each))
    if not entries:
        count = await database.read(store.entries)
        yield Finding("entries", is_right=True, sentence=words.audit_entries(count))


async def _of_the_account(database: Database, clock: Clock, ask_key: AskKey) -> Finding:
    """Compares the day's sum, in UTC as the provider counts. What is open or estimated may be more
    or less at the provider, and a call around midnight may count on either day.
    """
    now = utc(clock.now_ms())
    midnight_ms = milliseconds(now.replace(hour=0, minute=0, second=0, microsecond=0))
    before = await database.read(lambda tx: store.charged_since(tx, midnight_ms))
    key = await ask_key()
    after = await database.read(lambda tx: store.charged_since(tx, midnight_ms))
    if key is None or key.used_today_nano_usd is None:
        return Finding("account", is_right=False, sentence=words.audit_no_account())
    used = key.used_today_nano_usd
    left = None if key.remaining_nano_usd is None else dollars(key.remaining_nano_usd, 2)
    least, most = _bounds(before, after)
    is_right = least <= used <= most
    sentence = words.audit_account(
        dollars(after.cost, 9), dollars(used, 9), dollars(after.held, 4), left, is_right=is_right
    )
    return Finding("account", is_right=is_right, sentence=sentence)


def _bounds(before: ChargedSince, after: ChargedSince) -> tuple[NanoUsd, NanoUsd]:
    margin = max(ACCOUNT_MARGIN, after.cost // ACCOUNT_MARGIN_SHARE)
    least = before.cost - before.estimated - before.begun_before - margin
    return NanoUsd(least), NanoUsd(after.cost + after.held + margin)
