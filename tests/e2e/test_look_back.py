"""What was posted and not noted is found again, also when Discord has long forgotten its nonce."""

import pytest

from bot.sandbox.discord.shapes import MEMBER_PERMISSIONS, Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, Say
from tests.e2e.stage import Stage, last_line

SEND = r"/channels/\d+/messages"
FOLLOW_UP = r"/webhooks/\d+/[^/]+"
TWO_PARTS = (Say("One:"), Paint("one"), Say("Two:"), Paint("two"))


@pytest.fixture(autouse=True)
def no_nonces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord remembers none."""
    monkeypatch.setattr("bot.sandbox.discord.posting.NONCE_KEPT_S", 0.0)


def lose_answers(stage: Stage, *, skip: int = 0, path: str = SEND) -> None:
    """The next message arrives and nobody hears of it; the next after it do not."""
    stage.discord.faults.append(Fault("POST", path, skip=skip, after=True, status=503))
    stage.discord.faults.append(Fault("POST", path, skip=skip, times=99, status=503))


async def start_much_later(stage: Stage, *faults: Fault) -> None:
    """Once an answer was tried and failed; with other faults then."""
    await stage.discord.wait_until(lambda: stage.discord.faults[-1].times < 99)
    await stage.stop()
    stage.discord.faults[:] = faults
    stage.clock.pushed_ms += 400_000
    await stage.start()
    await stage.until_idle()


async def command_without_response(stage: Stage) -> Message:
    """A command whose response somebody deleted while the model was at work."""
    (role,) = stage.server.members[stage.ada.id].roles
    stage.server.set_role_permissions(role, role.permissions | Permission.MANAGE_MESSAGES)
    stage.model.gate.close()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a red fox")
    await stage.model.gate.arrived()
    message = await used.finished()
    await stage.ada.delete(message)
    return message


async def test_a_ping(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    stage.clock.pushed_ms += 30_000
    lose_answers(stage)
    stage.model.gate.open()
    await thread.wait_for(lambda one: stage.mara in one.pinged)
    await start_much_later(stage)
    assert len(stage.mara.pings) == 1


async def test_an_answer_that_replies_to_nothing_by_its_file(stage: Stage):
    await stage.start()
    gone = await command_without_response(stage)
    lose_answers(stage)
    stage.model.gate.open()
    await start_much_later(stage)
    (message,) = [one for one in stage.ours(stage.channel) if one.attachments]
    assert message.id > gone.id
    assert last_line(message).startswith("-# $")


async def test_a_further_part_by_its_file_though_its_text_is_another(stage: Stage):
    await stage.start()
    stage.model.script(TWO_PARTS)
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} foxes")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    lose_answers(stage)
    stage.model.gate.open()
    second = await thread.wait_for(lambda one: one.content.startswith("Two:"))
    second.content = "Two:\n-# cost not known yet · 1 s"  # as it would be without a cost
    await start_much_later(stage)
    first, *rest = [one for one in stage.ours(thread) if one.attachments]
    assert first.content == "One:"
    assert rest == [second]
    assert last_line(second).startswith("-# $")


async def test_a_ping_though_discord_fails_at_the_first_looks(stage: Stage):
    await stage.start()
    stage.model.gate.close()
    asked = await stage.mara.say(stage.channel, f"{stage.me} a red fox")
    await stage.model.gate.arrived()
    thread = await stage.thread_of(asked)
    stage.clock.pushed_ms += 30_000
    lose_answers(stage)
    stage.model.gate.open()
    await thread.wait_for(lambda one: stage.mara in one.pinged)
    history = f"/channels/{thread.id}/messages"  # which is also read to catch up
    await start_much_later(stage, Fault("GET", history, times=3, status=503))
    assert not stage.discord.faults
    assert len(stage.mara.pings) == 1


@pytest.mark.parametrize("told", [Paint(), Say("A fox.")])
async def test_a_follow_up_where_easel_itself_may_not_speak(stage: Stage, told: Paint | Say):
    await stage.start()
    stage.model.script(told)
    await command_without_response(stage)
    denied = MEMBER_PERMISSIONS & Permission.SEND_MESSAGES
    stage.channel.set_permissions(stage.discord.bot_user, deny=denied)
    # A 5xx would be answered by discord.py itself, with a repeat that nothing can recognise.
    stage.discord.faults.append(Fault("POST", FOLLOW_UP, after=True, drop=True))
    stage.model.gate.open()
    await stage.until_idle()
    assert not stage.discord.faults
    (message,) = stage.ours(stage.channel)
    assert last_line(message).startswith("-# $")
    assert len(message.attachments) == isinstance(told, Paint)
