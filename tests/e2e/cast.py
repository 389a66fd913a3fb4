"""The people of the scenes: who asks, another member, a moderator, and members without rights; and
what each of them is to get to see.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.money import NanoUsd
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.people import Person
from tests.e2e.scenes import ASKER, MODERATOR, OTHER, WHEN, WITHOUT_RIGHTS, When, Who
from tests.e2e.stage import Stage, last_line

PERMISSION_LINE = "-# permission · not charged"
PLENTY = NanoUsd(10**12)


@dataclass(frozen=True, slots=True)
class Cast:
    """`mute` may read and not write, `blocked` is so by the server's settings."""

    stage: Stage
    moderator: Person
    blocked: Person
    mute: Person

    def people(self, *, pressing: bool = False) -> list[tuple[Who, Person]]:
        """Who there is. `pressing`: who may not write either, but press what they see."""
        found: list[tuple[Who, Person]] = [
            (ASKER, self.stage.mara),
            (OTHER, self.stage.theo),
            (MODERATOR, self.moderator),
            (WITHOUT_RIGHTS, self.blocked),
        ]
        return [*found, (WITHOUT_RIGHTS, self.mute)] if pressing else found

    async def before_and_after(self) -> AsyncIterator[When]:
        """Before a restart of the bot, and after it."""
        for when in WHEN:
            if when == "after":
                await self.stage.until_idle()
                await self.stage.stop()
                await self.stage.start()
            yield when


async def enter(stage: Stage) -> Cast:
    """Starts the bot, with money for all of them."""
    moderators = stage.server.add_role("Moderators", Permission.MANAGE_MESSAGES)
    moderator, blocked, mute = (stage.discord.add_person(name) for name in ("Momo", "Bob", "Quinn"))
    stage.server.join(moderator, [moderators])
    stage.server.join(blocked)
    stage.server.join(mute)
    stage.channel.set_permissions(
        mute, deny=Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS
    )
    stage.budget(
        member_day_nano_usd=PLENTY, member_month_nano_usd=PLENTY,
        server_month_nano_usd=PLENTY, total_month_nano_usd=PLENTY,
    )  # fmt: skip
    await stage.start()
    used = await stage.ada.command(
        stage.channel, "server set", setting="blocked", value=blocked.mention
    )
    await used.answered()
    return Cast(stage, moderator, blocked, mute)


async def answered(stage: Stage, channel: Channel, asked_id: int) -> Message:
    """The last message of a result that was paid for."""
    made = await stage.answers(channel, asked_id)
    assert last_line(made[-1]).startswith("-# $"), made[-1].content
    return made[-1]


def refused(used: Interaction, line: str = PERMISSION_LINE) -> None:
    """Fails unless an interaction was answered with a refusal that only its person sees."""
    assert used.ephemeral
    assert last_line(used.messages[0]) == line
