"""A server's rules hold for every way in: commands, menus, buttons, modals."""

import json

import pytest

from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, answer
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED


async def way_in(stage: Stage, way: str, shown: Message) -> Interaction:
    """Theo's request by that way, about a message that shows a picture."""
    theo, channel = stage.theo, stage.channel
    match way:
        case "ask":
            return await theo.command(channel, "ask", prompt="what is a fox?")
        case "imagine":
            return await theo.command(channel, "imagine", prompt="a fox")
        case "edit":
            return await theo.command(channel, "edit", picture=("a.png", png(RED)), prompt="blue")
        case "describe":
            return await theo.command(channel, "describe", picture=("a.png", png(RED)))
        case "blend":
            files = {f"picture{number}": ("a.png", png(RED)) for number in (1, 2)}
            return await theo.command(channel, "blend", **files)
        case "Describe picture" | "Continue here":
            return await theo.menu(shown, way)
        case "Again":
            return await theo.click(shown, way)
        case _:
            modal = await theo.click(shown, "Edit")
            await modal.answered()
            return await theo.submit(modal, Prompt="in blue")


@pytest.mark.parametrize(
    "way",
    [
        *("ask", "imagine", "edit", "describe", "blend"),
        *("Describe picture", "Continue here", "Again", "Edit"),
    ],
)
async def test_who_is_blocked_is_refused_privately_by_every_way_in(stage: Stage, way: str):
    await stage.start()
    _, shown = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    blocked = await stage.ada.command(
        stage.channel, "server set", setting="blocked", value=stage.theo.mention
    )
    await blocked.answered()
    used = await way_in(stage, way, shown[-1])
    await used.answered()
    assert used.ephemeral
    assert last_line(used.messages[0]) == "-# permission · not charged"
    assert len(stage.model.calls) == 1


async def test_a_persona_goes_with_commands_that_answer_in_words(stage: Stage):
    await stage.start()
    told = await stage.ada.command(
        stage.channel, "server set", setting="persona", value="You are a gruff sailor."
    )
    await told.answered()
    used = await stage.theo.command(stage.channel, "ask", prompt="what is a fox?")
    await used.finished()
    await stage.until_idle()
    messages = json.dumps(stage.model.calls[-1].request["messages"])
    assert "gruff sailor" in messages.partition('"user"')[0]


async def test_a_picture_without_its_cost_line_has_no_text_and_keeps_its_buttons(stage: Stage):
    stage.model.script(answer(Paint()))
    await stage.start()
    told = await stage.ada.command(stage.channel, "server set", setting="cost_line", value="off")
    await told.answered()
    used = await stage.theo.command(stage.channel, "imagine", prompt="a fox")
    await used.finished()
    await stage.until_idle()
    (shown,) = used.messages
    assert shown.content == ""
    assert [part["label"] for part in shown.buttons][:2] == ["Again", "Edit"]


@pytest.mark.parametrize("place", ["forum", "voice"])
async def test_forums_and_voice_channels_can_be_allowed(stage: Stage, place: str):
    channel = stage.server.add_channel(place, place)
    await stage.start()
    told = await stage.ada.command(
        stage.channel, "server set", setting="channels", value=str(channel.id)
    )
    await told.answered()
    where = channel
    if place == "forum":
        where = await stage.theo.start_thread(channel, "A fox", text="please")
    asked = await stage.theo.say(where, f"{stage.me} a red fox")
    (shown,) = await stage.answers(where, asked.id)
    assert shown.attachments
    asked = await stage.theo.say(stage.channel, f"{stage.me} a red fox")
    (refusal,) = await stage.answers(stage.channel, asked.id)
    assert last_line(refusal) == "-# permission · not charged"
