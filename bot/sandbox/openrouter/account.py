"""The books of the loopback OpenRouter: what a generation used and costs, what the account was
charged, what `/generation` and `/key` tell of it. Integers of nano-dollars; a float only where a
JSON number leaves the house. No network, no drawing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from bot.sandbox.openrouter.request import MODEL_DATED, Refusal
from bot.sandbox.openrouter.script import LookUp

PROMPT_NANO_USD = 8_000
CACHED_NANO_USD = 2_000
COMPLETION_NANO_USD = 15_000
IMAGE_NANO_USD = 30_000
"""Prices per token: $8, $2, $15 and $30 per million."""

CREDIT_NANO_USD = 10_000 * 1_000_000_000
GENERATIONS_KEPT = 20_000
IMAGE_TOKENS_MAX = {"1K": 7_024, "2K": 14_272}
HIGH_QUALITY = 96

Json = dict[str, object]


def image_tokens(width: int, height: int, image_size: str) -> int:
    """Image output tokens at high quality (the formula of OpenAI's price calculator), at most what
    the dearest shape of the size asked for costs: an edit returns its input's pixels whatever
    was asked.
    """
    short, long = sorted((width, height))
    across = round(HIGH_QUALITY * short / long)
    tokens = math.ceil(HIGH_QUALITY * across * (2_000_000 + width * height) / 4_000_000)
    return min(tokens, IMAGE_TOKENS_MAX[image_size])


def json_usd(nano_usd: int) -> float:
    """As a JSON number, whose shortest form is exact: at most nine decimals."""
    return nano_usd / 1_000_000_000


@dataclass(slots=True)
class Meter:
    """What one generation has used so far."""

    prompt_tokens: int
    cached_tokens: int = 0
    text_tokens: int = 0
    image_tokens: int = 0
    pictures: int = 0

    @property
    def completion_tokens(self) -> int:
        return self.text_tokens + self.image_tokens

    @property
    def prompt_nano_usd(self) -> int:
        fresh = self.prompt_tokens - self.cached_tokens
        return fresh * PROMPT_NANO_USD + self.cached_tokens * CACHED_NANO_USD

    @property
    def completion_nano_usd(self) -> int:
        return self.text_tokens * COMPLETION_NANO_USD + self.image_tokens * IMAGE_NANO_USD

    @property
    def cost_nano_usd(self) -> int:
        return self.prompt_nano_usd + self.completion_nano_usd

    def usage(self, cost_nano_usd: int) -> Json:
        """The `usage` object of an answer."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "cost": json_usd(cost_nano_usd),
            "is_byok": False,
            "prompt_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": 0,
                "audio_tokens": 0,
                "video_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "image_tokens": self.image_tokens,
                "audio_tokens": 0,
            },
            "cost_details": {
                "upstream_inference_cost": json_usd(cost_nano_usd),
                "upstream_inference_prompt_cost": json_usd(self.prompt_nano_usd),
                "upstream_inference_completions_cost": json_usd(self.completion_nano_usd),
            },
        }


@dataclass(slots=True)
class Generation:
    """One generation as `/generation` tells it; it answers 404 until `ended`. `told` once it did
    tell the cost.
    """

    id: str
    created_s: int
    streamed: bool
    meter: Meter
    hold_nano_usd: int
    look_up: LookUp
    user: str | None = None
    session_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    ended: bool = False
    cancelled: bool = False
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    cost_nano_usd: int = 0
    polls: int = 0
    told: bool = False

    def poll(self, misses: int) -> Json | None:
        """The `data` of `GET /generation`, asked once more; None for so many polls."""
        if not self.ended:
            return None
        self.polls += 1
        misses = misses if self.look_up.misses is None else self.look_up.misses
        self.told = self.told or self.polls > misses
        return self.facts() if self.told else None

    def facts(self) -> Json:
        """What is known of it."""
        said = self.look_up.cost_nano_usd
        cost = json_usd(self.cost_nano_usd if said is None else said)
        created = datetime.fromtimestamp(self.created_s, UTC).isoformat().replace("+00:00", "Z")
        meter = self.meter
        return {
            "id": self.id,
            "api_type": "completions",
            "model": MODEL_DATED,
            "provider_name": "OpenAI",
            "upstream_id": "resp_" + self.id[-20:],
            "total_cost": cost,
            "usage": cost,
            "upstream_inference_cost": 0,
            "cache_discount": None,
            "is_byok": False,
            "streamed": self.streamed,
            "cancelled": self.cancelled,
            "finish_reason": self.finish_reason,
            "native_finish_reason": self.native_finish_reason,
            "tokens_prompt": meter.prompt_tokens,
            "tokens_completion": meter.text_tokens,
            "native_tokens_prompt": meter.prompt_tokens,
            "native_tokens_completion": meter.completion_tokens,
            "native_tokens_reasoning": 0,
            "native_tokens_cached": meter.cached_tokens,
            "native_tokens_completion_images": meter.image_tokens,
            "num_media_prompt": 0,
            "num_media_completion": meter.pictures,
            "num_input_audio_prompt": 0,
            "num_fetches": 0,
            "num_search_results": None,
            "latency": 1_800,
            "generation_time": 94_000,
            "moderation_latency": 120,
            "created_at": created,
            "origin": self.headers.get("http-referer", ""),
            "http_referer": self.headers.get("http-referer"),
            "user_agent": self.headers.get("user-agent"),
            "app_id": None,
            "external_user": self.user,
            "session_id": self.session_id,
            "request_id": "req-" + self.id[-20:],
            "router": None,
            "service_tier": None,
            "data_region": "global",
            "preset_id": None,
            "workspace_id": None,
            "web_search_engine": None,
            "response_cache_source_id": None,
            "provider_responses": [
                {"provider_name": "OpenAI", "status": 200, "latency": 1_800, "is_byok": False}
            ],
        }


