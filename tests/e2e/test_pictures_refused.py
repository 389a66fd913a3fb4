"""Files that cannot be used: one sentence, nothing charged, and the model never hears of it."""

import pytest

from bot.sandbox.discord import posting
from bot.sandbox.discord.forms import Draft, Upload
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, RED, raw_png

MIB = 1024 * 1024
UNREADABLE = "-# unreadable · not charged"
TOO_LARGE = "-# too-large · not charged"


def damaged() -> bytes:
    photo = bytearray(png(RED, BLUE))
    photo[len(photo) // 2] ^= 0xFF
    return bytes(photo)


BAD_PICTURES = {
    "text": b"I am no picture.",
    "damaged": damaged(),
    "cut off": png(RED, BLUE)[:60],
    "empty": b"",
    "another kind": b"BM" + bytes(60),
}


async def refused(stage: Stage, answer: list[Message], line: str) -> None:
    """Fails unless the answer is one notice with this line, and nothing was asked or charged."""
    assert len(answer) == 1
    sentence, last = answer[0].content.split("\n")
    assert last == line
    assert sentence.endswith(".")
    assert answer[0].attachments == []
    await stage.until_idle()
    assert not stage.model.calls
    assert await stage.open_holds() == 0
    assert await stage.ledger_nano_usd() == 0


async def test_an_attachment_of_no_use_is_refused_by_reply_without_a_thread(stage: Stage):
    await stage.start()
    files = [("cat.png", png(RED)), ("notes.zip", b"PK")]
    asked = await stage.mara.say(stage.channel, f"{stage.me} make it night", files=files)
    answer = await stage.answers(stage.channel, asked.id)
    await refused(stage, answer, UNREADABLE)
    assert "notes.zip" in answer[0].content
    assert answer[0].reply_to is asked
    assert answer[0].pinged == []
    assert asked.thread is None
    assert not stage.discord.sent("GET", "/cdn/.*")


@pytest.mark.parametrize("kind", BAD_PICTURES)
async def test_what_only_calls_itself_a_picture_is_unreadable(stage: Stage, kind: str):
    await stage.start()
    files = [("good.png", png(RED)), ("cat.png", BAD_PICTURES[kind])]
    _, answer = await stage.ask_in_thread("make it night", files=files)
    await refused(stage, answer, UNREADABLE)
    assert "cat.png" in answer[0].content


async def test_a_file_over_the_bound_of_bytes_is_too_large_and_not_even_fetched(stage: Stage):
    stage.server.upload_bytes_override = 100 * MIB
    await stage.start()
    photo = png(RED) + bytes(25 * MIB)
    draft = Draft(content=f"{stage.me} make it night", uploads=[Upload(0, "cat.png", photo)])
    asked = posting.add(stage.channel, stage.mara, draft)
    answer = await stage.answers(await stage.thread_of(asked), asked.id)
    await refused(stage, answer, TOO_LARGE)
    assert "25 MiB" in answer[0].content


async def test_a_picture_over_the_bound_of_pixels_is_too_large(stage: Stage):
    await stage.start()
    photo = raw_png((8_000, 6_000), 8, 2, b"")
    assert len(photo) < 1000
    _, answer = await stage.ask_in_thread("make it night", files=[("bomb.png", photo)])
    await refused(stage, answer, TOO_LARGE)
    assert "40 megapixels" in answer[0].content


async def test_a_picture_that_was_taken_away_is_unreadable(stage: Stage):
    await stage.start()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", times=2, status=404))
    _, answer = await stage.ask_in_thread("make it night", files=[("cat.png", png(RED))])
    await refused(stage, answer, UNREADABLE)


async def test_a_picture_of_which_half_arrives_is_fetched_again(stage: Stage):
    await stage.start()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", cut_after_bytes=50))
    _, answer = await stage.ask_in_thread("make it night", files=[("cat.png", png(RED))])
    assert len(answer[0].attachments) == 1
    assert len(stage.discord.sent("GET", "/cdn/.*")) == 2


async def test_a_picture_from_elsewhere_than_discord_is_not_fetched(stage: Stage):
    await stage.start()
    file = posting.store(stage.channel, Upload(0, "cat.png", png(RED)), ephemeral=False)
    url = stage.discord.world.file_url(file).replace("127.0.0.1", "localhost")
    embed = {"type": "image", "url": url, "thumbnail": {"url": url}}
    link = await stage.mara.say(stage.channel, url, unfurled=[embed])
    asked = await stage.theo.say(stage.channel, f"{stage.me} make it night", reply_to=link)
    answer = await stage.answers(await stage.thread_of(asked), asked.id)
    await refused(stage, answer, UNREADABLE)
    assert not stage.discord.sent("GET", "/cdn/.*")


async def test_a_commands_file_that_is_no_picture_is_refused_at_once_and_privately(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel, "edit", picture=("notes.txt", b"plain words"), prompt="make it night"
    )
    answer = await used.finished()
    assert used.ephemeral
    await refused(stage, [answer], UNREADABLE)


async def test_a_commands_damaged_picture_ends_in_the_answer(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel, "edit", picture=("cat.png", damaged()), prompt="make it night"
    )
    answer = await stage.answers(stage.channel, used.id)
    await refused(stage, answer, UNREADABLE)
    assert answer == [used.original]


async def test_after_a_refusal_the_conversation_goes_on(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("make it night", files=[("cat.png", damaged())])
    assert last_line(answer[0]) == UNREADABLE
    asked = await stage.mara.say(thread, "then this", files=[("cat.png", png(RED))])
    answer = await stage.answers(thread, asked.id)
    assert len(answer[0].attachments) == 1
