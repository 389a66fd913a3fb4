"""/budget and /limit: from what people type to limits that hold, and back."""

from collections.abc import Sequence
from dataclasses import replace

import discord

from bot import words
from bot.clock import day_number
from bot.ledger import budgets as ledger
from bot.ledger.budgets import Budget, BudgetLimits, Calendar, Cap
from bot.ledger.periods import EVERY_DAY
from bot.money import NanoUsd, dollars
from bot.store import balances, budgets, entries
from bot.store.balances import Span
from bot.store.budgets import Change, Limit, Name, Scope
from bot.store.database import Database, Transaction
from bot.store.entries import Days
from bot.ui import markdown
from bot.ui.amounts import AMOUNT_USD_MAX, REASON_LETTERS_MAX, read_amount
from bot.ui.budget_lines import cap_line, exact, fitting
from bot.ui.visitors import visitor

BUDGETS_MAX = 100
"""Of a server: each request looks at all that may concern it."""
CHANGES_SHOWN = 20
MOST_NAMED = 3
DESCRIPTION_LETTERS_MAX = 4_000
COLOUR = 0x5865F2
NONE = "none"
_NEEDS: dict[Scope, str] = {"role-pot": "role", "role-member": "role", "member": "member"}
_ORDER: tuple[Scope, ...] = ("server", "role-pot", "everyone", "role-member", "member")
_SPANS = ledger.SPANS


class Wrong(Exception):
    """Nothing was done; `str()` says why."""


