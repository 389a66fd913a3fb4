"""/server: who may set what, what each setting does, and what a wrong value is told."""

import json
import re
from dataclasses import dataclass

import pytest

from bot.house import Visitor, receive
from bot.money import nano_usd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import NoUsage, Paint, answer
from bot.sandbox.people import Person
from bot.store import exchanges, servers
from bot.ui.answer import PING_AFTER_MS
from tests.e2e.stage import Stage, last_line

NOT_ALLOWED = "-# permission · not charged"


async def setting(stage: Stage, name: str, value: str, admin: Person | None = None) -> str:
    """What an admin is told who sets this."""
    used = await (admin or stage.ada).command(
        stage.channel, "server set", setting=name, value=value
    )
    await used.answered()
    assert used.ephemeral
    (message,) = used.messages
    return message.content


async def refused(stage: Stage, channel: Channel, person: Person) -> str:
    """The reply to a mention that is not let in."""
    asked = await person.say(channel, f"{stage.me} a fox")
    (message,) = await stage.answers(channel, asked.id)
    assert message.reply_to is asked
    assert last_line(message) == NOT_ALLOWED
    assert asked.thread is None
    return message.content


async def refused_command(channel: Channel, person: Person) -> str:
    used: Interaction = await person.command(channel, "imagine", prompt="a fox")
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == NOT_ALLOWED
    return used.messages[0].content


async def let_in(stage: Stage, channel: Channel, person: Person) -> None:
    used = await person.command(channel, "imagine", prompt="a fox")
    (message,) = await stage.answers(channel, used.id)
    assert message.attachments


async def rules(stage: Stage) -> servers.Rules:
    return await stage.read(lambda tx: servers.get(tx, stage.server.id))


async def test_the_group_is_offered_to_admins_alone(stage: Stage):
    await stage.start()
    for name, options in (
        ("server show", {}),
        ("server pause", {}),
        ("server set", {"setting": "ping", "value": "off"}),
    ):
        with pytest.raises(SandboxError, match="not offered to Mara"):
            await stage.mara.command(stage.channel, name, **options)
        with pytest.raises(SandboxError, match="context"):
            await stage.ada.command(stage.ada.dm, name, **options)
    assert await setting(stage, "ping", "off") == "`ping` is now: off"


async def test_what_an_admin_sets_holds_in_their_own_server_only(stage: Stage):
    await stage.start()
    other = stage.discord.add_server("Elsewhere")
    elsewhere = other.add_channel("elsewhere")
    boss = stage.discord.add_person("Boss")
    other.join(boss, [other.add_role("Admins", Permission.MANAGE_GUILD)])
    other.join(stage.mara)
    with pytest.raises(SandboxError):
        await boss.command(stage.channel, "server pause")
    used = await boss.command(
        elsewhere, "server set", setting="channels", value=stage.channel.mention
    )
    await used.answered()
    assert "Nothing was changed" in used.messages[0].content  # a channel of another server
    used = await boss.command(elsewhere, "server pause")
    await used.answered()
    assert "paused" in await refused_command(elsewhere, stage.mara)
    await let_in(stage, stage.channel, stage.mara)
    shown = await boss.command(elsewhere, "server show")
    await shown.answered()
    assert "`paused`: on" in shown.messages[0].embeds[0]["description"]
    shown = await stage.ada.command(stage.channel, "server show")
    await shown.answered()
    assert "`paused`: off" in shown.messages[0].embeds[0]["description"]


async def test_only_the_allowed_channels_and_their_threads_are_served(stage: Stage):
    other = stage.server.add_channel("chatter")
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    away = await stage.mara.say(other, f"{stage.me} a hare")
    elsewhere = await stage.thread_of(away)
    await stage.answers(elsewhere, away.id)
    assert stage.channel.mention in await setting(stage, "channels", f"{stage.channel.mention}")
    assert stage.channel.mention in await refused(stage, other, stage.mara)
    assert stage.channel.mention in await refused_command(other, stage.theo)
    assert stage.channel.mention in await refused_command(elsewhere, stage.theo)
    asked = await stage.mara.say(thread, "and now in autumn")
    assert (await stage.answers(thread, asked.id))[-1].attachments
    asked = await stage.mara.say(elsewhere, "and now in autumn")
    assert last_line((await stage.answers(elsewhere, asked.id))[-1]) == NOT_ALLOWED
    assert await stage.open_holds() == 0
    assert await setting(stage, "channels", "none") == "`channels` is now: all"
    await let_in(stage, other, stage.mara)


async def test_only_the_allowed_roles_are_served(stage: Stage):
    painters = stage.server.add_role("Painters")
    stage.server.join(stage.theo, [painters])
    await stage.start()
    assert painters.mention in await setting(stage, "roles", painters.mention)
    assert painters.mention in await refused(stage, stage.channel, stage.mara)
    assert painters.mention in await refused_command(stage.channel, stage.mara)
    await let_in(stage, stage.channel, stage.theo)
    asked = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    assert await stage.answers(await stage.thread_of(asked), asked.id)
    asked = await stage.mara.say(stage.mara.dm, "a fox")  # there no server has a say
    assert (await stage.answers(stage.mara.dm, asked.id))[-1].attachments


