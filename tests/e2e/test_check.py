"""`easel check`: every item found right, each of them found wrong, and no secret said."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.check import invite_url
from bot.sandbox.discord.shapes import NO_PERMISSIONS, Permission
from bot.store.database import migrate
from tests.e2e.process import easel, ended, running, secrets, write_config
from tests.e2e.stage import Stage

LINE = re.compile(r"(?P<state>ok|missing|wrong) (?P<item>[^:]+): (?P<sentence>.+)")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
WITHOUT_SERVERS = (
    *("config", "data folder", "database", "key", "credit", "model", "price"),
    *("token", "intents", "commands", "invite"),
)


@dataclass(frozen=True)
class Looked:
    """What a check said, by item: the state and the sentence."""

    code: int | None
    found: dict[str, tuple[str, str]]

    @property
    def not_ok(self) -> dict[str, str]:
        return {item: state for item, (state, _) in self.found.items() if state != "ok"}


async def check(config: Path, environment: dict[str, str] | None = None) -> Looked:
    process = await easel("check", "--config", str(config), environment=environment)
    code, output, errors = await ended(process)
    assert errors == ""
    found: dict[str, tuple[str, str]] = {}
    for line in output.splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        assert match["item"] not in found
        found[match["item"]] = (match["state"], match["sentence"])
    for name in ("DISCORD_TOKEN", "OPENROUTER_API_KEY"):
        assert (environment or {}).get(name, "-" * 99) not in output
    assert code == (0 if all(state == "ok" for state, _ in found.values()) else 1)
    return Looked(code, found)


def change(config: Path, old: str, new: str) -> None:
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


def permissions_item(stage: Stage) -> str:
    return f"permissions in Atelier ({stage.server.id})"


@pytest.fixture
async def config(stage: Stage, tmp_path: Path) -> Path:
    """Of a bot that ran once, so that everything is there."""
    await stage.start()
    await stage.stop()
    return write_config(stage, tmp_path)


async def test_all_is_ok_beside_a_running_bot_and_of_each_item_there_is_a_line(
    stage: Stage, tmp_path: Path
):
    config = write_config(stage, tmp_path)
    async with running(config, secrets(stage)):
        looked = await check(config, secrets(stage))
    assert looked.not_ok == {}
    assert looked.code == 0
    assert set(looked.found) == {*WITHOUT_SERVERS, permissions_item(stage)}
    assert "$" in looked.found["credit"][1]
    assert invite_url(stage.discord.application_id) in looked.found["invite"][1]


def test_the_invite_link_is_the_one_of_the_readme():
    assert invite_url(5).replace("=5&", "=YOUR_APPLICATION_ID&") in README


async def test_a_check_changes_nothing(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {
        "data folder": "missing",
        "database": "missing",
        "commands": "missing",
    }
    assert "easel migrate" in looked.found["database"][1]
    assert "/imagine" in looked.found["commands"][1]
    assert not stage.settings.storage.data_dir.exists()
    assert stage.discord.commands.syncs == 0
    assert {request.method for request in stage.discord.requests} == {"GET"}
    assert not stage.discord.gateway.connected


async def test_a_channel_that_takes_permissions_away_is_named(stage: Stage, config: Path):
    hidden = stage.server.add_channel("admins")
    hidden.set_permissions(stage.server.bot_role, deny=Permission.VIEW_CHANNEL)
    assert (
        "every channel" in (await check(config, secrets(stage))).found[permissions_item(stage)][1]
    )
    stage.channel.set_permissions(stage.server.bot_role, deny=Permission.ATTACH_FILES)
    looked = await check(config, secrets(stage))
    assert "it lacks Attach Files in #gallery." in looked.found[permissions_item(stage)][1]
    assert looked.code == 0


async def test_without_secrets_the_rest_is_looked_at(stage: Stage, config: Path):
    looked = await check(config)
    for item, name in (("token", "DISCORD_TOKEN"), ("key", "OPENROUTER_API_KEY")):
        state, sentence = looked.found[item]
        assert state == "missing"
        assert name in sentence
    missing = ("key", "credit", "token", "intents", "permissions", "commands", "invite")
    assert looked.not_ok == dict.fromkeys(missing, "missing")


async def test_a_wrong_token_is_told_with_where_to_get_one(stage: Stage, config: Path):
    looked = await check(config, secrets(stage) | {"DISCORD_TOKEN": "wrong.token.here"})
    missing = dict.fromkeys(("intents", "permissions", "commands", "invite"), "missing")
    assert looked.not_ok == {"token": "wrong", **missing}
    assert "discord.com/developers" in looked.found["token"][1]


async def test_a_wrong_key_is_told(stage: Stage, config: Path):
    looked = await check(config, secrets(stage) | {"OPENROUTER_API_KEY": "sk-or-wrong"})
    assert looked.not_ok == {"key": "wrong", "credit": "missing"}
    assert "OPENROUTER_API_KEY" in looked.found["key"][1]


async def test_a_secret_that_cannot_be_one_is_told_and_not_shown(stage: Stage, config: Path):
    looked = await check(config, secrets(stage) | {"DISCORD_TOKEN": "my secret token"})
    assert looked.found["token"][0] == "wrong"


async def test_a_key_with_hardly_any_credit_left_is_told(stage: Stage, config: Path):
    stage.model.account.credit_nano_usd = 500_000_000
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"credit": "wrong"}
    assert "$0.50" in looked.found["credit"][1]


async def test_missing_permissions_are_named_for_each_server(stage: Stage, config: Path):
    other = stage.discord.add_server("Else: where\n")
    for role in (other.everyone, other.bot_role):
        other.set_role_permissions(role, NO_PERMISSIONS)
    other.set_role_permissions(other.bot_role, Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES)
    looked = await check(config, secrets(stage))
    item = f"permissions in Else where ({other.id})"
    assert looked.not_ok == {item: "wrong"}
    sentence = looked.found[item][1]
    for name in ("Attach Files", "Create Public Threads", "Read Message History"):
        assert name in sentence
    assert "View Channels" not in sentence
    other.set_role_permissions(other.bot_role, Permission.ADMINISTRATOR)
    assert (await check(config, secrets(stage))).not_ok == {}


async def test_in_no_server_the_invite_link_is_the_step(stage: Stage, config: Path):
    stage.server.leave(stage.discord.bot_user)
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"permissions": "missing"}
    assert "invite" in looked.found["permissions"][1]


async def test_an_intent_that_is_off_is_told_unless_it_is_not_asked_for(stage: Stage, config: Path):
    stage.discord.message_content_enabled = False
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"intents": "wrong"}
    assert "Message Content" in looked.found["intents"][1]
    change(config, "[discord]", "[discord]\nmessage_content = false")
    assert (await check(config, secrets(stage))).found["intents"][0] == "ok"


async def test_commands_that_discord_lost_are_told_and_the_next_start_mends_it(
    stage: Stage, config: Path
):
    stage.discord.commands.replace(0, stage.discord.commands.scopes[0][1:])
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"commands": "missing"}
    await stage.start()
    await stage.stop()
    assert (await check(config, secrets(stage))).not_ok == {}


async def test_a_wrong_setting_is_the_only_line(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("[limits]\nrunning_max = 0\n", encoding="utf-8")
    looked = await check(config)
    assert list(looked.found) == ["config"]
    assert "limits.running_max" in looked.found["config"][1]
    looked = await check(tmp_path / "no.toml")
    assert looked.not_ok == {"config": "missing"}


async def test_what_is_at_fault_with_the_data_is_told(stage: Stage, tmp_path: Path):
    config = write_config(stage, tmp_path)
    data = stage.settings.storage.data_dir
    data.write_text("in the way", encoding="utf-8")
    looked = await check(config)
    assert looked.found["data folder"][0] == "wrong"
    assert looked.found["database"][0] in {"wrong", "missing"}
    data.unlink()
    data.mkdir()
    (data / "easel.db").write_bytes(b"this is no database" * 500)
    looked = await check(config)
    assert looked.found["data folder"][0] == "ok"
    assert looked.found["database"][0] == "wrong"
    (data / "easel.db").unlink()
    await migrate(data / "easel.db")
    assert (await check(config)).found["database"][0] == "ok"


async def test_a_model_that_is_not_offered_and_a_price_that_differs_are_told(
    stage: Stage, config: Path
):
    change(config, "[limits]", '[prices."openai/gpt-5.4-image-2"]\ninput = 9\n\n[limits]')
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"price": "wrong"}
    assert "$8.0000" in looked.found["price"][1]
    change(config, "[openrouter]", '[openrouter]\nmodel = "a/b"')
    change(
        config,
        '"openai/gpt-5.4-image-2"]\n',
        '"a/b"]\ncached_input = 1\noutput = 1\nimage_output = 1\n',
    )
    looked = await check(config, secrets(stage))
    assert looked.not_ok == {"model": "wrong", "price": "missing"}


async def test_who_is_not_there_is_told_in_a_sentence(stage: Stage, config: Path):
    change(config, stage.discord.api_url, "http://127.0.0.1:9/api/v10")
    change(config, stage.model.base_url, "http://127.0.0.1:9/api/v1")
    looked = await check(config, secrets(stage))
    assert looked.found["key"][0] == looked.found["token"][0] == "wrong"
    assert "cannot be reached" in looked.found["key"][1]
    assert "cannot be reached" in looked.found["token"][1]
