"""Who asks, and where, for the rules of the server: read from Discord's objects."""

import discord

from bot.house import Visitor


def visitor(
    person: discord.User | discord.Member,
    channel: object,
) -> Visitor:
    """Whoever sent a message or used a command in a channel."""
    roles = person.roles if isinstance(person, discord.Member) else ()
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Visitor(frozenset(role.id for role in roles), parent)


def may_speak(interaction: discord.Interaction[discord.Client]) -> bool:
    """Whether who pressed a button, or used a message's menu, may write where they did: Discord
    offers both also to those who may only read.
    """
    if interaction.guild_id is None:
        return True
    may = interaction.permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    return may.send_messages_in_threads if in_thread else may.send_messages
