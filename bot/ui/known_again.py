"""By what a message of ours that was posted before a crash is known again: what it replies to, what
it answers, the names of its files. Looking for it is `posting`'s.
"""

import discord

from bot.store.exchanges import Exchange


def stem(file_name: str) -> str:
    """The name of a file without its type, which may change when it is made smaller."""
    return file_name.rpartition(".")[0]


def may_be_answer(message: discord.Message, exchange: Exchange) -> bool:
    """Whether a message of ours without files can be the exchange's answer message."""
    if message.interaction_metadata is not None:
        return message.interaction_metadata.id == exchange.id
    target = message.reference.message_id if message.reference is not None else None
    own_thread = exchange.answer_channel_id == exchange.id
    return target == exchange.id or (own_thread and target is None)
