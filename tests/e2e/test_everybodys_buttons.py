"""Every button, by everybody, before and after a restart."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from bot.money import nano_usd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Finish, Paint, Say, answer
from bot.sandbox.people import Person
from bot.store import exchanges
from bot.store.database import Transaction
from tests.e2e import scenes
from tests.e2e.cast import Cast, answered, enter, refused
from tests.e2e.scenes import ASKER, DONE, PRIVATE, WHEN, each, outcome
from tests.e2e.stage import Stage, last_line

RUNNING_MAX = 2


def label(what: str) -> str:
    """Of the button that a row is about."""
    return what.partition(",")[0]


async def click(person: Person, message: Message, button: str) -> Interaction:
    press = await person.click(message, button)
    await press.answered()
    return press


async def shown_to_mara(stage: Stage, what: str) -> Message:
    """What has the button."""
    match what:
        case scenes.CONTINUE:
            stage.model.script(answer(Say("Once upon a time"), Finish("length")))
        case scenes.EDIT_2:
            stage.model.script(answer(Paint("red"), Paint("blue")))
        case _:
            pass
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fax")
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    if what == scenes.AGAIN_OFFERED:
        await stage.mara.edit_message(asked, f"{stage.me} a fox")
        return await thread.wait_for(lambda one: "You changed your request." in one.content)
    return stage.ours(thread)[-1]


async def asks_anew(cast: Cast, what: str, person: Person, message: Message) -> bool:
    """Whether a button led to a result that whoever pressed pays for."""
    stage, calls = cast.stage, len(cast.stage.model.calls)
    press = await click(person, message, label(what))
    if press.modal is not None:
        press = await person.submit(press, Prompt="at night")
        await press.answered()
    if press.ephemeral:
        refused(press)
        assert len(stage.model.calls) == calls
        return False
    await answered(stage, press.channel, press.id)
    assert len(stage.model.calls) == calls + 1

    async def payer(tx: Transaction) -> int:
        return (await exchanges.get(tx, press.id)).member_id

    assert await stage.read(payer) == person.id
    return True


@pytest.mark.parametrize(
    "what",
    each((scenes.AGAIN, scenes.AGAIN_OFFERED, scenes.EDIT, scenes.EDIT_2, scenes.CONTINUE)),
)
async def test_a_button_that_asks_anew_does_so_for_who_may_ask_and_after_a_restart(
    stage: Stage, what: str
):
    cast = await enter(stage)
    message = await shown_to_mara(stage, what)
    async for _ in cast.before_and_after():
        for who, person in cast.people(pressing=True):
            done = await asks_anew(cast, what, person, message)
            assert done == (outcome(what, who) == DONE)


@pytest.mark.parametrize("what", each((scenes.DETAILS, scenes.ORIGINAL)))
async def test_a_button_that_tells_does_so_privately_to_everybody_and_after_a_restart(
    stage: Stage, what: str
):
    cast = await enter(stage)
    message = await shown_to_mara(stage, what)
    async for _ in cast.before_and_after():
        for who, person in cast.people(pressing=True):
            assert outcome(what, who) == DONE
            press = await click(person, message, what)
            told = await press.finished()
            assert press.ephemeral
            if what == scenes.DETAILS:
                assert "**Cost:** $0." in told.content
            else:
                assert told.files[0].data == message.files[0].data
    assert len(stage.model.calls) == 1


Make = Callable[[Stage], Awaitable[Sequence[Message]]]
"""Two messages of Mara's with the button: one for her, one for the moderator."""
Over = Callable[[Message], bool]


async def only_asker_and_moderator(
    cast: Cast, what: str, messages: Sequence[Message], over: Over
) -> None:
    """Fails unless nobody else can press this and they both can."""
    may: dict[Person, Message] = {}
    for who, person in cast.people(pressing=True):
        if outcome(what, who) == DONE:
            may[person] = messages[len(may)]
            continue
        for message in messages:
            refused(await click(person, message, label(what)))
            assert not over(message)
    assert len(may) == len(messages)
    for person, message in may.items():
        await click(person, message, label(what))
        await cast.stage.discord.wait_until(lambda one=message: over(one), 10)


def cancelled(message: Message) -> bool:
    return last_line(message).startswith("-# cancelled · ")


@pytest.mark.cell(scenes.DELETE)
async def test_who_asked_and_moderators_delete_an_answer_also_after_a_restart(stage: Stage):
    cast = await enter(stage)
    shown = {when: [await shown_to_mara(stage, scenes.DELETE) for _ in range(2)] for when in WHEN}
    async for when in cast.before_and_after():
        await only_asker_and_moderator(
            cast, scenes.DELETE, shown[when], lambda message: message.deleted
        )


