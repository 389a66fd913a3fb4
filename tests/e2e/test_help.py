"""/help: private, at once, and true to what is offered."""

from dataclasses import replace
from typing import Any

import pytest

from bot.money import NanoUsd
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.world import Channel
from bot.sandbox.people import Person
from tests.e2e.stage import Stage

EMBED_LETTERS_MAX = 6_000


async def shown(stage: Stage, person: Person, channel: Channel) -> Json:
    used = await person.command(channel, "help")
    await used.answered()
    assert used.ephemeral
    (message,) = used.messages
    (embed,) = message.embeds
    return embed


def text(embed: Json) -> str:
    fields: list[Any] = embed.get("fields") or []
    return "\n".join([embed["description"], *(field["value"] for field in fields)])


def offered(stage: Stage) -> list[Json]:
    return stage.discord.commands.scopes[0]


@pytest.mark.parametrize("direct", [False, True], ids=["server", "direct"])
async def test_help_names_every_command_and_menu_for_everyone(stage: Stage, direct: bool):
    await stage.start()
    embed = await shown(stage, stage.mara, stage.mara.dm if direct else stage.channel)
    for command in offered(stage):
        if command["default_member_permissions"] is not None:
            assert f"`/{command['name']} " not in text(embed)
        elif command["type"] == 1:
            assert f"`/{command['name']}" in text(embed)
        else:
            assert f"*{command['name']}*" in text(embed)
    assert "`/imagine prompt [shape]" in text(embed)
    assert stage.me in embed["description"]
    assert not stage.ours(stage.channel)
    assert not stage.model.calls


async def test_help_names_the_admins_commands_to_admins_in_their_server(stage: Stage):
    await stage.start()
    embed = await shown(stage, stage.ada, stage.channel)
    assert "`/report show" in text(embed)
    headings = "".join(field["name"] for field in embed["fields"])
    assert len(embed["title"]) + len(headings) + len(text(embed)) <= EMBED_LETTERS_MAX
    assert "`/report show" not in text(await shown(stage, stage.ada, stage.ada.dm))


@pytest.mark.parametrize("heard", [True, False])
async def test_help_says_when_messages_are_not_heard(stage: Stage, heard: bool):
    settings = stage.settings
    discord = replace(settings.discord, message_content=heard)
    stage.settings = replace(settings, discord=discord)
    stage.discord.message_content_enabled = heard
    await stage.start()
    words = text(await shown(stage, stage.mara, stage.channel))
    assert ("I cannot read other messages" in words) is not heard


async def test_help_is_shown_where_no_budget_is_left_and_after_a_restart(stage: Stage):
    stage.budget(total_month_nano_usd=NanoUsd(0))
    await stage.start()
    before = text(await shown(stage, stage.mara, stage.channel))
    syncs = stage.discord.commands.syncs
    await stage.stop()
    await stage.start()
    assert text(await shown(stage, stage.mara, stage.channel)) == before
    assert stage.discord.commands.syncs == syncs  # told to Discord only when it changed
