"""What is dear is asked about before anything is held: the buttons Confirm and Cancel."""

import asyncio
from dataclasses import replace

import pytest

from bot.confirming import CONFIRM_WITHIN_S
from bot.money import nano_usd
from bot.sandbox.discord.world import Channel, Message
from bot.store.exchanges import Exchange
from bot.ui.answer import DiscordAnswers
from tests.e2e.stage import Stage, caps, last_line


async def asked_first(stage: Stage, text: str = "a fox") -> tuple[Channel, Message]:
    """A mention by Mara that is found dear, and the message that asks about it."""
    asked = await stage.mara.say(stage.channel, f"{stage.me} {text}")
    thread = await stage.thread_of(asked)

    def question() -> Message | None:
        return next((one for one in stage.ours(thread) if "Confirm" in labels(one)), None)

    await stage.discord.wait_until(lambda: question() is not None, 20)
    message = question()
    assert message is not None
    return thread, message


def labels(message: Message) -> list[str]:
    return [part["label"] for part in message.buttons]


@pytest.fixture
def dear(stage: Stage) -> Stage:
    """Where every picture is dear."""
    stage.limit(ask_above_nano_usd=nano_usd("0.10"))
    return stage


async def test_a_dear_request_is_asked_about_and_holds_nothing_until_it_is_confirmed(dear: Stage):
    await dear.start()
    thread, message = await asked_first(dear)
    assert labels(message) == ["Confirm", "Cancel"]
    assert "$0.2" in message.content
    assert "at most" in message.content
    assert not dear.model.calls
    assert await dear.open_holds() == 0
    press = await dear.mara.click(message, "Confirm")
    await press.answered()
    (shown,) = await dear.answers(thread, message.id - 1)
    assert shown is message
    assert shown.attachments
    assert len(dear.model.calls) == 1


async def test_the_time_until_the_click_is_not_told_as_time_it_took(dear: Stage):
    await dear.start()
    thread, message = await asked_first(dear)
    dear.clock.pushed_ms += 300_000
    await (await dear.mara.click(message, "Confirm")).answered()
    await dear.answers(thread, message.id - 1)
    await dear.until_idle()
    assert int(last_line(message).split(" · ")[-1].removesuffix(" s")) < 20
    assert dear.mara.pings == []


async def test_a_command_is_asked_about_in_its_answer(dear: Stage):
    await dear.start()
    used = await dear.mara.command(dear.channel, "imagine", prompt="a fox")
    message = await used.finished()
    assert labels(message) == ["Confirm", "Cancel"]
    await (await dear.mara.click(message, "Confirm")).answered()
    (shown,) = await dear.answers(dear.channel, used.id)
    assert shown is message
    assert shown.attachments


async def test_what_is_not_dear_is_not_asked_about(stage: Stage):
    await stage.start()
    _, shown = await stage.ask_in_thread("a fox")
    assert "Confirm" not in labels(shown[-1])


async def test_zero_never_asks(stage: Stage):
    stage.limit(ask_above_nano_usd=0)
    await stage.start()
    _, shown = await stage.ask_in_thread("a fox")
    assert shown[-1].attachments


async def test_a_server_sets_its_own_price(stage: Stage):
    await stage.start()
    used = await stage.ada.command(
        stage.channel, "server set", setting="ask_above_usd", value="0.10"
    )
    await used.answered()
    _, message = await asked_first(stage)
    assert labels(message) == ["Confirm", "Cancel"]


async def test_cancel_ends_it_for_nothing(dear: Stage):
    await dear.start()
    _, message = await asked_first(dear)
    await (await dear.mara.click(message, "Cancel")).answered()
    await dear.discord.wait_until(lambda: last_line(message) == "-# cancelled · not charged", 10)
    assert not message.buttons
    assert not dear.model.calls


@pytest.mark.parametrize("label", ["Confirm", "Cancel"])
async def test_it_survives_a_restart_which_does_not_take_it_up(dear: Stage, label: str):
    await dear.start()
    thread, message = await asked_first(dear)
    await dear.stop()
    await dear.start()
    assert labels(message) == ["Confirm", "Cancel"]
    assert not dear.model.calls
    await (await dear.mara.click(message, label)).answered()
    await dear.answers(thread, message.id - 1)
    await dear.until_idle()
    assert len(dear.model.calls) == (label == "Confirm")
    assert dear.ours(thread) == [message]


@pytest.mark.parametrize("labels_pressed", [("Confirm", "Confirm"), ("Cancel", "Cancel")])
async def test_pressed_twice_at_once_it_takes_place_once(
    dear: Stage, labels_pressed: tuple[str, str]
):
    await dear.start()
    thread, message = await asked_first(dear)
    both = [await dear.mara.click(message, label) for label in labels_pressed]
    for press in both:
        await press.answered()
    await dear.answers(thread, message.id - 1)
    await dear.until_idle()
    assert len(dear.model.calls) == (labels_pressed[0] == "Confirm")
    assert dear.ours(thread) == [message]


async def test_confirm_and_cancel_at_once_are_one_of_them(dear: Stage):
    await dear.start()
    thread, message = await asked_first(dear)
    both = [await dear.mara.click(message, label) for label in ("Cancel", "Confirm")]
    for press in both:
        await press.answered()
    await dear.answers(thread, message.id - 1)
    await dear.until_idle()
    cancelled = last_line(message) == "-# cancelled · not charged"
    assert len(dear.model.calls) == (not cancelled)
    assert bool(message.attachments) != cancelled


@pytest.mark.parametrize("label", ["Confirm", "Cancel"])
async def test_a_click_while_the_question_is_still_being_put_is_not_lost(
    dear: Stage, monkeypatch: pytest.MonkeyPatch, label: str
):
    ask, gate = DiscordAnswers.ask, asyncio.Event()

    async def slow(self: DiscordAnswers, exchange: Exchange) -> None:
        await ask(self, exchange)
        await gate.wait()

    monkeypatch.setattr(DiscordAnswers, "ask", slow)
    await dear.start()
    thread, message = await asked_first(dear)
    await (await dear.mara.click(message, label)).answered()
    gate.set()
    await dear.answers(thread, message.id - 1)
    await dear.until_idle()
    assert bool(message.attachments) == (label == "Confirm")
    assert len(dear.model.calls) == (label == "Confirm")


async def test_without_a_click_it_ends_for_nothing(dear: Stage):
    await dear.start()
    thread, message = await asked_first(dear)
    buttons = list(message.components)
    await dear.stop()
    dear.clock.pushed_ms += CONFIRM_WITHIN_S * 1000
    await dear.start()
    await dear.answers(thread, message.id - 1)
    assert last_line(message) == "-# cancelled · not charged"
    assert not message.buttons
    message.components = buttons  # as it stands on a screen that is behind
    press = await dear.mara.click(message, "Confirm")
    await press.answered()
    assert press.ephemeral
    assert not dear.model.calls


async def test_what_waits_for_a_click_counts_as_expected(dear: Stage):
    dear.settings = replace(dear.settings, budgets=caps(member_day=nano_usd("0.60")))
    await dear.start()
    await asked_first(dear)
    used = await dear.mara.command(dear.channel, "imagine", prompt="a boat")
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == "-# budget · not charged"
