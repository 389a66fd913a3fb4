"""Budgets through the real entry points, and what people are shown of the money."""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.money import NanoUsd, dollars, nano_usd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say, answer
from tests.e2e.photos import png
from tests.e2e.process import write_config
from tests.e2e.stage import Stage, last_line

ADMITTED = 10
ASKED = 50
PROMPT_TOKENS_ABOUT = 5_000
SMALL = NanoUsd(nano_usd("0.25") + 8_000 * 15_000 + PROMPT_TOKENS_ABOUT * 8_000)
"""About what a request holds at 8,000 tokens: well within a tenth of the true hold."""


async def test_fifty_at_once_against_a_cap_for_ten_are_exactly_ten(stage: Stage):
    stage.limit(running_max=100, running_per_member_max=100, queue_max=1_000)
    stage.settings = replace(
        stage.settings, openrouter=replace(stage.settings.openrouter, max_tokens=8_000)
    )
    stage.budget(total_month_nano_usd=NanoUsd(SMALL * ADMITTED + SMALL // 2))
    channels = [stage.server.add_channel(f"room {number}") for number in range(3)]
    people = [stage.discord.add_person(f"Person {number}") for number in range(ASKED)]
    for person in people:
        stage.server.join(person)
    await stage.start()
    stage.model.gate.close()
    asked: list[Message | Interaction] = []
    for number, person in enumerate(people):
        channel = channels[number % 3]
        if number % 2:
            asked.append(await person.command(channel, "imagine", prompt=f"number {number}"))
        else:
            asked.append(await person.say(channel, f"{stage.me} number {number}"))

    def shown(one: Message | Interaction) -> list[Message]:
        if isinstance(one, Interaction):
            return one.messages
        replies = [m for m in stage.ours(one.channel) if m.reply_to is one]
        return replies + (stage.ours(one.thread) if one.thread is not None else [])

    def refusals() -> list[Message]:
        return [m for one in asked for m in shown(one) if last_line(m).startswith("-# budget")]

    await stage.discord.wait_until(lambda: len(refusals()) + stage.model.gate.waiting == ASKED, 30)
    assert stage.model.gate.waiting == ADMITTED
    for one in asked:
        if isinstance(one, Interaction):
            refused = any(last_line(message).startswith("-# budget") for message in one.messages)
            assert one.ephemeral is refused
        elif one.thread is None:
            assert [last_line(message) for message in shown(one)] == ["-# budget · not charged"]
        else:
            assert not any(last_line(m).startswith("-# budget") for m in shown(one))
    for refusal in refusals():
        assert "Easel's monthly budget for everyone" in refusal.content
        assert " is left" in refusal.content
        assert "would have held $0." in refusal.content
        assert "<t:" in refusal.content
        assert last_line(refusal) == "-# budget · not charged"
    stage.model.gate.open()
    await stage.until_books_closed()
    assert len(stage.model.account.charges) == ADMITTED
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ("member_day_nano_usd", "your daily budget"),
        ("member_month_nano_usd", "your monthly budget"),
        ("server_month_nano_usd", "this server's monthly budget"),
        ("total_month_nano_usd", "Easel's monthly budget for everyone"),
    ],
)
async def test_a_refused_mention_gets_a_reply_with_the_caps_name_and_no_thread(
    stage: Stage, budget: str, name: str
):
    stage.budget(**{budget: NanoUsd(0)})
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    refusal = (await stage.answers(stage.channel, asked.id))[-1]
    assert refusal.reply_to is asked
    assert name in refusal.content
    assert last_line(refusal) == "-# budget · not charged"
    assert asked.thread is None
    assert not stage.model.calls


async def test_the_refusal_of_a_command_is_its_first_answer_and_private(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(0))
    await stage.start()
    requests = len(stage.discord.requests)
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    await interaction.answered()
    assert interaction.latency_s is not None
    assert interaction.latency_s < 1
    assert interaction.ephemeral
    assert [m.content.count("-# budget · not charged") for m in interaction.messages] == [1]
    assert len(stage.discord.requests) == requests + 1
    assert not stage.model.calls


async def test_the_pictures_of_a_request_count_before_they_are_fetched(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(SMALL + 4_000 * 8_000))
    await stage.start()
    files = [(f"cat{number}.png", png((number, 0, 0))) for number in range(3)]
    asked = await stage.mara.say(stage.channel, f"{stage.me} like these", files=files)
    refusal = (await stage.answers(stage.channel, asked.id))[-1]
    assert last_line(refusal) == "-# budget · not charged"
    assert asked.thread is None
    assert not stage.model.calls
    assert not list((stage.settings.storage.data_dir / "shelf").glob("??/*"))


async def test_max_tokens_is_lowered_to_8000_before_a_request_is_refused(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(SMALL + 15_000 * 1_000))
    await stage.start()
    await stage.ask_in_thread("a fox")
    lowered = stage.model.calls[-1].request["max_tokens"]
    assert isinstance(lowered, int)
    assert 8_000 <= lowered < 16_000


async def test_a_cost_above_its_hold_is_booked_as_it_was(stage: Stage):
    await stage.start()
    stage.model.script(answer(Say("Dear."), Paint(), cost_nano_usd=int(nano_usd("0.9"))))
    _, made = await stage.ask_in_thread("a fox")
    assert last_line(made[-1]).startswith("-# $0.9000 · ")
    assert await stage.ledger_nano_usd() == nano_usd("0.9")


async def test_spend_is_private_and_says_what_is_left(stage: Stage):
    await stage.start()
    await stage.ask_in_thread("a fox")
    spent = dollars(NanoUsd(await stage.ledger_nano_usd()))
    interaction = await stage.mara.command(stage.channel, "spend")
    embed = (await interaction.finished()).embeds[0]
    assert interaction.ephemeral
    assert spent in embed["description"]
    assert "daily budget" in str(embed["fields"])
    assert "<t:" in str(embed["fields"])


async def test_a_report_shows_only_its_own_servers_figures_and_only_to_admins(stage: Stage):
    await stage.start()
    await stage.ask_in_thread("a fox")
    here = await stage.ledger_nano_usd()
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.theo)
    asked = await stage.theo.say(other, f"{stage.me} a boat in a storm")
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert await stage.ledger_nano_usd() > here
    with pytest.raises(SandboxError):
        await stage.mara.command(stage.channel, "report show")
    for options in ({}, {"period": "today"}, {"by": "kind"}, {"by": "channel"}):
        interaction = await stage.ada.command(stage.channel, "report show", **options)
        embed = (await interaction.finished()).embeds[0]
        assert interaction.ephemeral
        assert f"**{dollars(NanoUsd(here))}** for 1 exchange" in embed["description"]
        assert str(stage.theo.id) not in str(embed)


async def test_the_rows_of_the_program_equal_the_books(stage: Stage, tmp_path: Path):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(stage.mara.dm, "a boat")
    await stage.answers(stage.mara.dm, asked.id)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "spend", "--json"),
        *("--config", str(write_config(stage, tmp_path))),
        env={"PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    rows = json.loads(output)
    assert process.returncode == 0
    assert sum(row["cost_nano_usd"] for row in rows) == await stage.ledger_nano_usd()
    places = {(row["server_id"], row["channel_id"]) for row in rows}
    assert places == {(str(stage.server.id), str(thread.id)), (None, str(stage.mara.dm.id))}
    assert {row["kind"] for row in rows} == {"picture"}
    assert list(rows[0]) == [
        *("day", "server_id", "member_id", "channel_id", "model", "kind", "exchanges"),
        *("cost_nano_usd", "estimated_nano_usd"),
    ]
