"""Pictures that are hidden until a click, for who asks for that, and what is made from them."""

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Paint, Say, answer
from tests.e2e.photos import png
from tests.e2e.stage import Stage
from tests.pictures.paint import BLUE, RED

HIDDEN = ("SPOILER_cat.png", png(RED))
OPEN = ("dog.png", png(BLUE))
EDIT = r"/channels/\d+/messages/\d+"


def names(messages: list[Message]) -> list[str]:
    return [file.name for message in messages for file in message.attachments]


def hidden(exchange_id: int) -> list[str]:
    return [f"SPOILER_easel-{exchange_id}-1.png"]


async def said(stage: Stage, place: Channel, text: str, reply_to: Message | None = None) -> None:
    asked = await stage.mara.say(place, text, reply_to=reply_to)
    assert names(await stage.answers(place, asked.id)) == hidden(asked.id), text


@pytest.mark.parametrize(
    ("text", "files", "is_hidden"),
    [
        ("||the murderer||", [], True),
        ("paint ||the murderer|| in the library", [], True),
        ("make it night", [HIDDEN], True),
        ("make it night", [HIDDEN, OPEN], False),
        ("a || b, and a |plain| fence", [], False),
    ],
)
async def test_a_marked_request_and_pictures_that_are_all_spoilers_come_hidden(
    stage: Stage, text: str, files: list[tuple[str, bytes]], is_hidden: bool
):
    await stage.start()
    thread, shown = await stage.ask_in_thread(text, files=files)
    (name,) = names(shown)
    assert name.startswith("SPOILER_") is is_hidden
    assert "||" not in stage.model.calls[0].words or not is_hidden
    assert "murderer" not in thread.name


async def test_what_is_made_from_a_hidden_picture_is_hidden_too(stage: Stage):
    await stage.start()
    thread, (shown,) = await stage.ask_in_thread("||the murderer||")
    await said(stage, thread, "make it night")
    await stage.stop()
    await stage.start()
    for label in ("Again", "Edit"):
        used = await stage.theo.click(shown, label)
        await used.answered()
        if label == "Edit":
            used = await stage.theo.submit(used, Prompt="in blue")
        assert names(await stage.answers(thread, used.id)) == hidden(used.id)
    theirs = await stage.theo.say(stage.channel, "look", files=[HIDDEN])
    asked = await stage.mara.say(stage.channel, f"{stage.me} in blue", reply_to=theirs)
    place = await stage.thread_of(asked)
    assert names(await stage.answers(place, asked.id)) == hidden(asked.id)
    new = await stage.mara.say(thread, "this one is open", files=[OPEN])
    assert names(await stage.answers(thread, new.id)) == [f"easel-{new.id}-1.png"]


async def test_a_command_asks_by_its_prompt(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="||the murderer||")
    shown = await stage.answers(stage.channel, used.id)
    assert names(shown) == hidden(used.id)
    original = await stage.theo.click(shown[0], "Original")
    assert (await original.finished()).attachments


async def test_a_second_part_that_landed_before_a_crash_is_known_again(stage: Stage):
    stage.model.script(answer(Say("One:"), Paint("one"), Say("Two:"), Paint("two")))
    await stage.start()
    send = r"/channels/\d+/messages"
    stage.discord.faults.append(Fault("POST", send, skip=1, after=True, drop=True))
    stage.clock.pushed_ms += 120_000  # Discord would not know the nonce any more
    thread, shown = await stage.ask_in_thread("||the murderers||")
    await stage.until_idle()
    assert not stage.discord.faults
    assert stage.ours(thread)[: len(shown)] == shown
    assert [name.rpartition("-")[2] for name in names(stage.ours(thread))] == ["1.png", "2.png"]


async def test_help_says_how(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "help")
    assert "Spoilers" in str((await used.finished()).embeds)
