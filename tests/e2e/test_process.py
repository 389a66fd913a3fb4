"""`easel run`: it answers, stops in order, loses nothing by it, and says no secret."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter import ErrorChunk, Raw, Say, Status, answer
from bot.store import exchanges
from tests.e2e.photos import png
from tests.e2e.process import TIMEOUT_S, ended, running, secrets, write_config
from tests.e2e.stage import Stage, last_line


async def until_at_gate(stage: Stage, number: int = 1) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        await stage.model.gate.arrived(number)


async def until_it_stops(stage: Stage) -> None:
    """Returns when it admits nothing more; whoever asks is told."""
    late = await stage.ada.say(stage.channel, f"{stage.me} a hen")
    (refusal,) = await stage.answers(stage.channel, late.id)
    assert last_line(refusal) == "-# busy · not charged"
    command = await stage.ada.command(stage.channel, "imagine", prompt="a hen")
    told = await command.finished()
    assert last_line(told) == "-# busy · not charged"
    assert command.ephemeral


async def test_it_answers_and_stops_in_order(stage: Stage, tmp_path: Path):
    async with running(write_config(stage, tmp_path), secrets(stage)) as process:
        _, answer = await stage.ask_in_thread("a fox with a secret")
        assert last_line(answer[-1]).startswith("-# $0.")
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[:2] == (0, "")
    assert not stage.discord.gateway.connected
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_lets_the_answer_arrive_first(
    stage: Stage, tmp_path: Path, how: signal.Signals
):
    stage.model.gate.close()
    async with running(write_config(stage, tmp_path), secrets(stage)) as process:
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await until_at_gate(stage)
        process.send_signal(how)
        await until_it_stops(stage)
        stage.model.gate.open()
        code, _, errors = await ended(process)
    assert code == 0
    assert "Traceback" not in errors
    (message,) = stage.ours(await stage.thread_of(asked))
    assert message.attachments
    assert last_line(message).startswith("-# $0.")
    assert await stage.open_holds() == 0


async def test_a_stop_leaves_who_waits_to_the_next_start(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    stage.model.gate.close()
    async with running(config, secrets(stage)) as process:
        first = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await until_at_gate(stage)
        thread = await stage.thread_of(first)
        second = await stage.theo.say(thread, "a hare")
        await thread.wait_for(lambda message: message.reply_to is second)
        process.send_signal(signal.SIGTERM)
        await until_it_stops(stage)
        stage.model.gate.open()
        assert (await ended(process))[0] == 0
    assert [call.words for call in stage.model.calls] == ["a fox"]
    assert await stage.read(exchanges.open_ids) == [second.id]
    async with running(config, secrets(stage)):
        waited = await thread.wait_for(
            lambda message: message.reply_to is second and last_line(message).startswith("-# $0.")
        )
    assert [call.words for call in stage.model.calls] == ["a fox", "a hare"]
    assert stage.ours(thread)[1:] == [waited]


async def test_a_stop_gives_up_after_its_grace_and_the_next_start_tells(
    stage: Stage, tmp_path: Path
):
    config = write_config(stage, tmp_path)
    text = config.read_text(encoding="utf-8").replace("stop_grace_s = 10", "stop_grace_s = 0")
    config.write_text(text, encoding="utf-8")
    stage.model.gate.close()
    stage.model.headers_before_gate = True
    async with running(config, secrets(stage)) as process:
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await until_at_gate(stage)
        process.send_signal(signal.SIGTERM)
        code, _, errors = await ended(process)
    assert code == 0
    assert "Traceback" not in errors
    stage.model.gate.open()
    await stage.start()
    (message,) = await stage.answers(await stage.thread_of(asked), asked.id)
    await stage.until_idle()
    assert last_line(message).startswith("-# recovered · ")
    assert len(stage.model.calls) == 1
    assert await stage.open_holds() == 0


async def test_told_twice_to_stop_it_waits_for_nobody(stage: Stage, tmp_path: Path):
    stage.model.gate.close()
    async with running(write_config(stage, tmp_path), secrets(stage)) as process:
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await until_at_gate(stage)
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


async def test_secrets_may_come_from_files(stage: Stage, tmp_path: Path):
    for name, secret in (("token", stage.discord.token), ("key", stage.model.api_key)):
        (tmp_path / name).write_text(secret + "\n", encoding="utf-8")
    environment = {
        "PATH": os.defpath,
        "DISCORD_TOKEN_FILE": str(tmp_path / "token"),
        "OPENROUTER_API_KEY_FILE": str(tmp_path / "key"),
        "EASEL_CONFIG": str(write_config(stage, tmp_path)),
    }
    async with running(None, environment) as process:
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0


async def test_without_the_intent_it_works_by_mention(stage: Stage, tmp_path: Path):
    stage.discord.message_content_enabled = False
    config = write_config(stage, tmp_path)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[discord]", "[discord]\nmessage_content = false"))
    async with running(config, secrets(stage)):
        thread, _ = await stage.ask_in_thread("a fox")
        await stage.mara.say(thread, "make it day")
        asked = await stage.mara.say(thread, f"{stage.me} make it night")
        assert (await stage.answers(thread, asked.id))[-1].attachments
    assert [call.words for call in stage.model.calls] == ["a fox", "make it night"]


async def test_neither_secrets_nor_peoples_words_reach_the_log(stage: Stage, tmp_path: Path):
    words, file_name, model_says = "zebra-crossing at noon", "my-diary-page", "ostrich-feathers"
    stage.model.script(
        Status(401, f"no {words} today"),
        Status(400, f"bad {words}", metadata={"raw": words}),
        answer(Say(model_says), ErrorChunk(message=f"lost {words}")),
        answer(Say(model_says), Raw(f"data: {{{words}\n\n".encode())),
    )
    send = r"/channels/\d+/messages(/\d+)?"
    stage.discord.faults.append(Fault(".*", send, status=500, body={"message": words, "code": 0}))
    stage.discord.faults.append(Fault("GET", "/cdn/.*", status=404))
    async with running(write_config(stage, tmp_path), secrets(stage)) as process:
        for _ in range(4):
            await stage.ask_in_thread(words)
        for data in (b"no picture", b"nor this", png((1, 2, 3))):
            await stage.ask_in_thread(words, files=[(f"{file_name}.png", data)])
        asked = await stage.mara.say(
            stage.channel, f"{stage.me} {words}", files=[(f"{file_name}.exe", b"MZ")]
        )
        await stage.answers(stage.channel, asked.id)
        interaction = await stage.mara.command(stage.channel, "imagine", prompt=words)
        await interaction.finished()
        stage.discord.drop_connections()
        await stage.discord.wait_connected()
        process.send_signal(signal.SIGTERM)
        code, output, errors = await ended(process)
    assert code == 0
    assert output == ""
    assert "WARNING" in errors
    hidden = (stage.discord.token, stage.model.api_key, interaction.token, "zebra", "diary")
    for each in (*hidden, "ostrich", "Mara"):
        assert each not in errors


UNPRIVILEGED = """\
#!{python}
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON = 24, 19, 21, 38
for each in (CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON):
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, each, 0, 0, 0)
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""
PEEK = "import sys; print(open(f'/proc/{sys.argv[1]}/environ').read())"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can hide them")
async def test_no_other_process_of_its_user_reads_its_secrets(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Root may look at whatever it likes: here both go without that.
    python = tmp_path / "python"
    python.write_text(UNPRIVILEGED.format(python=sys.executable), encoding="utf-8")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    async with running(write_config(stage, tmp_path), secrets(stage)) as process:
        peek = await asyncio.create_subprocess_exec(
            *(python, "-c", PEEK, str(process.pid)), stdout=PIPE, stderr=PIPE
        )
        code, output, errors = await ended(peek)
        assert (code, output) == (1, "")
        assert "PermissionError" in errors
        await stage.ask_in_thread("a fox", files=[("cat.png", png((1, 2, 3)))])


async def test_the_log_is_json_if_that_is_set_and_names_the_exchange(stage: Stage, tmp_path: Path):
    stage.model.script(Status(401))
    config = write_config(stage, tmp_path, "\n[logs]\njson = true\n")
    async with running(config, secrets(stage)) as process:
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        await stage.answers(await stage.thread_of(asked), asked.id)
        process.send_signal(signal.SIGTERM)
        _, _, errors = await ended(process)
    found = [json.loads(line) for line in errors.splitlines()]
    assert found
    assert all({"time", "level", "logger", "message"} <= one.keys() for one in found)
    (refused,) = [one for one in found if "status 401" in one["message"]]
    assert refused["exchange"] == str(asked.id)
    assert refused["logger"] == "bot.openrouter.failures"
