"""The program as people start it: a process of its own, told by its settings file and two variables
of an otherwise almost empty environment.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.stage import Stage

TIMEOUT_S = 20.0

CONFIG = """\
[discord]
api_url = "{api_url}"
gateway_url = "{gateway_url}"
cdn_url = "{cdn_url}"

[openrouter]
base_url = "{base_url}"

[storage]
data_dir = "{data_dir}"

[limits]
unresolved_s = 600
stop_grace_s = 10
"""


def write_config(stage: Stage, folder: Path, more: str = "") -> Path:
    """A settings file that names the stand-ins and the stage's data folder."""
    path = folder / "config.toml"
    path.write_text(
        CONFIG.format(
            api_url=stage.discord.api_url,
            gateway_url=stage.discord.gateway_url,
            cdn_url=stage.discord.cdn_url,
            base_url=stage.model.base_url,
            data_dir=stage.settings.storage.data_dir.as_posix(),
        )
        + more,
        encoding="utf-8",
    )
    return path


def secrets(stage: Stage) -> dict[str, str]:
    """The environment of `easel run`."""
    return {
        "PATH": os.defpath,
        "DISCORD_TOKEN": stage.discord.token,
        "OPENROUTER_API_KEY": stage.model.api_key,
    }


async def easel(*words: str, environment: dict[str, str] | None = None) -> Process:
    """Starts the program; without an environment it has no secrets."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env={"PATH": os.defpath} if environment is None else environment,
        stdout=PIPE,
        stderr=PIPE,
    )


async def ended(process: Process) -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error."""
    async with asyncio.timeout(TIMEOUT_S):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def done(*words: str, environment: dict[str, str] | None = None) -> str:
    """What a command prints that succeeds and complains of nothing."""
    code, output, errors = await ended(await easel(*words, environment=environment))
    assert (code, errors) == (0, "")
    return output


async def refused(process: Process) -> str:
    """The one sentence with which a command ends, and nothing else on standard error."""
    code, output, errors = await ended(process)
    assert code == 1
    assert output == ""
    assert errors.startswith("easel: ")
    assert errors.endswith(".\n")
    assert errors.count("\n") == 1
    return errors


@asynccontextmanager
async def running(config: Path | None, environment: dict[str, str]) -> AsyncGenerator[Process]:
    """`easel run` once it is ready. If nobody ended it, it is killed."""
    named = [] if config is None else ["--config", str(config)]
    process = await easel("run", *named, environment=environment)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            assert await process.stdout.readline() == b"easel: ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
