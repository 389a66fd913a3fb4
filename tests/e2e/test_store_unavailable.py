"""A database that cannot be used: whoever asks is told so, and that nothing was charged."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

import bot.app
from bot import words
from bot.errors import StoreUnavailable
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.store.database import Database, Transaction
from tests.e2e.stage import Stage, last_line

T = TypeVar("T")

SENTENCE = words.database_unavailable("full")
NOTICE = f"{SENTENCE}\n-# owner · not charged"
CALLBACK = r"/interactions/\d+/.*/callback"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Put `read` or `write` in, and the bot's database fails at it."""
    fails: set[str] = set()

    class BrokenDatabase(Database):
        async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            if "write" in fails:
                raise StoreUnavailable(SENTENCE)
            return await super().write(operation)

        async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            if "read" in fails:
                raise StoreUnavailable(SENTENCE)
            return await super().read(operation)

    monkeypatch.setattr(bot.app, "Database", BrokenDatabase)
    return fails


async def told(stage: Stage, asked: Message) -> None:
    """Fails unless the notice is the one thing that came in reply."""
    (answer,) = await stage.answers(asked.channel, asked.id)
    assert answer.content == NOTICE
    assert answer.reply_to is asked
    assert answer.pinged == []
    assert asked.thread is None


@pytest.mark.parametrize("step", ["read", "write"])
async def test_a_mention_is_told_once_and_the_next_is_answered(
    stage: Stage, broken: set[str], step: str
):
    await stage.start()
    broken.add(step)
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await told(stage, asked)
    stage.discord.redeliver(asked)
    other = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    await told(stage, other)
    broken.clear()
    assert len(stage.ours(stage.channel)) == 2
    await stage.ask_in_thread("a lake")
    assert [call.words for call in stage.model.calls] == ["a lake"]
    await stage.until_idle()
    await stage.stop()
    await stage.start()
    path = f"/channels/{stage.channel.id}/messages"
    await stage.discord.wait_until(lambda: bool(stage.discord.sent("GET", path)))
    await stage.ask_in_thread("a sea")
    await stage.until_idle()
    assert [call.words for call in stage.model.calls] == ["a lake", "a sea"]
    assert len(stage.ours(stage.channel)) == 2


@pytest.mark.parametrize("step", ["read", "write"])
async def test_direct_messages_and_its_own_threads_are_told_too(
    stage: Stage, broken: set[str], step: str
):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    await stage.until_idle()
    broken.add(step)
    for place in (stage.theo.dm, thread):
        await told(stage, await stage.theo.say(place, "make it night"))
    broken.clear()
    assert len(stage.model.calls) == 1


async def test_nobody_else_is_told(stage: Stage, broken: set[str]):
    await stage.start()
    theirs = await stage.theo.start_thread(stage.channel, "Theo's own")
    broken.add("read")
    for place in (stage.channel, theirs):
        await stage.theo.say(place, "what a day")
        await told(stage, await stage.mara.say(place, f"{stage.me} a red fox"))
        assert len(stage.ours(place)) == 1
    broken.clear()


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("imagine", "read"),
        ("imagine", "write"),
        ("edit", "read"),
        ("edit", "write"),
        ("spend", "read"),
        ("report show", "read"),
    ],
)
async def test_a_command_is_told_privately(stage: Stage, broken: set[str], command: str, step: str):
    options: dict[str, dict[str, object]] = {
        "imagine": {"prompt": "a red fox"},
        "edit": {"prompt": "a red fox", "picture": ("cat.png", b"a cat")},
    }
    await stage.start()
    broken.add(step)
    used = await stage.ada.command(stage.channel, command, **options.get(command, {}))
    await used.finished()
    broken.clear()
    assert used.ephemeral
    assert [message.content for message in used.messages] == [NOTICE]


@pytest.mark.parametrize("label", ["Days", "Post"])
async def test_a_reports_button_is_told_of_what_fails_after_its_deferral(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, label: str
):
    async def failing(*args: object) -> None:
        raise StoreUnavailable(SENTENCE)

    await stage.start()
    report = await (await stage.ada.command(stage.channel, "report show")).finished()
    monkeypatch.setattr("bot.ui.report_charts.server_chart", failing)
    pressed = await stage.ada.click(report, label)
    await stage.discord.wait_until(lambda: bool(pressed.followups))
    (said,) = pressed.followups
    assert said.visible_to is stage.ada
    assert said.content == NOTICE
    assert report.embeds


@pytest.mark.parametrize("error", [StoreUnavailable(SENTENCE), RuntimeError("ours")], ids=repr)
async def test_a_deletion_is_told_of_what_fails_after_its_deferral(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    async def failing(*args: object) -> None:
        raise error

    await stage.start()
    _, (answer,) = await stage.ask_in_thread("a fox")
    monkeypatch.setattr("bot.ui.deleting.Deleting.delete", failing)
    pressed = await stage.mara.click(answer, "Delete")
    said = await pressed.finished()
    assert said.visible_to is stage.mara
    assert last_line(said) == "-# owner · not charged"


async def test_an_error_of_ours_in_a_command_says_that_nothing_was_charged(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    def failing(*args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("cogs.guide.guide", failing)
    await stage.start()
    used = await stage.mara.command(stage.channel, "help")
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == "-# owner · not charged"


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 400}, {"status": 404}], ids=str)
async def test_a_notice_that_cannot_be_said_is_in_the_log(
    stage: Stage, broken: set[str], caplog: pytest.LogCaptureFixture, fault: Json
):
    await stage.start()
    broken.add("read")
    stage.discord.faults.append(Fault("POST", CALLBACK, times=9, **fault))
    stage.discord.faults.append(Fault("POST", ".*/messages", times=9, **fault))
    used = await stage.mara.command(stage.channel, "spend")
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")

    wanted = {f"interaction {used.id}: not told", f"message {asked.id}: not told"}
    async with asyncio.timeout(10):
        while not all(each in caplog.text for each in wanted):  # noqa: ASYNC110  # a log tells nobody
            await asyncio.sleep(0.02)
    broken.clear()
    stage.discord.faults.clear()
