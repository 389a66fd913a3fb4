"""Where an answer came from, and all that is known of how it was made: read for *Details*."""

from dataclasses import dataclass

from bot.store import exchanges, messages, pieces, reservations
from bot.store.database import Transaction
from bot.store.exchanges import Exchange
from bot.store.pieces import Piece
from bot.store.reservations import Reservation

SOURCES_MAX = 5


@dataclass(frozen=True, slots=True)
class Source:
    """A message of ours and where it stands: `server_id` is 0 in direct messages."""

    id: int
    channel_id: int
    server_id: int


@dataclass(frozen=True, slots=True)
class Made:
    """An exchange, what the model answered, its calls in order, and the messages of ours that show
    what it came from: the answer whose button was pressed, and the pictures it was about.
    """

    exchange: Exchange
    pieces: list[Piece]
    calls: list[Reservation]
    sources: list[Source]


async def of_exchange(tx: Transaction, exchange_id: int) -> Made:
    """KeyError when there is no such exchange."""
    exchange = await exchanges.get(tx, exchange_id)
    calls = [
        found
        for number in range(1, exchange.call_number + 1)
        if (found := await reservations.find(tx, exchange_id, number)) is not None
    ]
    made = await pieces.of_exchange(tx, exchange_id)
    return Made(exchange, made, calls, await _sources(tx, exchange))


async def _sources(tx: Transaction, exchange: Exchange) -> list[Source]:
    """Only of the same conversation: the same bytes elsewhere are nobody's business here."""
    found: dict[int, Source] = {}
    if exchange.source_id is not None:
        shown = await messages.of_exchange(tx, exchange.source_id)
        if shown:
            last = shown[max(shown)]
            source = await exchanges.get(tx, exchange.source_id)
            server_id = 0 if source.moved == "direct" else source.server_id
            found[last.id] = Source(last.id, last.channel_id, server_id)
    rows = await tx.all(
        "SELECT message.id, message.channel_id,"
        " CASE WHEN exchange.moved = 'direct' THEN 0 ELSE exchange.server_id END AS server_id"
        " FROM meant"
        " JOIN piece ON piece.picture_id = meant.picture_id"
        " JOIN exchange ON exchange.id = piece.exchange_id"
        " JOIN message ON message.exchange_id = piece.exchange_id AND message.part = piece.part"
        " WHERE meant.exchange_id = :id AND meant.taken_back = 0"
        " AND exchange.conversation_id = :conversation_id"
        " AND exchange.id < :id AND exchange.deleted_ms IS NULL ORDER BY message.id LIMIT :most",
        id=exchange.id,
        conversation_id=exchange.conversation_id,
        most=SOURCES_MAX,
    )
    for row in rows:
        found[row["id"]] = Source(row["id"], row["channel_id"], row["server_id"])
    return list(found.values())
