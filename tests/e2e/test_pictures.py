"""Which picture is meant, and what of it reaches the model."""

import pytest

from bot.sandbox.discord import images, posting
from bot.sandbox.discord.forms import Draft, Upload
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say
from tests.e2e.photos import (
    HOME,
    meant,
    media_types,
    model_saw,
    on_shelf,
    opened,
    phone_photo,
    png,
    received,
    shas,
)
from tests.e2e.stage import Stage
from tests.pictures.boxes import Coded, Kind, file_of, still, turn_boxes
from tests.pictures.paint import (
    BLUE,
    GOLD,
    GREEN,
    RED,
    WHITE,
    alike,
    blocks,
    encoded,
    read_blocks,
    turned,
)

CLEAR = (0, 0, 0, 0)


async def ask(stage: Stage, text: str, reply_to: Message) -> None:
    """A mention by Theo that replies to a message in the channel, until its answer is there."""
    asked = await stage.theo.say(stage.channel, f"{stage.me} {text}", reply_to=reply_to)
    await stage.answers(await stage.thread_of(asked), asked.id)


async def test_a_photo_in_a_mention_is_edited(stage: Stage):
    await stage.start()
    _, answer = await stage.ask_in_thread("make it night", files=[("cat.png", png(RED))])
    await model_saw(stage, RED)
    assert opened(answer[0].attachments[0].data).width >= 16


async def test_a_photo_in_the_thread_is_edited_without_a_mention(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    asked = await stage.theo.say(thread, "and this at night", files=[("cat.png", png(GREEN))])
    await stage.answers(thread, asked.id)
    await model_saw(stage, GREEN)


async def test_a_photo_without_a_word_is_a_request(stage: Stage):
    await stage.start()
    await stage.ask_in_thread("", files=[("cat.png", png(BLUE))])
    await model_saw(stage, BLUE)


@pytest.mark.parametrize("orientation", [3, 6])
async def test_a_phones_photo_comes_upright_and_says_nothing_of_its_owner(
    stage: Stage, orientation: int
):
    await stage.start()
    upright = blocks([[RED, GREEN, BLUE], [GOLD, WHITE, RED]], side=32)
    photo = phone_photo(turned(upright, orientation), orientation)
    assert HOME.encode() in photo
    await stage.ask_in_thread("make it night", files=[("IMG_0001.JPG", photo)])
    (data,) = received(stage)
    assert media_types(stage.model.calls[-1]) == ["image/jpeg"]
    shown = opened(data)
    assert shown.size == upright.size
    assert not shown.getexif()
    assert HOME.encode() not in data
    assert b"Exif" not in data
    top, _ = read_blocks(on_shelf(stage, stage.sha256(data)), 3, 2)
    assert all(alike(one, wanted, 24) for one, wanted in zip(top, (RED, GREEN, BLUE), strict=True))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("content_type", ["image/heic", "application/octet-stream"])
async def test_what_phones_send_is_a_photo_whatever_discord_takes_it_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: Kind, content_type: str
):
    def judged(name: str, data: bytes) -> str:
        return content_type

    monkeypatch.setattr(images, "media_type", judged)
    await stage.start()
    coded = Coded.of(kind, turned(blocks([[RED, GREEN, BLUE], [GOLD, WHITE, RED]], side=64), 6))
    photo = file_of(kind, still(coded, *turn_boxes(6)))
    name = {"AVIF": "photo.avif", "HEIF": "IMG_0001.HEIC"}[kind]
    await stage.ask_in_thread("make it night", files=[(name, photo)])
    (data,) = received(stage)
    assert media_types(stage.model.calls[-1]) == ["image/jpeg"]
    assert opened(data).size == (192, 128)
    top, _ = read_blocks(on_shelf(stage, stage.sha256(data)), 3, 2)
    assert all(alike(one, wanted, 24) for one, wanted in zip(top, (RED, GREEN, BLUE), strict=True))


async def test_of_a_moving_gif_the_first_frame_is_meant(stage: Stage):
    await stage.start()
    first, second = blocks([[RED]]), blocks([[BLUE]])
    gif = encoded(first, "GIF", save_all=True, append_images=[second], duration=100)
    await stage.ask_in_thread("make it night", files=[("dance.gif", gif)])
    await model_saw(stage, RED)
    assert media_types(stage.model.calls[-1]) == ["image/png"]


