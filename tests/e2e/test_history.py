"""/history: one's own, with links, costs and words, page by page; others' only for admins, of their
own server.
"""

from typing import Any

import pytest

from bot.money import NanoUsd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Channel
from bot.sandbox.people import Person
from bot.store import conversations, exchanges
from bot.store.database import Database, Transaction, migrate
from bot.store.exchanges import Exchange, Step
from bot.ui.past import PAGE_LINES
from tests.e2e import scenes
from tests.e2e.cast import enter
from tests.e2e.stage import Stage, last_line

DAY_MS = 24 * 60 * 60 * 1000


async def look(person: Person, channel: Channel, **options: Any) -> Interaction:
    used = await person.command(channel, "history", **options)
    await used.answered()
    assert used.ephemeral
    return used


def text(used: Interaction) -> str:
    (message,) = used.messages
    (embed,) = message.embeds
    return embed["description"]


async def asked_before(stage: Stage, member: Person, number: int) -> None:
    """So many exchanges of a member that ended long ago, before the bot starts."""
    folder = stage.settings.storage.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    await migrate(folder / "easel.db")

    async def add(tx: Transaction) -> None:
        for each in range(1, number + 1):
            await conversations.open_conversation(tx, each, "chain")
            old = Exchange(
                id=each,
                conversation_id=each,
                command="imagine",
                server_id=stage.server.id,
                channel_id=stage.channel.id,
                member_id=member.id,
                prompt=f"number {each}. " + "*_`" * 1_500,
                upload_bytes_max=1,
                answer_channel_id=stage.channel.id,
                step=Step.DONE,
            )
            await exchanges.claim(tx, old, ())

    async with Database(folder / "easel.db", stage.clock) as database:
        await database.write(add)


@pytest.mark.parametrize("direct", [False, True], ids=["server", "direct"])
async def test_it_shows_the_askers_own_newest_first_with_links_costs_and_words(
    stage: Stage, direct: bool
):
    await stage.start()
    channel = stage.mara.dm if direct else stage.channel
    first = await stage.mara.command(channel, "imagine", prompt="a *red* fox")
    (shown,) = await stage.answers(channel, first.id)
    second = await stage.mara.command(channel, "ask", prompt="why?")
    await stage.answers(channel, second.id)
    other = await stage.theo.command(stage.channel, "ask", prompt="theo's own?")
    await stage.answers(stage.channel, other.id)
    await stage.until_idle()
    said = text(await look(stage.mara, channel))
    assert said.index("> why?") < said.index(r"> a \*red\* fox")
    assert "theo's own?" not in said
    cost = last_line(shown).removeprefix("-# ").split(" · ")[0]
    where = "@me" if direct else stage.server.id
    link = f"https://discord.com/channels/{where}/{channel.id}/{shown.id}"
    assert f"· imagine · {cost} · [show]({link})" in said


async def test_a_refusal_is_there_with_its_word_and_no_budget_hides_the_history(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(1))
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    await used.answered()
    said = text(await look(stage.mara, stage.channel))
    assert "imagine · budget · not charged" in said


async def test_only_admins_see_others_and_only_what_was_asked_in_their_server(stage: Stage):
    await stage.start()
    here = await stage.mara.command(stage.channel, "ask", prompt="here?")
    await stage.answers(stage.channel, here.id)
    there = await stage.mara.command(stage.mara.dm, "ask", prompt="elsewhere?")
    await stage.answers(stage.mara.dm, there.id)
    said = text(await look(stage.ada, stage.channel, member=stage.mara))
    assert "> here?" in said
    assert "elsewhere?" not in said
    refused = await look(stage.theo, stage.channel, member=stage.mara)
    (message,) = refused.messages
    assert last_line(message) == "-# permission · not charged"
    assert "here?" not in message.content
    refused = await look(stage.ada, stage.ada.dm, member=stage.mara)
    assert last_line(refused.messages[0]) == "-# permission · not charged"
    own = text(await look(stage.mara, stage.channel, member=stage.mara))
    assert "> here?" in own
    assert "> elsewhere?" in own


async def test_pages_turn_within_the_limits_of_a_message_also_after_a_restart(stage: Stage):
    await asked_before(stage, stage.mara, 2 * PAGE_LINES + 1)
    await stage.start()
    used = await look(stage.mara, stage.channel)
    (message,) = used.messages
    assert f"number {2 * PAGE_LINES + 1}." in text(used)
    assert len(text(used)) <= 4_096
    assert [one["label"] for one in message.buttons] == ["Older"]
    await stage.stop()
    await stage.start()
    newer = await stage.mara.command(stage.channel, "ask", prompt="newer?")
    await stage.answers(stage.channel, newer.id)
    for page in (2, 3):
        await (await stage.mara.click(message, "Older")).answered()
        first = 2 * PAGE_LINES + 1 - (page - 1) * PAGE_LINES
        assert f"number {first}." in text(used)
        assert f"number {first + 1}." not in text(used)
    assert [one["label"] for one in message.buttons] == ["Newer"]
    await (await stage.mara.click(message, "Newer")).answered()
    assert f"number {PAGE_LINES + 1}." in text(used)


async def test_an_admin_who_is_none_any_more_turns_no_page(stage: Stage):
    await asked_before(stage, stage.mara, PAGE_LINES + 1)
    await stage.start()
    used = await look(stage.ada, stage.channel, member=stage.mara)
    (message,) = used.messages
    stage.server.members[stage.ada.id].roles.clear()
    press = await stage.ada.click(message, "Older")
    await press.answered()
    assert "number 1." not in text(used)
    assert last_line(press.messages[-1]) == "-# permission · not charged"


@pytest.mark.cell(scenes.OLDER, scenes.NEWER)
async def test_pages_are_turned_by_who_looks_alone_also_after_a_restart(stage: Stage):
    await asked_before(stage, stage.mara, PAGE_LINES + 1)
    cast = await enter(stage)
    used = await look(stage.mara, stage.channel)
    (message,) = used.messages
    async for _ in cast.before_and_after():
        for label, number in ((scenes.OLDER, 1), (scenes.NEWER, PAGE_LINES + 1)):
            for who, person in cast.people(pressing=True):
                if scenes.outcome(label, who) == scenes.DONE:
                    continue
                with pytest.raises(SandboxError, match="does not see"):
                    await person.click(message, label)
            await (await stage.mara.click(message, label)).answered()
            assert f"number {number}." in text(used)


async def test_a_period_bounds_what_is_shown(stage: Stage):
    await asked_before(stage, stage.mara, 1)
    await stage.start()
    stage.clock.pushed_ms += DAY_MS
    assert "Nothing was asked" in text(await look(stage.mara, stage.channel, period="today"))
    assert "number 1." in text(await look(stage.mara, stage.channel, period="all"))
