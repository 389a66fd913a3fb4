"""Whatever fails, and wherever: who asked reads a sentence and its fixed word, and the log has a
line. Neither shows a traceback, and the log none of anybody's words.
"""

import errno
import io
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

import bot.app
from bot import logs, words
from bot.errors import StoreUnavailable
from bot.sandbox.discord.shapes import MessageKind, Permission
from bot.sandbox.discord.wire import Fault, rate_limited
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import (
    Drop,
    ErrorChunk,
    Finish,
    Headers,
    Paint,
    Raw,
    Say,
    Show,
    Status,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.script import Told
from bot.store.database import Database, Transaction
from tests.conversation import papers
from tests.e2e.photos import png
from tests.e2e.stage import ANSWER_TIMEOUT_S, Stage, last_line
from tests.pictures.paint import RED

T = TypeVar("T")

WISH = "a fox in the walled garden"
PHOTO = ("cat.png", png(RED))
RESULT = "$"
"""Instead of a word: it comes to a result all the same."""
SEND = r"/channels/\d+/messages"
EDIT = r"/channels/\d+/messages/\d+"
CALLBACK = r"/interactions/\d+/.*/callback"
NO_ACCESS = {"message": "Missing Access", "code": 50001}
REJECTED = {"message": "Invalid Form Body", "code": 50035}
TOO_LARGE = {"message": "Request entity too large", "code": 40005}
FULL = StoreUnavailable(words.database_unavailable("full"))


@dataclass
class Scene:
    """A running bot, an answer of it, and what is broken: `database` fails at `read` or `write`."""

    stage: Stage
    shown: Message
    patch: pytest.MonkeyPatch
    database: dict[str, Exception]


Break = Callable[[Scene], object]
Ask = Callable[[Scene], Awaitable[int]]
"""Does as people do, and gives the id of what was asked by it."""


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    broken: Break
    ends: str
    ask: Ask


def message(*files: tuple[str, bytes]) -> Ask:
    async def ask(scene: Scene) -> int:
        stage = scene.stage
        return (await stage.mara.say(stage.channel, f"{stage.me} {WISH}", files=files)).id

    return ask


def command(name: str, **options: object) -> Ask:
    async def ask(scene: Scene) -> int:
        return (await scene.stage.ada.command(scene.stage.channel, name, **options)).id

    return ask


def press(label: str) -> Ask:
    async def ask(scene: Scene) -> int:
        return (await scene.stage.mara.click(scene.shown, label)).id

    return ask


async def submit(scene: Scene) -> int:
    opened = await scene.stage.mara.click(scene.shown, "Edit")
    await opened.answered()
    return (await scene.stage.mara.submit(opened, Prompt=WISH)).id


async def menu(scene: Scene) -> int:
    return (await scene.stage.theo.menu(scene.shown, "Cost and details")).id


def model(*told: Told) -> Break:
    return lambda scene: scene.stage.model.script(*told)


def fault(method: str, path: str, times: int = 1, **what: Any) -> Break:
    """Any: `Fault` checks them."""
    return lambda scene: scene.stage.discord.faults.append(Fault(method, path, times, **what))


def limited(scene: Scene) -> None:
    scene.stage.discord.faults.append(rate_limited(EDIT, 0.05))


def database(step: str, error: Exception) -> Break:
    return lambda scene: scene.database.update({step: error})


def ours(name: str) -> Break:
    """An error of ours at this place, which quotes what was asked."""

    def failing(*args: object, **others: object) -> None:
        raise RuntimeError(WISH)

    return lambda scene: scene.patch.setattr(name, failing)


def full_disk(scene: Scene) -> None:
    def failing(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    scene.patch.setattr(os, "fsync", failing)


def lost_folder(scene: Scene) -> None:
    shutil.rmtree(scene.stage.settings.storage.data_dir / "shelf" / "incoming")


def no_files(scene: Scene) -> None:
    channel = scene.stage.channel
    channel.set_permissions(scene.stage.server.bot_role, deny=Permission.ATTACH_FILES)


def nothing(scene: Scene) -> None:
    """What is asked is what fails."""


def again(count: int, told: Status) -> Break:
    return model(*[told] * count)


AREAS: dict[str, Sequence[Row]] = {
    "the model": (
        Row("refuses the key", model(Status(401)), "owner", message()),
        Row("is asked too often", again(3, Status(429)), "busy", message()),
        Row("answers with a page", again(3, Status(502, b"<html>")), "provider", message()),
        Row("moderates", model(Status(403, metadata={"reasons": ["x"]})), "blocked", message()),
        Row("finds it too long", model(Status(413)), "too-large", message()),
        Row(
            "cannot read it",
            model(Status(400, error_type="invalid_image")),
            "unreadable",
            message(),
        ),
        Row("says nothing", model(silent_block()), "silent", message()),
        Row("breaks off", model(answer(Say("Half"), Drop())), "cut", message()),
        Row("fails in between", model(answer(Say("Half"), ErrorChunk())), "cut", message()),
        Row(
            "talks nonsense",
            model(answer(Headers(), Raw(b"data: {]\n\n"), Drop())),
            "provider",
            message(),
        ),
        Row(
            "sends no picture",
            model(answer(Show("data:image/png;base64,####"), Finish())),
            "unreadable",
            message(),
        ),
    ),
    "Discord": (
        Row(
            "refuses the answer",
            fault("POST", SEND, status=403, body=NO_ACCESS),
            "permission",
            message(),
        ),
        Row("fails", fault("POST", SEND, status=500), RESULT, message()),
        Row("hangs up", fault("PATCH", EDIT, drop=True), RESULT, message()),
        Row("limits", limited, RESULT, message()),
        Row(
            "rejects the result", fault("PATCH", EDIT, status=400, body=REJECTED), RESULT, message()
        ),
        Row(
            "finds it too large",
            fault("PATCH", EDIT, times=2, status=413, body=TOO_LARGE),
            RESULT,
            message(),
        ),
        Row(
            "hears no acknowledgement",
            fault("POST", CALLBACK, drop=True),
            RESULT,
            command("imagine", prompt=WISH),
        ),
        Row("lets it attach nothing", no_files, "permission", message()),
    ),
    "the CDN": (
        Row(
            "has nothing",
            fault("GET", "/cdn/.*", times=2, status=404),
            "unreadable",
            message(PHOTO),
        ),
        Row("hangs up", fault("GET", "/cdn/.*", times=2, drop=True), "unreadable", message(PHOTO)),
        Row("fails", fault("GET", "/cdn/.*", times=2, status=503), "unreadable", message(PHOTO)),
    ),
    "files": (
        Row("a damaged picture", nothing, "unreadable", message(("cat.png", PHOTO[1][:60]))),
        Row(
            "a damaged document",
            nothing,
            "unreadable",
            message(("a.pdf", papers.pdf("a fox")[:300])),
        ),
        Row(
            "a damaged sheet",
            nothing,
            "unreadable",
            message(("a.docx", papers.docx("a", "b")[:500])),
        ),
        Row("a bomb", nothing, "too-large", message(("a.docx", papers.bomb(65 * 2**20)))),
    ),
    "the disk": (
        Row("is full for a picture sent", full_disk, "owner", message(PHOTO)),
        Row("is full for a picture made", full_disk, "owner", message()),
        Row("has lost its folder", lost_folder, "owner", message(PHOTO)),
    ),
    "the database": (
        Row("is full", database("write", FULL), "owner", message()),
        Row("is not read", database("read", FULL), "owner", message()),
        Row("is damaged", database("write", sqlite3.IntegrityError(WISH)), "owner", message()),
        Row(
            "is full for a command",
            database("write", FULL),
            "owner",
            command("imagine", prompt=WISH),
        ),
        Row(
            "is damaged for a command",
            database("read", sqlite3.IntegrityError(WISH)),
            "owner",
            command("spend"),
        ),
        Row("is not read for a button", database("read", FULL), "owner", press("Details")),
    ),
    "Easel itself": (
        Row("at a message", ours("bot.ui.reading.Reading._prompt"), "owner", message()),
        Row("at work", ours("bot.conversation.prompt.next_call"), "owner", message()),
        Row("at a command", ours("cogs.guide.guide"), "owner", command("help")),
        Row("at a button", ours("bot.ui.details.details"), "owner", press("Details")),
        Row("at a modal", ours("bot.ui.presses.wish"), "owner", submit),
        Row("at a menu", ours("bot.ui.details.details"), "owner", menu),
    ),
}


@pytest.fixture
def said() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """All that the log says, as lines and as JSON."""
    root, level = logging.getLogger(), logging.getLogger().level
    lines, objects = io.StringIO(), io.StringIO()
    handlers = [logs.handler(lines), logs.handler(objects, as_json=True)]
    for each in handlers:
        root.addHandler(each)
    root.setLevel(logging.INFO)
    yield lines, objects
    root.setLevel(level)
    for each in handlers:
        root.removeHandler(each)


def broken_database(fails: dict[str, Exception]) -> type[Database]:
    class BrokenDatabase(Database):
        async def write(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            if "write" in fails:
                raise fails["write"]
            return await super().write(operation)

        async def read(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
            if "read" in fails:
                raise fails["read"]
            return await super().read(operation)

    return BrokenDatabase


def seen(stage: Stage) -> list[Message]:
    """All that Easel says anywhere, private answers too."""
    return [
        each
        for channel in stage.discord.world.channels.values()
        for each in channel.log.values()
        if each.author is stage.discord.bot_user and each.kind is not MessageKind.THREAD_STARTER
    ]


@pytest.mark.parametrize("area", AREAS)
async def test_a_failure_is_told_by_its_word_and_nobody_reads_a_traceback(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    said: tuple[io.StringIO, io.StringIO],
    area: str,
):
    fails: dict[str, Exception] = {}
    monkeypatch.setattr(bot.app, "Database", broken_database(fails))
    await stage.start()
    stage.model.script(answer(Paint()))
    _, (shown,) = await stage.ask_in_thread("a fox")
    for row in AREAS[area]:
        with pytest.MonkeyPatch.context() as patch:
            scene = Scene(stage, shown, patch, fails)
            row.broken(scene)
            asked_id = await row.ask(scene)

            def ends(asked_id: int = asked_id) -> list[str]:
                lines = [last_line(each) for each in seen(stage) if each.id > asked_id]
                return [line for line in lines if line.startswith("-# ")]

            await stage.discord.wait_until(lambda: bool(ends()), ANSWER_TIMEOUT_S)
        fails.clear()
        (end,) = ends()
        assert end.startswith(f"-# {row.ends}"), (row.what, end)
        assert row.ends == RESULT or end.startswith(f"-# {row.ends} · "), row.what
        await stage.until_idle()
        assert not stage.discord.faults, row.what
    assert not [each.content for each in seen(stage) if "Traceback" in each.content]
    lines, objects = (each.getvalue() for each in said)
    assert "Traceback" not in lines + objects
    assert WISH not in lines + objects
    assert all(line[:2] == "20" for line in lines.splitlines())
    told = [json.loads(line) for line in objects.splitlines()]
    assert len(told) == len(lines.splitlines())


def test_failures_are_many():
    assert len([row for rows in AREAS.values() for row in rows]) >= 25
