"""The button *Edit* and the menu *Edit picture*: the modal they open, and what comes of it."""

import pytest

from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Paint, answer
from bot.sandbox.people import Person
from bot.store import exchanges
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, RED


async def painted(stage: Stage) -> tuple[Channel, Message]:
    thread, shown = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    return thread, shown[-1]


async def opened(person: Person, message: Message, label: str = "Edit") -> Interaction:
    press = await person.click(message, label)
    await press.answered()
    assert press.modal is not None
    return press


async def edited(stage: Stage, press: Interaction, person: Person, **fields: object) -> Message:
    sent = await person.submit(press, **fields)
    await sent.answered()
    assert not sent.ephemeral
    return (await stage.answers(press.channel, sent.id))[-1]


async def test_the_modal_asks_for_five_things_at_most(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    press = await opened(stage.theo, shown)
    assert press.modal is not None
    fields = press.modal["components"]
    assert [field["label"] for field in fields] == ["Prompt", "Shape", "Size", "More pictures"]
    again = await opened(stage.theo, shown)
    assert again.modal is not None
    assert again.modal["custom_id"] != press.modal["custom_id"]


async def test_an_edit_changes_that_picture_as_it_was_written(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    press = await opened(stage.theo, shown)
    result = await edited(stage, press, stage.theo, Prompt="at night", Shape=["wide"], Size=["2K"])
    assert result.attachments
    call = stage.model.calls[-1]
    assert call.words == "at night"
    assert [sent.sha256 for sent in call.pictures[-1:]] == [stage.sha256(shown.files[0].data)]
    assert call.request["image_config"] == {"aspect_ratio": "16:9", "image_size": "2K"}
    assert [part["label"] for part in result.buttons][:2] == ["Again", "Edit"]


async def test_each_picture_is_edited_by_its_own_button(stage: Stage):
    stage.model.script(answer(Paint("red"), Paint("blue")))
    await stage.start()
    _, shown = await painted(stage)
    press = await opened(stage.mara, shown, "Edit 2")
    await edited(stage, press, stage.mara, Prompt="at night")
    assert stage.model.calls[-1].pictures[-1].sha256 == stage.sha256(shown.files[1].data)


async def test_up_to_four_more_pictures_go_along(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    press = await opened(stage.mara, shown)
    files = [("red.png", png(RED)), ("blue.png", png(BLUE))]
    await edited(stage, press, stage.mara, Prompt="blend", More_pictures=files)
    assert len(stage.model.calls[-1].pictures) == 3


async def test_more_that_is_no_picture_is_refused_privately(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    press = await opened(stage.mara, shown)
    sent = await stage.mara.submit(press, Prompt="blend", More_pictures=[("notes.zip", b"PK")])
    await sent.answered()
    assert sent.ephemeral
    assert last_line(sent.messages[0]) == "-# unreadable · not charged"
    assert len(stage.model.calls) == 1


@pytest.mark.parametrize("label", ["Edit", "Edit picture"])
async def test_a_modal_may_be_sent_after_a_restart(stage: Stage, label: str):
    await stage.start()
    _, shown = await painted(stage)
    if label == "Edit":
        press = await opened(stage.mara, shown)
    else:
        press = await stage.mara.menu(shown, label)
        await press.answered()
    await stage.stop()
    await stage.start()
    result = await edited(stage, press, stage.mara, Prompt="at night")
    assert stage.model.calls[-1].pictures[-1].sha256 == stage.sha256(shown.files[0].data)
    assert result.attachments


async def test_two_people_with_the_modal_open_get_each_their_own(stage: Stage):
    await stage.start()
    thread, shown = await painted(stage)
    one, other = await opened(stage.mara, shown), await opened(stage.theo, shown)
    first = await stage.mara.submit(one, Prompt="at night")
    second = await stage.theo.submit(other, Prompt="at noon")
    await stage.answers(thread, second.id)
    await stage.until_idle()
    asked = {call.words for call in stage.model.calls}
    assert asked == {"a fox", "at night", "at noon"}
    for sent, member, prompt in (
        (first, stage.mara, "at night"),
        (second, stage.theo, "at noon"),
    ):
        row = await stage.read(lambda tx, sent=sent: exchanges.get(tx, sent.id))
        assert (row.member_id, row.prompt, row.command) == (member.id, prompt, "edit")


async def test_the_menu_edits_a_picture_of_anybody(stage: Stage):
    await stage.start()
    posted = await stage.theo.say(stage.channel, "look", files=[("cat.png", png(RED))])
    press = await stage.mara.menu(posted, "Edit picture")
    await press.answered()
    result = await edited(stage, press, stage.mara, Prompt="as a fox")
    assert result.attachments
    assert len(stage.model.calls[-1].pictures) == 1


@pytest.mark.parametrize("files", [[], [("notes.txt", b"hello")]], ids=["nothing", "a text"])
async def test_the_menu_says_where_there_is_no_picture(
    stage: Stage, files: list[tuple[str, bytes]]
):
    await stage.start()
    posted = await stage.theo.say(stage.channel, "look", files=files)
    press = await stage.mara.menu(posted, "Edit picture")
    await press.answered()
    assert press.ephemeral
    assert last_line(press.messages[0]) == "-# unreadable · not charged"


async def test_the_menu_tells_the_cost_of_an_answer_and_of_its_request(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    (shown,) = await stage.answers(thread, asked.id)
    for message in (shown, asked):
        press = await stage.theo.menu(message, "Cost and details")
        await press.answered()
        assert press.ephemeral
        assert "**Cost:** $0." in press.messages[0].content


async def test_the_menu_says_of_other_messages_that_they_cost_nothing_here(stage: Stage):
    await stage.start()
    posted = await stage.theo.say(stage.channel, "hello")
    press = await stage.mara.menu(posted, "Cost and details")
    await press.answered()
    assert press.ephemeral
    assert "not one of Easel's answers" in press.messages[0].content