async def questions(stage: Stage, count: int) -> list[Message]:
    """What Mara asks for and is dear, as it is asked about."""
    found: list[Message] = []
    for _ in range(count):
        asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
        thread = await stage.thread_of(asked)
        found.append(await thread.wait_for(lambda one: len(one.buttons) == 2))
    return found


@pytest.mark.cell(scenes.CANCEL_DEAR, scenes.CONFIRM)
async def test_what_is_dear_is_confirmed_by_who_asked_and_cancelled_by_moderators_too(
    stage: Stage,
):
    stage.limit(ask_above_nano_usd=nano_usd("0.10"))
    cast = await enter(stage)
    dear = {when: await questions(stage, 3) for when in WHEN}
    async for when in cast.before_and_after():
        calls = len(stage.model.calls)
        *two, one = dear[when]
        for who, person in cast.people(pressing=True):
            if who != ASKER:
                assert outcome(scenes.CONFIRM, who) != DONE
                refused(await click(person, one, "Confirm"))
        await only_asker_and_moderator(cast, scenes.CANCEL_DEAR, two, cancelled)
        assert len(stage.model.calls) == calls
        await click(stage.mara, one, "Confirm")
        assert await answered(stage, one.channel, one.id - 1) is one
        assert len(stage.model.calls) == calls + 1


async def line_up(stage: Stage, person: Person, count: int) -> list[Message]:
    """What a person asks for in so many threads, in the making."""
    found: list[Message] = []
    for _ in range(count):
        asked = await person.say(stage.channel, f"{stage.me} a fox")
        thread = await stage.thread_of(asked)
        found.append(await thread.wait_for(lambda one: bool(one.buttons)))
    return found


@pytest.mark.cell(scenes.CANCEL_WAITING, scenes.CANCEL_RUNNING)
async def test_what_waits_and_what_runs_is_cancelled_by_who_asked_and_by_moderators(
    stage: Stage,
):
    stage.limit(running_max=RUNNING_MAX, stop_grace_s=0)
    cast = await enter(stage)
    calls = stage.model.calls
    for when in WHEN:
        stage.model.gate.close()
        if when == "after":
            # What runs at the stop is not called again; what waited then is, after the restart.
            await line_up(stage, stage.theo, RUNNING_MAX)
            await stage.model.until(lambda: len(calls) == 2 * RUNNING_MAX)
        messages = await line_up(stage, stage.mara, 2 * RUNNING_MAX)
        if when == "after":
            await stage.stop()
            await stage.start()
        running = 3 * RUNNING_MAX if when == "after" else RUNNING_MAX
        await stage.model.until(lambda enough=running: len(calls) == enough)
        run, wait = messages[:RUNNING_MAX], messages[RUNNING_MAX:]
        await only_asker_and_moderator(cast, scenes.CANCEL_WAITING, wait, cancelled)
        assert {last_line(message) for message in wait} == {"-# cancelled · not charged"}
        await only_asker_and_moderator(cast, scenes.CANCEL_RUNNING, run, cancelled)
        assert len(calls) == running
        stage.model.gate.open()
        await stage.until_books_closed()
        await stage.until_idle()


@pytest.mark.parametrize("what", each(PRIVATE))
async def test_the_buttons_of_a_private_answer_are_its_askers_alone_also_after_a_restart(
    stage: Stage, what: str
):
    cast = await enter(stage)
    shown: list[Message] = []
    for _ in WHEN:
        used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", private=True)
        await used.answered()
        await stage.until_idle()
        shown.append(used.messages[-1])
    async for _ in cast.before_and_after():
        message = shown.pop()
        for who, person in cast.people(pressing=True):
            if outcome(what, who) != DONE:
                with pytest.raises(SandboxError, match="does not see"):
                    await person.click(message, PRIVATE[what])
        press = await click(stage.mara, message, PRIVATE[what])
        if press.modal is not None:
            press = await stage.mara.submit(press, Prompt="at night")
            await press.answered()
        await stage.until_idle()
        if PRIVATE[what] == scenes.DELETE:
            await stage.discord.wait_until(lambda gone=message: gone.deleted, 5)
            continue
        assert press.ephemeral
        told = await press.finished()
        assert "**Cost:**" in told.content or press.messages[-1].files
        assert not stage.ours(stage.channel)