async def test_a_webps_transparency_is_kept(stage: Stage):
    await stage.start()
    sticker = encoded(blocks([[(*RED, 255), CLEAR]], mode="RGBA"), "WEBP", lossless=True)
    _, answer = await stage.ask_in_thread("add a hat", files=[("sticker.webp", sticker)])
    (data,) = received(stage)
    assert read_blocks(on_shelf(stage, stage.sha256(data)), 2, 1)[0][1][3] == 0
    assert opened(answer[0].attachments[0].data).getchannel("A").getextrema() == (0, 255)


async def test_several_photos_go_along_in_their_order(stage: Stage):
    await stage.start()
    files = [(f"{n}.png", png(colour)) for n, colour in enumerate((BLUE, RED, GREEN, GOLD))]
    await stage.ask_in_thread("all in one frame", files=files)
    await model_saw(stage, BLUE, RED, GREEN, GOLD)


async def test_a_forward_of_ones_own_in_the_thread_is_meant(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    photo = await stage.mara.say(stage.channel, "my cat", files=[("cat.png", png(GOLD))])
    forwarded = await stage.theo.forward(photo, thread)
    await stage.answers(thread, forwarded.id)
    await model_saw(stage, GOLD)


async def test_a_forward_of_easels_answer_means_the_very_picture(stage: Stage):
    await stage.start()
    _, first = await stage.ask_in_thread("a red fox")
    thread, _ = await stage.ask_in_thread("a blue whale")
    forwarded = await stage.theo.forward(first[0], thread)
    await stage.answers(thread, forwarded.id)
    assert meant(stage.model.calls[-1]) == shas(stage, first[0])


async def test_ones_own_photo_goes_before_the_picture_replied_to(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("a red fox")
    asked = await stage.theo.say(
        thread, "put this beside it", files=[("cat.png", png(RED))], reply_to=answer[0]
    )
    await stage.answers(thread, asked.id)
    await model_saw(stage, RED)


async def test_a_reply_to_the_earlier_of_two_answers_edits_that_one(stage: Stage):
    await stage.start()
    thread, first = await stage.ask_in_thread("a red fox")
    asked = await stage.mara.say(thread, "make it night")
    second = await stage.answers(thread, asked.id)
    asked = await stage.theo.say(thread, "make it autumn", reply_to=first[0])
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, first[0])
    assert shas(stage, first[0]) != shas(stage, second[0])


async def test_without_a_word_about_which_the_conversations_last_picture_is_meant(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    asked = await stage.mara.say(thread, "make it night")
    second = await stage.answers(thread, asked.id)
    asked = await stage.theo.say(thread, "make it autumn")
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, second[0])


async def test_a_photo_answered_in_words_is_the_conversations_last_picture(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fine cat."))
    thread, _ = await stage.ask_in_thread("who is that?", files=[("cat.png", png(GOLD))])
    asked = await stage.theo.say(thread, "give it a hat")
    await stage.answers(thread, asked.id)
    await model_saw(stage, GOLD)


async def test_a_reply_to_an_answer_with_two_pictures_means_both(stage: Stage):
    await stage.start()
    stage.model.script([Paint("one fox"), Paint("two foxes")])
    thread, answer = await stage.ask_in_thread("foxes")
    assert len(answer) == 1
    assert len(answer[0].attachments) == 2
    asked = await stage.theo.say(thread, "join them", reply_to=answer[0])
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer[0])


async def test_of_two_pictures_the_later_is_the_conversations_last(stage: Stage):
    await stage.start()
    stage.model.script([Paint("one fox"), Paint("two foxes")])
    thread, answer = await stage.ask_in_thread("foxes")
    asked = await stage.theo.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer[0])[1:]


@pytest.mark.parametrize("number", [0, 1])
async def test_a_reply_to_one_message_of_an_answer_means_the_picture_in_it(
    stage: Stage, number: int
):
    await stage.start()
    stage.model.script([Say("First:"), Paint("one fox"), Say("Second:"), Paint("two foxes")])
    thread, answer = await stage.ask_in_thread("foxes")
    await stage.until_idle()  # its messages are noted, as before a person has read them
    assert [len(message.attachments) for message in answer] == [1, 1]
    asked = await stage.theo.say(thread, "make it night", reply_to=answer[number])
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer[number])


