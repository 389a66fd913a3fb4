"""The tree of slash commands: told to Discord only when it changed, and never silent on an error of
ours.
"""

import hashlib
import json
import logging
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot import words
from bot.errors import Notice, Word
from bot.store import synced
from bot.store.database import Database
from bot.ui.telling import tell

log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree[discord.Client]):
    """discord.py's tree, with a sentence for the person when a command fails."""

    async def on_error(
        self,
        interaction: discord.Interaction[discord.Client],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Logs it and answers, unless more than "thinking" was answered already. A command that
        fails has admitted nothing: what it admits goes its own way.
        """
        original = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if isinstance(original, Notice):
            notice = original
            log.error("interaction %d: %s", interaction.id, notice.sentence)
        else:
            notice = Notice(Word.OWNER, words.our_fault())
            log.error("interaction %d failed", interaction.id, exc_info=error)
        await tell(interaction, notice)


async def sync(tree: Tree, database: Database, application_id: int) -> bool:
    """Tells Discord the commands if they differ from what it was told last, or if it has lost any;
    True if it did.
    """
    now = payload_sha256(tree, application_id)
    told = await database.read(lambda tx: synced.payload_sha256(tx, "global"))
    if told == now and not await _lost(tree):
        return False
    await tree.sync()
    await database.write(lambda tx: synced.note(tx, "global", now))
    return True


async def _lost(tree: Tree) -> list[str]:
    try:
        return await not_known(tree)
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        log.warning("not known whether Discord still has the commands: %r", error)
        return []


async def not_known(tree: Tree) -> list[str]:
    """The commands that Discord does not have, by their names as people see them."""
    known = {(each.type.value, each.name) for each in await tree.fetch_commands()}
    ours = [(each.get("type", 1), each["name"]) for each in _payload(tree)]
    return [f"/{name}" if kind == 1 else name for kind, name in ours if (kind, name) not in known]


def payload_sha256(tree: Tree, application_id: int) -> str:
    """Of what `CommandTree.sync` would send, and who sends it."""
    text = json.dumps([application_id, discord.__version__, _payload(tree)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _payload(tree: Tree) -> list[dict[str, Any]]:
    """The commands in order. Any: discord.py's own form of them."""
    return sorted(
        (command.to_dict(tree) for command in tree.get_commands()),
        key=lambda command: (command.get("type", 1), command["name"]),
    )
