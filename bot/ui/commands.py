"""The tree of slash commands: told to Discord only when it changed, and never silent on an error of
ours.
"""

import hashlib
import json
import logging

import aiohttp
import discord
from discord import app_commands

from bot import words
from bot.errors import Notice, Word
from bot.store import synced
from bot.store.database import Database

log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree[discord.Client]):
    """discord.py's tree, with a sentence for the person when a command fails."""

    async def on_error(
        self,
        interaction: discord.Interaction[discord.Client],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Logs it and answers, unless something was answered already. A command that fails has
        admitted nothing: what it admits goes its own way.
        """
        log.error("interaction %d failed", interaction.id, exc_info=error)
        original = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        notice = original if isinstance(original, Notice) else Notice(Word.OWNER, words.our_fault())
        try:
            if not interaction.response.is_done():
                await interaction.response.send_message(
                    words.refusal(notice.word, notice.sentence), ephemeral=True
                )
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as unsaid:
            log.warning("interaction %d: not told: %r", interaction.id, unsaid)


async def sync(tree: Tree, database: Database, application_id: int) -> bool:
    """Tells Discord the commands if they differ from what it was told last; True if it did.

    The hash covers what `CommandTree.sync` would send, and who sends it.
    """
    payload = sorted(
        (command.to_dict(tree) for command in tree.get_commands()),
        key=lambda command: (command.get("type", 1), command["name"]),
    )
    text = json.dumps([application_id, discord.__version__, payload], sort_keys=True)
    now = hashlib.sha256(text.encode()).hexdigest()
    if await database.read(lambda tx: synced.payload_sha256(tx, "global")) == now:
        return False
    await tree.sync()
    await database.write(lambda tx: synced.note(tx, "global", now))
    return True