class Budgets:
    """Reads and changes limits. Who may is Discord's to say, as with every command of admins."""

    def __init__(self, database: Database, caps: BudgetLimits) -> None:
        self._database = database
        self._caps = caps

    async def put(
        self,
        guild_id: int,
        actor_id: int,
        scope: Scope,
        span: Span,
        limit: str,
        role: discord.Role | None,
        member: discord.User | discord.Member | None,
    ) -> str:
        """Sets a budget, and gives the sentence that says so."""
        amount = read_amount(limit)
        if amount is None or amount < 0:
            return words.wrong_limit(AMOUNT_USD_MAX)
        try:
            name = _name(guild_id, scope, span, role, member)
        except Wrong as wrong:
            return str(wrong)

        async def operation(tx: Transaction) -> bool:
            is_new = await budgets.find(tx, name) is None
            if is_new and len(await budgets.of_server(tx, guild_id)) >= BUDGETS_MAX:
                return False
            await budgets.put(tx, name, amount, actor_id=actor_id)
            return True

        if not await self._database.write(operation):
            return words.too_many_budgets(BUDGETS_MAX)
        return words.budget_is_now(_title(name), exact(amount))

    async def remove(
        self,
        guild: discord.Guild,
        actor_id: int,
        scope: Scope,
        span: Span,
        role: discord.Role | None,
        member: discord.User | discord.Member | None,
    ) -> str:
        """Takes a budget away. A role that was deleted cannot be named any more: without a role
        those of all deleted ones are meant.
        """
        if _NEEDS.get(scope) == "role" and role is member is None:
            gone = await self._remove_orphans(guild, actor_id, scope, span)
            if gone:
                return words.orphans_removed(gone)
        try:
            name = _name(guild.id, scope, span, role, member)
        except Wrong as wrong:
            return str(wrong)
        gone = await self._database.write(lambda tx: budgets.remove(tx, name, actor_id=actor_id))
        return (words.budget_removed if gone else words.no_such_budget)(_title(name))

    async def _remove_orphans(
        self, guild: discord.Guild, actor_id: int, scope: Scope, span: Span
    ) -> int:
        known = {role.id for role in guild.roles}

        async def operation(tx: Transaction) -> int:
            orphans = [
                each.name
                for each in await budgets.of_server(tx, guild.id)
                if (each.name.scope, each.name.span) == (scope, span)
                and each.name.subject_id not in known
            ]
            for name in orphans:
                await budgets.remove(tx, name, actor_id=actor_id)
            return len(orphans)

        # Every server has a role for everyone: without it this one is not known well enough.
        return await self._database.write(operation) if guild.id in known else 0

    async def show(self, guild: discord.Guild) -> discord.Embed:
        """All budgets of a server as they stand, and the owner's cap for it."""

        async def read(tx: Transaction) -> list[str]:
            calendar = await Calendar.of(tx, guild.id)
            limits = sorted(await budgets.of_server(tx, guild.id), key=_place)
            of_limits = [await self._budget(tx, calendar, each) for each in limits]
            of_owner = Budget(calendar.here("server", "month"), self._caps.server_month)
            found = await ledger.standing(tx, [of_owner, *of_limits])
            told = [cap_line(found[0], words.owners_cap())]
            for limit, cap in zip(limits, found[1:], strict=True):
                is_each = limit.name.scope == "everyone"
                most = await _most(tx, calendar, limit.name.span, limits) if is_each else ""
                told.append(f"{_line(limit, cap)}{most}")
            return told

        lines = await self._database.read(read)
        if len(lines) == 1:
            lines.append(words.no_budgets())
        embed = discord.Embed(
            title=words.budgets_title(markdown.escape(guild.name)),
            description=fitting(lines, DESCRIPTION_LETTERS_MAX),
            colour=COLOUR,
        )
        return embed.set_footer(text=words.which_allowance_holds())

    async def _budget(self, tx: Transaction, calendar: Calendar, limit: Limit) -> Budget:
        """A limit with the balance it counts; of what each of many has, there is none."""
        name = limit.name
        counted: dict[Scope, balances.Scope] = {"server": "server", "role-pot": "role-pot"}
        key = calendar.here(counted.get(name.scope, "member"), name.span, name.subject_id)
        budget = Budget(key, limit.limit, name.scope)
        if name.scope == "member":
            granted = ledger.granted(await budgets.grants(tx, name.server_id, name.subject_id), key)
            return replace(budget, limit=NanoUsd(limit.limit + granted))
        return budget

    async def history(self, guild: discord.Guild) -> discord.Embed:
        """Who changed what, newest first."""
        changes = await self._database.read(lambda tx: budgets.changes(tx, guild.id, CHANGES_SHOWN))
        lines = [_told(each) for each in changes] or [words.nothing_changed_yet()]
        return discord.Embed(
            title=words.budget_history_title(markdown.escape(guild.name)),
            description=fitting(lines, DESCRIPTION_LETTERS_MAX),
            colour=COLOUR,
        )

    async def grant(
        self,
        grant_id: int,
        guild_id: int,
        actor_id: int,
        member: discord.User | discord.Member,
        amount: str,
        reason: str,
    ) -> str:
        """Gives a member more room in their present windows; once for each `grant_id`."""
        more, why = read_amount(amount), " ".join(reason.split())
        if more is None or more <= 0:
            return words.wrong_grant(AMOUNT_USD_MAX)
        if len(why) > REASON_LETTERS_MAX:
            return words.reason_too_long(REASON_LETTERS_MAX)
        roles = visitor(member, None).role_ids

        async def operation(tx: Transaction) -> bool:
            calendar = await Calendar.of(tx, guild_id)
            found = await ledger.in_force(tx, self._caps, calendar, member.id, roles)
            if not any(each.kind in _PERSONAL for each in found):
                return False
            await budgets.grant(
                tx, grant_id, guild_id, member.id, more, actor_id=actor_id, reason=why
            )
            return True

        if not await self._database.write(operation):
            return words.nothing_to_grant(member.id)
        return words.granted(member.id, exact(more))

    async def limit_oneself(
        self, person: discord.User | discord.Member, guild_id: int, amount: str, span: Span
    ) -> str:
        """Sets, changes or takes away a person's own limit, which counts everywhere."""
        name = Name(budgets.EVERYWHERE, "own", person.id, span)
        if amount.strip().casefold() == NONE:
            gone = await self._database.write(
                lambda tx: budgets.remove(tx, name, actor_id=person.id)
            )
            return (words.own_limit_removed if gone else words.no_own_limit)(span)
        limit = read_amount(amount)
        if limit is None or limit < 0:
            return words.wrong_own_limit(AMOUNT_USD_MAX)
        roles = visitor(person, None).role_ids

        async def operation(tx: Transaction) -> Budget | None:
            calendar = await Calendar.of(tx, guild_id)
            found = await ledger.in_force(tx, self._caps, calendar, person.id, roles)
            allowed = [
                each
                for each in found
                if (each.key.scope, each.key.span) == ("member", span) and each.kind != "own"
            ]
            least = min(allowed, key=lambda each: each.limit, default=None)
            if least is not None and limit > least.limit:
                return least
            await budgets.put(tx, name, limit, actor_id=person.id)
            return None

        if (least := await self._database.write(operation)) is not None:
            return words.own_limit_too_high(least.name, exact(least.limit))
        return words.own_limit_is_now(span, exact(limit))


