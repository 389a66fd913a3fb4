"""Which part of a conversation's history goes along with a request: pure. Two measures of tokens
stand here: bounds that no provider's count exceeds, for money, and estimates, for the window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from bot.store.documents import Document
from bot.store.pictures import Picture

BYTES_PER_TOKEN = 3.5
"""Of ordinary text, for estimates; a token of dense code or of other scripts may be shorter."""
PICTURE_SIDE_MAX = 2_048
PATCH_SIDE = 32
TOKENS_PER_PATCH = 1.2
SEEN_TOKENS_MAX = 3_000
"""What the model sees of one picture at most (https://developers.openai.com/api/docs/guides/images-vision,
2026-08)."""
TOOL_TOKENS_MAX = 1_536
"""What its image tool may count beside that, where the picture is edited."""
PICTURE_TOKENS_MAX = SEEN_TOKENS_MAX + TOOL_TOKENS_MAX
"""A bound for a picture of any size."""
TURN_TOKENS = 8
"""The frame of one message."""
FRAME_TOKENS = 20
FRAME_TOKENS_MAX = 64
"""Of what a document stands in, beside its name."""
STEPS = 12
"""The history's beginning moves by a twelfth of the window at a time: what goes along begins the
same for several turns, and the provider's price for a beginning it has seen holds."""

DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
"""Of all documents that go along with a request, as of those that it brings itself: a few pages may
be many bytes and few tokens, and OpenRouter is known to take 30 MB."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, with its text, pictures and documents."""

    role: Literal["person", "easel"]
    text: str
    pictures: tuple[Picture, ...] = ()
    exchange_id: int = 0
    documents: tuple[Document, ...] = ()


def text_tokens_max(text: str) -> int:
    """A bound: a token is at least one byte of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def picture_tokens_max(picture: Picture) -> int:
    """A bound for one picture of this size: what the model sees, and its tool beside it."""
    return picture_tokens(picture) + TOOL_TOKENS_MAX


def text_tokens(text: str) -> int:
    """An estimate."""
    return ceil(text_tokens_max(text) / BYTES_PER_TOKEN)


def picture_tokens(picture: Picture) -> int:
    """An estimate by patches of 32 pixels, after the picture is brought to 2,048 on a side."""
    scale = min(1.0, PICTURE_SIDE_MAX / max(picture.width, picture.height))
    across = ceil(picture.width * scale / PATCH_SIDE)
    down = ceil(picture.height * scale / PATCH_SIDE)
    return min(SEEN_TOKENS_MAX, ceil(across * down * TOKENS_PER_PATCH))


def document_tokens(document: Document) -> int:
    """An estimate."""
    return FRAME_TOKENS + 2 * text_tokens(document.name) + document.tokens


def document_tokens_max(document: Document) -> int:
    """A bound."""
    return FRAME_TOKENS_MAX + 2 * text_tokens_max(document.name) + document.tokens_max


def turn_tokens(turn: Turn) -> int:
    """An estimate of a turn with all its pictures and documents."""
    files = sum(map(picture_tokens, turn.pictures)) + sum(map(document_tokens, turn.documents))
    return TURN_TOKENS + text_tokens(turn.text) + files


def turn_tokens_max(turn: Turn) -> int:
    """A bound for the same."""
    files = sum(map(picture_tokens_max, turn.pictures))
    files += sum(map(document_tokens_max, turn.documents))
    return TURN_TOKENS + text_tokens_max(turn.text) + files


def choose_in_steps(turns: Sequence[Turn], tokens_max: int, pictures_max: int) -> list[Turn]:
    """All turns if they fit; else the newest of them that leave a step free, so that the next ones
    have room. What is chosen then begins with a person's turn.
    """
    chosen = choose(turns, tokens_max, pictures_max)
    if len(chosen) == len(turns):
        return chosen
    chosen = choose(turns, tokens_max - tokens_max // STEPS, pictures_max)
    return chosen[1:] if chosen and chosen[0].role == "easel" else chosen


def choose(
    turns: Sequence[Turn],
    tokens_max: int,
    pictures_max: int,
    count: Callable[[Turn], int] = turn_tokens,
    document_bytes_max: int = DOCUMENT_BYTES_MAX,
) -> list[Turn]:
    """The newest turns, whole and in a row, that fit into `tokens_max` by this count, oldest first.

    Of pictures the newest `pictures_max` go along; a turn whose older pictures stay behind keeps
    its text, and so does one whose documents do not fit, by tokens or by bytes. A turn that does
    not fit without these ends the choice: nothing older is taken instead of it.
    """
    chosen: list[Turn] = []
    tokens_left, pictures_left, bytes_left = tokens_max, pictures_max, document_bytes_max
    for turn in reversed(turns):
        # The last of a turn's pictures is the newest; a slice of nothing needs its own case.
        kept = turn.pictures[-pictures_left:] if pictures_left else ()
        lean = replace(turn, pictures=kept, documents=())
        if count(lean) > tokens_left:
            break
        for document in turn.documents:
            fuller = replace(lean, documents=(*lean.documents, document))
            if count(fuller) <= tokens_left and document.size_bytes <= bytes_left:
                lean = fuller
                bytes_left -= document.size_bytes
        tokens_left -= count(lean)
        pictures_left -= len(kept)
        chosen.append(lean)
    return chosen[::-1]
