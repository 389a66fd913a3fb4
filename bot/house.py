"""The rules of a server as its admins set them: who may ask where, and what goes with a request
that is let in. It knows the database and nothing else.
"""

from dataclasses import dataclass, replace

from bot import words
from bot.errors import Notice, Word
from bot.store import servers
from bot.store.database import Transaction
from bot.store.exchanges import Exchange
from bot.store.servers import Rules


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, by the ids of their roles, and the channel that the thread they ask in belongs to.
    What is not known counts as not there.
    """

    role_ids: frozenset[int] = frozenset()
    parent_channel_id: int | None = None


async def receive(
    tx: Transaction, exchange: Exchange, visitor: Visitor
) -> tuple[Exchange, Notice | None]:
    """The exchange with what its server set for it, and why it is not let in, if so."""
    if exchange.server_id == 0:
        return exchange, None
    rules = await servers.get(tx, exchange.server_id)
    places = [exchange.channel_id]
    if visitor.parent_channel_id is not None:
        places.append(visitor.parent_channel_id)
    personas = [rules.persona_by_channel[one] for one in places if one in rules.persona_by_channel]
    received = replace(
        exchange,
        persona=personas[0] if personas else rules.persona,
        shows_cost=rules.cost_line,
        pings=rules.ping,
        role_ids=visitor.role_ids,
    )
    return received, _refusal(rules, exchange.member_id, places[-1], visitor)


def _refusal(rules: Rules, member_id: int, channel_id: int, visitor: Visitor) -> Notice | None:
    """All of them are for an admin to lift and not for time to mend, so none is `busy`."""
    sentence: str | None = None
    if member_id in rules.blocked:
        sentence = words.blocked_here()
    elif rules.paused:
        sentence = words.paused_here()
    elif rules.roles and visitor.role_ids.isdisjoint(rules.roles):
        sentence = words.role_needed(rules.roles)
    elif rules.channels and channel_id not in rules.channels:
        sentence = words.channel_not_allowed(rules.channels)
    return None if sentence is None else Notice(Word.PERMISSION, sentence)