_PERSONAL = {"member", "role-member", "everyone"}


def _name(
    guild_id: int,
    scope: Scope,
    span: Span,
    role: discord.Role | None,
    member: discord.User | discord.Member | None,
) -> Name:
    """Raises Wrong where who is meant is missing, or is given and cannot be meant."""
    given = {"role": role, "member": member}
    needed = _NEEDS.get(scope)
    subject = None if needed is None else given.pop(needed)
    if needed is not None and subject is None:
        raise Wrong(words.subject_needed(scope, needed))
    for option, too_much in given.items():
        if too_much is not None:
            raise Wrong(words.subject_not_needed(scope, option))
    return Name(guild_id, scope, 0 if subject is None else subject.id, span)


def _title(name: Name) -> str:
    return words.budget_title(name.scope, name.span, name.subject_id)


def _place(limit: Limit) -> tuple[int, int, int]:
    name = limit.name
    return _ORDER.index(name.scope), name.subject_id, _SPANS.index(name.span)


async def _most(tx: Transaction, calendar: Calendar, span: Span, limits: Sequence[Limit]) -> str:
    """Who has used most in this window, of those who have no allowance of their own for it; who
    has which role is not known of everybody.
    """
    own = {
        each.name.subject_id
        for each in limits
        if (each.name.scope, each.name.span) == ("member", span)
    }
    now = calendar.window(span)
    days = (
        EVERY_DAY
        if span == "ever"
        else Days(*(day_number(at, calendar.zone) for at in (now.start_ms, now.end_ms - 1)))
    )
    spent = await entries.of_server_by(
        tx, calendar.server_id, days, "member", MOST_NAMED + len(own)
    )
    ids = [member_id for line in spent if (member_id := int(line.key)) not in own]
    keys = [calendar.here("member", span, member_id) for member_id in ids[:MOST_NAMED]]
    if not keys:
        return ""
    stand = await balances.standings(tx, keys)
    used = {key.subject_id: NanoUsd(one.spent + one.held) for key, one in stand.items()}
    ranked = sorted(used.items(), key=lambda one: -one[1])
    return words.most_part({member_id: dollars(amount) for member_id, amount in ranked})


def _line(limit: Limit, cap: Cap) -> str:
    if limit.name.scope in {"everyone", "role-member"}:
        resets_ms = cap.budget.key.end_ms if cap.budget.resets else None
        return words.default_line(_title(limit.name), exact(limit.limit), resets_ms)
    granted = NanoUsd(cap.budget.limit - limit.limit)
    part = words.granted_part(exact(granted)) if granted else ""
    return f"{cap_line(cap, _title(limit.name))}{part}"


def _told(change: Change) -> str:
    if change.action == "grant":
        assert change.amount is not None
        return words.grant_line(
            change.subject_id,
            exact(change.amount),
            markdown.escape(change.reason),
            change.actor_id,
            change.changed_ms,
        )
    assert change.span is not None
    return words.budget_change_line(
        words.budget_title(change.scope, change.span, change.subject_id),
        None if change.before is None else exact(change.before),
        None if change.amount is None else exact(change.amount),
        change.actor_id,
        change.changed_ms,
    )
