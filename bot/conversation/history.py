"""What was said before in a conversation, as turns: read from the exchanges it is made of. What of
it goes along with a request is `window`'s to choose.
"""

from collections.abc import Sequence

from bot.conversation.window import Turn
from bot.store import context, documents, pictures, pieces
from bot.store.database import Transaction
from bot.store.documents import Document
from bot.store.exchanges import Exchange
from bot.store.pictures import Picture

EXCHANGES_MAX = 2_000
LETTERS_PER_TOKEN = 8
"""How far back a conversation is read: more than any window holds of what people write."""


async def turns_before(
    tx: Transaction, exchange: Exchange, first_id: int, tokens_max: int
) -> list[Turn]:
    """The turns of the conversation from one exchange on and before this, oldest first, as far
    back as `tokens_max` may reach. A request that came to nothing is one as well: "try again"
    speaks of it.
    """
    conversation_id = exchange.conversation_id
    most = context.Most(EXCHANGES_MAX, LETTERS_PER_TOKEN * tokens_max)
    asked = await context.earlier(tx, conversation_id, first_id, exchange.history_end, most)
    if not asked:
        return []
    span = (exchange.conversation_id, asked[0].id, exchange.history_end)
    meant = await pictures.meant(tx, *span)
    brought = await documents.brought(tx, *span)
    answered = await pieces.of_conversation(tx, *span)
    turns: list[Turn] = []
    for earlier in asked:
        if earlier.request_stands:
            files = tuple(brought.get(earlier.id, ()))
            text, shown = _with_names(earlier.prompt, files), tuple(meant.get(earlier.id, ()))
            turns.append(Turn("person", text, shown, earlier.id, files))
        if earlier.answer_stands and (answer := answered.get(earlier.id)):
            text = "\n\n".join(piece.text for piece in answer if piece.text is not None)
            painted = tuple(piece.picture for piece in answer if piece.picture is not None)
            turns.append(Turn("easel", text, painted, earlier.id))
    return turns


def _with_names(text: str, brought: Sequence[Document]) -> str:
    """What was written, with the names of the files: the files themselves may be left out."""
    if not brought:
        return text
    names = ", ".join(f"“{each.name}”" for each in brought)
    return f"{text}\n(With {names}.)".strip()


async def meant_pictures(tx: Transaction, exchange: Exchange) -> list[Picture]:
    """The pictures on the shelf that a request is about: its own, or those it replies to."""
    found = await pictures.meant(tx, exchange.conversation_id, exchange.id, exchange.id + 1)
    return found.get(exchange.id, [])


async def own_documents(tx: Transaction, exchange: Exchange) -> list[Document]:
    """The documents on the shelf that a request brings."""
    found = await documents.brought(tx, exchange.conversation_id, exchange.id, exchange.id + 1)
    return found.get(exchange.id, [])
