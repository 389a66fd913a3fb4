"""Who asks, and where, for the rules of the server: read from Discord's objects."""

import discord

from bot.house import Visitor
from bot.store.exchanges import Exchange


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


def may_see(interaction: discord.Interaction[discord.Client], exchange: Exchange) -> bool:
    """Whether who pressed a button may know of the answer it names: their own, or one that stands
    where they pressed, for others, too. That the button stands there Discord sees to; what is
    private does not rest on it.
    """
    if interaction.user.id == exchange.member_id:
        return True
    places = {exchange.channel_id, exchange.answer_channel_id}
    return exchange.server_id != 0 and not exchange.private and interaction.channel_id in places


def may_read(interaction: discord.Interaction[discord.Client], exchange: Exchange) -> bool:
    """Whether the words of a request are for them: what was deleted is for who asked alone."""
    return not exchange.forgotten or interaction.user.id == exchange.member_id