async def test_a_blocked_member_is_refused_and_nobody_else(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    await setting(stage, "blocked", f"{stage.mara.mention}, {stage.theo.id}")
    assert (await rules(stage)).blocked == (stage.mara.id, stage.theo.id)
    await refused(stage, stage.channel, stage.mara)
    await refused_command(stage.channel, stage.theo)
    asked = await stage.mara.say(thread, "more")
    assert last_line((await stage.answers(thread, asked.id))[-1]) == NOT_ALLOWED
    await let_in(stage, stage.channel, stage.ada)
    assert len(stage.model.calls) == 2
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_paused_server_takes_nothing_new_and_finishes_what_runs(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    running = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    used = await stage.ada.command(stage.channel, "server pause")
    await used.answered()
    assert used.ephemeral
    assert "paused" in await refused(stage, stage.channel, stage.theo)
    assert "paused" in await refused_command(stage.channel, stage.ada)
    stage.model.gate.open()
    assert (await running.finished()).channel is stage.channel
    await stage.until_idle()
    assert running.original is not None
    assert running.original.attachments
    used = await stage.ada.command(stage.channel, "server pause")
    await used.answered()
    await let_in(stage, stage.channel, stage.theo)


async def test_a_pause_outlives_a_restart(stage: Stage):
    await stage.start()
    await (await stage.ada.command(stage.channel, "server pause")).answered()
    await stage.stop()
    await stage.start()
    assert "paused" in await refused_command(stage.channel, stage.mara)


async def test_without_the_cost_line_results_have_none_and_notices_keep_theirs(stage: Stage):
    await stage.start()
    await setting(stage, "cost_line", "off")
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await used.finished()
    await stage.until_idle()
    (picture,) = used.messages
    assert picture.attachments
    assert "-# " not in picture.content
    asked = await stage.mara.say(stage.channel, f"{stage.me} what is a fox?")
    thread = await stage.thread_of(asked)
    await stage.until_idle()
    (talk,) = stage.ours(thread)
    assert talk.content
    assert "-# " not in talk.content
    assert "Cancel" not in {part["label"] for part in talk.buttons}
    await (await stage.ada.command(stage.channel, "server pause")).answered()
    await refused_command(stage.channel, stage.mara)


async def test_a_hidden_cost_stays_hidden_once_it_is_known(stage: Stage):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 2
    await stage.start()
    await setting(stage, "cost_line", "off")
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await used.answered()
    await stage.until_books_closed()
    await stage.until_idle()
    (message,) = used.messages
    assert message.attachments
    assert "-# " not in message.content


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_late_answer_pings_unless_the_server_does_not_want_it(stage: Stage, is_on: bool):
    await stage.start()
    await setting(stage, "ping", "on" if is_on else "off")
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    stage.clock.pushed_ms += PING_AFTER_MS + 1_000
    stage.model.gate.open()
    await stage.answers(await stage.thread_of(asked), asked.id)
    await stage.until_idle()
    assert len(stage.mara.pings) == is_on


def system_words(stage: Stage) -> str:
    """The system message of the last call."""
    return json.dumps(stage.model.calls[-1].request["messages"]).partition('"user"')[0]


async def test_a_persona_goes_with_every_request_of_its_server_or_channel(stage: Stage):
    other = stage.server.add_channel("harbour")
    await stage.start()
    assert "kind librarian" in await setting(stage, "persona", "You are a kind librarian.")
    told = await setting(stage, "persona", f"{other.mention}: You are a gruff sailor.")
    assert other.mention in told
    for channel, here, not_here in (
        (stage.channel, "kind librarian", "gruff sailor"),
        (other, "gruff sailor", "kind librarian"),
    ):
        asked = await stage.mara.say(channel, f"{stage.me} what is a fox?")
        thread = await stage.thread_of(asked)
        await stage.answers(thread, asked.id)
        asked = await stage.mara.say(thread, "and a hare?")
        await stage.answers(thread, asked.id)
        assert here in system_words(stage)
        assert not_here not in system_words(stage)
    await setting(stage, "persona", f"{other.mention}: none")
    asked = await stage.mara.say(other, f"{stage.me} what is a fox?")
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert "kind librarian" in system_words(stage)
    await setting(stage, "persona", "none")
    asked = await stage.mara.say(other, f"{stage.me} what is a fox?")
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert "librarian" not in system_words(stage)


async def test_time_zone_notify_and_ask_above_are_kept(stage: Stage):
    await stage.start()
    assert "Europe/Berlin" in await setting(stage, "time_zone", "Europe/Berlin")
    assert stage.channel.mention in await setting(stage, "notify", stage.channel.mention)
    assert "$0.25" in await setting(stage, "ask_above_usd", "$0.25")
    found = await rules(stage)
    assert (found.time_zone, found.notify) == ("Europe/Berlin", stage.channel.id)
    assert found.ask_above == nano_usd("0.25")
    above = await stage.read(lambda tx: servers.ask_above(tx, stage.server.id))
    assert above == nano_usd("0.25")
    for name in ("time_zone", "notify"):
        await setting(stage, name, "None")
    assert "$0.6 (the bot's own)" in await setting(stage, "ask_above_usd", "none")
    assert await rules(stage) == servers.Rules()
    assert await stage.read(lambda tx: servers.ask_above(tx, stage.server.id)) is None


@dataclass(frozen=True)
class Wrong:
    name: str
    values: tuple[str, ...]
    allowed: str


WRONG = [
    Wrong("channels", ("gallery", "<#123456789012345678>", "<@&{role}>", ", ,"), "channels"),
    Wrong("roles", ("Admins", "<@&123456789012345678>", "<#{channel}>"), "roles"),
    Wrong("blocked", ("Mara", "<#{channel}>", "<@123456789012345678> x"), "members"),
    Wrong("cost_line", ("yes", "0"), "`on` or `off`"),
    Wrong("ping", ("true",), "`on` or `off`"),
    Wrong("persona", ("x" * 1_001, "<#123456789012345678>: You are", "<#{channel}>:"), "1,000"),
    Wrong("time_zone", ("Berlin", "Europe", "../etc/passwd", "europe/berlin"), "Europe/Berlin"),
    Wrong("notify", ("<#{channel}> <#{channel}9>", "gallery", "<#{voice}>"), "one text channel"),
    Wrong("ask_above_usd", ("-1", "1e3", "0.0000000001", "1000001", "NaN", "a lot"), "US dollars"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
async def test_a_wrong_value_is_told_what_is_allowed_and_changes_nothing(
    stage: Stage, wrong: Wrong
):
    voice = stage.server.add_channel("voice", "voice")
    await stage.start()
    role = stage.server.everyone
    ids = {"channel": stage.channel.id, "role": role.id, "voice": voice.id}
    for value in wrong.values:
        written = re.sub(r"\{(\w+)\}", lambda match: str(ids[match[1]]), value)
        told = await setting(stage, wrong.name, written)
        assert told.startswith("Nothing was changed.")
        assert wrong.allowed in told
        assert "none" in told
    assert await rules(stage) == servers.Rules()
    assert not await stage.read(lambda tx: servers.changes(tx, stage.server.id, 10))


async def test_every_change_is_noted_with_who_and_when_and_shown(stage: Stage):
    await stage.start()
    await setting(stage, "ping", "off")
    stage.clock.pushed_ms += 60_000
    await setting(stage, "ping", "none", admin=stage.owner)
    newest, oldest = await stage.read(lambda tx: servers.changes(tx, stage.server.id, 10))
    assert (newest.name, newest.value, newest.member_id) == ("ping", None, stage.owner.id)
    assert (oldest.name, oldest.value, oldest.member_id) == ("ping", "off", stage.ada.id)
    assert newest.changed_ms - oldest.changed_ms >= 60_000
    used = await stage.ada.command(stage.channel, "server show")
    await used.answered()
    assert used.ephemeral
    (embed,) = used.messages[0].embeds
    (field,) = embed["fields"]
    assert stage.owner.mention in field["value"]
    assert stage.ada.mention in field["value"]
    assert "`ping`: on" in embed["description"]


async def test_values_are_suggested_where_there_are_some_to_choose_from(stage: Stage):
    await stage.start()
    for name, typed, expected in (
        ("time_zone", "berl", ["Europe/Berlin"]),
        ("cost_line", "o", ["on", "off"]),
        ("channels", "no", ["none"]),
        ("channels", "#gallery", []),
    ):
        found = await stage.ada.suggestions(
            stage.channel, "server set", "value", typed, setting=name
        )
        assert found == expected


async def test_what_is_not_known_of_who_asks_lets_nobody_in(stage: Stage):
    await stage.start()
    await setting(stage, "roles", stage.server.everyone.mention)
    await stage.ask_in_thread("a fox")  # everybody has this one
    (known,) = await stage.read(lambda tx: tx.all("SELECT id FROM exchange WHERE word IS NULL"))
    exchange = await stage.read(lambda tx: exchanges.get(tx, known["id"]))
    _, forbidden = await stage.read(lambda tx: receive(tx, exchange, Visitor()))
    assert forbidden is not None


@pytest.mark.parametrize("cost_line", ["on", "off"])
async def test_an_answer_that_was_there_in_time_does_not_ping_when_repeated_late(
    stage: Stage, cost_line: str
):
    stage.model.script(answer(Paint(), NoUsage()))
    stage.model.generation_misses = 1_000_000
    stage.limit(unresolved_s=600.0)
    await stage.start()
    await setting(stage, "cost_line", cost_line)
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.discord.wait_until(lambda: any(one.attachments for one in used.messages), 20)
    await stage.stop()
    stage.model.generation_misses = 0
    stage.clock.pushed_ms += 100_000
    await stage.start()
    await stage.until_idle()
    assert stage.mara.pings == []
