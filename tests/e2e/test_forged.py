"""Presses that no client offers: of buttons and modals that stand elsewhere. Discord refuses them
itself; here it does not, and the bot must not tell or do anything for them.
"""

import pytest

from bot.sandbox.discord.interactions import COMPONENT, MODAL_SUBMIT, Interaction
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.world import Channel
from bot.sandbox.people import Person
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

VERBS = ("again", "edit", "details", "original", "continue", "delete", "cancel", "confirm")


def press(person: Person, channel: Channel, custom_id: str) -> Interaction:
    data: Json = {"component_type": 2, "custom_id": custom_id}
    return person._interact(COMPONENT, channel, data)  # pyright: ignore[reportPrivateUsage]


async def all_refused(person: Person, channel: Channel, exchange_id: int) -> None:
    for verb in VERBS:
        pressed = press(person, channel, f"{verb}:{exchange_id}")
        await pressed.answered()
        assert pressed.modal is None
        (told,) = pressed.messages
        assert told.visible_to is person
        assert last_line(told) == "-# permission · not charged"
        assert "fox" not in told.content


@pytest.mark.parametrize("place", ["the same", "direct"])
async def test_a_private_answer_is_nothing_to_others(stage: Stage, place: str):
    await stage.start()
    asked = await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=True)
    await asked.answered()
    await stage.until_idle()
    channel = stage.channel if place == "the same" else stage.theo.dm
    await all_refused(stage.theo, channel, asked.id)
    assert not asked.messages[0].deleted
    assert len(stage.model.calls) == 1


async def test_an_answer_is_nothing_to_who_has_rights_elsewhere(stage: Stage):
    await stage.start()
    thread, (answer,) = await stage.ask_in_thread("a fox")
    elsewhere = stage.discord.add_server("Elsewhere", owner=stage.theo).add_channel("mine")
    await all_refused(stage.theo, elsewhere, thread.id)
    await all_refused(stage.theo, stage.theo.dm, thread.id)
    await all_refused(stage.theo, stage.server.add_channel("another"), thread.id)
    assert not answer.deleted


async def test_what_is_said_in_direct_messages_is_nothing_to_others(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.mara.dm, "a fox")
    await stage.answers(stage.mara.dm, asked.id)
    await all_refused(stage.theo, stage.theo.dm, asked.id)
    await all_refused(stage.theo, stage.channel, asked.id)


async def test_the_modal_of_a_private_answer_is_its_askers(stage: Stage):
    await stage.start()
    asked = await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=True)
    await asked.answered()
    await stage.until_idle()
    opened = await stage.mara.click(asked.messages[0], "Edit")
    await opened.answered()
    await is_refused_to_theo(stage, opened)


async def test_the_modal_of_a_strangers_picture_is_of_whoever_opened_it(stage: Stage):
    await stage.start()
    photo = await stage.theo.say(stage.channel, "my cat", files=[("cat.png", png(RED))])
    opened = await stage.mara.menu(photo, "Edit picture")
    await opened.answered()
    await is_refused_to_theo(stage, opened)
    sent = await stage.mara.submit(opened, Prompt="make it blue")
    await sent.answered()
    await stage.until_idle()
    assert len(stage.model.calls) == 1


async def is_refused_to_theo(stage: Stage, opened: Interaction) -> None:
    """The modal that somebody else opened, while nothing else is asked."""
    asked = len(stage.model.calls)
    prompt: Json = {"type": 4, "custom_id": "prompt", "value": "show it to me"}
    data: Json = {"custom_id": f"modal:{opened.id}", "components": [prompt]}
    forged = stage.theo._interact(MODAL_SUBMIT, stage.channel, data)  # pyright: ignore[reportPrivateUsage]
    await forged.answered()
    assert last_line(forged.messages[0]) == "-# permission · not charged"
    await stage.until_idle()
    assert len(stage.model.calls) == asked
