"""kill -9 at each of the six steps and between them: one result or one truthful notice, at most one
call at the model, no hold left open, and books that equal the account.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.store import entries
from tests.e2e.photos import png
from tests.e2e.process import write_config
from tests.e2e.stage import Stage, last_line

DEATH_TIMEOUT_S = 20.0
RESULT = (
    *("step:wait", "message", "step:hold", "step:call", "picture", "step:settle"),
    *("state:settled", "step:answer", "step:done"),
)


async def die(stage: Stage, folder: Path, point: str, ask: Callable[[], object]) -> None:
    """Starts the bot that dies at the point, asks, and returns when it is dead."""
    config = write_config(stage, folder)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.killed_process", str(config), point),
        env={
            **os.environ,
            "DISCORD_TOKEN": stage.discord.token,
            "OPENROUTER_API_KEY": stage.model.api_key,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEATH_TIMEOUT_S):
            assert (await process.stdout.readline()).startswith(b"easel: ready")
            asked = ask()
            if asyncio.iscoroutine(asked):
                await asked
            assert await process.wait() == -9
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def outcome(stage: Stage, channel: Callable[[], Channel | None]) -> Message:
    """The one message that Easel shows in the channel once it and the books have come to rest."""

    def ours() -> list[Message]:
        place = channel()
        return [] if place is None else stage.ours(place)

    def at_rest() -> bool:
        lines = [last_line(message) for message in ours()]
        return bool(lines) and all(line.startswith("-# ") for line in lines)

    await stage.discord.wait_until(at_rest, DEATH_TIMEOUT_S)
    await stage.until_books_closed()
    await stage.discord.wait_until(lambda: "not known" not in ours()[-1].content, DEATH_TIMEOUT_S)
    assert len(ours()) == 1
    return ours()[0]


async def check_books(stage: Stage, *, estimated: bool) -> None:
    days = entries.Days(0, 99_991_231)
    totals = await stage.read(lambda tx: entries.of_server(tx, stage.server.id, days))
    assert totals.estimates == int(estimated)
    if not estimated:
        assert totals.cost == stage.model.account.total_nano_usd


@pytest.mark.parametrize("point", RESULT)
@pytest.mark.parametrize("by", ["message", "command"])
async def test_killed_where_nothing_is_lost_the_result_arrives_once(
    stage: Stage, tmp_path: Path, point: str, by: str
):
    asked: list[Message] = []

    async def ask() -> None:
        if by == "command":
            await stage.mara.command(stage.channel, "imagine", prompt="a fox")
        else:
            asked.append(await stage.mara.say(stage.channel, f"{stage.me} a fox"))

    await die(stage, tmp_path, point, ask)
    await stage.start()
    message = await outcome(stage, lambda: asked[0].thread if asked else stage.channel)
    assert [file.content_type for file in message.attachments] == ["image/png"]
    assert last_line(message).startswith("-# $0.")
    assert len(stage.model.calls) == 1
    await check_books(stage, estimated=False)


@pytest.mark.parametrize("by", ["message", "command"])
async def test_killed_in_mid_answer_the_person_is_told_what_it_cost(
    stage: Stage, tmp_path: Path, by: str
):
    asked: list[Message] = []

    async def ask() -> None:
        if by == "command":
            await stage.mara.command(stage.channel, "imagine", prompt="a fox")
        else:
            asked.append(await stage.mara.say(stage.channel, f"{stage.me} a fox"))

    await die(stage, tmp_path, "generation", ask)
    await stage.start()
    message = await outcome(stage, lambda: asked[0].thread if asked else stage.channel)
    assert last_line(message).startswith("-# recovered · ")
    assert len(stage.model.calls) == 1
    await check_books(stage, estimated=False)


async def test_killed_before_the_call_was_known_the_hold_is_booked_as_an_estimate(
    stage: Stage, tmp_path: Path
):
    asked: list[Message] = []

    async def ask() -> None:
        asked.append(await stage.mara.say(stage.channel, f"{stage.me} a fox"))

    await die(stage, tmp_path, "state:sent", ask)
    await stage.start()
    message = await outcome(stage, lambda: asked[0].thread)
    assert last_line(message).startswith("-# unknown · charged ≈ $0.")
    assert len(stage.model.calls) <= 1
    await check_books(stage, estimated=True)


async def test_killed_while_an_attachment_is_fetched_it_is_fetched_again(
    stage: Stage, tmp_path: Path
):
    hold = asyncio.Event()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", hold=hold))
    asked: list[Message] = []

    async def ask() -> None:
        photo = ("photo.png", png((200, 60, 40)))
        asked.append(await stage.mara.say(stage.channel, f"{stage.me} a hat", files=[photo]))

    await die(stage, tmp_path, "message", ask)
    hold.set()
    await stage.start()
    message = await outcome(stage, lambda: asked[0].thread)
    assert len(message.attachments) == 1
    assert len(stage.model.calls[-1].pictures) == 1
