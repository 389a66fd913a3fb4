"""Discord's bad days: limits, dead tokens, lost acknowledgements, files that come slowly or not."""

import pytest

from bot.sandbox.discord.interactions import TOKEN_S
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.wire import Fault, rate_limited
from tests.e2e.photos import meant, png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

SEND = r"/channels/\d+/messages"
EDIT = r"/channels/\d+/messages/\d+"
CALLBACK = "/interactions/.*"
BY_TOKEN = "/webhooks/.*"
CDN = "/cdn/.*"
REFRESH = "/attachments/refresh-urls"
PHOTO = ("cat.png", png(RED))
DAY_S = 24 * 60 * 60


def later(stage: Stage, seconds: float) -> None:
    """Time passes, for Discord and for Easel."""
    now = stage.discord.world.now
    stage.discord.world.now = lambda: now() + seconds
    stage.clock.pushed_ms += int(seconds * 1000)


@pytest.mark.parametrize("everywhere", [False, True], ids=["route", "global"])
@pytest.mark.parametrize(("method", "path"), [("POST", SEND), ("PATCH", EDIT)])
async def test_a_limit_is_waited_out(stage: Stage, method: str, path: str, everywhere: bool):
    await stage.start()
    limit = rate_limited(path, 0.05, method=method, times=2, everywhere=everywhere)
    stage.discord.faults.append(limit)
    thread, (message,) = await stage.ask_in_thread("a red fox")
    await stage.until_idle()
    assert not stage.discord.faults
    assert stage.ours(thread) == [message]
    assert len(message.attachments) == 1


@pytest.mark.parametrize(("method", "path"), [("POST", SEND), ("PATCH", EDIT)])
async def test_where_discord_shuts_its_door_the_sweep_tries_again(
    stage: Stage, method: str, path: str
):
    await stage.start()
    # Without `Via` it is a ban of the address for a while, which discord.py does not wait out.
    body: Json = {"message": "You are being rate limited.", "retry_after": 0.01, "global": True}
    stage.discord.faults.append(Fault(method, path, times=2, status=429, body=body))
    thread, (message,) = await stage.ask_in_thread("a red fox")
    await stage.until_idle()
    assert not stage.discord.faults
    assert stage.ours(thread) == [message]
    assert len(message.attachments) == 1
    assert len(stage.model.calls) == 1


@pytest.mark.parametrize("edited", [True, False], ids=["edited before", "thinking still"])
async def test_a_commands_answer_arrives_once_after_its_token_died(stage: Stage, edited: bool):
    await stage.start()
    stage.model.gate.close()
    if not edited:
        stage.discord.faults.append(Fault("PATCH", BY_TOKEN, times=999, status=503))
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.model.gate.arrived()
    original = used.original
    assert original is not None
    if edited:
        await stage.discord.wait_until(lambda: "painting" in original.content)
    later(stage, TOKEN_S + 1)
    stage.discord.faults.clear()
    stage.model.gate.open()
    await stage.until_idle()
    whole = [one for one in stage.ours(stage.channel) if last_line(one).startswith("-# $0.")]
    assert len(whole) == 1
    assert len(whole[0].attachments) == 1
    assert (whole[0] is original) == edited
    assert len(stage.mara.pings) == 1


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_an_acknowledgement_that_was_lost_is_not_doubled(stage: Stage, private: bool):
    await stage.start()
    stage.discord.faults.append(Fault("POST", CALLBACK, after=True, status=502))
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=private)
    await stage.discord.wait_until(lambda: not stage.discord.faults)
    await stage.until_idle()
    answered = stage.discord.sent("POST", CALLBACK)
    assert [one.status for one in answered] == [502, 400]  # 40060: acknowledged already
    assert used.original is not None
    assert [one.id for one in used.messages] == [used.original.id]
    assert len(used.original.attachments) == 1
    assert len(stage.ours(stage.channel)) == (0 if private else 1)


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_an_interaction_that_is_not_known_any_more_is_answered_all_the_same(
    stage: Stage, private: bool
):
    await stage.start()
    body: Json = {"message": "Unknown interaction", "code": 10062}
    stage.discord.faults.append(Fault("POST", CALLBACK, status=404, body=body))
    await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=private)
    await stage.discord.wait_until(lambda: not stage.discord.faults)
    await stage.until_idle()
    (message,) = stage.ours(stage.mara.dm if private else stage.channel)
    assert len(message.attachments) == 1
    assert last_line(message).startswith("-# $0.")
    assert stage.ours(stage.channel if private else stage.mara.dm) == []


async def test_a_link_that_expired_while_nobody_was_there_is_refreshed(stage: Stage):
    stage.limit(stop_grace_s=0.0)
    await stage.start()
    stage.discord.faults.append(Fault("GET", CDN, times=9, drop=True))
    stage.discord.faults.append(Fault("GET", CDN, times=9, drop=True))
    asked = await stage.mara.say(stage.channel, f"{stage.me} add a hat", files=[PHOTO])
    thread = await stage.thread_of(asked)
    await stage.stop()
    stage.discord.faults.clear()
    later(stage, DAY_S + 60)
    await stage.start()
    (message,) = await stage.answers(thread, asked.id)
    assert len(message.attachments) == 1
    assert len(meant(stage.model.calls[-1])) == 1
    assert [one.status for one in stage.discord.sent("POST", REFRESH)] == [200]


@pytest.mark.parametrize(("status", "body"), [(404, None), (200, {"refreshed_urls": []})])
async def test_a_link_without_a_fresh_one_is_unreadable(
    stage: Stage, status: int, body: Json | None
):
    await stage.start()
    stage.discord.faults.append(Fault("GET", CDN, status=404))
    stage.discord.faults.append(Fault("POST", REFRESH, status=status, body=body))
    _, (message,) = await stage.ask_in_thread("add a hat", files=[PHOTO])
    assert last_line(message) == "-# unreadable · not charged"
    assert not stage.discord.faults
    assert not stage.model.calls


async def test_a_file_that_comes_slowly_is_waited_for(stage: Stage):
    await stage.start()
    stage.discord.faults.append(Fault("GET", CDN, delay_s=0.2, pace_s=0.1))
    _, (message,) = await stage.ask_in_thread("add a hat", files=[PHOTO])
    assert len(message.attachments) == 1
    assert len(stage.discord.sent("GET", CDN)) == 1


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}, {"delay_s": 60.0}])
async def test_a_file_that_does_not_come_is_unreadable_and_nothing_is_called(
    stage: Stage, fault: Json, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.fetch.DOWNLOAD_TIMEOUT_S", 0.3)
    await stage.start()
    stage.discord.faults.append(Fault("GET", CDN, times=9, **fault))
    _, (message,) = await stage.ask_in_thread("add a hat", files=[PHOTO])
    assert last_line(message) == "-# unreadable · not charged"
    assert not stage.model.calls
    assert await stage.open_holds() == 0
