"""How many tokens a prompt is: a bound that no provider's count exceeds, for money; and an
estimate, for the window, with the rate by which the provider's own counts were off it before.
"""

from collections.abc import Callable, Sequence

from bot.conversation import window
from bot.openrouter.call import DocumentPart
from bot.openrouter.client import Message, PicturePart, TextPart
from bot.store.context import Count
from bot.store.documents import Document
from bot.store.pictures import Picture

OVERHEAD_TOKENS_MAX = 4_000
"""The provider's own hidden prompt and the framing."""
MESSAGE_TOKENS_MAX = 16
HIDDEN_TOKENS = 1_800
"""That hidden prompt where a picture may be painted, about; as others saw it."""
LEARNT_FROM_TOKENS_MIN = 400
"""Less, beside the hidden prompt, tells too little."""
RATE_MIN, RATE_MAX = 0.5, 4.0


def prompt_tokens_max(messages: Sequence[Message]) -> int:
    """More tokens than the provider can count for this prompt: each is at least a byte of text."""
    return OVERHEAD_TOKENS_MAX + _sum(
        messages,
        MESSAGE_TOKENS_MAX,
        window.text_tokens_max,
        window.picture_tokens_max,
        window.document_tokens_max,
    )


def estimate(messages: Sequence[Message], *, may_paint: bool) -> int:
    """What the provider is thought to count for this prompt, before anything is learnt."""
    return _hidden(may_paint) + _estimate(messages)


def corrected(messages: Sequence[Message], rate: float, *, may_paint: bool) -> int:
    """The same by the rate that was learnt."""
    return _hidden(may_paint) + round(_estimate(messages) * rate)


def rate(count: Count | None) -> float:
    """How many tokens the provider counts for one that is estimated, by such a count; 1 where it
    says nothing. The hidden prompt is no part of it.
    """
    if count is None:
        return 1.0
    hidden = _hidden(count.may_paint)
    estimated = count.estimated - hidden
    if estimated < LEARNT_FROM_TOKENS_MIN:
        return 1.0
    return min(RATE_MAX, max(RATE_MIN, (count.reported - hidden) / estimated))


def _hidden(may_paint: bool) -> int:
    return HIDDEN_TOKENS if may_paint else 0


def _estimate(messages: Sequence[Message]) -> int:
    return _sum(
        messages,
        window.TURN_TOKENS,
        window.text_tokens,
        window.picture_tokens,
        window.document_tokens,
    )


def _sum(
    messages: Sequence[Message],
    frame: int,
    of_text: Callable[[str], int],
    of_picture: Callable[[Picture], int],
    of_document: Callable[[Document], int],
) -> int:
    total = 0
    for message in messages:
        total += frame
        for part in message.parts:
            match part:
                case TextPart(text):
                    total += of_text(text)
                case PicturePart(picture):
                    total += of_picture(picture)
                case DocumentPart(document):
                    total += of_document(document)
    return total
