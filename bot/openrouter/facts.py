"""What OpenRouter's JSON says, narrowed to types here and nowhere else: a part of an answer, its
usage, an error, a generation, a key. Unknown fields and values are ignored, missing ones are normal
(source: https://openrouter.ai/docs/api, 2026-08, and recorded answers). Nothing is judged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from bot.money import NanoUsd, Usage, nano_usd

COST_USD_MAX = 10_000
"""A reported cost above this is no report: the dearest call costs a few dollars."""
TOKENS_MAX = 10**9

_GENERATION_ID = re.compile(r"gen-[A-Za-z0-9_-]{1,200}")

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a stream, or a whole plain answer.

    `generation_id` is its `id` where that is one of OpenRouter's. `pictures` are URLs. `text` comes
    from deltas, `whole_text` from a message, which may repeat what deltas brought before; both
    include the words of a refusal, which `refused` says there are. `error` is the envelope's or a
    choice's.
    """

    generation_id: str | None
    error: Json | None
    pictures: tuple[str, ...]
    text: str
    whole_text: str
    refused: bool
    finish_reason: str | None
    usage: Usage | None
    has_choices: bool

    @property
    def is_text_alone(self) -> bool:
        """It brings nothing but `text`, beside its id."""
        brings_more = self.pictures or self.whole_text or self.refused or self.finish_reason
        return bool(self.text) and not brings_more and self.error is None and self.usage is None


@dataclass(frozen=True, slots=True)
class Generation:
    """A past call as OpenRouter booked it; tokens are those that were billed."""

    cost_nano_usd: NanoUsd
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    image_tokens: int = 0


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a key was used for so far, and on this day (UTC), and what it may still spend; None is
    no limit of its own.
    """

    used_nano_usd: NanoUsd | None
    remaining_nano_usd: NanoUsd | None
    used_today_nano_usd: NanoUsd | None = None


def as_object(value: object) -> Json:
    """The JSON object, or an empty one for anything else."""
    if isinstance(value, dict):
        return cast("Json", value)  # the keys of a JSON object are strings
    return {}


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_items(value: object) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)  # of anything, until each item is looked at
    return []


def chunk_of(value: object) -> Chunk:
    data = as_object(value)
    error = error_of(data)
    finish_reason: str | None = None
    choices = [as_object(choice) for choice in as_items(data.get("choices"))]
    for choice in choices:
        error = error or error_of(choice)
        finish_reason = as_text(choice.get("finish_reason")) or finish_reason
    deltas = [as_object(choice["delta"]) for choice in choices if "delta" in choice]
    messages = [as_object(choice["message"]) for choice in choices if "message" in choice]
    said = deltas + messages
    found = as_text(data.get("id"))
    return Chunk(
        generation_id=found if _GENERATION_ID.fullmatch(found) else None,
        error=error,
        pictures=tuple(url for one in said for url in _picture_urls(one)),
        text="".join(map(_words, deltas)),
        whole_text="".join(map(_words, messages)),
        refused=any(as_text(one.get("refusal")) for one in said),
        finish_reason=finish_reason,
        usage=usage_of(data.get("usage")),
        has_choices=bool(choices),
    )


def _picture_urls(said: Json) -> list[str]:
    if "images" not in said:
        return []
    images = [as_object(image) for image in as_items(said["images"])]
    urls = [as_text(as_object(image.get("image_url")).get("url")) for image in images]
    return [url for url in urls if url]


def _words(said: Json) -> str:
    return as_text(said.get("content")) + as_text(said.get("refusal"))


def error_of(value: object) -> Json | None:
    """The error object of an envelope or a choice, or None."""
    error = as_object(value).get("error")
    if isinstance(error, str):
        return {"message": error}
    return as_object(error) if error else None


def usage_of(value: object) -> Usage | None:
    data = as_object(value)
    if not data:
        return None
    prompt = as_object(data.get("prompt_tokens_details"))
    completion = as_object(data.get("completion_tokens_details"))
    return Usage(
        cost_nano_usd=_cost(data.get("cost")),
        prompt_tokens=_count(data.get("prompt_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens")),
        completion_tokens=_count(data.get("completion_tokens")),
        image_tokens=_count(completion.get("image_tokens")),
    )


def generation_of(value: object) -> Generation | None:
    """The generation, or None where its cost is not told."""
    data = as_object(as_object(value).get("data"))
    cost = _cost(data.get("total_cost"))
    if cost is None:
        return None
    return Generation(
        cost_nano_usd=cost,
        prompt_tokens=_count(data.get("native_tokens_prompt")),
        cached_tokens=_count(data.get("native_tokens_cached")),
        completion_tokens=_count(data.get("native_tokens_completion")),
        image_tokens=_count(data.get("native_tokens_completion_images")),
    )


def key_of(value: object) -> KeyFacts | None:
    """The facts of a key, or None for what is no answer about a key."""
    data = as_object(as_object(value).get("data"))
    if not data:
        return None
    return KeyFacts(
        used_nano_usd=_amount(data.get("usage")),
        remaining_nano_usd=_amount(data.get("limit_remaining")),
        used_today_nano_usd=_amount(data.get("usage_daily")),
    )


def _cost(value: object) -> NanoUsd | None:
    """A cost that can be true: a number from 0 to `COST_USD_MAX`. 0 is a cost, null is none."""
    amount = _amount(value)
    return amount if amount is not None and 0 <= amount <= nano_usd(COST_USD_MAX) else None


def _amount(value: object) -> NanoUsd | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return nano_usd(value)
    except ValueError:
        return None


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return 0
    if not Decimal(value).is_finite() or not 0 <= value <= TOKENS_MAX:
        return 0
    return int(value)
