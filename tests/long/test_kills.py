"""kill -9 of the real process at every point of the table, and what the next start makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import bot.ui.answer
from bot.money import nano_usd
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, Stall, Status, answer
from bot.sandbox.openrouter.script import Told
from bot.store.folder import DataFolder
from tests.e2e.failure_table import HALF
from tests.e2e.kill_table import KILLS, Kill, Scene
from tests.e2e.killing import Killing, check_shelf
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.e2e.test_answer_troubles import moderator

TIMEOUT_S = 20.0
PHOTO = ("photo.png", png((200, 60, 40)))
SCRIPTS: dict[Scene, Told] = {
    "two messages": answer(Say("Before."), Paint(), Say("After.")),
    "429": Status(429),
    "no usage": answer(Paint(), NoUsage()),
    "cancel": answer(Say("A fox is"), Stall()),
}
SETTINGS: dict[Scene, str] = {
    "no room": "[budgets]\nmember_day_usd = 0\n",
    "dear": "ask_above_usd = 0.10\n",
}

PINGED = {
    "mention: posted:-1",
    "command: step:wait",
    "thread gone: moved",
    "thread gone: posted elsewhere",
}
"""Once: by an answer that was late, or that stands where its person does not look for it."""


@pytest.fixture
async def stage(tmp_path: Path):
    async with Stage(tmp_path) as stage:
        yield stage


async def until_shown(killing: Killing, condition: Callable[[Message], bool]) -> Message:
    """The message of ours that meets it."""

    def found() -> Message | None:
        return next((message for message in killing.shown if condition(message)), None)

    await killing.stage.discord.wait_until(lambda: found() is not None, TIMEOUT_S)
    message = found()
    assert message is not None
    return message


async def press(killing: Killing, label: str) -> None:
    """Whether it is answered or not: who is pressed may die of it."""
    message = await until_shown(
        killing, lambda message: label in [part["label"] for part in message.buttons]
    )
    await killing.stage.mara.click(message, label)


async def die(killing: Killing, kill: Kill) -> None:
    """Asks as the scene says, and returns once the process is dead at the point."""
    stage = killing.stage
    gate, shelf = stage.model.gate, DataFolder(stage.settings.storage.data_dir).shelf

    async def half_is_here() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not list(shelf.glob("incoming/*")):  # noqa: ASYNC110  # the disk tells nobody
                await asyncio.sleep(0.02)

    async def text_is_shown() -> None:
        await until_shown(killing, lambda message: "A fox is" in message.content)

    async def ask() -> None:
        await killing.ask(photo=PHOTO if kill.scene == "photo" else None)
        if kill.point == "confirmation:given":
            await press(killing, "Confirm")
        if kill.scene == "thread gone":
            await gate.arrived()
            assert killing.asked is not None
            assert killing.asked.thread is not None
            await stage.ada.delete_channel(killing.asked.thread)
            gate.open()
        if kill.scene == "cancel":
            await text_is_shown()
            await press(killing, "Cancel")

    outside: dict[str, Callable[[], Awaitable[None]]] = {
        "on its way": gate.arrived,
        "half a picture": half_is_here,
        "text shown": text_is_shown,
    }
    if kill.point == "on its way" or kill.scene == "thread gone":
        gate.close()
    await killing.die(kill.point, ask, outside.get(kill.point))
    gate.open()


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
async def test_kill(
    stage: Stage, tmp_path: Path, kill: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    killing = Killing(stage, tmp_path, "command" if kill.scene == "command" else "message")
    killing.settings = SETTINGS.get(kill.scene, "")
    if kill.scene == "thread gone":
        moderator(stage)
    if kill.scene == "dear":
        stage.limit(ask_above_nano_usd=nano_usd("0.10"))
    if kill.point == "posted:-1":
        monkeypatch.setattr(bot.ui.answer, "PING_AFTER_MS", 0)
    if kill.point == "text shown":
        stage.model.script(answer(Say("A fox is"), Stall()))
    elif kill.point == "half a picture":
        stage.model.script(answer(HALF, Stall(), cost_nano_usd=70_000_000))
    elif kill.scene in SCRIPTS:
        stage.model.script(SCRIPTS[kill.scene])
    await die(killing, kill)
    await stage.start()
    if kill.scene == "dear" and kill.point != "confirmation:given":
        await press(killing, "Confirm")
    messages = await killing.at_rest()
    assert len(messages) == (2 if kill.scene == "two messages" else 1)
    assert not any(message.thinking for message in messages)
    pictures = sum(len(message.attachments) for message in messages)
    line = last_line(messages[-1])
    if kill.ends == "result":
        assert pictures == 1
        assert line.startswith("-# $0.")
    else:
        assert pictures == 0
        charged = "charged ≈ $0." if kill.money == "estimate" else "charged $0."
        booked = "not charged" if kill.money == "nothing" else charged
        assert line.startswith(f"-# {kill.ends} · {booked}")
    assert len(stage.mara.pings) == (kill.name in PINGED)
    assert [thread.starter for thread in stage.channel.threads] in ([], [killing.asked])
    assert len(stage.model.calls) == kill.calls
    await killing.check_books(*([] if kill.money == "nothing" else [kill.money]))
    await check_shelf(stage)
