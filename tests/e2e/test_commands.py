"""Commands and their first answer, also where that meets with trouble."""

import asyncio

import discord
import pytest

from bot.errors import StoreUnavailable
from bot.sandbox.discord.wire import Fault
from bot.store import exchanges
from bot.ui.posting import Posting
from bot.underway import SWEEP_PAUSE_S
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

CALLBACK = r"/interactions/\d+/.*/callback"


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), asyncio.CancelledError(), discord.ClientException(), RuntimeError("ours")],
    ids=repr,
)
async def test_what_was_admitted_goes_its_way_whatever_becomes_of_its_acknowledgement(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: BaseException
):
    async def failing(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(discord.InteractionResponse, "defer", failing)
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    (answer,) = await stage.answers(stage.channel, used.id)
    assert answer.attachments
    assert used.original is None  # nobody said that something went wrong
    assert len(stage.model.calls) == 1


async def test_an_acknowledgement_that_cannot_be_noted_is_found_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    note = Posting.note
    failures = [StoreUnavailable("The database is locked.")]

    async def once(self: Posting, *key: int) -> None:
        if failures:
            raise failures.pop()
        await note(self, *key)

    monkeypatch.setattr(Posting, "note", once)
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    assert await stage.answers(stage.channel, used.id) == [used.original]
    assert not failures


async def test_the_sweep_leaves_alone_what_is_being_acknowledged(stage: Stage):
    await stage.start()
    slow = Fault("POST", CALLBACK, hold=asyncio.Event())
    assert slow.hold is not None
    stage.discord.faults.append(slow)
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    async with asyncio.timeout(5):
        while stage.discord.faults:  # noqa: ASYNC110  # nobody tells when it is met
            await asyncio.sleep(0.02)
        swept = stage.clock.pauses.count(SWEEP_PAUSE_S)
        while stage.clock.pauses.count(SWEEP_PAUSE_S) < swept + 3:  # noqa: ASYNC110  # nor this
            await asyncio.sleep(0.02)
    assert not stage.model.calls
    assert not stage.ours(stage.channel)
    slow.hold.set()
    (answer,) = await stage.answers(stage.channel, used.id)
    assert answer is used.original
    assert last_line(answer).startswith("-# $0.")
    assert len(stage.model.calls) == 1


@pytest.mark.parametrize("prompt", [" \n ", "\u200b"], ids=["blank", "invisible"])
@pytest.mark.parametrize("command", ["imagine", "edit"])
async def test_a_prompt_of_nothing_is_told_privately_what_is_wanted_and_admits_nothing(
    stage: Stage, command: str, prompt: str
):
    await stage.start()
    options = {"picture": ("cat.png", png(RED))} if command == "edit" else {}
    used = await stage.mara.command(stage.channel, command, prompt=prompt, **options)
    await used.answered()
    assert used.ephemeral
    (message,) = used.messages
    assert "prompt" in message.content
    assert last_line(message) == "-# unreadable · not charged"
    assert not await stage.read(lambda tx: exchanges.is_known(tx, used.id))
    assert not stage.model.calls
