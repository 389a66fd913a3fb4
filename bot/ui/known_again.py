"""By what a message of ours that was posted before a crash is known again: what it replies to, what
it answers, its buttons, the names of its files. Looking for it is `posting`'s.
"""

from collections.abc import Set as AbstractSet

import discord

from bot.store import messages, spoilers
from bot.store.exchanges import Exchange
from bot.ui import controls


def stem(file_name: str) -> str:
    """The name of a file without its type, which may change when it is made smaller, and without
    the mark of a spoiler.
    """
    return file_name.removeprefix(spoilers.PREFIX).rpartition(".")[0]


def reply_target(exchange: Exchange) -> int | None:
    """The message that the answer message replies to, where that stands still; None where it
    stands by itself: in its own thread, in direct messages, or as the response to an interaction.
    """
    if exchange.has_no_response:
        return None
    if exchange.moved == "channel" and exchange.answer_channel_id != exchange.channel_id:
        return exchange.channel_id  # a thread that was begun from a message has the id of that
    if exchange.answer_channel_id == exchange.channel_id and exchange.token is None:
        return exchange.id
    return None


def shows(
    message: discord.Message,
    exchange: Exchange,
    part: int,
    content: str,
    stems: AbstractSet[str],
    noted: AbstractSet[int],
) -> bool:
    """Whether a message of ours shows this part of the exchange, or did when it was posted: by the
    name of one of its files or, without any, the answer message by what it carries and replies
    to, any other part by its content as a reply to a message that is noted.
    """
    if message.type is discord.MessageType.thread_starter_message:
        return False  # it stands for the request, and takes neither edits nor replies
    carried = {stem(file.filename) for file in message.attachments}
    carried = {each for each in carried if each.startswith("easel-")}
    if carried:
        return not carried.isdisjoint(stems)
    target = None if message.reference is None else message.reference.message_id
    if part == messages.ANSWER:
        return _may_be_answer(message, target, exchange, content)
    return message.content == content.strip() and target in noted


def _may_be_answer(
    message: discord.Message, target: int | None, exchange: Exchange, content: str
) -> bool:
    """Whether a message of ours without files can be the exchange's answer message."""
    if exchange.moved is not None:  # others may have moved to the same place
        return controls.is_of(message, exchange.id) or message.content == content.strip()
    if message.interaction_metadata is not None:
        return message.interaction_metadata.id == exchange.id
    own_thread = exchange.answer_channel_id == exchange.id
    return target == exchange.id or (own_thread and target is None)
