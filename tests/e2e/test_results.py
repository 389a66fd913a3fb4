"""What the model made, as people get it: order, messages, files and limits."""

from collections.abc import Sequence

import pytest

from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say
from bot.store import pieces
from bot.store.pictures import Picture
from tests.e2e.photos import meant, on_shelf, opened, shas
from tests.e2e.stage import Stage, last_line

CODE = "```python\nprint('a fox')\n```"


def names(messages: Sequence[Message]) -> list[list[str]]:
    return [[file.name for file in message.attachments] for message in messages]


def without_line(message: Message) -> str:
    assert last_line(message).startswith("-# $")
    return message.content.removesuffix(last_line(message)).strip()


async def made(stage: Stage, exchange_id: int) -> list[Picture]:
    """The pictures of an answer as the bot keeps them."""
    answer = await stage.read(lambda tx: pieces.of_exchange(tx, exchange_id))
    return [piece.picture for piece in answer if piece.picture is not None]


async def test_several_pictures_share_a_message_and_are_numbered(stage: Stage):
    await stage.start()
    stage.model.script([Say("Three foxes."), Paint("foxes", count=3)])
    thread, answer = await stage.ask_in_thread("three foxes")
    assert names(answer) == [[f"easel-{thread.id}-{n}.png" for n in (1, 2, 3)]]
    assert shas(stage, *answer) == [one.id for one in await made(stage, thread.id)]


@pytest.mark.parametrize(
    "steps",
    [[Paint("a fox", copies=2)], [Paint("a fox"), Say("Once more:"), Paint("a fox")]],
    ids=["a repeated chunk", "behind text"],
)
async def test_the_same_picture_twice_is_shown_once(stage: Stage, steps: list[Paint | Say]):
    await stage.start()
    stage.model.script(steps)
    thread, answer = await stage.ask_in_thread("a fox")
    assert [name for one in names(answer) for name in one] == [f"easel-{thread.id}-1.png"]


async def test_the_same_picture_in_two_answers_is_shown_in_both(stage: Stage):
    await stage.start()
    stage.model.script(Paint("a fox"), Paint("a fox"))
    thread, first = await stage.ask_in_thread("a fox")
    asked = await stage.mara.say(thread, "again")
    second = await stage.answers(thread, asked.id)
    assert shas(stage, *first) == shas(stage, *second)
    assert names(second) == [[f"easel-{asked.id}-1.png"]]


async def test_text_code_and_pictures_keep_the_models_order(stage: Stage):
    await stage.start()
    stage.model.script(
        [
            Say(f"A fox in code:\n{CODE}"),
            Paint("one"),
            Say("Two more:"),
            Paint("two"),
            Paint("three"),
            Say("That is all."),
        ]
    )
    thread, answer = await stage.ask_in_thread("foxes and code")
    first, second, third = answer
    assert first.content == f"A fox in code:\n{CODE}"
    assert second.content == "Two more:"
    assert without_line(third) == "That is all."
    assert names(answer) == [
        [f"easel-{thread.id}-1.png"],
        [f"easel-{thread.id}-2.png", f"easel-{thread.id}-3.png"],
        [],
    ]
    assert shas(stage, *answer) == [one.id for one in await made(stage, thread.id)]
    assert second.reply_to is first
    assert third.reply_to is first
    assert len(shas(stage, *answer)) == 3


async def test_a_picture_before_any_text_has_a_message_of_its_own(stage: Stage):
    await stage.start()
    stage.model.script([Paint("one"), Say("A fox.")])
    _, answer = await stage.ask_in_thread("a fox")
    assert [len(message.attachments) for message in answer] == [1, 0]
    assert answer[0].content == ""
    assert without_line(answer[1]) == "A fox."


async def test_the_picture_is_the_models_byte_for_byte_where_it_fits(stage: Stage):
    await stage.start()
    stage.model.script(Paint("a fox", media_type="image/webp"))
    thread, answer = await stage.ask_in_thread("a fox")
    (picture,) = await made(stage, thread.id)
    assert picture.media_type == "image/webp"
    assert shas(stage, *answer) == [picture.id]
    assert names(answer) == [[f"easel-{thread.id}-1.webp"]]


async def test_pictures_have_alt_text_of_the_request(stage: Stage):
    await stage.start()
    asked = "a red fox " + "in deep, deep snow " * 90
    _, answer = await stage.ask_in_thread(asked)
    said = answer[0].attachments[0].description
    assert said is not None
    assert "a red fox in deep, deep snow" in said
    assert len(said) <= 1024


async def test_a_result_is_fitted_under_the_upload_limit_and_the_original_kept(stage: Stage):
    stage.server.upload_bytes_override = 6_000
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox in deep snow")
    (answer,) = await stage.answers(stage.channel, used.id)
    (file,) = answer.attachments
    assert len(file.data) <= 6_000
    assert file.content_type == "image/jpeg"
    assert file.name == f"easel-{used.id}-1.jpg"
    assert file.description is not None
    assert "a red fox in deep snow" in file.description
    (picture,) = await made(stage, used.id)
    assert picture.size_bytes > 6_000
    original = on_shelf(stage, picture.id).read_bytes()
    assert stage.sha256(original) == picture.id
    assert opened(original).size == (128, 128)
    assert last_line(answer).startswith("-# $")

    stage.server.upload_bytes_override = None
    asked = await stage.theo.say(stage.channel, f"{stage.me} make it night", reply_to=answer)
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert meant(stage.model.calls[-1]) == [picture.id]


@pytest.mark.parametrize(
    "refusal", [(413, {"message": "Payload Too Large", "code": 0}), (400, {"code": 40005})]
)
async def test_refused_as_too_large_it_is_made_smaller_once(
    stage: Stage, refusal: tuple[int, dict[str, object]]
):
    await stage.start()
    status, body = refusal
    edit = r"/channels/\d+/messages/\d+"
    stage.model.script([Say("Two foxes."), Paint("foxes", count=2)])
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} two foxes")
    await stage.model.gate.arrived()
    stage.discord.faults.append(Fault("PATCH", edit, status=status, body=body))
    stage.model.gate.open()
    answer = await stage.answers(await stage.thread_of(asked), asked.id)
    assert len(answer) == 1
    refused, accepted = stage.discord.sent("PATCH", edit)
    assert (refused.status, accepted.status) == (status, 200)
    for (_, before), (_, after) in zip(refused.files, accepted.files, strict=True):
        assert after <= before / 2
    originals = await made(stage, asked.id)
    for file, original in zip(answer[0].attachments, originals, strict=True):
        assert len(file.data) < original.size_bytes
        assert on_shelf(stage, original.id).stat().st_size == original.size_bytes
    assert last_line(answer[0]).startswith("-# $")
