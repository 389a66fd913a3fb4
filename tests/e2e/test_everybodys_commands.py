"""Every command, menu and the modal, by everybody, before and after a restart."""

from typing import Any

import pytest

from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.people import Person
from tests.e2e import scenes
from tests.e2e.cast import Cast, answered, enter, refused
from tests.e2e.photos import png
from tests.e2e.scenes import ASKER, DONE, NOT_OFFERED, each, outcome
from tests.e2e.stage import Stage
from tests.pictures.paint import BLUE, RED

CAT, DOG = ("cat.png", png(RED)), ("dog.png", png(BLUE))
MARA = object()
"""As a member that a command is about."""
OPTIONS: dict[str, dict[str, Any]] = {
    "/imagine": {"prompt": "a fox"},
    "/edit": {"picture": CAT, "prompt": "as a fox"},
    "/ask": {"prompt": "why is the sky blue?", "file": CAT},
    "/describe": {"picture": CAT},
    "/blend": {"picture1": CAT, "picture2": DOG},
    "/report adjust": {"member": MARA, "amount": "0.10", "reason": "a gift"},
    "/limit": {"amount": "2", "window": "day"},
    "/budget set": {"scope": "everyone", "limit": "5", "window": "day"},
    "/budget remove": {"scope": "everyone", "window": "day"},
    "/budget grant": {"member": MARA, "amount": "1"},
    "/server set": {"setting": "ping", "value": "off"},
}

NEEDS = {"/budget remove": "/budget set", "/budget grant": "/budget set"}
"""What is to be there before."""


async def use(stage: Stage, person: Person, what: str) -> Interaction:
    options = {
        name: stage.mara if value is MARA else value
        for name, value in OPTIONS.get(what, {}).items()
    }
    used = await person.command(stage.channel, what.removeprefix("/"), **options)
    await used.answered()
    return used


async def is_paid_for(stage: Stage, used: Interaction) -> None:
    """Fails unless it is answered where it was used, for everybody to see."""
    assert not used.ephemeral
    assert await answered(stage, used.channel, used.id) is used.original


@pytest.mark.parametrize("what", each(scenes.ASKING_COMMANDS))
async def test_a_command_that_asks_is_answered_to_who_may_ask_and_after_a_restart(
    stage: Stage, what: str
):
    cast = await enter(stage)
    async for _ in cast.before_and_after():
        for who, person in cast.people():
            calls = len(stage.model.calls)
            used = await use(stage, person, what)
            if outcome(what, who) == DONE:
                await is_paid_for(stage, used)
            else:
                refused(used)
            assert len(stage.model.calls) - calls == (outcome(what, who) == DONE)


@pytest.mark.parametrize("what", each((*scenes.READING_COMMANDS, *scenes.ADMIN_COMMANDS)))
async def test_a_command_that_tells_does_so_privately_to_who_may_know_and_after_a_restart(
    stage: Stage, what: str
):
    cast = await enter(stage)
    async for _ in cast.before_and_after():
        for who, person in cast.people():
            if outcome(what, who) == NOT_OFFERED:
                with pytest.raises(SandboxError, match="not offered"):
                    await use(stage, person, what)
                continue
            is_for_admins = what in scenes.ADMIN_COMMANDS
            if what in NEEDS:
                await use(stage, stage.ada, NEEDS[what])
            used = await use(stage, stage.ada if is_for_admins and who == ASKER else person, what)
            message = await used.finished()
            assert used.ephemeral
            assert message.embeds or message.content
            assert "-# " not in message.content
    assert not stage.model.calls
    assert not stage.ours(stage.channel)


async def target(stage: Stage) -> Message:
    """An answer to Mara with a picture."""
    _, shown = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    return shown[-1]


async def opened(person: Person, shown: Message, how: str) -> Interaction:
    press = await (person.menu if how == "Edit picture" else person.click)(shown, how)
    await press.answered()
    assert press.modal is not None
    return press


async def send(cast: Cast, what: str, who: scenes.Who, person: Person, modal: Interaction) -> None:
    """Fails unless the modal becomes what it is to become."""
    calls = len(cast.stage.model.calls)
    sent = await person.submit(modal, Prompt="at night", More_pictures=[DOG])
    await sent.answered()
    if outcome(what, who) == DONE:
        await is_paid_for(cast.stage, sent)
        assert len(cast.stage.model.calls[-1].pictures) >= 2
    else:
        refused(sent)
    assert len(cast.stage.model.calls) - calls == (outcome(what, who) == DONE)


@pytest.mark.parametrize("what", each((*scenes.ASKING_MENUS, scenes.DETAILS_MENU)))
async def test_a_menu_does_what_it_says_for_who_may_and_after_a_restart(stage: Stage, what: str):
    cast = await enter(stage)
    shown = await target(stage)
    async for _ in cast.before_and_after():
        for who, person in cast.people(pressing=True):
            if what == "Edit picture":
                await send(cast, what, who, person, await opened(person, shown, what))
                continue
            calls = len(stage.model.calls)
            used = await person.menu(shown, what)
            await used.answered()
            if outcome(what, who) != DONE:
                refused(used)
            elif what == scenes.DETAILS_MENU:
                assert used.ephemeral
                assert "**Cost:** $0." in used.messages[0].content
                continue
            else:
                await is_paid_for(stage, used)
            assert len(stage.model.calls) - calls == (outcome(what, who) == DONE)


@pytest.mark.cell(scenes.MODAL)
async def test_the_modal_is_for_who_may_ask_also_if_it_was_opened_before_a_restart(stage: Stage):
    cast = await enter(stage)
    shown = await target(stage)
    everybody = cast.people(pressing=True)
    modals = [[await opened(person, shown, "Edit") for _, person in everybody] for _ in range(2)]
    async for when in cast.before_and_after():
        for (who, person), modal in zip(everybody, modals[when == "after"], strict=True):
            await send(cast, scenes.MODAL, who, person, modal)
