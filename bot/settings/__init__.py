"""The settings: which there are, their defaults, and by which rule each is read. Where they come
from is `reading`'s; nothing here acts on a setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from bot.money import NanoUsd, nano_usd
from bot.settings.rules import FLAG, FOLDER, PRICE, USD, model, seconds, url, whole_number

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg"
CDN_URL = "https://cdn.discordapp.com"
"""What discord.py uses by itself, for whoever must know an address that is not set."""

BASE_URL = "https://openrouter.ai/api/v1"
DEFAULT_MODEL = "openai/gpt-5.4-image-2"
WINDOW_TOKENS = {DEFAULT_MODEL: 272_000}
"""Context windows we know. Source: https://openrouter.ai/api/v1/models (2026-08)."""

MODEL = model(DEFAULT_MODEL)
PATIENCE = seconds(0, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of the file: each field with its rule; what is `nano_usd` here is `usd` there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordSettings(Section):
    """The addresses are None unless set: only then is discord.py told another than its own."""

    api_url: Annotated[str | None, url(API_URL)] = None
    gateway_url: Annotated[str | None, url(GATEWAY_URL)] = None
    cdn_url: Annotated[str | None, url(CDN_URL)] = None
    message_content: Annotated[bool, FLAG] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRouterSettings(Section):
    base_url: Annotated[str, url(BASE_URL)] = BASE_URL
    model: Annotated[str, MODEL] = DEFAULT_MODEL
    max_tokens: Annotated[int, whole_number(1_000, 128_000)] = 16_000
    timeout_s: Annotated[float, seconds(5, 3_600)] = 720.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings(Section):
    data_dir: Annotated[Path, FOLDER] = Path("data")
    shelf_gb: Annotated[int, whole_number(1, 100_000)] = 20
    shelf_days: Annotated[int, whole_number(1, 36_500)] = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(Section):
    running_max: Annotated[int, whole_number(1, 1_000)] = 16
    running_per_member_max: Annotated[int, whole_number(1, 1_000)] = 2
    queue_max: Annotated[int, whole_number(0, 10_000)] = 100
    context_tokens: Annotated[int, whole_number(0, 1_000_000)] = 32_000
    context_pictures: Annotated[int, whole_number(0, 50)] = 4
    stop_grace_s: Annotated[float, PATIENCE] = 300.0
    catch_up_s: Annotated[float, PATIENCE] = 600.0
    unresolved_s: Annotated[float, PATIENCE] = 600.0
    ask_above_nano_usd: Annotated[NanoUsd, USD] = field(default=nano_usd("0.60"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings(Section):
    member_day_nano_usd: Annotated[NanoUsd, USD] = field(default=nano_usd(3))
    member_month_nano_usd: Annotated[NanoUsd, USD] = field(default=nano_usd(15))
    server_month_nano_usd: Annotated[NanoUsd, USD] = field(default=nano_usd(100))
    total_month_nano_usd: Annotated[NanoUsd, USD] = field(default=nano_usd(200))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings(Section):
    json: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice(Section):
    """Nano-dollars per token, rounded up; in the file they are dollars per million tokens."""

    input: Annotated[NanoUsd, PRICE]
    cached_input: Annotated[NanoUsd, PRICE]
    output: Annotated[NanoUsd, PRICE]
    image_output: Annotated[NanoUsd, PRICE]


DEFAULT_PRICE = ModelPrice(
    input=NanoUsd(8_000),
    cached_input=NanoUsd(2_000),
    output=NanoUsd(15_000),
    image_output=NanoUsd(30_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them. The secrets are empty when they were not asked for, and never in the repr."""

    discord: DiscordSettings = field(default_factory=DiscordSettings)
    openrouter: OpenRouterSettings = field(default_factory=OpenRouterSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    prices: Mapping[str, ModelPrice] = field(default_factory=lambda: {DEFAULT_MODEL: DEFAULT_PRICE})
    discord_token: str = field(default="", repr=False)
    openrouter_api_key: str = field(default="", repr=False)
