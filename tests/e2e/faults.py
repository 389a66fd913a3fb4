"""What can go wrong around a request: what people and servers do to its place, and what becomes of
the requests that the bot sends to Discord.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.sandbox.discord import posting
from bot.sandbox.discord.interactions import TOKEN_S, Interaction
from bot.sandbox.discord.shapes import NO_PERMISSIONS, Json, Permission
from bot.sandbox.discord.wire import Fault, rate_limited
from bot.sandbox.discord.world import Channel, Message, Server, User
from bot.sandbox.people import Person


@dataclass
class Scene:
    """A request in a server and a channel of its own, by somebody who asks nothing else."""

    server: Server
    channel: Channel
    person: Person
    bot: User
    asked: Message | None = None
    used: Interaction | None = None

    @property
    def id(self) -> int:
        """Of the exchange."""
        begun = self.asked or self.used
        assert begun is not None
        return begun.id

    @property
    def place(self) -> Channel:
        """Where the answer is in the making: the thread, or the channel."""
        thread = None if self.asked is None else self.asked.thread
        return self.channel if thread is None else thread

    @property
    def shown(self) -> list[Message]:
        """The bot's messages there."""
        return [one for one in self.place.messages if one.author is self.bot and one.content]

    def deny(self, denied: Permission) -> None:
        """Takes rights from the bot in the channel and its threads."""
        self.channel.set_permissions(self.bot, deny=denied)


Event = Callable[[Scene], None]


def archived(scene: Scene) -> None:
    posting.change_thread(scene.place, scene.server.owner, archived=True)


def locked(scene: Scene) -> None:
    posting.change_thread(scene.place, scene.server.owner, archived=True, locked=True)


def thread_deleted(scene: Scene) -> None:
    posting.delete_channel(scene.place)


def answer_deleted(scene: Scene) -> None:
    for message in scene.shown:
        posting.remove(message)


def request_deleted(scene: Scene) -> None:
    assert scene.asked is not None
    posting.remove(scene.asked)


def may_not_send(scene: Scene) -> None:
    scene.deny(Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS)


def may_not_attach(scene: Scene) -> None:
    scene.deny(Permission.ATTACH_FILES)


def may_not_see(scene: Scene) -> None:
    scene.deny(Permission.VIEW_CHANNEL)


def thrown_out(scene: Scene) -> None:
    scene.server.leave(scene.bot)


def nothing_left(scene: Scene) -> None:
    """But the person."""
    may_not_send(scene)
    thread_deleted(scene)


def out_of_reach(scene: Scene) -> None:
    scene.person.dms_open = False
    nothing_left(scene)


def token_dead(scene: Scene) -> None:
    assert scene.used is not None
    scene.used.created_at -= TOKEN_S + 1


def back(scene: Scene) -> None:
    """What was taken from the bot is given back."""
    scene.deny(NO_PERMISSIONS)


@dataclass(frozen=True)
class Requests:
    """What becomes of requests that the bot sends, one after the other; `limited` instead makes
    them a 429 as Discord sends it, of the route or (True) of all routes.
    """

    faults: Sequence[Json] = ()
    limited: bool | None = None

    def ordered(self, method: str, path: str) -> list[Fault]:
        if self.limited is not None:
            return [rate_limited(path, 0.05, method=method, times=2, everywhere=self.limited)]
        return [Fault(method, path, **fault) for fault in self.faults]


def refused(status: int, code: int, times: int = 1) -> Requests:
    body: Json = {"message": "as ordered", "code": code}
    return Requests([{"status": status, "body": body, "times": times}])
