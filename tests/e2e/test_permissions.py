"""The permissions that the README asks for are those of its link, and they are enough."""

import re
from pathlib import Path

from bot.sandbox.discord.shapes import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from bot.sandbox.discord.wire import Fault
from tests.e2e.photos import png
from tests.e2e.stage import Stage
from tests.pictures.paint import RED

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def asked_for() -> Permission:
    """The permissions of the README's table."""
    table = README.split("| Permission | What for |", 1)[1].split("\n\n", 1)[0]
    names = re.findall(r"^ *\| \*([A-Z][A-Za-z ]+)\* \|", table, re.MULTILINE)
    assert names
    permissions = NO_PERMISSIONS
    for name in names:
        permissions |= Permission[name.replace("Channels", "Channel").upper().replace(" ", "_")]
    return permissions


def test_the_invite_link_asks_for_the_permissions_of_the_table():
    (number,) = re.findall(r"scope=bot\+applications\.commands&permissions=(\d+)`", README)
    assert int(number) == asked_for()


async def test_with_these_permissions_and_no_others_everything_works(stage: Stage):
    channel = stage.channel
    channel.set_permissions(stage.discord.bot_user, deny=ALL_PERMISSIONS & ~asked_for())
    await stage.start()
    # The answer's message lands without Easel's hearing of it, so that it is looked for.
    photo = await stage.mara.say(channel, "my cat", files=[("cat.png", png(RED))])
    stage.discord.faults.append(Fault("POST", r"/channels/\d+/messages", after=True, drop=True))
    asked = await stage.theo.say(channel, f"{stage.me} make it night", reply_to=photo)
    thread = await stage.thread_of(asked)
    (answer,) = await stage.answers(thread, asked.id)
    assert answer.attachments
    assert len(stage.model.calls[-1].pictures) == 1
    again = await stage.mara.say(thread, "and now in autumn")
    assert (await stage.answers(thread, again.id))[-1].attachments
    used = await stage.mara.command(channel, "imagine", prompt="a red fox")
    assert (await stage.answers(channel, used.id))[0].attachments
    for name in ("spend", "report show"):
        report = await stage.ada.command(channel, name)
        assert (await report.finished()).embeds
    channel.set_permissions(
        stage.discord.bot_user,
        deny=(ALL_PERMISSIONS & ~asked_for()) | Permission.CREATE_PUBLIC_THREADS,
    )
    asked = await stage.theo.say(channel, f"{stage.me} a boat")
    (answer,) = await stage.answers(channel, asked.id)
    assert answer.reply_to is asked
    assert answer.attachments