class Account:
    """What was charged, exactly, and the credit that refuses with 402."""

    def __init__(self, credit_nano_usd: int) -> None:
        self.credit_nano_usd = credit_nano_usd
        self.total_nano_usd = 0
        self._day: date = datetime.now(UTC).date()
        self._today_nano_usd = 0
        self.generations: dict[str, Generation] = {}
        self.held_nano_usd = 0

    @property
    def charges(self) -> dict[str, int]:
        """Nano-dollars by generation id, of all that ended (the latest 20,000), zeros included."""
        return {g.id: g.cost_nano_usd for g in self.generations.values() if g.ended}

    def hold(self, prompt_tokens: int, max_tokens: int) -> int:
        """Prompt and maximum output, reserved while the call runs; raises Refusal with 402."""
        need = prompt_tokens * PROMPT_NANO_USD + max_tokens * COMPLETION_NANO_USD
        left = self.credit_nano_usd - self.total_nano_usd
        if need > left:
            affordable = max(0, left - prompt_tokens * PROMPT_NANO_USD) // COMPLETION_NANO_USD
            raise Refusal(
                402,
                "This request requires more credits, or fewer max_tokens. You requested up to"
                f" {max_tokens} tokens, but can only afford {affordable}. To increase, visit"
                " https://openrouter.ai/settings/credits and add more credits",
                "payment_required",
                metadata={"provider_name": None, "limit_source": "openrouter_credits"},
            )
        if need > left - self.held_nano_usd:
            raise Refusal(
                402,
                "This request would exceed your available credits given your current in-flight"
                " requests. Wait for them to finish, or lower max_tokens.",
                "payment_required",
                headers={"Retry-After": "1"},
                metadata={
                    "limit_source": "openrouter_in_flight_budget",
                    "reason": "in_flight_budget_exhausted",
                },
            )
        self.held_nano_usd += need
        return need

    def start(self, generation: Generation) -> None:
        self.generations[generation.id] = generation
        while len(self.generations) > GENERATIONS_KEPT:
            del self.generations[next(iter(self.generations))]

    def end(self, generation: Generation, cost_nano_usd: int) -> None:
        """The one place where money moves; a second end of the same generation is our own bug."""
        assert not generation.ended
        generation.ended = True
        generation.cost_nano_usd = cost_nano_usd
        self.held_nano_usd -= generation.hold_nano_usd
        self.total_nano_usd += cost_nano_usd
        self._turn_day()
        self._today_nano_usd += cost_nano_usd

    def _turn_day(self) -> None:
        """Days are UTC's."""
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day, self._today_nano_usd = today, 0

    def key_facts(self) -> Json:
        """The `data` of `GET /key`."""
        self._turn_day()
        used = json_usd(self.total_nano_usd)
        return {
            "label": "sk-or-v1-san...box",
            "limit": json_usd(self.credit_nano_usd),
            "limit_remaining": json_usd(max(0, self.credit_nano_usd - self.total_nano_usd)),
            "limit_reset": None,
            "include_byok_in_limit": False,
            "usage": used,
            "usage_daily": json_usd(self._today_nano_usd),
            "usage_weekly": used,
            "usage_monthly": used,
            "byok_usage": 0,
            "byok_usage_daily": 0,
            "byok_usage_weekly": 0,
            "byok_usage_monthly": 0,
            "is_free_tier": False,
            "is_management_key": False,
            "is_provisioning_key": False,
            "creator_user_id": "user_sandbox",
            "expires_at": None,
            "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
        }
