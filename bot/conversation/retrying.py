"""Whether a call that failed is made again, and after which pause."""

from bot.conversation import prompt
from bot.errors import CallFailed
from bot.openrouter.client import Call
from bot.store.exchanges import Exchange

CALLS_MAX = 3
RETRY_PAUSES_S = (1.0, 4.0)


def may_go_on(exchange: Exchange, call: Call, failure: CallFailed) -> bool:
    """Whether another call may be made: one with less history once, beside the others."""
    if failure.shorten:
        return not exchange.shortened and prompt.has_history(call)
    return failure.may_retry and exchange.call_number < CALLS_MAX + exchange.shortened


def pause_s(exchange: Exchange, failure: CallFailed) -> float:
    """Before the next call; none where it was only too long."""
    if failure.shorten:
        return 0.0
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    tries = min(exchange.call_number - exchange.shortened, len(RETRY_PAUSES_S))
    return RETRY_PAUSES_S[tries - 1]
