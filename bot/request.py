"""What the way of a request has to do with those above it: what is asked, whether it was admitted,
and where its answer is shown. Only forms; what is done with them is `exchange.py`'s.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bot.errors import Notice
from bot.house import Visitor
from bot.store import conversations
from bot.store.documents import Attached
from bot.store.exchanges import Exchange, Meant


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks, as read from Discord: the row it would become, where its conversation is
    held, the pictures it means, the documents it brings, why it is refused if that could be seen
    already, and who asks.
    """

    exchange: Exchange
    place: conversations.Place
    meant: tuple[Meant, ...] = ()
    refusal: Notice | None = None
    visitor: Visitor = field(default_factory=Visitor)
    documents: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """`fresh` is False for an event seen before: then there is nothing to say or do."""

    fresh: bool
    refusal: Notice | None = None


class Progress(Protocol):
    """The answer message while it is in the making."""

    def stage(self, sentence: Callable[[], str]) -> None: ...
    def text(self, more: str) -> None: ...


class Answers(Protocol):
    """Where people see an exchange. Every method may be repeated, also after a crash."""

    async def open(self, exchange: Exchange) -> None:
        """Makes sure that the answer message, and its thread, is there and noted."""
        ...

    def showing(self, exchange: Exchange) -> AbstractAsyncContextManager[Progress]:
        """Keeps the answer message up to date while entered."""
        ...

    async def deliver(self, exchange: Exchange) -> None:
        """Turns the answer message into the result or the notice."""
        ...

    async def amend(self, exchange: Exchange) -> None:
        """Corrects the last line of a delivered answer: its cost is known now."""
        ...
