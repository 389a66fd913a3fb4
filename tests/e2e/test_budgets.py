"""/budget and /limit: who may, what holds from then on, and what people are told."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.money import NanoUsd, dollars, nano_usd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import Say, answer
from bot.sandbox.people import Person
from bot.store import budgets
from bot.store.budgets import Limit
from bot.ui.budgets import BUDGETS_MAX
from tests.e2e.stage import Stage, last_line

REFUSED = "-# budget · not charged"
HOLD = nano_usd("0.5")
"""Room for one picture, and not for two."""


async def told(person: Person, channel: Channel, command: str, **options: object) -> str:
    """The private answer to a command, with what its embed says."""
    used = await person.command(channel, command, **options)
    await used.answered()
    assert used.ephemeral
    assert used.latency_s is not None
    assert used.latency_s < 1
    (message,) = used.messages
    (embed,) = message.embeds or [{}]
    return "\n".join(filter(None, (message.content, embed.get("title"), embed.get("description"))))


async def budget(stage: Stage, scope: str, limit: str, window: str = "month", **who: object) -> str:
    return await told(
        stage.ada, stage.channel, "budget set", scope=scope, limit=limit, window=window, **who
    )


async def paint(stage: Stage, person: Person, channel: Channel | None = None) -> str:
    """What the one is told who asks for a picture."""
    used = await person.command(channel or stage.channel, "imagine", prompt="a fox")
    await used.answered()
    await stage.until_idle()
    await stage.until_books_closed()
    assert used.original is not None
    return used.original.content


async def is_refused(stage: Stage, person: Person, by: str, channel: Channel | None = None) -> str:
    said = await paint(stage, person, channel)
    assert said.endswith(REFUSED)
    assert f"There is no room in {by}" in said
    return said


async def limits(stage: Stage, server_id: int | None = None) -> list[Limit]:
    return await stage.read(lambda tx: budgets.of_server(tx, server_id or stage.server.id))


async def test_a_refusal_says_which_budget_what_is_left_what_it_takes_the_reset_and_whom_to_ask(
    stage: Stage,
):
    await stage.start()
    said = await budget(stage, "server", "0.30", "day")
    assert said == (
        "The budget of the whole server per day is now $0.30. It holds from the next request on."
    )
    said = await is_refused(stage, stage.mara, "this server's daily budget")
    assert "$0.3000 of $0.3000 is left, and this would have held $0." in said
    assert re.search(r"It resets <t:\d+:R>", said)
    assert "Ask an admin of this server for more." in said
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    reply = (await stage.answers(stage.channel, asked.id))[-1]
    assert reply.reply_to is asked
    assert "Ask an admin of this server for more." in reply.content
    assert not stage.model.calls


async def test_every_scope_holds_for_those_it_names(stage: Stage):
    painters = stage.server.add_role("Painters")
    stage.server.join(stage.theo, [painters])
    other = stage.discord.add_server("Elsewhere")
    elsewhere = other.add_channel("elsewhere")
    other.join(stage.theo)
    await stage.start()
    await budget(stage, "everyone", "0.1")
    await is_refused(stage, stage.mara, "your monthly allowance in this server")
    await budget(stage, "role-member", "0.2", role=painters)
    await is_refused(stage, stage.theo, f"your monthly allowance as {painters.mention}")
    await budget(stage, "member", "5", member=stage.theo)
    assert last_line_of(await paint(stage, stage.theo)).startswith("-# $0.")
    await budget(stage, "role-pot", "0.3", "week", role=painters)
    await is_refused(stage, stage.theo, f"the weekly pot of {painters.mention}")
    assert last_line_of(await paint(stage, stage.theo, elsewhere)).startswith("-# $0.")
    assert last_line_of(await paint(stage, stage.theo, stage.theo.dm)).startswith("-# $0.")


def last_line_of(text: str) -> str:
    return text.rsplit("\n", 1)[-1]


async def test_a_limit_of_ones_own_can_be_set_raised_and_removed_and_is_never_above_the_admins(
    stage: Stage,
):
    await stage.start()
    assert "is now $0.10" in await told(
        stage.mara, stage.mara.dm, "limit", amount="$0.10", window="day"
    )
    said = await is_refused(stage, stage.mara, "your own daily limit")
    assert "You set it yourself: `/limit` changes it." in said
    await is_refused(stage, stage.mara, "your own daily limit", stage.mara.dm)
    assert last_line_of(await paint(stage, stage.theo)).startswith("-# $0.")
    said = await told(stage.mara, stage.channel, "limit", amount="3.01", window="day")
    assert said == (
        "Nothing was changed: your daily budget is $3.00, and a limit of your own can only be"
        " lower. `none` takes yours away."
    )
    await budget(stage, "everyone", "2", "day")
    said = await told(stage.mara, stage.channel, "limit", amount="2.5", window="day")
    assert "your daily allowance in this server is $2.00" in said
    assert "is now $2.00" in await told(
        stage.mara, stage.channel, "limit", amount="2", window="day"
    )
    assert last_line_of(await paint(stage, stage.mara)).startswith("-# $0.")
    for expected in ("no daily limit of your own any more", "you had no daily limit"):
        assert expected in await told(
            stage.mara, stage.channel, "limit", amount="none", window="day"
        )
    assert "US dollars" in await told(
        stage.mara, stage.channel, "limit", amount="a lot", window="week"
    )
    history = await told(stage.ada, stage.channel, "budget history")
    assert "own" not in history  # what people wish for themselves is their own


async def test_show_tells_spent_held_left_a_bar_and_the_reset(stage: Stage):
    painters = stage.server.add_role("Painters")
    stage.server.join(stage.theo, [painters])
    await stage.start()
    shown = await told(stage.ada, stage.channel, "budget show")
    assert "Budgets of Atelier" in shown
    assert "The owner's cap for this server per month: ▱▱▱▱▱▱▱▱▱▱ $100.0000 of $100.00" in shown
    assert "set no budget" in shown
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.25"))))
    used = await stage.theo.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, used.id)
    await stage.until_idle()
    await budget(stage, "server", "1", "day")
    await budget(stage, "role-pot", "12.50", "ever", role=painters)
    await budget(stage, "member", "0.5", "week", member=stage.theo)
    await budget(stage, "everyone", "2")
    stage.model.gate.close()
    await stage.theo.command(stage.channel, "ask", prompt="and why not?")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    lines = (await told(stage.ada, stage.channel, "budget show")).splitlines()[2:]
    held = (await stage.read(lambda tx: tx.all("SELECT hold_nano_usd FROM reservation")))[-1][0]
    left = dollars(NanoUsd(nano_usd("0.75") - held))
    standing = f"{left} of $1.00 left ($0.2500 spent, {dollars(held)} held)"
    assert re.fullmatch(
        rf"The whole server per day: ▰+▱+ {re.escape(standing)}; resets <t:\d+:R>", lines[0]
    )
    assert re.fullmatch(
        rf"All of {painters.mention} together for all time: ▱+ \$\d+\.\d{{4}} of \$12\.50 left"
        rf" \(\$0\.0000 spent, {re.escape(dollars(held))} held\); does not reset",
        lines[1],
    )
    used = dollars(NanoUsd(nano_usd("0.25") + held))
    assert re.fullmatch(
        r"Each member per month: \$2\.00 each; resets <t:\d+:R>; most so far: "
        rf"{stage.theo.mention} {re.escape(used)}",
        lines[2],
    )
    assert lines[3].startswith(f"{stage.theo.mention} per week: ▰")
    await budget(stage, "member", "3", member=stage.theo)  # who is not one of each any more
    assert "most so far" not in await told(stage.ada, stage.channel, "budget show")
    stage.model.gate.open()
    await stage.until_idle()


async def test_a_grant_gives_room_at_once_and_is_seen(stage: Stage):
    await stage.start()
    assert "no allowance" in await told(
        stage.ada, stage.channel, "budget grant", member=stage.mara, amount="1"
    )
    await budget(stage, "everyone", "0.1", "day")
    await is_refused(stage, stage.mara, "your daily allowance")
    said = await told(
        stage.ada,
        stage.channel,
        "budget grant",
        member=stage.mara,
        amount="$0.50",
        reason="won the *contest*",
    )
    assert f"{stage.mara.mention} has $0.50 more" in said
    assert last_line_of(await paint(stage, stage.mara)).startswith("-# $0.")
    await is_refused(stage, stage.theo, "your daily allowance")
    history = await told(stage.ada, stage.channel, "budget history")
    assert f"granted {stage.mara.mention} $0.50 (won the \\*contest\\*)" in history
    for wrong in ("0", "-1", "much"):
        assert "Nothing was granted" in await told(
            stage.ada, stage.channel, "budget grant", member=stage.mara, amount=wrong
        )


async def test_history_tells_who_changed_what(stage: Stage):
    await stage.start()
    assert "Nobody" in await told(stage.ada, stage.channel, "budget history")
    await budget(stage, "server", "5")
    await budget(stage, "server", "12.5")
    removed = await told(
        stage.owner, stage.channel, "budget remove", scope="server", window="month"
    )
    assert removed == "There is no budget of the whole server per month any more."
    again = await told(stage.owner, stage.channel, "budget remove", scope="server", window="month")
    assert "Nothing was changed" in again
    lines = (await told(stage.ada, stage.channel, "budget history")).splitlines()[1:]
    assert [line.split("> ", 1)[1] for line in lines] == [
        f"{stage.owner.mention} · the whole server per month: $12.50 → none",
        f"{stage.ada.mention} · the whole server per month: $5.00 → $12.50",
        f"{stage.ada.mention} · the whole server per month: none → $5.00",
    ]


@dataclass(frozen=True)
class Wrong:
    options: dict[str, Any]
    told: str
    who: tuple[str, ...] = field(default=())


WRONG = [
    Wrong({"scope": "server", "limit": "five", "window": "day"}, "US dollars from 0"),
    Wrong({"scope": "server", "limit": "-5", "window": "day"}, "US dollars from 0"),
    Wrong({"scope": "server", "limit": "1000001", "window": "day"}, "US dollars from 0"),
    Wrong({"scope": "role-pot", "limit": "5", "window": "day"}, "needs `role`"),
    Wrong({"scope": "role-member", "limit": "5", "window": "day"}, "takes no", ("role", "member")),
    Wrong({"scope": "member", "limit": "5", "window": "day"}, "needs `member`"),
    Wrong({"scope": "everyone", "limit": "5", "window": "day"}, "takes no `role`", ("role",)),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.told)
async def test_what_is_no_budget_changes_nothing_and_says_why(stage: Stage, wrong: Wrong):
    await stage.start()
    subjects = {"role": stage.server.everyone, "member": stage.mara}
    who = {name: subjects[name] for name in wrong.who}
    said = await told(stage.ada, stage.channel, "budget set", **wrong.options, **who)
    assert said.startswith("Nothing was changed.")
    assert wrong.told in said
    assert not await limits(stage)


async def test_a_server_has_at_most_so_many_budgets_and_show_stays_legal(stage: Stage):
    await stage.start()
    people = [stage.discord.add_person(f"Person {number}") for number in range(BUDGETS_MAX // 4)]
    for person in people:
        stage.server.join(person)
        for window in ("day", "week", "month", "ever"):
            await budget(stage, "member", "123456.123456789", window, member=person)
    said = await budget(stage, "server", "5")
    assert f"at most {BUDGETS_MAX} budgets" in said
    assert "is now" in await budget(stage, "member", "1", member=people[0])
    assert re.search(r"and \d+ more$", await told(stage.ada, stage.channel, "budget show"))


COMMANDS: dict[str, dict[str, Any]] = {
    "budget set": {"scope": "server", "limit": "1", "window": "day"},
    "budget show": {},
    "budget history": {},
    "budget remove": {"scope": "server", "window": "day"},
    "budget grant": {"member": "mara", "amount": "1"},
}


async def test_nobody_reads_or_changes_the_budgets_of_another_server(stage: Stage):
    other = stage.discord.add_server("Elsewhere")
    elsewhere = other.add_channel("elsewhere")
    boss = stage.discord.add_person("Boss")
    stranger = stage.discord.add_person("Stranger")
    other.join(boss, [other.add_role("Admins", Permission.MANAGE_GUILD)])
    other.join(stage.mara)
    await stage.start()
    await budget(stage, "server", "0.77")
    await budget(stage, "member", "7", member=stage.mara)
    here = await limits(stage)
    for name, options in COMMANDS.items():
        given = {key: stage.mara if value == "mara" else value for key, value in options.items()}
        for person in (stage.mara, stranger, boss):  # a member, a stranger, another server's admin
            with pytest.raises(SandboxError):
                await stage_command(person, stage.channel, name, given)
        with pytest.raises(SandboxError, match="context"):
            await stage_command(stage.ada, stage.ada.dm, name, given)
        said = await told(boss, elsewhere, name, **given)
        assert "0.77" not in said
        assert "Atelier" not in said
    # A role and a member that are forged: of the other server, under its admin's hand.
    foreign = stage.server.add_role("Foreign")
    await stage_command(
        boss,
        elsewhere,
        "budget set",
        {"scope": "role-pot", "limit": "0", "window": "ever", "role": foreign},
    )
    await told(
        boss, elsewhere, "budget set", scope="member", limit="0", window="ever", member=stage.theo
    )
    await stage.until_idle()
    assert await limits(stage) == here
    stage.server.join(stage.theo, [foreign])
    assert last_line_of(await paint(stage, stage.theo)).startswith("-# $0.")


async def stage_command(
    person: Person, channel: Channel, name: str, options: dict[str, Any]
) -> None:
    await (await person.command(channel, name, **options)).answered()


async def test_roles_hold_for_what_waits_through_a_restart(stage: Stage):
    painters = stage.server.add_role("Painters")
    stage.server.join(stage.theo, [painters])
    stage.limit(running_max=1, stop_grace_s=0.1)
    await stage.start()
    await budget(stage, "role-pot", "9", role=painters)
    stage.model.gate.close()
    await stage.mara.command(stage.channel, "imagine", prompt="first in line")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    waits = await stage.theo.command(stage.channel, "imagine", prompt="a fox")
    await waits.answered()
    await stage.stop()
    stage.model.gate.open()
    await stage.start()
    await stage.until_idle()
    await stage.until_books_closed()
    spent = await stage.read(
        lambda tx: tx.all("SELECT spent_nano_usd FROM balance WHERE scope = 'role-pot'")
    )
    assert [row[0] > 0 for row in spent] == [True]
    kept = await stage.read(lambda tx: tx.all("SELECT role_ids FROM exchange"))
    assert {row[0] for row in kept} == {""}  # nobody's roles are kept once they are of no use
    assert last_line(stage.ours(stage.channel)[-1]).startswith("-# ")


async def test_budgets_of_deleted_roles_can_be_removed(stage: Stage):
    painters = stage.server.add_role("Painters")
    friends = stage.server.add_role("Friends")
    await stage.start()
    for role in (painters, friends):
        await budget(stage, "role-pot", "5", role=role)
    await stage.stop()
    del stage.server.roles[painters.id]
    await stage.start()
    remove = {"scope": "role-pot", "window": "month"}
    said = await told(stage.ada, stage.channel, "budget remove", **remove)
    assert said == "The budget of a role that was deleted is gone."
    said = await told(stage.ada, stage.channel, "budget remove", **remove)
    assert "needs `role`" in said
    assert [each.name.subject_id for each in await limits(stage)] == [friends.id]
