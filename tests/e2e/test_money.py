"""Caps to the nano-dollar: what they admit, and what a refusal says and does."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import milliseconds
from bot.money import NanoUsd, dollars, nano_usd
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say, answer
from bot.store import reservations
from bot.store.reservations import Reservation
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line

OUTPUT_NANO_USD = 15_000
MEMBERS_CAPS = ("member_day_nano_usd", "member_month_nano_usd")
CAPS = (*MEMBERS_CAPS, "server_month_nano_usd", "total_month_nano_usd")
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)  # a Wednesday


async def held_at_gate(stage: Stage) -> Reservation:
    """What is held for the one call that waits at the closed gate of the model."""
    async with asyncio.timeout(10):
        await stage.model.gate.arrived()
    (held,) = await stage.read(reservations.open_ones)
    return held


async def hold_of(stage: Stage, text: str, **options: object) -> int:
    """What a first request of these words holds: asked by somebody else, in direct messages."""
    stranger = stage.discord.add_person("Stranger")
    await stage.start()
    stage.model.gate.close()
    await stranger.command(stranger.dm, "imagine", prompt=text, **options)
    held = await held_at_gate(stage)
    assert held.server_id == 0
    assert held.max_tokens == stage.settings.openrouter.max_tokens
    stage.model.gate.open()
    await stage.until_books_closed()
    await stage.stop()
    return held.hold_nano_usd


def end_of(span: str, now: datetime) -> int:
    """When a day or month of UTC ends, in seconds since 1970."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if span == "day":
        return int((day + timedelta(days=1)).timestamp())
    return int((day.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp())


def refused_for(message: Message) -> tuple[str, str, str, int]:
    """Of a refusal: the budget, what is left, what it would have held, when it resets."""
    found = re.match(
        r"There is no room in (.+): (\$[\d.,]+) of \$[\d.,]+ is left, and this would have held"
        r" (\$[\d.,]+)\. It resets <t:(\d+):R>",
        message.content,
    )
    assert found is not None, message.content
    assert last_line(message) == "-# budget · not charged"
    return found[1], found[2], found[3], int(found[4])


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("short", [0, 1])
async def test_a_cap_admits_what_just_fits_and_refuses_a_nano_dollar_more(
    stage: Stage, cap: str, short: int
):
    text = "a fox"
    hold = await hold_of(stage, text)
    spent = await stage.ledger_nano_usd() if cap == "total_month_nano_usd" else 0
    room = hold - 8_000 * OUTPUT_NANO_USD
    stage.budget(**{cap: NanoUsd(spent + room - short)})
    await stage.start()
    calls = len(stage.model.calls)
    interaction = await stage.mara.command(stage.channel, "imagine", prompt=text)
    message = await interaction.finished()
    if short:
        budget, left, would_hold, _ = refused_for(message)
        assert budget.startswith({"m": "your ", "s": "this server's ", "t": "Easel's "}[cap[0]])
        assert (left, would_hold) == (dollars(NanoUsd(room - 1)), dollars(NanoUsd(room)))
    assert len(stage.model.calls) - calls == 1 - short
    await stage.until_idle()
    assert stage.model.account.total_nano_usd == await stage.ledger_nano_usd()


@pytest.mark.parametrize("max_tokens", [8_000, 11_111, 16_000])
async def test_max_tokens_is_lowered_as_far_as_the_room_asks_and_no_further(
    stage: Stage, max_tokens: int
):
    hold = await hold_of(stage, "a fox")
    lowered = (16_000 - max_tokens) * OUTPUT_NANO_USD
    stage.budget(member_day_nano_usd=NanoUsd(hold - lowered + OUTPUT_NANO_USD - 1))
    await stage.start()
    stage.model.gate.close()
    await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    held = await held_at_gate(stage)
    assert stage.model.calls[-1].request["max_tokens"] == max_tokens
    assert held.hold_nano_usd == hold - lowered


async def test_the_hold_covers_prompt_answer_and_picture_by_its_size(stage: Stage):
    small = await hold_of(stage, "a fox")
    large = await hold_of(stage, "a fox", size="2K")
    assert large - small == nano_usd("0.20")
    prompt = small - 16_000 * OUTPUT_NANO_USD - nano_usd("0.25")
    counted = [generation.meter for generation in stage.model.account.generations.values()]
    assert prompt >= max(meter.prompt_nano_usd for meter in counted) > 0


@pytest.mark.parametrize("cap", CAPS)
async def test_a_refusal_says_which_cap_what_is_left_what_it_needs_and_when_it_resets(
    stage: Stage, cap: str
):
    stage.clock.pushed_ms = milliseconds(NOON) - stage.clock.now_ms()
    stage.settings = replace(
        stage.settings, openrouter=replace(stage.settings.openrouter, max_tokens=8_000)
    )
    stage.budget(**{cap: nano_usd("0.60")})
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=50_000_000))
    await stage.ask_in_thread("a fox")
    stage.model.gate.close()
    first = await stage.mara.say(stage.channel, f"{stage.me} a boat")
    held = await held_at_gate(stage)
    asked = await stage.mara.say(stage.channel, f"{stage.me} a cat")
    refusal = (await stage.answers(stage.channel, asked.id))[-1]
    budget, left, would_hold, resets_s = refused_for(refusal)
    assert (
        budget
        == {
            "member_day_nano_usd": "your daily budget",
            "member_month_nano_usd": "your monthly budget",
            "server_month_nano_usd": "this server's monthly budget",
            "total_month_nano_usd": "Easel's monthly budget for everyone",
        }[cap]
    )
    assert left == dollars(NanoUsd(nano_usd("0.60") - 50_000_000 - held.hold_nano_usd))
    assert nano_usd("0.37") < nano_usd(would_hold[1:])
    assert would_hold <= dollars(held.hold_nano_usd)
    assert resets_s == end_of("day" if "day" in cap else "month", NOON)
    assert "resets" in refusal.content.splitlines()[0]
    assert refusal.reply_to is asked
    assert asked.thread is None
    stage.model.gate.open()
    await stage.answers(await stage.thread_of(first), first.id)


