"""What one member says in one conversation within two seconds is one request: the later messages
join the first while it still waits, which it does for that long.
"""

from collections.abc import Sequence

from bot.clock import Clock
from bot.conversation.prompt import PROMPT_LETTERS_MAX
from bot.store import requests
from bot.store.database import Transaction
from bot.store.documents import Attached
from bot.store.exchanges import Exchange, Meant

JOINED_MS = 2_000
FILES_MAX = 16
"""Of a joined request; what would exceed this or a prompt's letters is a request of its own."""
DISCORD_EPOCH_MS = 1_420_070_400_000


async def join(
    tx: Transaction,
    asked: Exchange,
    meant: Sequence[Meant],
    attached: Sequence[Attached],
    within_ms: int,
) -> bool:
    """Whether this became part of an earlier request; then there is nothing more to do for it."""
    if not _is_said(asked):
        return False
    first = await requests.waiting_before(tx, asked, within_ms)
    if first is None:
        return False
    files = await requests.files(tx, first.id)
    letters = len(first.prompt) + 1 + len(asked.prompt)
    if files + len(meant) + len(attached) > FILES_MAX or letters > PROMPT_LETTERS_MAX:
        return False
    await requests.join(tx, first, asked, meant, attached)
    return True


async def linger(exchange: Exchange, clock: Clock) -> None:
    """Waits until nothing can join this any more. What opens a thread is alone in it."""
    if _is_said(exchange):
        said_ms = (exchange.id >> 22) + DISCORD_EPOCH_MS
        left_ms = min(JOINED_MS, said_ms + JOINED_MS - clock.now_ms())
        await clock.sleep(max(0, left_ms) / 1000)


def _is_said(asked: Exchange) -> bool:
    """Whether it is a message in a conversation that is there, and no button pressed anew."""
    is_message = asked.command == "message" and asked.source_id is None
    return is_message and not asked.opens_thread
