"""/report adjust: a correction of the books by an admin, with a reason."""

import discord

from bot import words
from bot.errors import Word
from bot.ledger.book import Book
from bot.money import dollars
from bot.store.database import Database
from bot.ui import markdown
from bot.ui.amounts import AMOUNT_USD_MAX, REASON_LETTERS_MAX, read_amount
from bot.ui.telling import refuse
from bot.ui.visitors import visitor


class Adjusting:
    """Reads what an admin typed, and has it booked."""

    def __init__(self, database: Database, book: Book) -> None:
        self._database = database
        self._book = book

    async def adjust(
        self,
        interaction: discord.Interaction[discord.Client],
        server_id: int,
        member: discord.User | discord.Member,
        amount: str,
        reason: str,
    ) -> None:
        """Answers the command, once it is in the books, for its user alone."""
        sum_ = read_amount(amount)
        why = " ".join(reason.split())
        if not sum_:
            sentence = words.wrong_adjustment(AMOUNT_USD_MAX)
        elif not 1 <= len(why) <= REASON_LETTERS_MAX:
            sentence = words.wrong_reason(REASON_LETTERS_MAX)
        else:
            await self._database.write(
                lambda tx: self._book.adjust(
                    tx,
                    interaction.id,
                    server_id=server_id,
                    member_id=member.id,
                    channel_id=interaction.channel_id or 0,
                    role_ids=visitor(member, interaction.channel).role_ids,
                    amount=sum_,
                    actor_id=interaction.user.id,
                    reason=why,
                )
            )
            booked = words.adjusted(member.id, dollars(sum_), markdown.escape(why))
            await interaction.response.send_message(
                booked, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
            )
            return
        await refuse(interaction, Word.UNREADABLE, sentence)
