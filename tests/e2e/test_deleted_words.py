"""What people deleted is told and sent by no button and no menu to anybody but who asked."""

import asyncio

import pytest

from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say, answer
from bot.sandbox.people import Person
from bot.store import exchanges
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

SECRET = "my code is 1234"
DELETED = "This was deleted."


async def answered(stage: Stage, prompt: str = SECRET) -> tuple[Message, Message]:
    """A request of Mara's and the last message of its answer."""
    await stage.start()
    stage.model.script(Say("A boat."), answer(Say("You said 5678."), Paint()))
    thread, _ = await stage.ask_in_thread("a boat")
    asked = await stage.mara.say(thread, prompt, files=[("cat.png", png(RED))])
    shown = (await stage.answers(thread, asked.id))[-1]
    await stage.until_idle()
    return asked, shown


async def delete(stage: Stage, asked: Message) -> None:
    """Returns when Easel knows of it."""
    await stage.mara.delete(asked)
    async with asyncio.timeout(10):
        while not (await stage.read(lambda tx: exchanges.get(tx, asked.id))).forgotten:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)


async def told(used: Interaction) -> str:
    """What is said only to who used it."""
    await used.answered()
    assert used.ephemeral
    (message,) = used.messages
    files = "".join(file.data.decode() for file in message.files)
    return f"{message.content}{message.embeds}{files}"


async def refused(used: Interaction) -> None:
    assert "deleted" in await told(used)
    assert last_line(used.messages[0]) == "-# permission · not charged"


@pytest.mark.parametrize("prompt", [SECRET, f"{SECRET} {'really ' * 200}"], ids=["short", "long"])
async def test_a_deleted_request_is_told_to_who_asked_alone(stage: Stage, prompt: str):
    asked, shown = await answered(stage, prompt)
    assert SECRET in await told(await stage.theo.click(shown, "Details"))
    await delete(stage, asked)
    for used in (
        await stage.theo.click(shown, "Details"),
        await stage.theo.menu(shown, "Cost and details"),
        await stage.ada.command(stage.channel, "history", member=stage.mara),
    ):
        text = await told(used)
        assert SECRET not in text
        assert DELETED in text
        assert f"/{asked.id})" not in text
    for used in (
        await stage.mara.click(shown, "Details"),
        await stage.mara.command(stage.channel, "history"),
    ):
        assert SECRET in await told(used)


async def test_a_deleted_request_is_done_again_for_who_asked_alone(stage: Stage):
    asked, shown = await answered(stage)
    await delete(stage, asked)
    calls = len(stage.model.calls)
    await refused(await stage.theo.click(shown, "Again"))
    # Those who have the menu open see the message still.
    await refused(await stage.theo.menu(asked, "Continue here"))
    await refused(await stage.theo.menu(asked, "Describe picture"))
    assert len(stage.model.calls) == calls
    press = await stage.mara.click(shown, "Again")
    await press.answered()
    await stage.answers(shown.channel, press.id)
    assert stage.model.calls[-1].words == SECRET


@pytest.mark.parametrize("prompt", ["a fox", "a fox " * 200], ids=["short", "long"])
async def test_the_words_of_a_deleted_answer_are_told_to_who_asked_alone(stage: Stage, prompt: str):
    asked, shown = await answered(stage, prompt)
    await (await stage.mara.click(shown, "Delete")).finished()

    async def details(person: Person) -> str:
        return await told(await person.menu(asked, "Cost and details"))

    text = await details(stage.theo)
    assert "a fox" in text
    assert "5678" not in text
    assert DELETED in text
    assert "**Cost:** $0." in text
    assert "5678" in await details(stage.mara)
