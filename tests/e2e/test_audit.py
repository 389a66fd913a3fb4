"""`easel audit`: beside a running bot, against the stand-in's account."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from bot.money import NanoUsd, dollars, nano_usd
from bot.sandbox.openrouter import Say, answer
from bot.sandbox.openrouter.account import Generation, Meter
from bot.sandbox.openrouter.script import LookUp
from tests.e2e.process import write_config
from tests.e2e.stage import Stage


async def audit(config: Path, key: str | None) -> tuple[int, list[str]]:
    """The exit code, and what is printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "audit", "--config", str(config)),
        env={} if key is None else {"OPENROUTER_API_KEY": key},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines()


async def spend(stage: Stage, cost: str) -> None:
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd(cost))))
    asked = await stage.mara.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, asked.id)
    await stage.until_idle()


async def test_right_books_equal_the_account_and_exit_with_0(stage: Stage, tmp_path: Path):
    await stage.start()
    await spend(stage, "0.123456789")
    config = write_config(stage, tmp_path)
    code, lines = await audit(config, stage.model.api_key)
    total = dollars(NanoUsd(stage.model.account.total_nano_usd), 9)
    assert total == "$0.123456789"
    assert [line.split(":")[0] for line in lines[:-1]] == [
        *("ok database", "ok balances", "ok entries", "ok account"),
    ]
    agree = f"the books say {total} with $0.0000 open, and OpenRouter {total}: they agree"
    assert agree in lines[3]
    assert "may spend $9,999.88 more" in lines[3]
    assert (code, lines[-1]) == (0, "The books are right.")


@pytest.mark.parametrize("with_key", [True, False])
async def test_a_difference_is_printed_and_exits_with_1(
    stage: Stage, tmp_path: Path, with_key: bool
):
    await stage.start()
    await spend(stage, "0.1")
    await stage.stop()
    with sqlite3.connect(stage.settings.storage.data_dir / "easel.db") as connection:
        connection.execute("UPDATE balance SET held_nano_usd = 5 WHERE scope = 'total'")
    connection.close()
    elsewhere = Generation("gen-elsewhere", 0, False, Meter(1), 0, LookUp())
    stage.model.account.end(elsewhere, int(nano_usd("0.5")))
    key = stage.model.api_key if with_key else None
    code, lines = await audit(write_config(stage, tmp_path), key)
    wrong = [line for line in lines if line.startswith("wrong ")]
    assert "total month of all in all servers" in wrong[0]
    assert "$0.000000005 held where the reservations come to $0.000000000" in wrong[0]
    assert len(wrong) == (2 if with_key else 1)
    assert ("Is the key used elsewhere too?" in wrong[-1]) == with_key
    assert code == 1