async def test_a_reply_to_the_ping_means_the_picture_it_announces(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    stage.clock.pushed_ms += 30_000
    stage.model.gate.open()
    thread = await stage.thread_of(asked)
    answer = await stage.answers(thread, asked.id)
    ping = await thread.wait_for(lambda message: stage.mara in message.pinged)
    await stage.until_idle()  # its messages are noted, as before a person has read them
    other = await stage.mara.say(thread, "a blue whale")
    await stage.answers(thread, other.id)
    again = await stage.mara.say(thread, "make it night", reply_to=ping)
    await stage.answers(thread, again.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer[0])


async def test_a_pinged_reply_to_a_commands_answer_means_its_picture(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    answer = await used.finished()
    await stage.answers(stage.channel, used.id)
    await ask(stage, "make it night", answer)
    assert meant(stage.model.calls[-1]) == shas(stage, answer)


async def test_a_reply_to_a_strangers_photo_means_it(stage: Stage):
    await stage.start()
    photo = await stage.mara.say(
        stage.channel, "look", files=[("notes.txt", b"no picture"), ("cat.png", png(GOLD))]
    )
    await ask(stage, "make it night", photo)
    await model_saw(stage, GOLD)


async def test_a_reply_to_a_link_means_the_picture_that_it_shows(stage: Stage):
    await stage.start()
    file = posting.store(stage.channel, Upload(0, "cat.png", png(GREEN)), ephemeral=False)
    proxy = stage.discord.world.file_url(file)
    picture: Json = {"url": "https://cats.example/cat.png", "proxy_url": proxy}
    link = await stage.mara.say(
        stage.channel,
        "https://cats.example/cat.png",
        unfurled=[{"type": "image", "url": picture["url"], "thumbnail": picture}],
    )
    await ask(stage, "make it night", link)
    await model_saw(stage, GREEN)


def gallery(*names: str) -> Json:
    items = [{"media": {"url": f"attachment://{name}"}} for name in names]
    return {"type": 12, "items": items}


def section(name: str) -> Json:
    thumbnail: Json = {"type": 11, "media": {"url": f"attachment://{name}"}}
    return {"type": 9, "components": [{"type": 10, "content": "a cat"}], "accessory": thumbnail}


@pytest.mark.parametrize(
    "components",
    [
        [gallery("red.png", "gold.png")],
        [{"type": 17, "components": [gallery("red.png"), section("gold.png")]}],
        [section("red.png"), {"type": 13, "file": {"url": "attachment://gold.png"}}],
    ],
    ids=["gallery", "container", "section and file"],
)
async def test_a_reply_to_components_means_the_pictures_in_them(
    stage: Stage, components: list[Json]
):
    await stage.start()
    uploads = [Upload(0, "red.png", png(RED)), Upload(1, "gold.png", png(GOLD))]
    draft = Draft(components=components, uploads=uploads, flags=1 << 15)
    shown = posting.add(stage.channel, stage.mara, draft)
    assert shown.attachments == []
    await ask(stage, "make it night", shown)
    await model_saw(stage, RED, GOLD)


async def test_a_reply_to_a_forward_means_the_picture_in_it(stage: Stage):
    await stage.start()
    elsewhere = stage.server.add_channel("elsewhere")
    photo = await stage.mara.say(elsewhere, "look", files=[("cat.png", png(BLUE))])
    forwarded = await stage.mara.forward(photo, stage.channel)
    await ask(stage, "make it night", forwarded)
    await model_saw(stage, BLUE)


async def test_a_reply_to_a_forward_of_a_link_means_the_picture_that_it_shows(stage: Stage):
    await stage.start()
    file = posting.store(stage.channel, Upload(0, "cat.png", png(GREEN)), ephemeral=False)
    picture: Json = {"url": "https://cats.example/cat.png"}
    picture["proxy_url"] = stage.discord.world.file_url(file)
    link = await stage.mara.say(
        stage.channel, picture["url"], unfurled=[{"type": "image", "image": picture}]
    )
    forwarded = await stage.mara.forward(link, stage.channel)
    await ask(stage, "make it night", forwarded)
    await model_saw(stage, GREEN)


async def test_a_reply_to_words_leaves_the_conversations_last_picture(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("a red fox")
    words = await stage.mara.say(stage.channel, "nothing to see here")
    asked = await stage.theo.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer[0])
    await ask(stage, "what of this", words)
    assert meant(stage.model.calls[-1]) == []
