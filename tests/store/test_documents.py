"""What a request brings beside pictures, noted in order and found again by its conversation."""

from bot.store import conversations, documents, exchanges
from bot.store.database import Database, Transaction
from bot.store.documents import Attached, Document
from bot.store.exchanges import Exchange

NOTES = Document("ab" * 32, "notes.txt", "text", 700, 710, 200, 700)
PAPER = Document("cd" * 32, "paper.pdf", "pdf", 9_000, 0, 3_000, 8_000)


async def ask(tx: Transaction, exchange_id: int, attached: list[Attached]) -> None:
    await conversations.open_conversation(tx, 1, "thread")
    exchange = Exchange(exchange_id, 1, "message", 7, 8, 9, "read this", 1_000, 8)
    await exchanges.claim(tx, exchange, ())
    await documents.add(tx, exchange_id, attached)


async def test_a_link_is_forgotten_once_its_document_is_on_the_shelf(database: Database) -> None:
    link = Attached("paper.pdf", 9_000, "https://cdn.example/paper.pdf")
    held = Attached("notes.txt", 700, document=NOTES)
    await database.write(lambda tx: ask(tx, 10, [link, held]))
    assert await database.read(lambda tx: documents.of_exchange(tx, 10)) == [link, held]
    await database.write(lambda tx: documents.note_held(tx, 10, 0, PAPER))
    found = await database.read(lambda tx: documents.of_exchange(tx, 10))
    assert found == [Attached("paper.pdf", 9_000, document=PAPER), held]


async def test_a_conversation_finds_the_documents_of_its_requests(database: Database) -> None:
    await database.write(lambda tx: ask(tx, 10, [Attached("notes.txt", 700, document=NOTES)]))
    await database.write(lambda tx: ask(tx, 11, [Attached("paper.pdf", 9_000, document=PAPER)]))
    await database.write(lambda tx: ask(tx, 12, [Attached("late.txt", 5, "https://cdn.example/")]))
    found = await database.read(lambda tx: documents.brought(tx, 1, 10, 13))
    assert found == {10: [NOTES], 11: [PAPER]}
    assert await database.read(lambda tx: documents.brought(tx, 1, 11, 12)) == {11: [PAPER]}
    assert await database.read(lambda tx: documents.brought(tx, 2, 10, 13)) == {}
