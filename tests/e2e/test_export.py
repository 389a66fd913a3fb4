"""/report export: the books as files, for the admins of a server."""

import csv
import io
import tempfile
from dataclasses import asdict
from errno import ENOSPC
from pathlib import Path

import pytest

from bot.ledger import reports
from bot.ledger.export import CsvFiles
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Say, answer
from bot.store.database import Transaction
from bot.ui import exporting
from tests.e2e.stage import Stage, last_line


async def books(stage: Stage, server_id: int) -> list[dict[str, str]]:
    async def read(tx: Transaction) -> list[dict[str, str]]:
        return [asdict(row) async for row in reports.entry_rows(tx, "month", server_id)]

    return await stage.read(read)


def rows(messages: list[Message]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for message in messages:
        (file,) = message.attachments
        found += list(csv.DictReader(io.StringIO(file.data.decode(), newline="")))
    return found


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("easel-export-*")]


async def spend(stage: Stage, count: int) -> None:
    for number in range(count):
        stage.model.script(answer(Say("A fox."), cost_nano_usd=(number + 1) * 10**6))
        interaction = await stage.mara.command(stage.channel, "ask", prompt="why?")
        await stage.answers(stage.channel, interaction.id)
    await stage.until_idle()


async def test_an_admin_gets_every_entry_of_this_server_and_no_other(stage: Stage):
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.theo, [elsewhere.add_role("Admins", Permission.MANAGE_GUILD)])
    await stage.start()
    await spend(stage, 2)
    interaction = await stage.ada.command(stage.channel, "report export")
    message = await interaction.finished()
    assert message.ephemeral
    assert rows([message]) == await books(stage, stage.server.id)
    assert len(rows([message])) == 2
    assert message.content == "The books for this month: 2 entries."
    theirs = await (await stage.theo.command(other, "report export", period="all")).finished()
    assert theirs.content == "There is nothing in the books for all time."
    with pytest.raises(SandboxError):
        await stage.mara.command(stage.channel, "report export")


async def test_what_is_over_the_upload_limit_comes_in_several_files(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "REQUEST_BYTES_MAX", 500)
    await stage.start()
    await spend(stage, 4)
    interaction = await stage.ada.command(stage.channel, "report export")
    await interaction.finished()
    await stage.discord.wait_until(lambda: len(interaction.messages) == 4, 10)
    assert all(message.ephemeral for message in interaction.messages)
    assert rows(interaction.messages) == await books(stage, stage.server.id)
    assert "file 4 of 4" in interaction.messages[-1].content


async def test_where_discord_takes_less_than_it_says_the_files_are_smaller(stage: Stage):
    await stage.start()
    await spend(stage, 2)
    stage.discord.faults.append(Fault("PATCH", r"/webhooks/.*", status=413, times=1))
    interaction = await stage.ada.command(stage.channel, "report export")
    message = await interaction.finished()
    assert rows([message]) == await books(stage, stage.server.id)


async def test_a_full_disk_is_said_and_nothing_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    await stage.start()
    await spend(stage, 1)
    monkeypatch.setattr(CsvFiles, "write", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    interaction = await stage.ada.command(stage.channel, "report export")
    message = await interaction.finished()
    assert last_line(message) == "-# owner · not charged"
    assert not message.attachments
    assert names_in(tmp_path) == []
