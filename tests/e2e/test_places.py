"""Where Easel answers, whom, and where it only listens for its name."""

import pytest

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.forms import Draft
from bot.sandbox.discord.shapes import NO_PERMISSIONS, MessageKind, Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message, User
from bot.sandbox.openrouter import Paint, Say
from bot.store import exchanges
from tests.e2e.photos import meant, png, said, shas
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

PERMISSION_LINE = "-# permission · not charged"


def deny(stage: Stage, channel: Channel, *permissions: Permission) -> None:
    """Takes permissions from Easel in a channel."""
    denied = NO_PERMISSIONS
    for permission in permissions:
        denied |= permission
    channel.set_permissions(stage.discord.bot_user, deny=denied)


async def assert_ignored(stage: Stage, *messages: Message) -> None:
    """Fails if one of these was heard. Something else is asked after them, so they had time."""
    calls = len(stage.model.calls)
    elsewhere = stage.server.add_channel("elsewhere")
    asked = await stage.ada.say(elsewhere, f"{stage.me} are you there?")
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert len(stage.model.calls) == calls + 1
    for message in messages:
        assert not await stage.read(lambda tx, one=message: exchanges.is_known(tx, one.id))
        assert message.thread is None
        assert not [one for one in message.channel.messages if one.reply_to is message]


async def place(stage: Stage, kind: str) -> Channel:
    """A place where Easel opens no thread."""
    if kind == "voice":
        return stage.server.add_channel("stage door", "voice")
    if kind == "forum post":
        forum = stage.server.add_channel("ideas", "forum")
        return await stage.theo.start_thread(forum, "An idea", text="What of foxes?")
    if kind == "somebody's thread":
        return await stage.theo.start_thread(stage.channel, "Theo's own")
    deny(stage, stage.channel, Permission.CREATE_PUBLIC_THREADS)
    return stage.channel


async def test_a_mention_of_the_managed_role_counts(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.server.bot_role.mention} a red fox")
    thread = await stage.thread_of(asked)
    assert len(await stage.answers(thread, asked.id)) == 1
    assert thread.name == "a red fox"
    assert stage.model.calls[-1].words == "a red fox"


async def test_a_pinged_reply_to_easel_counts_as_a_mention_and_an_unpinged_does_not(stage: Stage):
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    answer = await used.finished()
    await stage.answers(stage.channel, used.id)
    quiet = await stage.theo.say(stage.channel, "lovely", reply_to=answer, ping=False)
    asked = await stage.theo.say(stage.channel, "make it night", reply_to=answer)
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert meant(stage.model.calls[-1]) == shas(stage, answer)
    await assert_ignored(stage, quiet)


@pytest.mark.parametrize("kind", ["forbidden", "voice", "forum post", "somebody's thread"])
async def test_without_a_thread_of_its_own_it_answers_by_reply_and_goes_on_by_replies(
    stage: Stage, kind: str
):
    await stage.start()
    channel = await place(stage, kind)
    asked = await stage.mara.say(channel, f"{stage.me} a red fox")
    (first,) = await stage.answers(channel, asked.id)
    assert first.reply_to is asked
    assert first.pinged == []
    assert asked.thread is None
    aside = await stage.theo.say(channel, "nice one")
    quiet = await stage.theo.say(channel, "really", reply_to=first, ping=False)
    again = await stage.theo.say(channel, "make it night", reply_to=first)
    (second,) = await stage.answers(channel, again.id)
    assert second.reply_to is again
    third = await stage.mara.say(channel, "and snow", reply_to=second)
    await stage.answers(channel, third.id)
    spoken = [text for role, text in said(stage.model.calls[-1]) if role == "user"]
    assert [text for text in spoken if not text.startswith("(")] == [
        "a red fox", "make it night", "and snow",
    ]  # fmt: skip
    assert meant(stage.model.calls[-1]) == shas(stage, second)
    sessions = {call.request["session_id"] for call in stage.model.calls}
    assert sessions == {f"easel-{asked.id}"}
    await assert_ignored(stage, aside, quiet)


