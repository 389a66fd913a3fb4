"""What of a conversation goes along with its requests: from which exchange on, how many tokens that
was thought to be and how many the provider counted, and the last picture of all.
"""

from dataclasses import dataclass

from bot.store import pictures
from bot.store.database import Transaction
from bot.store.pictures import Picture

GOES_ALONG = (
    "(exchange.word IS NULL"
    " OR exchange.word NOT IN ('blocked', 'too-large', 'unreadable', 'owner')"
    " OR exchange.word = 'owner' AND exchange.call_number = 0)"
)
"""Without those whose words would be refused again with everything that follows them."""


@dataclass(frozen=True, slots=True)
class Most:
    """How far back a conversation is read."""

    exchanges: int
    letters: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was asked before in a conversation, and which of request and answer still stand: people
    may have deleted either.
    """

    id: int
    prompt: str
    request_stands: bool
    answer_stands: bool


async def earlier(
    tx: Transaction, conversation_id: int, first_id: int, before_id: int, most: Most
) -> list[Earlier]:
    """The newest exchanges of a conversation from one on, and before another, that may go along,
    within `most`; oldest first.
    """
    rows = await tx.all(
        "SELECT id, prompt, forgotten, deleted_ms, length(prompt)"  # noqa: S608 - a constant
        " + (SELECT coalesce(sum(length(text)), 0) FROM piece"
        " WHERE piece.exchange_id = exchange.id) AS letters FROM exchange"
        " WHERE conversation_id = :conversation_id AND id >= :first_id AND id < :before_id"
        f" AND {GOES_ALONG} ORDER BY id DESC LIMIT :most",
        conversation_id=conversation_id,
        first_id=first_id,
        before_id=before_id,
        most=most.exchanges,
    )
    found: list[Earlier] = []
    letters = 0
    for row in rows:
        letters += row["letters"]
        if letters > most.letters:
            break
        request_stands, answer_stands = not row["forgotten"], row["deleted_ms"] is None
        found.append(Earlier(row["id"], row["prompt"], request_stands, answer_stands))
    return found[::-1]


async def first_id(tx: Transaction, conversation_id: int) -> int:
    """The exchange that the history begins with; 0 for the very first."""
    row = await tx.one(
        "SELECT goes_along_from FROM conversation WHERE id = :id", id=conversation_id
    )
    return 0 if row is None else row["goes_along_from"]


async def note_first(tx: Transaction, conversation_id: int, exchange_id: int) -> None:
    """Lets the history begin here from now on."""
    await tx.run(
        "UPDATE conversation SET goes_along_from = :exchange_id WHERE id = :id",
        id=conversation_id,
        exchange_id=exchange_id,
    )


async def note_estimate(tx: Transaction, exchange_id: int, call_number: int, tokens: int) -> None:
    """How many tokens a call's prompt was thought to have."""
    await tx.run(
        "UPDATE reservation SET estimated_tokens = :tokens"
        " WHERE exchange_id = :exchange_id AND call_number = :call_number",
        exchange_id=exchange_id,
        call_number=call_number,
        tokens=tokens,
    )


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of one prompt: as estimated, and as the provider counted them."""

    estimated: int
    reported: int
    may_paint: bool


async def last_count(tx: Transaction, conversation_id: int, before_id: int) -> Count | None:
    """Of the newest call of a conversation, before an exchange of it, that has both."""
    row = await tx.one(
        "SELECT reservation.estimated_tokens, reservation.prompt_tokens, exchange.may_paint"
        " FROM exchange JOIN reservation ON reservation.exchange_id = exchange.id"
        " WHERE exchange.conversation_id = :conversation_id AND exchange.id < :before_id"
        " AND reservation.estimated_tokens > 0 AND reservation.prompt_tokens > 0"
        " ORDER BY exchange.id DESC, reservation.call_number DESC LIMIT 1",
        conversation_id=conversation_id,
        before_id=before_id,
    )
    if row is None:
        return None
    return Count(row["estimated_tokens"], row["prompt_tokens"], bool(row["may_paint"]))


async def last_picture(tx: Transaction, conversation_id: int, before_id: int) -> Picture | None:
    """The newest picture of a conversation before an exchange of it, whoever it is from: what
    "make it night" speaks of.
    """
    row = await tx.one(
        "SELECT exchange_id, picture_id FROM ("  # noqa: S608 - a constant of this module
        "SELECT piece.exchange_id, 1 AS answered, piece.position, piece.picture_id"
        " FROM exchange JOIN piece ON piece.exchange_id = exchange.id"
        " WHERE exchange.conversation_id = :conversation_id AND exchange.id < :before_id"
        f" AND piece.picture_id IS NOT NULL AND exchange.deleted_ms IS NULL AND {GOES_ALONG}"
        " UNION ALL"
        " SELECT meant.exchange_id, 0 AS answered, meant.position, meant.picture_id"
        " FROM exchange JOIN meant ON meant.exchange_id = exchange.id"
        " WHERE exchange.conversation_id = :conversation_id AND exchange.id < :before_id"
        " AND meant.picture_id IS NOT NULL AND meant.taken_back = 0 AND exchange.forgotten = 0"
        f" AND {GOES_ALONG}) AS shown"
        " ORDER BY exchange_id DESC, answered DESC, position DESC LIMIT 1",
        conversation_id=conversation_id,
        before_id=before_id,
    )
    return None if row is None else await pictures.get(tx, row["picture_id"])
