"""A message replied to that cannot be read: it is said, and nothing else is painted for it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.forms import Draft
from bot.sandbox.discord.shapes import Json, MessageKind
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.ui import reading
from tests.e2e.photos import meant, model_saw, png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import GOLD, RED

ONE_MESSAGE = r"/channels/\d+/messages/\d+"
UNREADABLE = "-# unreadable · not charged"
PERMISSION = "-# permission · not charged"


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord does not send along what a message replies to, as it is free to."""
    whole: Callable[..., Json] = payloads.from_gateway

    def without(one: Message, *, redact: bool) -> Json:
        payload = whole(one, redact=redact)
        payload.pop("referenced_message", None)
        return payload

    monkeypatch.setattr(payloads, "from_gateway", without)


async def photo(stage: Stage) -> Message:
    """Somebody else's, in the channel."""
    return await stage.mara.say(stage.channel, "my cat", files=[("cat.png", png(GOLD))])


async def asked_about(stage: Stage, replied: Message) -> Message:
    return await stage.theo.say(stage.channel, f"{stage.me} make it night", reply_to=replied)


async def refused(stage: Stage, asked: Message, line: str) -> str:
    """The one sentence in reply. Fails if anything was called, charged or opened."""
    (answer,) = await stage.answers(stage.channel, asked.id)
    sentence, last = answer.content.split("\n")
    assert last == line
    assert answer.reply_to is asked
    assert asked.thread is None
    await stage.until_idle()
    assert not stage.model.calls
    assert await stage.ledger_nano_usd() == 0
    return sentence


@pytest.mark.usefixtures("untold")
async def test_what_discord_does_not_send_along_is_asked_for(stage: Stage):
    await stage.start()
    asked = await asked_about(stage, await photo(stage))
    await stage.answers(await stage.thread_of(asked), asked.id)
    await model_saw(stage, GOLD)


@pytest.mark.usefixtures("untold")
@pytest.mark.parametrize("trouble", ["cut", "status 500", "status 503", "status 400", "no answer"])
async def test_while_discord_fails_it_says_so_and_to_try_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    monkeypatch.setattr(reading, "REPLIED_TIMEOUT_S", 0.5)
    fault = Fault("GET", ONE_MESSAGE)
    if trouble == "cut":
        fault.drop, fault.times = True, 2  # aiohttp itself asks again, once
    elif trouble == "no answer":
        fault.hold = asyncio.Event()
    else:
        fault.status = int(trouble.removeprefix("status "))
    await stage.start()
    replied = await photo(stage)
    stage.discord.faults.append(fault)
    sentence = await refused(stage, await asked_about(stage, replied), UNREADABLE)
    assert "Try again" in sentence
    if fault.hold is not None:
        fault.hold.set()
    stage.discord.faults.clear()
    asked = await asked_about(stage, replied)
    await stage.answers(await stage.thread_of(asked), asked.id)
    await model_saw(stage, GOLD)


@pytest.mark.usefixtures("untold")
@pytest.mark.parametrize(
    ("status", "code", "line"), [(403, 50001, PERMISSION), (404, 10008, UNREADABLE)]
)
async def test_what_it_may_not_see_or_is_gone_is_said(
    stage: Stage, status: int, code: int, line: str
):
    await stage.start()
    replied = await photo(stage)
    stage.discord.faults.append(Fault("GET", ONE_MESSAGE, status=status, body={"code": code}))
    await refused(stage, await asked_about(stage, replied), line)


async def test_a_reply_to_what_was_deleted_paints_nothing_else(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("a red fox")
    picture = await stage.theo.say(stage.channel, "my cat", files=[("cat.png", png(GOLD))])
    await stage.theo.delete(picture)
    calls, ledger = len(stage.model.calls), await stage.ledger_nano_usd()
    draft = Draft(content="make it night")
    asked = posting.add(thread, stage.mara, draft, kind=MessageKind.REPLY, reply_to=picture)
    (notice,) = await stage.answers(thread, asked.id)
    assert last_line(notice) == UNREADABLE
    assert "deleted" in notice.content
    assert len(stage.model.calls) == calls
    assert await stage.ledger_nano_usd() == ledger
    again = await stage.mara.say(thread, "make it night", reply_to=answer[0])
    await stage.answers(thread, again.id)
    assert len(meant(stage.model.calls[-1])) == 1


async def test_a_reply_to_a_file_that_is_no_picture_names_it(stage: Stage):
    await stage.start()
    film = await stage.mara.say(stage.channel, "our trip", files=[("trip.mp4", b"a film")])
    assert "trip.mp4" in await refused(stage, await asked_about(stage, film), UNREADABLE)


async def test_a_reply_to_a_film_in_components_is_no_picture_either(stage: Stage):
    await stage.start()
    uploads = [posting.Upload(0, "trip.mp4", b"a film")]
    shown = {"type": 13, "file": {"url": "attachment://trip.mp4"}}
    film = posting.add(
        stage.channel, stage.mara, Draft(components=[shown], uploads=uploads, flags=1 << 15)
    )
    await refused(stage, await asked_about(stage, film), UNREADABLE)


async def test_without_the_intent_a_reply_to_what_is_hidden_says_so(stage: Stage):
    stage.discord.message_content_enabled = False
    discord = replace(stage.settings.discord, message_content=False)
    stage.settings = replace(stage.settings, discord=discord)
    await stage.start()
    asked = await asked_about(stage, await photo(stage))
    assert "your own message" in await refused(stage, asked, PERMISSION)
    own = await stage.theo.say(
        stage.channel, f"{stage.me} make it night", files=[("dog.png", png(RED))]
    )
    await stage.answers(await stage.thread_of(own), own.id)
    await model_saw(stage, RED)
