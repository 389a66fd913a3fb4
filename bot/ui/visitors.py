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
