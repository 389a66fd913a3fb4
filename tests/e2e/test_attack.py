"""A member against their own cap: all they can ask for at once, by every way there is."""

import pytest

from bot.money import NanoUsd, nano_usd
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from tests.e2e.stage import Stage, last_line

ASKED = 200
DOLLAR = NanoUsd(nano_usd("1"))
PATIENCE_S = 60.0


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_200_at_once_by_message_command_and_button_book_no_more_than_a_dollar(stage: Stage):
    stage.limit(running_max=1_000, running_per_member_max=1_000, queue_max=10_000)
    stage.budget(member_day_nano_usd=DOLLAR)
    await stage.start()
    channels = [stage.channel, *(stage.server.add_channel(f"room {n}") for n in (2, 3))]
    _, (first,) = await stage.ask_in_thread("a fox")
    stage.model.gate.close()
    asked: list[Message | Interaction] = []
    for number in range(ASKED):
        channel = channels[number % 3]
        match number % 4:
            case 0:
                asked.append(await stage.mara.command(channel, "imagine", prompt=f"a {number}"))
            case 1:
                asked.append(await stage.mara.click(first, "Again"))
            case _:
                asked.append(await stage.mara.say(channel, f"{stage.me} number {number}"))

    def refusals() -> list[Message]:
        shown = [message for one in asked for message in _shown(stage, one)]
        return [message for message in shown if last_line(message).startswith("-# budget")]

    def all_told() -> bool:
        return len(refusals()) + stage.model.gate.waiting == ASKED

    await stage.discord.wait_until(all_told, PATIENCE_S)
    assert 0 < stage.model.gate.waiting < ASKED
    for refusal in refusals():
        assert " is left" in refusal.content
        assert last_line(refusal) == "-# budget · not charged"
    stage.model.gate.open()
    await stage.until_idle(PATIENCE_S)
    await stage.until_books_closed()
    booked = await stage.ledger_nano_usd()
    assert booked == stage.model.account.total_nano_usd
    assert 0 < booked <= DOLLAR


def _shown(stage: Stage, asked: Message | Interaction) -> list[Message]:
    if isinstance(asked, Interaction):
        return asked.messages
    return [one for one in stage.ours(asked.channel) if one.reply_to is asked]
