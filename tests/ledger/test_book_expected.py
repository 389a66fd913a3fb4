"""Room for those who are admitted and hold nothing yet."""

import pytest

from bot.errors import Notice
from bot.ledger.book import Ask, Book
from bot.money import nano_usd
from bot.store import budgets, conversations, exchanges
from bot.store.budgets import Name, Scope
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange, Step
from bot.store.reservations import Reservation
from tests.ledger.support import ask, limits


async def admit(database: Database, book: Book, asked: Ask) -> None:
    """As a request is admitted: checked, and claimed with what it is to hold at least."""

    async def operation(tx: Transaction) -> None:
        await book.check(tx, asked)
        await conversations.open_conversation(tx, asked.exchange_id, "chain")
        await exchanges.claim(
            tx,
            Exchange(
                id=asked.exchange_id,
                conversation_id=asked.exchange_id,
                command="message",
                server_id=asked.server_id,
                channel_id=asked.channel_id,
                member_id=asked.member_id,
                prompt="a fox",
                upload_bytes_max=1,
                answer_channel_id=asked.channel_id,
                role_ids=asked.role_ids,
                expected_hold=asked.hold(asked.least_tokens),
            ),
            (),
        )

    await database.write(operation)


async def hold(database: Database, book: Book, asked: Ask) -> Reservation:
    """As `exchange.py` does: the hold and the step are one transaction."""

    async def operation(tx: Transaction) -> Reservation:
        held = await book.reserve(tx, asked)
        await exchanges.note_call(tx, asked.exchange_id, 1, edits=False)
        return held

    return await database.write(operation)


@pytest.mark.parametrize("cap", ["member_day", "member_month", "server_month", "total_month"])
async def test_no_more_are_admitted_than_fit(database: Database, cap: str):
    book = Book(limits(**{cap: "1.2"}))  # three of $0.378
    for exchange_id in range(1, 4):
        await admit(database, book, ask(exchange_id))
    with pytest.raises(Notice, match=r"\$0\.0660 of \$1\.2000 is left"):
        await admit(database, book, ask(4))


async def test_others_count_where_they_are(database: Database):
    book = Book(limits(member_day="0.4", server_month="0.8"))
    await admit(database, book, ask(1))
    await admit(database, book, ask(2, member_id=8))
    with pytest.raises(Notice, match="this server's monthly budget"):
        await admit(database, book, ask(3, member_id=9))
    await admit(database, book, ask(4, member_id=9, server_id=11))
    with pytest.raises(Notice, match="your daily budget"):
        await admit(database, book, ask(5, member_id=9, server_id=12))


async def test_a_hold_leaves_the_others_what_they_were_admitted_for(database: Database):
    book = Book(limits(total_month="0.8"))
    await admit(database, book, ask(1))
    await admit(database, book, ask(2))
    first = await hold(database, book, ask(1))
    second = await hold(database, book, ask(2))
    assert 8_000 <= second.max_tokens <= first.max_tokens < 16_000
    assert first.hold_nano_usd + second.hold_nano_usd <= 800_000_000


async def test_what_is_held_or_ended_is_expected_no_more(database: Database):
    book = Book(limits(total_month="0.88"))
    await admit(database, book, ask(1))
    await hold(database, book, ask(1))  # $0.498
    await admit(database, book, ask(2))
    await database.write(lambda tx: exchanges.note_end(tx, 2, Step.ANSWER, None))
    await admit(database, book, ask(3))
    with pytest.raises(Notice):
        await admit(database, book, ask(4))


@pytest.mark.parametrize(
    ("scope", "subject_id", "name"),
    [
        ("server", 0, "this server's daily budget"),
        ("role-pot", 501, "the daily pot of <@&501>"),
        ("everyone", 0, "your daily allowance in this server"),
        ("own", 7, "your own daily limit"),
    ],
)
async def test_no_more_are_admitted_than_fit_into_what_people_set(
    database: Database, scope: Scope, subject_id: int, name: str
):
    book = Book(limits())
    limit = Name(0 if scope == "own" else 10, scope, subject_id, "day")
    await database.write(lambda tx: budgets.put(tx, limit, nano_usd("0.8"), actor_id=1))
    painter = frozenset({501, 5010})
    await admit(database, book, ask(1, role_ids=painter))
    await admit(database, book, ask(2, role_ids=painter))
    with pytest.raises(Notice, match=name):
        await admit(database, book, ask(3, role_ids=painter))
    member_id, server_id = (8, 10) if scope in {"everyone", "own"} else (7, 11)
    await admit(database, book, ask(4, member_id=member_id, server_id=server_id))
    if scope == "role-pot":
        await admit(database, book, ask(5, role_ids=frozenset({5010})))
