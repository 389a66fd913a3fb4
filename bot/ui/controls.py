"""The buttons under an answer: how they look, and what is asked by pressing one. A button is known
by its `custom_id` alone, `<verb>:<exchange id>`, so that it outlives its message's process; views
are never kept, so discord.py dispatches nothing to them.
"""

import re

import discord

from bot import words
from bot.errors import Word
from bot.exchange import Exchanges
from bot.store import exchanges
from bot.store.database import Database

CANCEL = "Cancel"

_CUSTOM_ID = re.compile(r"(?P<verb>[a-z]+):(?P<exchange_id>\d{1,20})")


def while_running(exchange_id: int) -> discord.ui.View:
    """The buttons of an answer in the making."""
    # In discord.py 2.7.1 a view that is not stopped is kept for as long as its message may be
    # pressed; a stopped one is only sent.
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=CANCEL, custom_id=f"cancel:{exchange_id}"))
    view.stop()
    return view


class Controls:
    """Does what a button asks for, and answers whoever pressed it."""

    def __init__(self, exchanges: Exchanges, database: Database) -> None:
        self._exchanges = exchanges
        self._database = database

    async def pressed(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Nothing, if it is not a press of one of these buttons."""
        custom_id = (interaction.data or {}).get("custom_id")
        found = _CUSTOM_ID.fullmatch(custom_id) if isinstance(custom_id, str) else None
        if interaction.type is discord.InteractionType.component and found is not None:
            match found["verb"]:
                case "cancel":
                    await self._cancel(interaction, int(found["exchange_id"]))
                case _:
                    pass

    async def _cancel(
        self, interaction: discord.Interaction[discord.Client], exchange_id: int
    ) -> None:
        """For the one who asked, and for moderators."""
        member_id = await self._database.read(lambda tx: exchanges.member_of(tx, exchange_id))
        if interaction.user.id != member_id and not interaction.permissions.manage_messages:
            refusal = words.refusal(Word.PERMISSION, words.not_yours_to_cancel())
            await interaction.response.send_message(refusal, ephemeral=True)
        elif not self._exchanges.cancel(exchange_id):
            await interaction.response.send_message(words.too_late_to_cancel(), ephemeral=True)
        else:
            await interaction.response.defer()  # what is seen of it is the answer's own end