async def test_a_new_mention_where_no_threads_are_is_a_new_conversation(stage: Stage):
    await stage.start()
    channel = await place(stage, "forbidden")
    for text in ("a red fox", "a blue whale"):
        asked = await stage.mara.say(channel, f"{stage.me} {text}")
        await stage.answers(channel, asked.id)
    assert said(stage.model.calls[-1]) == [("user", "a blue whale")]


async def test_a_thread_that_cannot_be_opened_after_all_is_answered_by_reply(stage: Stage):
    await stage.start()
    stage.discord.faults.append(Fault("POST", ".*/threads", status=403, body={"code": 50013}))
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    (first,) = await stage.answers(stage.channel, asked.id)
    assert first.reply_to is asked
    theirs = await stage.theo.start_thread(stage.channel, "On foxes", message=asked)
    asides = [await stage.theo.say(place, "nice one") for place in (stage.channel, theirs)]
    await assert_ignored(stage, *asides)


async def test_somebodys_thread_is_served_where_only_threads_may_be_written_in(stage: Stage):
    deny(stage, stage.channel, Permission.SEND_MESSAGES)
    await stage.start()
    thread = await stage.theo.start_thread(stage.channel, "Theo's own")
    asked = await stage.mara.say(thread, f"{stage.me} a red fox")
    assert len(await stage.answers(thread, asked.id)) == 1


async def test_where_history_is_not_to_be_read_it_answers_all_the_same(stage: Stage):
    deny(stage, stage.channel, Permission.READ_MESSAGE_HISTORY, Permission.CREATE_PUBLIC_THREADS)
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    (answer,) = await stage.answers(stage.channel, asked.id)
    assert len(answer.attachments) == 1


async def test_an_empty_mention_is_greeted_once(stage: Stage):
    await stage.start()
    for text in (stage.me, f"  {stage.me} {stage.server.bot_role.mention} "):
        asked = await stage.mara.say(stage.channel, text)
        hello = await stage.channel.wait_for(lambda one, asked=asked: one.reply_to is asked)
        assert "/imagine" in hello.content
        assert hello.pinged == []
        stage.discord.redeliver(asked)
        await assert_ignored_but_for(stage, asked, [hello])


async def assert_ignored_but_for(stage: Stage, asked: Message, answers: list[Message]) -> None:
    """Fails unless a message got just these answers, without a thread and without an exchange."""
    used = await stage.ada.command(stage.channel, "imagine", prompt="a red fox")
    await stage.answers(stage.channel, used.id)
    assert [one for one in asked.channel.messages if one.reply_to is asked] == answers
    assert asked.thread is None
    assert not await stage.read(lambda tx: exchanges.is_known(tx, asked.id))


async def test_an_empty_mention_that_replies_to_words_is_greeted(stage: Stage):
    await stage.start()
    words = await stage.theo.say(stage.channel, "what a day")
    asked = await stage.mara.say(stage.channel, stage.me, reply_to=words)
    hello = await stage.channel.wait_for(lambda one: one.reply_to is asked)
    await assert_ignored_but_for(stage, asked, [hello])


async def test_everyones_messages_in_its_thread_are_answered(stage: Stage):
    await stage.start()
    stage.model.script(Paint(), Say("I do."), Say("So do I."))
    thread, _ = await stage.ask_in_thread("a red fox")
    for person, text in ((stage.theo, "do you like it?"), (stage.ada, f"{stage.me} and you?")):
        asked = await person.say(thread, text)
        (answer,) = await stage.answers(thread, asked.id)
        assert answer.reply_to is asked
        assert asked.thread is None
    assert len(stage.channel.threads) == 1


