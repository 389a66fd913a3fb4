"""What the way of a request has to do with those above it: what is asked, whether it was admitted,
how that is written down, and where its answer is shown. What is done then is `exchange.py`'s.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from bot import words
from bot.conversation import joining
from bot.errors import Notice, Word
from bot.house import Visitor
from bot.store import conversations, documents, exchanges, pruned, spoilers
from bot.store.database import Transaction
from bot.store.documents import Attached
from bot.store.exchanges import Exchange, Meant, Step


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks, as read from Discord: the row it would become, where its conversation is
    held, the pictures it means, the documents it brings, why it is refused if that could be seen
    already, and who asks. A message joins what its member said at most `joins_within_ms` before.
    """

    exchange: Exchange
    place: conversations.Place
    meant: tuple[Meant, ...] = ()
    refusal: Notice | None = None
    visitor: Visitor = field(default_factory=Visitor)
    documents: tuple[Attached, ...] = ()
    joins_within_ms: int = joining.JOINED_MS

    async def join(self, tx: Transaction, received: Exchange) -> bool:
        """Whether it became part of an earlier request; then there is nothing more to do for it."""
        return await joining.join(tx, received, self.meant, self.documents, self.joins_within_ms)

    async def missing(self, tx: Transaction) -> Notice | None:
        """Why it cannot be done, where a file that it is about is not kept any more."""
        held = [each.picture_id for each in self.meant if each.picture_id is not None]
        held += [each.document.id for each in self.documents if each.document is not None]
        gone = await pruned.among(tx, held)
        return Notice(Word.UNREADABLE, words.no_longer_kept()) if gone else None

    def refused(self, notice: Notice, now_ms: int) -> Self:
        """As it is noted where it goes no further than being told so."""
        asked = self.exchange
        return replace(
            self,
            place="chain" if asked.opens_thread else self.place,
            exchange=replace(
                asked,
                step=Step.ANSWER if asked.token is None else Step.DONE,
                opens_thread=False,
                token=None,
                role_ids=frozenset(),
                word=notice.word,
                sentence=notice.sentence,
                ended_ms=now_ms,
            ),
        )


async def claim(tx: Transaction, request: Request) -> None:
    """Writes down what is asked; nothing that depends on it is known before."""
    asked = request.exchange
    await conversations.open_conversation(tx, asked.conversation_id, request.place)
    spoiler = asked.spoiler or await spoilers.follows(tx, asked, request.meant)
    await exchanges.claim(tx, replace(asked, spoiler=spoiler), request.meant)
    await documents.add(tx, asked.id, request.documents)


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

    async def ask(self, exchange: Exchange) -> None:
        """Shows in the answer message what has to be confirmed. Raises as `open`."""
        ...

    async def deliver(self, exchange: Exchange) -> None:
        """Turns the answer message into the result or the notice."""
        ...

    async def amend(self, exchange: Exchange) -> None:
        """Corrects the last line of a delivered answer: its cost is known now."""
        ...
