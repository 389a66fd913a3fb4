"""What is read in a place: a forum post's title, and what little there is without the intent for
message content.
"""

from dataclasses import replace

import pytest

from bot.store import exchanges
from tests.e2e.photos import meant, said, shas
from tests.e2e.stage import Stage, last_line


async def test_a_forum_posts_title_and_first_message_are_the_prompt(stage: Stage):
    await stage.start()
    forum = stage.server.add_channel("ideas", "forum")
    post = await stage.mara.start_thread(forum, "A red fox", text=f"{stage.me} in the snow")
    (answer,) = await stage.answers(post, post.id)
    assert said(stage.model.calls[-1]) == [("user", "A red fox\n\nin the snow")]
    assert answer.reply_to is not None
    assert answer.reply_to.id == post.id
    assert len(answer.attachments) == 1


async def test_the_title_alone_is_enough(stage: Stage):
    await stage.start()
    forum = stage.server.add_channel("ideas", "forum")
    post = await stage.mara.start_thread(forum, "A red fox", text=stage.me)
    await stage.answers(post, post.id)
    assert said(stage.model.calls[-1]) == [("user", "A red fox")]


async def test_the_title_belongs_to_the_first_message_alone(stage: Stage):
    await stage.start()
    forum = stage.server.add_channel("ideas", "forum")
    post = await stage.theo.start_thread(forum, "Nothing to paint", text="Just words.")
    asked = await stage.mara.say(post, f"{stage.me} a red fox")
    await stage.answers(post, asked.id)
    assert said(stage.model.calls[-1]) == [("user", "a red fox")]
    assert not await stage.read(lambda tx: exchanges.is_known(tx, post.id))


@pytest.mark.parametrize("kind", ["text", "forum"])
async def test_without_message_content_it_works_by_mention_pinged_reply_and_command(
    stage: Stage, kind: str
):
    discord = replace(stage.settings.discord, message_content=False)
    stage.settings = replace(stage.settings, discord=discord)
    stage.discord.message_content_enabled = False
    await stage.start()
    if kind == "forum":
        forum = stage.server.add_channel("ideas", "forum")
        place = await stage.mara.start_thread(forum, "A red fox", text=stage.me)
        (first,) = await stage.answers(place, place.id)
    else:
        place, (first,) = await stage.ask_in_thread("a red fox")
    unheard = await stage.mara.say(place, "and a hat")
    asked = await stage.mara.say(place, "make it night", reply_to=first)
    (second,) = await stage.answers(place, asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, first)
    asked = await stage.theo.say(place, f"{stage.me} a blue whale")
    await stage.answers(place, asked.id)
    used = await stage.mara.command(place, "imagine", prompt="a boat")
    assert last_line((await stage.answers(place, used.id))[-1]).startswith("-# $")
    assert second.reply_to is not None
    assert not await stage.read(lambda tx: exchanges.is_known(tx, unheard.id))
    assert len(stage.model.calls) == 4
