"""The connection to Discord: what cannot be read ends neither it nor what is under way, and what
Discord says for good ends the program.
"""

import asyncio

import pytest

from bot.errors import StartError
from bot.sandbox.discord.wire import Fault
from bot.ui.gateway import IDENTIFIES_SPARED, RESUMES_MAX, STARTS_SPARED
from tests.e2e.stage import Stage, last_line

WAIT_S = 10.0
UNREADABLE = '{"op": 0, "t": "MESSAGE_CREATE", "s": '


async def until_back(stage: Stage, *, resumes: int = 0, identifies: int = 1) -> None:
    gateway = stage.discord.gateway
    await stage.discord.wait_until(
        lambda: (
            (gateway.resumes, gateway.identifies) == (resumes, identifies) and gateway.connected
        ),
        WAIT_S,
    )


def spoil(stage: Stage, name: str, data: object) -> None:
    """An event that discord.py cannot read."""
    for session in list(stage.discord.gateway.sessions.values()):
        session.add(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("MESSAGE_CREATE", {"id": "1"}),
        ("GUILD_CREATE", {"name": "without an id"}),
        ("INTERACTION_CREATE", None),
    ],
)
async def test_an_event_that_cannot_be_read_is_passed_over_and_the_session_goes_on(
    stage: Stage, name: str, data: object
):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(WAIT_S):
        await stage.model.gate.arrived(1)
    spoil(stage, name, data)
    later = await stage.theo.say(stage.channel, f"{stage.me} a hare")
    stage.model.gate.open()
    for each in (asked, later):
        (answer,) = await stage.answers(await stage.thread_of(each), each.id)
        assert last_line(answer).startswith("-# $0.")
    await until_back(stage, resumes=1)
    assert len(stage.model.calls) == 2


async def test_what_is_no_event_at_all_is_survived_ever_again_with_growing_pauses(stage: Stage):
    await stage.start()
    for times in range(1, RESUMES_MAX):
        stage.discord.gateway.babble(UNREADABLE)
        await stage.discord.wait_until(
            lambda times=times: (
                stage.discord.gateway.resumes == times and stage.discord.gateway.connected
            ),
            WAIT_S,
        )
    stage.discord.gateway.babble(UNREADABLE)
    await until_back(stage, resumes=RESUMES_MAX - 1, identifies=2)
    retries = [pause for pause in stage.clock.pauses if pause in {1.5, 3.0, 6.0, 12.0, 24.0, 48.0}]
    assert retries == [1.5, 3.0, 6.0, 12.0, 24.0, 48.0]
    thread, (answer,) = await stage.ask_in_thread("a fox")
    assert last_line(answer).startswith("-# $0.")
    assert thread.starter is not None


async def test_sessions_are_begun_ever_more_slowly(stage: Stage):
    await stage.start()
    for identifies in range(2, 6):
        stage.discord.invalidate_sessions()
        await until_back(stage, identifies=identifies)
    begun = [pause for pause in stage.clock.pauses if pause in {10.0, 20.0, 40.0, 80.0}]
    assert begun == [10.0, 20.0, 40.0, 80.0]


def leave_sessions(stage: Stage, remaining: int, reset_after_s: int) -> None:
    """What Discord says when it is asked next."""
    limit = {
        "total": 1000,
        "remaining": remaining,
        "reset_after": reset_after_s * 1000,
        "max_concurrency": 1,
    }
    body = {"url": stage.discord.gateway_url, "shards": 1, "session_start_limit": limit}
    stage.discord.faults.append(Fault("GET", "/gateway/bot", status=200, body=body))


async def test_the_days_last_sessions_are_left_for_starts_and_the_very_last_for_nobody(
    stage: Stage,
):
    leave_sessions(stage, STARTS_SPARED, 1_234)
    await stage.start()
    leave_sessions(stage, IDENTIFIES_SPARED, 2_345)
    stage.discord.invalidate_sessions()
    await until_back(stage, identifies=2)
    assert {1_234.0, 2_345.0} <= set(stage.clock.pauses)


async def test_it_stops_also_while_it_waits_for_a_session(stage: Stage):
    await stage.start()
    leave_sessions(stage, 0, 7_200)
    stage.discord.invalidate_sessions()
    await stage.discord.wait_until(lambda: not stage.discord.faults, WAIT_S)
    async with asyncio.timeout(WAIT_S):
        await stage.stop()
    assert stage.discord.gateway.identifies == 1


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(4004, "close code 4004"), (4013, "close code 4013"), (4014, "Message Content intent")],
)
async def test_what_discord_ends_for_good_ends_the_program_with_one_sentence(
    stage: Stage, code: int, sentence: str
):
    await stage.start()
    stage.discord.gateway.close(code)
    with pytest.raises(StartError, match=sentence):
        async with asyncio.timeout(WAIT_S):
            await stage.ended()
    assert stage.discord.gateway.identifies == 1
