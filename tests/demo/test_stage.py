"""The tour's own bot, whatever its caller has set for theirs."""

import signal
from pathlib import Path

import pytest

from bot.demo.stage import Stage
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.openrouter import ModelSandbox


def environment_of(pid: int) -> bytes:
    """Of a process, where this machine shows it: of one that hides it to root alone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, PermissionError):
        return b""


@pytest.mark.parametrize("form", ["{name}", "{name}_FILE"])
async def test_the_tour_takes_nothing_from_its_callers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
):
    for name in ("DISCORD_TOKEN", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(form.format(name=name), str(tmp_path / "the caller's own"))
    monkeypatch.setenv("EASEL_CONFIG", str(tmp_path / "the caller's own"))
    async with DiscordSandbox() as discord, ModelSandbox() as model:
        stage = Stage(discord, model, tmp_path, tmp_path)
        await stage.start()
        assert stage.process is not None
        assert b"the caller's own" not in environment_of(stage.process.pid)
        assert await stage.end(signal.SIGTERM) == 0
