"""What people edit or delete after it was heard changes what goes along, and an edited request may
be run again.
"""

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import Say, answer
from bot.store import exchanges
from tests.e2e.photos import meant, png, said, shas
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import BLUE, RED

OFFER = "You changed your request."


async def ask_on(stage: Stage, thread: Channel, text: str) -> list[str]:
    """What of people's words went along with a request, and its own."""
    asked = await stage.mara.say(thread, text)
    await stage.answers(thread, asked.id)
    return [text for role, text in said(stage.model.calls[-1]) if role == "user"]


async def test_an_edited_request_goes_along_with_its_new_words(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fox."))
    asked = await stage.mara.say(stage.channel, f"{stage.me} who is a red fax?")
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    await stage.mara.edit_message(asked, f"{stage.me} who is a red fox?")
    await thread.wait_for(lambda one: OFFER in one.content)
    assert await ask_on(stage, thread, "and why?") == ["who is a red fox?", "and why?"]


async def test_a_deleted_request_goes_along_no_more_and_its_answer_does(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fox."), Say("So it is."))
    thread, _ = await stage.ask_in_thread("who is red?")
    asked = await stage.mara.say(thread, "my code is 1234?")
    await stage.answers(thread, asked.id)
    await stage.mara.delete(asked)
    assert await ask_on(stage, thread, "and why?") == ["who is red?", "and why?"]
    assert ("assistant", "So it is.") in said(stage.model.calls[-1])


async def test_words_taken_out_from_above_a_picture_go_along_no_more(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fox."), Say("I see."))
    thread, _ = await stage.ask_in_thread("who is red?")
    asked = await stage.mara.say(thread, "my code is 1234", files=[("cat.png", png(RED))])
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    await stage.mara.edit_message(asked, "")
    await thread.wait_for(lambda one: OFFER in one.content)
    told = await ask_on(stage, thread, "make it night")
    assert not [text for text in told if "1234" in text]
    assert stage.model.calls[-1].pictures


async def test_words_edited_to_nothing_visible_go_along_no_more_and_are_not_offered(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fox."), Say("I see."))
    thread, _ = await stage.ask_in_thread("who is red?")
    asked = await stage.mara.say(thread, "my code is 1234")
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    await stage.mara.edit_message(asked, "\u200b")
    told = await ask_on(stage, thread, "make it night")
    assert not [text for text in told if "1234" in text]
    assert not [one for one in stage.ours(thread) if OFFER in one.content]


async def test_the_picture_of_a_deleted_request_is_not_meant_any_more(stage: Stage):
    await stage.start()
    stage.model.script(Say("A fox."), Say("I see."))
    thread, _ = await stage.ask_in_thread("who is red?")
    asked = await stage.mara.say(thread, "look", files=[("cat.png", png(RED))])
    await stage.answers(thread, asked.id)
    await stage.mara.delete(asked)
    await ask_on(stage, thread, "make it night")
    assert not stage.model.calls[-1].pictures


async def test_a_deleted_answer_goes_along_no_more(stage: Stage):
    await stage.start()
    stage.model.script(Say("A secret."))
    thread, made = await stage.ask_in_thread("what is it?")
    await stage.until_idle()
    press = await stage.mara.click(made[-1], "Delete")
    await press.answered()
    await stage.discord.wait_until(lambda: made[-1].deleted, 20)
    await ask_on(stage, thread, "make it night")
    assert not [text for _, text in said(stage.model.calls[-1]) if "secret" in text]


@pytest.mark.parametrize("where", ["thread", "direct", "place"])
async def test_ones_last_request_edited_is_offered_to_run_again_once(stage: Stage, where: str):
    await stage.start()
    match where:
        case "thread":
            channel, _ = await stage.ask_in_thread("a boat")
        case "direct":
            channel = stage.mara.dm
        case _:
            channel = stage.server.add_channel("stage door", "voice")
    asked = await stage.mara.say(channel, f"{stage.me} a red fax")
    await stage.answers(channel, asked.id)
    await stage.mara.edit_message(asked, f"{stage.me} a red fox")
    offer = await channel.wait_for(lambda one: OFFER in one.content)
    assert offer.reply_to is asked
    assert offer.pinged == []
    assert [button["custom_id"] for button in offer.buttons] == [f"again:{asked.id}"]
    await stage.until_idle()
    press = await stage.mara.click(offer, "Again")
    made = await stage.answers(channel, press.id)
    assert last_line(made[-1]).startswith("-# $")
    assert stage.model.calls[-1].words == "a red fox"
    await stage.mara.edit_message(asked, f"{stage.me} a blue fox")
    await stage.until_idle()
    assert len([one for one in stage.ours(channel) if OFFER in one.content]) == 1


async def test_nothing_is_offered_for_an_older_request_for_the_same_words_or_for_embeds(
    stage: Stage,
):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a boat")
    first = await stage.mara.say(thread, "a red fox")
    await stage.answers(thread, first.id)
    last = await stage.mara.say(thread, "a blue whale")
    await stage.answers(thread, last.id)
    await stage.mara.edit_message(first, "a red fax")
    await stage.mara.edit_message(last, f"a blue whale {stage.me}")
    await ask_on(stage, thread, "done?")
    assert not [one for one in stage.ours(thread) if OFFER in one.content]


async def test_what_still_waits_is_asked_with_its_new_words(stage: Stage):
    stage.limit(running_max=1)
    await stage.start()
    stage.model.gate.close()
    first = await stage.theo.say(stage.channel, f"{stage.me} a boat")
    await stage.discord.wait_until(lambda: stage.model.gate.waiting == 1, 20)
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fax")
    thread = await stage.thread_of(asked)
    await stage.mara.edit_message(asked, f"{stage.me} a red fox, {'really ' * 200}")

    async def is_noted() -> bool:
        row = await stage.read(lambda tx: exchanges.get(tx, asked.id))
        return row.prompt.startswith("a red fox")

    async with asyncio.timeout(10):
        while not await is_noted():  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)
    stage.model.gate.open()
    await stage.answers(thread, asked.id)
    assert stage.model.calls[-1].words.startswith("a red fox, really")
    assert not [one for one in stage.ours(thread) if OFFER in one.content]
    await stage.answers(await stage.thread_of(first), first.id)


async def test_without_message_content_an_edit_that_is_not_told_changes_nothing(stage: Stage):
    discord = replace(stage.settings.discord, message_content=False)
    stage.settings = replace(stage.settings, discord=discord)
    stage.discord.message_content_enabled = False
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox?")
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    await stage.mara.edit_message(asked, "a secret")
    again = await stage.mara.say(thread, f"{stage.me} and why?")
    await stage.answers(thread, again.id)
    assert said(stage.model.calls[-1])[0] == ("user", "a red fox?")


async def test_a_moderators_deletion_counts_like_ones_own(stage: Stage):
    moderators = stage.server.add_role("Moderators", Permission.MANAGE_MESSAGES)
    momo = stage.discord.add_person("Momo")
    stage.server.join(momo, [moderators])
    await stage.start()
    thread, made = await stage.ask_in_thread("a boat")
    asked = await stage.mara.say(thread, "what is rude?")
    await stage.answers(thread, asked.id)
    await momo.delete(asked)
    spoken = await ask_on(stage, thread, "make it night")
    assert "what is rude?" not in spoken
    assert meant(stage.model.calls[-1]) == shas(stage, *made)


async def test_files_taken_out_of_a_message_go_along_no_more(stage: Stage):
    await stage.start()
    files = [("red.png", png(RED)), ("blue.png", png(BLUE)), ("notes.txt", b"of foxes")]
    stage.model.script(answer(Say("A fox.")), answer(Say("A fox.")))
    asked = await stage.mara.say(stage.channel, f"{stage.me} what is it?", files=files)
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    await stage.until_idle()
    red, _, _ = asked.files
    asked.files.remove(red)
    asked.files.pop()
    await stage.mara.edit_message(asked, f"{stage.me} what is it?")
    again = await stage.mara.say(thread, "and now?")
    await stage.answers(thread, again.id)
    first, second = stage.model.calls
    assert len(first.pictures) == 2
    assert [each.sha256 for each in second.pictures] == [first.pictures[1].sha256]
    assert "of foxes" in str(first.request)
    assert "of foxes" not in str(second.request)