async def test_a_day_later_the_days_cap_admits_again_and_the_longer_of_two_full_is_named(
    stage: Stage,
):
    hold = await hold_of(stage, "a fox")
    stage.clock.pushed_ms = milliseconds(NOON) - stage.clock.now_ms()
    stage.budget(member_day_nano_usd=NanoUsd(hold), member_month_nano_usd=NanoUsd(hold * 2))
    await stage.start()
    stage.model.script(*[answer(Say("A fox."), cost_nano_usd=hold)] * 2)
    seen: list[str] = []
    for _ in range(2):
        for _ in range(2):
            interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
            message = await interaction.finished()
            await stage.until_idle()
            fine = last_line(message).startswith("-# $")
            seen.append("fine" if fine else refused_for(message)[0])
        stage.clock.pushed_ms += 24 * 3_600 * 1_000
    assert seen == ["fine", "your daily budget", "fine", "your monthly budget"]


async def test_the_refusal_of_a_command_comes_before_its_pictures_are_fetched(stage: Stage):
    stage.budget(server_month_nano_usd=NanoUsd(0))
    await stage.start()
    before = len(stage.discord.requests)
    file = ("photo.png", png((9, 9, 9)))
    interaction = await stage.mara.command(
        stage.channel, "edit", picture=file, prompt="make it night"
    )
    await interaction.answered()
    assert interaction.ephemeral
    assert interaction.latency_s is not None
    assert interaction.latency_s < 1
    assert [one.path for one in list(stage.discord.requests)[before:]] == [
        f"/interactions/{interaction.id}/{interaction.token}/callback"
    ]
    assert not stage.model.calls
    assert not await stage.open_holds()


@pytest.mark.parametrize("cap", CAPS)
async def test_a_cap_of_zero_admits_nothing_by_any_way(stage: Stage, cap: str):
    stage.budget(**{cap: NanoUsd(0)})
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    refused_for((await stage.answers(stage.channel, asked.id))[-1])
    interaction = await stage.theo.command(stage.channel, "imagine", prompt="a fox")
    refused_for(await interaction.finished())
    asked = await stage.ada.say(stage.ada.dm, "a fox")
    direct = (await stage.answers(stage.ada.dm, asked.id))[-1]
    if cap.startswith("server"):
        assert last_line(direct).startswith("-# $")
    else:
        refused_for(direct)
    await stage.until_idle()
    assert len(stage.model.calls) == cap.startswith("server")


async def test_a_members_caps_count_over_servers_and_direct_messages(stage: Stage):
    stage.budget(member_day_nano_usd=nano_usd("0.60"), server_month_nano_usd=nano_usd("0.60"))
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.mara)
    elsewhere.join(stage.theo)
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.50"))))
    asked = await stage.mara.say(stage.mara.dm, "a fox")
    await stage.answers(stage.mara.dm, asked.id)
    for channel in (stage.channel, other):
        asked = await stage.mara.say(channel, f"{stage.me} a fox")
        refusal = (await stage.answers(channel, asked.id))[-1]
        assert refused_for(refusal)[:2] == ("your daily budget", "$0.1000")
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.55"))))
    for channel, budget in ((stage.channel, None), (other, "your daily budget")):
        interaction = await stage.theo.command(channel, "imagine", prompt="a fox")
        message = await interaction.finished()
        await stage.until_idle()
        assert budget is None or refused_for(message)[0] == budget
    interaction = await stage.ada.command(stage.channel, "imagine", prompt="a fox")
    assert refused_for(await interaction.finished())[0] == "this server's monthly budget"


async def test_a_cost_above_its_hold_is_booked_its_overrun_kept_and_nothing_is_left(stage: Stage):
    hold = await hold_of(stage, "a fox")
    stage.budget(member_day_nano_usd=nano_usd("0.70"))
    await stage.start()
    cost = int(nano_usd("0.9"))
    stage.model.script(answer(Say("Dear."), Paint(), cost_nano_usd=cost))
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    message = await interaction.finished()
    assert last_line(message).startswith("-# $0.9000 · ")
    overruns = await stage.read(lambda tx: tx.all("SELECT over_nano_usd FROM entry ORDER BY rowid"))
    assert [row["over_nano_usd"] for row in overruns] == [0, cost - hold]
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    assert refused_for(await interaction.finished())[1] == "$0.0000"
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
