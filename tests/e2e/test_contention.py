"""Very many at once, by every way in, on a budget of the admins that has room for some of them."""

import asyncio
from dataclasses import replace

import pytest

from bot.money import NanoUsd, decimal_usd
from tests.e2e.stage import Stage


async def refused(stage: Stage) -> int:
    """How many requests had no room in the budget."""
    rows = await stage.read(
        lambda tx: tx.all("SELECT COUNT(*) FROM exchange WHERE word = 'budget'")
    )
    return rows[0][0]


async def play(stage: Stage, asked: int, admitted: int, timeout_s: float) -> None:
    """A third each by message, command and button, all sent before any is answered."""
    stage.limit(running_max=1_000, running_per_member_max=10, queue_max=10_000)
    stage.settings = replace(
        stage.settings, openrouter=replace(stage.settings.openrouter, max_tokens=8_000)
    )
    stage.budget(
        server_month_nano_usd=NanoUsd(10**15),
        total_month_nano_usd=NanoUsd(10**15),
    )
    people = [stage.discord.add_person(f"Person {number}") for number in range(asked)]
    for person in people:
        stage.server.join(person)
    channels = [stage.server.add_channel(f"room {number}") for number in range(8)]
    await stage.start()
    first = await stage.mara.command(stage.channel, "imagine", prompt="number 000")
    await stage.answers(stage.channel, first.id)
    await stage.until_idle()
    shown = first.messages[-1]
    hold = (await stage.read(lambda tx: tx.all("SELECT hold_nano_usd FROM reservation")))[0][0]
    room = NanoUsd(await stage.ledger_nano_usd() + admitted * hold + hold // 2)
    used = await stage.ada.command(
        stage.channel, "budget set", scope="server", limit=str(decimal_usd(room)), window="day"
    )
    await used.answered()
    stage.model.gate.close()
    for number, person in enumerate(people):
        channel, prompt = channels[number % len(channels)], f"number {number:03}"
        if number % 3 == 0:
            await person.say(channel, f"{stage.me} {prompt}")
        elif number % 3 == 1:
            await person.command(channel, "imagine", prompt=prompt)
        else:
            await person.click(shown, "Again")

    # Not by what is seen: of so many at once Discord may not wait for the last ones' first answers.
    async with asyncio.timeout(timeout_s):
        while await refused(stage) + stage.model.gate.waiting < asked:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.1)
    assert (stage.model.gate.waiting, await refused(stage)) == (admitted, asked - admitted)
    held = await stage.read(
        lambda tx: tx.all(
            "SELECT spent_nano_usd + held_nano_usd FROM balance"
            " WHERE scope = 'server' AND span = 'day'"
        )
    )
    assert room - hold < held[0][0] <= room
    stage.model.gate.open()
    await stage.until_idle(timeout_s)
    await stage.until_books_closed(timeout_s)
    assert len(stage.model.account.charges) == admitted + 1
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_of_forty_at_once_by_message_command_and_button_exactly_ten_are_admitted(
    stage: Stage,
):
    await play(stage, asked=40, admitted=10, timeout_s=30)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_of_640_at_once_by_message_command_and_button_exactly_100_are_admitted(stage: Stage):
    await play(stage, asked=640, admitted=100, timeout_s=240)
