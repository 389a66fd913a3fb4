"""The first answer to whatever people use comes at once, also in a full house."""

from dataclasses import fields

import pytest

from bot.money import nano_usd
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.shapes import Json, Permission
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Finish, Paint, Say, answer
from bot.settings import BudgetSettings
from bot.store import exchanges
from bot.ui import showing
from tests.e2e.photos import png
from tests.e2e.stage import Stage
from tests.pictures.paint import RED

RUNNING = 16
WAITING = 100
ACKNOWLEDGED_S = 1.0
MENUS = ("Edit picture", "Describe picture", "Continue here", "Cost and details")
TEXT, WHOLE, USER, NUMBER, FILE = 3, 4, 6, 10, 11


def leaves(command: Json, *above: str) -> list[tuple[str, list[Json]]]:
    """Every command that can be used, by its whole name, with its options."""
    name = (*above, str(command["name"]))
    options: list[Json] = command.get("options") or []
    inner = [option for option in options if option["type"] <= 2]
    return [leaf for each in inner for leaf in leaves(each, *name)] or [(" ".join(name), options)]


def value(stage: Stage, option: Json) -> object:
    """Something to give for an option."""
    if option.get("choices"):
        return option["choices"][0]["value"]
    given = {TEXT: "5", WHOLE: 1, USER: stage.theo, NUMBER: 1, FILE: ("cat.png", png(RED))}
    return given[option["type"]]


async def text_answer(stage: Stage) -> Message:
    used = await stage.mara.command(stage.channel, "ask", prompt="tell me a story")
    return (await stage.answers(stage.channel, used.id))[-1]


async def question(stage: Stage) -> Message:
    """What is asked before a picture is paid for."""
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    return await stage.channel.wait_for(
        lambda one: one is used.original and any(each["label"] == "Confirm" for each in one.buttons)
    )


async def fill(stage: Stage) -> tuple[list[Interaction], Message]:
    """A full house: what was used for it, and an answer in the making."""
    stage.model.gate.close()
    used: list[Interaction] = []
    for _ in range(RUNNING + WAITING):
        used.append(await stage.theo.command(stage.channel, "ask", prompt="what is a fox?"))
        await used[-1].answered()
    await stage.model.gate.arrived(RUNNING)
    assert len(await stage.read(exchanges.open_ids)) == RUNNING + WAITING
    first = used[0].original
    running = await stage.channel.wait_for(lambda one: one is first and bool(one.buttons))
    return used, running


@pytest.fixture
async def full(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Budgets for everybody, a place for each, and every picture is asked about first."""
    monkeypatch.setattr(showing, "EDIT_PAUSE_S", 0.2)  # so that *Cancel* is there soon
    stage.budget(**{field.name: nano_usd("1000") for field in fields(BudgetSettings)})
    stage.limit(
        running_max=RUNNING,
        running_per_member_max=RUNNING,
        queue_max=WAITING,
        ask_above_nano_usd=nano_usd("0.10"),
        stop_grace_s=0.0,
    )
    stage.server.set_role_permissions(
        next(role for role in stage.server.roles.values() if role.name == "Admins"),
        Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES,
    )
    await stage.start()
    return stage


async def test_every_interaction_is_acknowledged_within_a_second_in_a_full_house(full: Stage):
    stage, mara, ada = full, full.mara, full.ada
    stage.model.script(
        answer(Say("Once"), Finish("length")), answer(Say("A fox."), Paint()), answer(Say("A fox."))
    )
    cut = await text_answer(stage)
    picture = await question(stage)
    await (await mara.click(picture, "Confirm")).answered()
    await stage.answers(stage.channel, picture.id - 1)
    plain = await text_answer(stage)
    dear, dear_too = await question(stage), await question(stage)
    await stage.until_idle()
    used, running = await fill(stage)

    async def does(interaction: Interaction) -> Interaction:
        await interaction.answered()
        used.append(interaction)
        return interaction

    opened = await does(await mara.click(picture, "Edit"))
    await does(await mara.submit(opened, Prompt="make it night"))
    for name in MENUS:
        await does(await mara.menu(picture, name))
    for message, label in (
        (cut, "Continue"),
        (picture, "Again"),
        (picture, "Details"),
        (picture, "Original"),
        (plain, "Delete"),
        (running, "Cancel"),
        (dear, "Confirm"),
        (dear_too, "Cancel"),
    ):
        who = ada if message is running else mara
        await does(await who.click(message, label))
    history = await does(await stage.theo.command(stage.channel, "history"))
    assert history.original is not None
    page = next(each for each in history.original.buttons if not each.get("disabled"))
    await does(await stage.theo.click(history.original, page["custom_id"]))
    registered = stage.discord.commands.scopes[0]
    assert {each["name"] for each in registered if each["type"] == 3} == set(MENUS)
    for command in registered:
        for name, options in leaves(command) if command["type"] == 1 else []:
            given = {
                option["name"]: value(stage, option) for option in options if option.get("required")
            }
            await does(await ada.command(stage.channel, name, **given))
    late = {
        str(each.data.get("name") or each.data.get("custom_id")): each.latency_s
        for each in used
        if each.latency_s is None or each.latency_s > ACKNOWLEDGED_S
    }
    assert late == {}
    await stage.stop()
