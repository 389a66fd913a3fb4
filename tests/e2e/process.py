"""The bot as a process of its own, pointed at the stage by its settings file."""

from pathlib import Path

from tests.e2e.stage import Stage

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
unresolved_s = 5
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
