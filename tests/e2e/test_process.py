"""The program as people start it: a process of its own, told by its settings file and two variables
of the environment only.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.store.database import migrate
from tests.e2e.process import write_config
from tests.e2e.stage import Stage, last_line

TIMEOUT_S = 20.0


def secrets(stage: Stage) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "DISCORD_TOKEN": stage.discord.token,
        "OPENROUTER_API_KEY": stage.model.api_key,
    }


async def easel(
    *words: str, environment: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env={"PATH": os.defpath} if environment is None else environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error."""
    async with asyncio.timeout(TIMEOUT_S):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def refused(process: asyncio.subprocess.Process) -> str:
    """The one sentence with which a start ends."""
    code, output, errors = await ended(process)
    assert code == 1
    assert "easel: ready" not in output
    assert "Traceback" not in errors
    said = [line for line in errors.splitlines() if line.startswith("easel: ")]
    assert len(said) == 1
    assert errors.splitlines()[-1] == said[0]
    return said[0]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_run_answers_and_stops_in_order(stage: Stage, tmp_path: Path, how: signal.Signals):
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    try:
        assert process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            assert await process.stdout.readline() == b"easel: ready\n"
        _, answer = await stage.ask_in_thread("a fox with a secret")
        assert last_line(answer[-1]).startswith("-# $0.")
        process.send_signal(how)
        code, _, errors = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert code == 0
    assert "Traceback" not in errors
    for hidden in (stage.discord.token, stage.model.api_key, "a fox with a secret"):
        assert hidden not in errors


async def test_secrets_may_come_from_files(stage: Stage, tmp_path: Path):
    for name, secret in (("token", stage.discord.token), ("key", stage.model.api_key)):
        (tmp_path / name).write_text(secret + "\n", encoding="utf-8")
    process = await easel(
        *("run", "--config", str(write_config(stage, tmp_path))),
        environment={
            "PATH": os.defpath,
            "DISCORD_TOKEN_FILE": str(tmp_path / "token"),
            "OPENROUTER_API_KEY_FILE": str(tmp_path / "key"),
        },
    )
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.stdout.readline() == b"easel: ready\n"
    process.send_signal(signal.SIGTERM)
    assert (await ended(process))[0] == 0


async def test_a_wrong_token_is_one_sentence(stage: Stage, tmp_path: Path):
    wrong = secrets(stage) | {"DISCORD_TOKEN": "wrong.token.here"}
    process = await easel("run", "--config", str(write_config(stage, tmp_path)), environment=wrong)
    said = await refused(process)
    assert "DISCORD_TOKEN" in said
    assert "wrong.token" not in said


async def test_a_wrong_key_is_one_sentence(stage: Stage, tmp_path: Path):
    wrong = secrets(stage) | {"OPENROUTER_API_KEY": "sk-or-wrong"}
    process = await easel("run", "--config", str(write_config(stage, tmp_path)), environment=wrong)
    said = await refused(process)
    assert "key" in said
    assert "sk-or-wrong" not in said


async def test_a_missing_intent_is_one_sentence(stage: Stage, tmp_path: Path):
    stage.discord.message_content_enabled = False
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert "Message Content" in await refused(process)


async def test_without_the_intent_it_works_by_mention(stage: Stage, tmp_path: Path):
    stage.discord.message_content_enabled = False
    config = write_config(stage, tmp_path)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[discord]", "[discord]\nmessage_content = false"))
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.stdout.readline() == b"easel: ready\n"
    thread, _ = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(thread, f"{stage.me} make it night")
    assert (await stage.answers(thread, asked.id))[-1].attachments
    process.send_signal(signal.SIGTERM)
    assert (await ended(process))[0] == 0


async def test_an_unwritable_data_folder_is_one_sentence(stage: Stage, tmp_path: Path):
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert str(tmp_path / "data") in await refused(process)


async def test_a_damaged_database_is_one_sentence(stage: Stage, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "easel.db").write_bytes(b"this is no database" * 500)
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert "easel.db" in await refused(process)


async def test_an_unreachable_discord_is_one_sentence(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(stage.discord.api_url, "http://127.0.0.1:9/api/v10"))
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert "Discord" in await refused(process)


async def test_a_second_run_on_the_same_folder_names_the_first(stage: Stage, tmp_path: Path):
    await stage.start()
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert f"process {os.getpid()}" in await refused(process)


async def test_a_wrong_setting_names_file_key_found_and_allowed(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("[limits]\nrunning_max = 0\n", encoding="utf-8")
    said = await refused(await easel("run", "--config", str(config)))
    for part in (str(config), "limits.running_max", "found 0", "1"):
        assert part in said


async def test_missing_secrets_are_one_sentence(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    said = await refused(await easel("run", "--config", str(config)))
    assert "DISCORD_TOKEN" in said
    assert "OPENROUTER_API_KEY" in said


async def test_migrate_makes_the_database_and_again_does_nothing(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(f'[storage]\ndata_dir = "{tmp_path.as_posix()}/data"\n', encoding="utf-8")
    first = await ended(await easel("migrate", "--config", str(config)))
    second = await ended(await easel("migrate", "--config", str(config)))
    assert first[0] == second[0] == 0
    assert "applied 0001_start.sql" in first[1]
    assert "applied" not in second[1]


async def test_spend_shows_an_empty_book_in_every_form(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(f'[storage]\ndata_dir = "{tmp_path.as_posix()}"\n', encoding="utf-8")
    await migrate(tmp_path / "easel.db")
    words = ("spend", "--config", str(config))
    table = await ended(await easel(*words))
    as_json = await ended(await easel(*words, "--json"))
    csv = await ended(await easel(*words, "--csv", str(tmp_path / "all.csv")))
    assert table[0] == as_json[0] == csv[0] == 0
    assert "$0.0000" in table[1]
    assert as_json[1] == "[]\n"
    assert (tmp_path / "all.csv").read_text(encoding="utf-8").startswith("entry_id,time,day,")


async def test_spend_without_a_database_is_one_sentence(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(f'[storage]\ndata_dir = "{tmp_path.as_posix()}/no"\n', encoding="utf-8")
    assert "easel.db" in await refused(await easel("spend", "--config", str(config)))


@pytest.mark.parametrize("command", ["", "run", "demo", "migrate", "spend"])
async def test_every_command_explains_itself(command: str):
    code, output, _ = await ended(await easel(*command.split(), "--help"))
    assert code == 0
    assert "Usage:" in output
    assert command == "" or "--config" in output


async def test_told_twice_to_stop_it_waits_for_nobody(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    process = await easel("run", "--config", str(config), environment=secrets(stage))
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.stdout.readline() == b"easel: ready\n"
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    async with asyncio.timeout(TIMEOUT_S):
        await stage.model.gate.arrived()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    code, _, errors = await ended(process)
    assert code == 0
    assert "Traceback" not in errors
    stage.model.gate.open()
    await stage.start()
    answer = await stage.answers(await stage.thread_of(asked), asked.id)
    assert last_line(answer[-1]).startswith("-# ")
    assert len(stage.model.calls) == 1