async def test_an_edited_message_asks_nothing_anew(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    thread = await stage.thread_of(asked)
    await stage.answers(thread, asked.id)
    await stage.mara.edit_message(asked, f"{stage.me} a blue whale")
    await assert_ignored(stage)
    assert len([one for one in thread.messages if last_line(one).startswith("-# ")]) == 1


async def test_bots_and_webhooks_are_never_answered(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("a red fox")
    robot = User(stage.discord.world.new_id(), "Robot", is_bot=True)
    stage.discord.world.users[robot.id] = robot
    stage.server.join(robot)
    request = Draft(content=f"{stage.me} a blue whale")
    by_webhook = {"id": "1", "type": 2, "user": payloads.user(stage.mara)}
    ignored = [
        posting.add(stage.channel, robot, request),
        posting.add(thread, robot, request),
        posting.add(thread, robot, request, kind=MessageKind.REPLY, reply_to=answer[0]),
        posting.add(thread, robot, Draft(content=stage.me)),
        posting.add(stage.channel, stage.mara, request, interaction=by_webhook),
        posting.add(thread, stage.mara, request, interaction=by_webhook),
    ]
    await assert_ignored(stage, *ignored)


async def test_what_is_no_persons_message_is_not_answered(stage: Stage):
    await stage.start()
    pinned = posting.add(
        stage.channel,
        stage.mara,
        Draft(content=f"{stage.me} renamed"),
        kind=MessageKind.THREAD_CREATED,
    )
    await assert_ignored(stage, pinned)


async def test_in_direct_messages_every_message_counts(stage: Stage):
    await stage.start()
    dm = stage.mara.dm
    asked = await stage.mara.say(dm, "a red fox")
    (first,) = await stage.answers(dm, asked.id)
    assert len(first.attachments) == 1
    assert first.reply_to is asked
    again = await stage.mara.say(dm, "make it night")
    await stage.answers(dm, again.id)
    assert meant(stage.model.calls[-1]) == shas(stage, first)
    assert ("user", "a red fox") in said(stage.model.calls[-1])
    assert stage.model.calls[-1].request["session_id"] == f"easel-{dm.id}"


async def test_direct_messages_take_photos_and_commands(stage: Stage):
    await stage.start()
    dm = stage.theo.dm
    asked = await stage.theo.say(dm, files=[("cat.png", png(RED))])
    await stage.answers(dm, asked.id)
    used = await stage.theo.command(dm, "edit", picture=("cat.png", png(RED)), prompt="a hat")
    answer = await stage.answers(dm, used.id)
    assert answer == [used.original]
    assert len(meant(stage.model.calls[-1])) == 1


async def test_without_the_right_to_attach_files_a_command_is_refused_privately(stage: Stage):
    deny(stage, stage.channel, Permission.ATTACH_FILES)
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    answer = await used.finished()
    assert used.ephemeral
    assert last_line(answer) == PERMISSION_LINE
    assert not stage.model.calls


async def test_where_it_may_not_speak_a_mention_costs_nothing(stage: Stage):
    deny(stage, stage.channel, Permission.SEND_MESSAGES, Permission.SEND_MESSAGES_IN_THREADS)
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    empty = await stage.mara.say(stage.channel, stage.me)
    await assert_ignored(stage, asked, empty)


async def test_a_right_to_speak_that_is_gone_after_all_costs_nothing(stage: Stage):
    await stage.start()
    channel = await place(stage, "forbidden")
    body = {"code": 50013, "message": "Missing Permissions"}
    stage.discord.faults.append(Fault("POST", ".*/messages", status=403, body=body))
    asked = await stage.mara.say(channel, f"{stage.me} a red fox")
    (answer,) = await stage.answers(channel, asked.id)
    assert last_line(answer) == PERMISSION_LINE
    assert not stage.model.calls


async def test_a_commands_long_answer_arrives_where_easel_may_not_speak(stage: Stage):
    deny(stage, stage.channel, Permission.SEND_MESSAGES)
    await stage.start()
    stage.model.script([Say("One:"), Paint("one"), Say("Two:"), Paint("two")])
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "imagine", prompt="foxes")
    await stage.model.gate.arrived()
    stage.clock.pushed_ms += 30_000
    stage.model.gate.open()
    first, second = await stage.answers(stage.channel, used.id)
    assert first is used.original
    assert [len(one.attachments) for one in (first, second)] == [1, 1]
    await stage.until_idle()
