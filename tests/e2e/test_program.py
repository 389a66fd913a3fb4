"""What ends a start, in one sentence each, and the commands beside `easel run`."""

import asyncio
import csv
import json
import os
import platform
import re
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bot.sandbox.openrouter import Paint, Say, answer
from bot.store.database import migrate, migrations
from tests.e2e.process import done, easel, refused, running, secrets, write_config
from tests.e2e.stage import Stage

NOBODY_THERE = "http://127.0.0.1:9"
COMMANDS = ["", "run", "demo", "check", "migrate", "spend"]


def settings_file(folder: Path, text: str = "") -> str:
    """A settings file for commands that need no stage."""
    path = folder / "config.toml"
    if not text:
        text = f'[storage]\ndata_dir = "{(folder / "data").as_posix()}"\n'
    path.write_text(text, encoding="utf-8")
    return str(path)


async def refused_start(stage: Stage, config: Path, **environment: str) -> str:
    process = await easel(
        *("run", "--config", str(config)), environment=secrets(stage) | environment
    )
    return await refused(process)


def changed(stage: Stage, folder: Path, old: str, new: str) -> Path:
    """The stage's settings file with another value."""
    config = write_config(stage, folder)
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")
    return config


async def test_a_wrong_token_is_one_sentence(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    said = await refused_start(stage, config, DISCORD_TOKEN="wrong.token.here")
    assert "DISCORD_TOKEN" in said
    assert "wrong.token" not in said


async def test_a_wrong_key_is_one_sentence(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    said = await refused_start(stage, config, OPENROUTER_API_KEY="sk-or-wrong")
    assert "OPENROUTER_API_KEY" in said
    assert "sk-or-wrong" not in said


async def test_a_missing_intent_is_one_sentence(stage: Stage, tmp_path: Path):
    stage.discord.message_content_enabled = False
    assert "Message Content" in await refused_start(stage, write_config(stage, tmp_path))


@pytest.mark.parametrize("place", ["below a file", "/proc/easel/data", "/proc/self", "/dev/null"])
async def test_an_unwritable_data_folder_is_one_sentence(stage: Stage, tmp_path: Path, place: str):
    if place == "below a file":
        (tmp_path / "file").write_text("in the way", encoding="utf-8")
        place = str(tmp_path / "file" / "data")
    elif sys.platform != "linux":
        pytest.skip("no such place here")
    config = changed(stage, tmp_path, stage.settings.storage.data_dir.as_posix(), place)
    assert place in await refused_start(stage, config)


async def test_a_data_folder_whose_shelf_cannot_be_is_one_sentence(stage: Stage, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shelf").write_text("in the way", encoding="utf-8")
    assert "shelf" in await refused_start(stage, write_config(stage, tmp_path))


async def test_an_unreachable_discord_is_one_sentence(stage: Stage, tmp_path: Path):
    config = changed(stage, tmp_path, stage.discord.api_url, f"{NOBODY_THERE}/api/v10")
    assert "Discord cannot be reached" in await refused_start(stage, config)


async def test_an_unreachable_gateway_is_one_sentence(stage: Stage, tmp_path: Path):
    config = changed(stage, tmp_path, stage.discord.gateway_url, "ws://127.0.0.1:9/gateway")
    said = await refused_start(stage, config)
    assert said.startswith("easel: Discord cannot be reached (ClientConnectorError)")


async def test_an_unreachable_openrouter_is_one_sentence(stage: Stage, tmp_path: Path):
    config = changed(stage, tmp_path, stage.model.base_url, f"{NOBODY_THERE}/api/v1")
    said = await refused_start(stage, config)
    assert f"OpenRouter cannot be reached at {NOBODY_THERE}/api/v1 (ConnectError)" in said


async def test_a_damaged_database_is_one_sentence(stage: Stage, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "easel.db").write_bytes(b"this is no database" * 500)
    assert "easel.db" in await refused_start(stage, write_config(stage, tmp_path))


async def test_a_database_damaged_inside_is_one_sentence(stage: Stage, tmp_path: Path):
    path = tmp_path / "data" / "easel.db"
    path.parent.mkdir()
    await migrate(path)
    data = bytearray(path.read_bytes())
    data[100:4096] = bytes(3996)
    path.write_bytes(data)
    assert "easel.db" in await refused_start(stage, write_config(stage, tmp_path))


async def test_a_newer_database_is_one_sentence_and_stays_as_it_is(stage: Stage, tmp_path: Path):
    path = tmp_path / "data" / "easel.db"
    path.parent.mkdir()
    await migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = path.read_bytes()
    said = await refused_start(stage, write_config(stage, tmp_path))
    assert "9999" in said
    assert str(path) in said
    assert path.read_bytes() == before


async def test_a_second_run_on_the_same_folder_names_the_first(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    async with running(config, secrets(stage)) as first:
        said = await refused_start(stage, config)
        thread, _ = await stage.ask_in_thread("what is a fox?")
        assert len(stage.ours(thread)) == 1
    assert re.search(
        rf"\(process {first.pid} on {re.escape(platform.node())}"
        r" since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)",
        said,
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[limits]\nrunning_max = 0\n", ("limits.running_max", "found 0", "1 to 1,000")),
        ("[limits]\nruning_max = 5\n", ("limits.runing_max", "not known", "running_max")),
        ("[limit]\n", ("limit", "not known", "limits")),
        ("[limits\n", ("line 1", "TOML")),
        ('[openrouter]\nmodel = "a/b"\n', ("prices", "a/b")),
    ],
)
async def test_a_wrong_setting_names_file_key_found_and_allowed(
    tmp_path: Path, text: str, parts: tuple[str, ...]
):
    config = settings_file(tmp_path, text)
    said = await refused(await easel("run", "--config", config))
    for part in (config, *parts):
        assert part in said


@pytest.mark.parametrize("command", ["demo", "migrate", "spend"])
async def test_every_command_checks_the_settings(tmp_path: Path, command: str):
    config = settings_file(tmp_path, "[limits]\nrunning_max = 0\n")
    assert "limits.running_max" in await refused(await easel(command, "--config", config))


async def test_missing_secrets_are_one_sentence(tmp_path: Path):
    said = await refused(await easel("run", "--config", settings_file(tmp_path)))
    assert "DISCORD_TOKEN" in said
    assert "OPENROUTER_API_KEY" in said
    assert not (tmp_path / "data").exists()


async def test_a_secrets_file_that_is_not_there_is_one_sentence(stage: Stage, tmp_path: Path):
    environment = {"PATH": os.defpath, "DISCORD_TOKEN_FILE": str(tmp_path / "no")}
    config = str(write_config(stage, tmp_path))
    said = await refused(await easel("run", "--config", config, environment=environment))
    assert "DISCORD_TOKEN_FILE" in said


async def test_migrate_makes_the_database_and_again_does_nothing(tmp_path: Path):
    config = settings_file(tmp_path)
    first = await done("migrate", "--config", config)
    second = await done("migrate", "--config", config)
    applied = [f"applied {step.name}" for step in migrations()]
    assert applied[0] == "applied 0001_start.sql"
    assert first.splitlines() == [*applied, "the database is up to date"]
    assert second.splitlines() == ["the database is up to date"]
    assert (tmp_path / "data" / "easel.db").exists()


async def test_migrate_beside_a_running_bot_names_it(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    async with running(config, secrets(stage)) as process:
        said = await refused(await easel("migrate", "--config", str(config)))
    assert f"process {process.pid}" in said


@dataclass
class Spent:
    """Two servers with a picture each and a text in one of them, and a bot that still runs."""

    stage: Stage
    config: str
    server_ids: tuple[str, str]

    @property
    def total(self) -> int:
        return self.stage.model.account.total_nano_usd

    async def spend(self, *words: str) -> str:
        return await done("spend", "--config", self.config, *words)


@pytest.fixture
async def spent(stage: Stage, tmp_path: Path) -> Spent:
    await stage.start()
    stage.model.script(answer(Say("Here."), Paint(), cost_nano_usd=123_456_789))
    await stage.ask_in_thread("a fox")
    await stage.ask_in_thread("what is a fox?")
    other = stage.discord.add_server("Elsewhere")
    other.join(stage.theo)
    channel = other.add_channel("elsewhere")
    interaction = await stage.theo.command(channel, "imagine", prompt="a hare")
    await interaction.finished()
    await stage.until_idle()
    config = str(write_config(stage, tmp_path))
    return Spent(stage, config, (str(stage.server.id), str(other.id)))


async def test_spend_shows_a_table_beside_a_running_bot(spent: Spent):
    lines = (await spent.spend()).splitlines()
    heading, day, total = (line.split() for line in lines)
    assert heading == ["day", "cost", "estimated", "exchanges"]
    assert day[2:] == ["$0.0000", "3"]
    assert day[1] == total[1]
    assert total[0] == "total"
    for by, keys in (("kind", {"picture", "text"}), ("member", {str(spent.stage.mara.id)})):
        names = {line.split()[0] for line in (await spent.spend("--by", by)).splitlines()}
        assert keys <= names


async def test_spend_as_json_is_one_array_of_the_books_rows(spent: Spent):
    rows = json.loads(await spent.spend("--json"))
    names = "day server_id member_id channel_id model kind exchanges cost_nano_usd"
    assert {tuple(row) for row in rows} == {(*names.split(), "estimated_nano_usd")}
    assert sum(row["cost_nano_usd"] for row in rows) == spent.total
    assert sorted(row["kind"] for row in rows) == ["picture", "picture", "text"]
    assert {row["server_id"] for row in rows} == set(spent.server_ids)
    assert all(isinstance(row["member_id"], str) for row in rows)
    assert 123_456_789 in [row["cost_nano_usd"] for row in rows]


async def test_spend_of_one_server_and_of_a_period(spent: Spent):
    here, elsewhere = spent.server_ids
    first = json.loads(await spent.spend("--json", "--server", here))
    second = json.loads(await spent.spend("--json", "--server", elsewhere, "--period", "today"))
    assert {row["server_id"] for row in first} == {here}
    assert {row["server_id"] for row in second} == {elsewhere}
    assert sum(row["cost_nano_usd"] for row in [*first, *second]) == spent.total
    assert json.loads(await spent.spend("--json", "--period", "last-month")) == []
    assert json.loads(await spent.spend("--json", "--server", "1")) == []


async def test_spend_as_csv_has_a_row_an_entry(spent: Spent, tmp_path: Path):
    file = tmp_path / "all.csv"
    said = await spent.spend("--csv", str(file))
    assert str(file) in said
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    names = "entry_id time day server_id member_id channel_id model kind cost_usd cost_nano_usd"
    assert list(rows[0]) == [*names.split(), "exchange_id", "generation_id", "basis"]
    assert sum(int(row["cost_nano_usd"]) for row in rows) == spent.total
    assert rows[0]["cost_usd"] == "0.123456789"
    assert {row["basis"] for row in rows} == {"usage"}
    assert {row["generation_id"] for row in rows} == set(spent.stage.model.account.charges)


async def test_a_csv_that_cannot_be_written_is_one_sentence(spent: Spent, tmp_path: Path):
    file = str(tmp_path / "no" / "all.csv")
    said = await refused(await easel("spend", "--config", spent.config, "--csv", file))
    assert file in said


async def test_spend_shows_an_empty_book_in_every_form(tmp_path: Path):
    config = settings_file(tmp_path)
    await done("migrate", "--config", config)
    table = await done("spend", "--config", config)
    as_json = await done("spend", "--config", config, "--json")
    await done("spend", "--config", config, "--csv", str(tmp_path / "all.csv"))
    assert table.splitlines()[-1].split() == ["total", "$0.0000"]
    assert json.loads(as_json) == []
    assert len((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()) == 1


async def test_spend_without_a_database_is_one_sentence_and_makes_none(tmp_path: Path):
    config = settings_file(tmp_path)
    assert "easel.db" in await refused(await easel("spend", "--config", config))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_explains_itself(command: str):
    output = await done(*command.split(), "--help")
    assert "Usage:" in output
    if command:
        assert "--config FILE" in output
    else:
        assert all(name in output for name in COMMANDS)


async def test_the_installed_program_is_the_same_one():
    (script,) = entry_points(group="console_scripts", name="easel")
    assert script.value == "bot.__main__:main"
    assert (await done("--version")).startswith("easel, version ")


async def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path):
    config = settings_file(tmp_path)
    await done("migrate", "--config", config)
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "spend", "--json", "--config", config),
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said == b""


async def test_an_id_beyond_all_ids_is_no_command_line(tmp_path: Path):
    config = settings_file(tmp_path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "spend", "--server", "9" * 25, "--config", config),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"--server" in said
    assert b"Traceback" not in said
