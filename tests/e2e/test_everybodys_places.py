"""Every place, by everybody, before and after a restart."""

import pytest

from bot.sandbox.discord import posting
from bot.sandbox.discord.shapes import ChannelKind, Permission
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.people import Person
from tests.e2e import scenes
from tests.e2e.cast import PERMISSION_LINE, Cast, answered, enter
from tests.e2e.photos import said
from tests.e2e.scenes import DONE, SILENT, each, outcome
from tests.e2e.stage import Stage, last_line

DENIED = {
    scenes.NO_THREADS: Permission.CREATE_PUBLIC_THREADS,
    scenes.NO_FILES: Permission.ATTACH_FILES,
    scenes.NO_WORDS: Permission.SEND_MESSAGES,
}
WORDS = "a red fox"


async def place(cast: Cast, what: str) -> Channel:
    stage = cast.stage
    match what:
        case scenes.NEWS:
            return stage.server.add_channel("news", "announcement")
        case scenes.OWN_THREAD:
            return (await stage.ask_in_thread("a boat"))[0]
        case scenes.THEIR_THREAD:
            return await stage.theo.start_thread(stage.channel, "Theo's own")
        case scenes.PRIVATE_THREAD:
            kind = ChannelKind.PRIVATE_THREAD
            thread = posting.open_thread(stage.channel, stage.owner, "A secret", 60, kind=kind)
            thread.people += [person for _, person in cast.people()]
            thread.people.append(stage.discord.bot_user)
            return thread
        case scenes.POST:
            forum = stage.server.add_channel("ideas", "forum")
            return await stage.theo.start_thread(forum, "An idea", text="What of foxes?")
        case scenes.VOICE:
            return stage.server.add_channel("stage door", "voice")
        case _:
            channel = stage.server.add_channel("place")
            if what in DENIED:
                channel.set_permissions(stage.discord.bot_user, deny=DENIED[what])
            return channel


async def ask(
    cast: Cast,
    what: str,
    channel: Channel,
    person: Person,
    *,
    reply_to: Message | None = None,
    goes_on: bool = False,
) -> None:
    """Fails unless somebody who asks here is answered, after what was said before."""
    stage = cast.stage
    name = "" if what in {scenes.OWN_THREAD, scenes.DIRECT} else f"{stage.me} "
    asked = await person.say(channel, f"{name}{WORDS}", reply_to=reply_to)
    where = await stage.thread_of(asked) if what in scenes.THREADED else channel
    shown = await answered(stage, where, asked.id)
    assert shown.attachments
    assert (asked.thread is not None) == (what in scenes.THREADED)
    earlier = said(stage.model.calls[-1])[:-1]
    assert not goes_on or ("user", WORDS) in earlier


async def be_refused(cast: Cast, what: str, channel: Channel, person: Person) -> None:
    stage, calls = cast.stage, len(cast.stage.model.calls)
    asked = await person.say(channel, f"{stage.me} {WORDS}")
    (message,) = await stage.answers(channel, asked.id)
    assert message.reply_to is asked
    assert last_line(message) == PERMISSION_LINE
    assert asked.thread is None
    their_own = person is cast.blocked
    assert ("Attach Files" in message.content) == (what == scenes.NO_FILES and not their_own)
    assert len(stage.model.calls) == calls


@pytest.mark.parametrize("what", each(row.what for row in scenes.SECTIONS["Places"]))
async def test_everybody_is_answered_where_they_ask_and_after_a_restart_goes_on(
    stage: Stage, what: str
):
    cast = await enter(stage)
    channel = None if what == scenes.DIRECT else await place(cast, what)
    first: dict[Person, Message] = {}
    unheard: list[Message] = []
    async for when in cast.before_and_after():
        for who, person in cast.people():
            here = channel or person.dm
            match outcome(what, who):
                case scenes.DONE:
                    await ask(
                        cast,
                        what,
                        here,
                        person,
                        reply_to=first.get(person),
                        goes_on=when == "after" and what not in scenes.THREADED,
                    )
                    if what in scenes.IN_PLACE:
                        first[person] = stage.ours(here)[-1]
                case scenes.REFUSED:
                    await be_refused(cast, what, here, person)
                case scenes.SILENT:
                    unheard.append(await person.say(here, f"{stage.me} {WORDS}"))
                case never:
                    assert never == scenes.NOBODY
    calls = len(stage.model.calls)
    await ask(cast, scenes.TEXT, stage.channel, stage.theo)
    assert len(stage.model.calls) == calls + 1
    assert (SILENT in scenes.ROWS[what].by.values()) == bool(unheard)
    assert not [one for one in unheard if stage.ours(one.channel) or one.thread]
    assert len(stage.model.calls) > 1 or DONE not in scenes.ROWS[what].by.values()
