"""The buttons under an answer: how they stand there, and what a press of each does, for whom, also
after a restart and twice at once.
"""

import asyncio
import json
import re

from bot.ledger import reports
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, answer
from bot.sandbox.people import Person
from bot.store.database import Transaction
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED


def labels(message: Message) -> list[list[str]]:
    return [[part["label"] for part in row["components"]] for row in message.components]


async def painted(stage: Stage, text: str = "a fox") -> tuple[Channel, Message]:
    """A thread with a result by Mara, and its last message."""
    thread, shown = await stage.ask_in_thread(text)
    await stage.until_idle()
    return thread, shown[-1]


async def pressed(person: Person, message: Message, label: str) -> Interaction:
    press = await person.click(message, label)
    await press.answered()
    return press


async def test_a_picture_has_its_buttons_in_two_rows(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    (shown,) = await stage.answers(thread, asked.id)
    assert labels(shown) == [["Again", "Edit", "Details"], ["Original", "Delete"]]
    assert [part["custom_id"] for part in shown.buttons] == [
        f"{verb}:{asked.id}" for verb in ("again", "edit", "details", "original", "delete")
    ]


async def test_the_buttons_stand_on_the_last_message_and_name_each_picture(stage: Stage):
    stage.model.script(answer(Paint("red"), Say("One more."), Paint("blue"), Say("All.")))
    await stage.start()
    _, shown = await stage.ask_in_thread("two foxes")
    assert len(shown) > 1
    assert [labels(message) for message in shown[:-1]] == [[]] * (len(shown) - 1)
    assert labels(shown[-1]) == [["Again", "Edit 1", "Edit 2", "Details"], ["Original", "Delete"]]
    assert shown[-1].buttons[2]["custom_id"].endswith(":2")


async def test_words_alone_have_nothing_to_edit(stage: Stage):
    stage.model.script(answer(Say("Hello.")))
    await stage.start()
    _, shown = await painted(stage, "hello")
    assert labels(shown) == [["Again", "Details"], ["Delete"]]


async def test_again_is_a_new_exchange_of_whoever_pressed(stage: Stage):
    await stage.start()
    thread, shown = await painted(stage)
    press = await pressed(stage.theo, shown, "Again")
    assert not press.ephemeral
    done = await stage.answers(thread, press.id)
    assert press.original in done
    assert [call.words for call in stage.model.calls] == ["a fox", "a fox"]
    assert done[-1].attachments
    assert labels(done[-1]) == labels(shown)

    async def payers(tx: Transaction) -> set[str]:
        return {row.member_id async for row in reports.spend_rows(tx, "all")}

    assert await stage.read(payers) == {str(stage.mara.id), str(stage.theo.id)}


async def test_again_sends_what_was_sent_then(stage: Stage):
    await stage.start()
    thread, _ = await painted(stage)
    night = await stage.mara.say(thread, "make it night")
    shown = (await stage.answers(thread, night.id))[-1]
    later = await stage.mara.say(thread, "now with snow")
    await stage.answers(thread, later.id)
    press = await pressed(stage.mara, shown, "Again")
    await stage.answers(thread, press.id)
    first, again = (stage.model.calls[number].request["messages"] for number in (1, 3))
    assert again == first


async def test_again_brings_the_pictures_and_documents_of_a_request_without_words(stage: Stage):
    await stage.start()
    files = [("cat.png", png(RED)), ("notes.txt", b"a cat in the sun")]
    asked = await stage.mara.say(stage.mara.dm, files=files)
    shown = (await stage.answers(stage.mara.dm, asked.id))[-1]
    press = await pressed(stage.mara, shown, "Again")
    await stage.answers(stage.mara.dm, press.id)
    first, again = (call.request["messages"] for call in stage.model.calls)
    assert again == first
    assert "a cat in the sun" in json.dumps(again)


async def test_again_under_a_command_asks_for_the_same_shape_and_size_in_its_channel(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel, "imagine", prompt="a fox", shape="wide", size="2K"
    )
    (shown,) = await stage.answers(stage.channel, used.id)
    press = await pressed(stage.theo, shown, "Again")
    again = (await stage.answers(stage.channel, press.id))[-1]
    assert again.attachments
    first, second = stage.model.calls
    assert second.request["image_config"] == first.request["image_config"]
    assert second.request["messages"] == first.request["messages"]


async def test_again_twice_is_two_exchanges(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    both = [await stage.mara.click(shown, "Again") for _ in range(2)]
    for press in both:
        await press.answered()
    await stage.until_idle()
    assert len(stage.model.calls) == 3
    for press in both:
        assert press.original is not None
        assert press.original.attachments


async def test_details_tell_all_that_is_known(stage: Stage):
    stage.model.script(answer(Say("A fox at dawn."), Paint()))
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", shape="wide")
    (shown,) = await stage.answers(stage.channel, used.id)
    await stage.until_idle()
    press = await pressed(stage.theo, shown, "Details")
    assert press.ephemeral
    text = press.messages[0].content
    assert "a fox" in text
    assert "A fox at dawn." in text
    assert "wide (16:9)" in text
    assert re.search(r"picture 1 is \d+ × \d+ pixels", text)
    cost = re.search(r"\$\d\.\d{4}", last_line(shown))
    assert cost is not None
    assert cost[0] in text
    assert re.search(r"`gen-[^`]+`", text)
    assert re.search(r"\*\*Tokens:\*\* [\d,]+ in", text)
    assert f"<@{stage.mara.id}>" in text


async def test_details_link_to_the_request_and_to_what_it_came_from(stage: Stage):
    await stage.start()
    thread, shown = await painted(stage)
    first = await pressed(stage.mara, shown, "Details")
    assert f"/{stage.channel.id}/{thread.id})" in first.messages[0].content
    press = await pressed(stage.mara, shown, "Again")
    again = (await stage.answers(thread, press.id))[-1]
    text = (await pressed(stage.mara, again, "Details")).messages[0].content
    assert f"{stage.mara.mention} by a button" in text
    link = f"https://discord.com/channels/{stage.server.id}/{thread.id}/{shown.id}"
    assert link in text


async def test_details_say_when_the_shape_differs(stage: Stage):
    await stage.start()
    stage.model.script(answer(Paint(aspect_ratio="1:1")))
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", shape="wide")
    (shown,) = await stage.answers(stage.channel, used.id)
    text = (await pressed(stage.mara, shown, "Details")).messages[0].content
    assert "not the shape that was asked for" in text


async def test_a_prompt_too_long_for_details_comes_as_a_file(stage: Stage):
    await stage.start()
    prompt = "a fox " * 300
    _, shown = await painted(stage, prompt)
    press = await pressed(stage.mara, shown, "Details")
    (message,) = press.messages
    assert len(message.content) <= 2000
    assert prompt.strip() in message.files[0].data.decode()


async def test_details_of_the_wildest_answer_fit_and_end_with_its_cost(stage: Stage):
    stage.model.script(answer(Say("*_" * 900), *(Paint(f"fox {number}") for number in range(10))))
    await stage.start()
    _, shown = await painted(stage, "`*_|\n" * 380)
    (message,) = (await pressed(stage.mara, shown, "Details")).messages
    assert len(message.content) <= 2000
    assert "**Cost:** $" in message.content
    assert "**Came from:**" in message.content
    assert message.files


async def test_who_is_not_let_in_by_the_server_is_not_by_a_button_either(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    await (await stage.ada.command(stage.channel, "server pause")).answered()
    press = await pressed(stage.mara, shown, "Again")
    assert press.ephemeral
    assert last_line(press.messages[0]) == "-# permission · not charged"
    assert len(stage.model.calls) == 1


async def test_delete_takes_every_message_of_the_answer_and_leaves_the_books(stage: Stage):
    stage.model.script(answer(Paint("red"), Say("One more."), Paint("blue"), Say("All.")))
    await stage.start()
    _, shown = await stage.ask_in_thread("two foxes")
    await stage.until_idle()
    cost = await stage.ledger_nano_usd()
    press = await pressed(stage.mara, shown[-1], "Delete")
    assert press.ephemeral
    assert "deleted" in (await press.finished()).content
    assert all(message.deleted for message in shown)
    assert await stage.ledger_nano_usd() == cost > 0


async def test_delete_twice_at_once_deletes_once(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    both = [await stage.mara.click(shown, "Delete") for _ in range(2)]
    for press in both:
        await press.answered()
        await press.finished()
    deletes = [one for one in stage.discord.requests if one.method == "DELETE"]
    assert len(deletes) == 1
    assert sorted("already" in press.messages[0].content for press in both) == [False, True]


async def test_a_deleted_answer_stays_deleted_when_its_cost_becomes_known(stage: Stage):
    stage.model.generation_misses = 1_000_000
    stage.model.script(answer(Paint(), NoUsage()))
    await stage.start()
    thread, shown = await stage.ask_in_thread("a fox")
    press = await pressed(stage.mara, shown[-1], "Delete")
    await press.finished()
    await stage.stop()
    stage.model.generation_misses = 0
    await stage.start()
    await stage.until_idle()
    assert stage.ours(thread) == []


async def test_a_button_of_an_answer_that_is_not_known_is_answered(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    shown.components[0]["components"][0]["custom_id"] = "again:12345"
    press = await pressed(stage.mara, shown, "Again")
    assert press.ephemeral
    assert last_line(press.messages[0]) == "-# permission · not charged"


async def test_a_press_is_answered_before_anything_goes_to_the_model(stage: Stage):
    await stage.start()
    _, shown = await painted(stage)
    stage.model.gate.close()
    async with asyncio.timeout(1):
        press = await pressed(stage.mara, shown, "Again")
    assert press.latency_s is not None
    assert press.latency_s < 1
