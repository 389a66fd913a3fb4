"""The click that a dear request waits for before anything is held for it: when one is needed, how
long it is waited for, and what a click does. Who may click is not decided here.
"""

from bot import words
from bot.errors import Notice, StoreUnavailable, Word
from bot.ledger.book import Ask, Book
from bot.ledger.prices import hold_nano_usd
from bot.money import NanoUsd, dollars
from bot.request import Answers
from bot.store import confirmations, servers
from bot.store.database import Database, Transaction
from bot.store.exchanges import Exchange

CONFIRM_WITHIN_S = 600
"""Short of the 15 minutes in which the answer to a command can be changed by its token."""


class Confirming:
    """Parks what is estimated dearer than `ask_above`, or than its server says; 0 never asks."""

    def __init__(
        self, database: Database, book: Book, answers: Answers, ask_above: NanoUsd
    ) -> None:
        self._database = database
        self._book = book
        self._answers = answers
        self._ask_above = ask_above

    async def park(self, tx: Transaction, exchange: Exchange, ask: Ask, tokens: int) -> bool:
        """Whether it needs a click; then that is noted. `tokens` is what the prompt is thought to
        have: the bound that is held for long texts is several times as much, and would ask at
        every turn of a long conversation. Raises Notice (budget) where a click would be for
        nothing.
        """
        if exchange.confirmation == "given":
            return False
        own = await servers.ask_above(tx, exchange.server_id)
        above = self._ask_above if own is None else own
        estimate = hold_nano_usd(ask.price, tokens, 0, ask.pictures, ask.size)
        if above == 0 or estimate <= above:
            return False
        await self._book.check(tx, ask)
        await confirmations.want(
            tx,
            exchange.id,
            expected=ask.hold(ask.least_tokens),
            sentence=words.ask_first(
                dollars(estimate), dollars(ask.hold(ask.max_tokens)), CONFIRM_WITHIN_S // 60
            ),
            until_ms=tx.now_ms + CONFIRM_WITHIN_S * 1000,
        )
        return True

    async def wait(self, exchange: Exchange) -> None:
        """Asks for the click, once what is parked is no longer worked on; ends it when the time for
        that is over, or where nobody can be asked.
        """
        refusal = Notice(Word.CANCELLED, words.not_confirmed())
        if not await self._database.read(lambda tx: confirmations.is_overdue(tx, exchange.id)):
            try:
                if exchange.confirmation == "wanted":
                    await self._answers.ask(exchange)
                await self._database.write(lambda tx: confirmations.note_asked(tx, exchange.id))
                return
            except StoreUnavailable:
                raise
            except Notice as notice:
                refusal = notice
        await self._database.write(lambda tx: confirmations.refuse(tx, exchange.id, refusal))

    async def confirm(self, exchange_id: int) -> bool:
        """Lets it go on; False when there is nothing to confirm any more."""
        return await self._database.write(
            lambda tx: confirmations.give(tx, exchange_id, CONFIRM_WITHIN_S * 1000)
        )

    async def cancel(self, exchange_id: int) -> bool:
        """Ends it for nothing; False when it does not wait for a click."""
        notice = Notice(Word.CANCELLED, words.cancelled())
        return await self._database.write(lambda tx: confirmations.refuse(tx, exchange_id, notice))
