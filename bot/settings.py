"""The settings: which there are, their defaults and what each may be, read from a TOML file and,
for the two secrets, from the environment. Nothing here acts on a setting.
"""

import difflib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

from bot import words
from bot.errors import SettingsError
from bot.money import NanoUsd, nano_usd

DEFAULT_FILE = "config.toml"
FILE_BYTES_MAX = 1_048_576
SECRET_BYTES_MAX = 4096
FOUND_CHARACTERS_MAX = 60
OTHERS_MAX = 10

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg"
CDN_URL = "https://cdn.discordapp.com"
"""What discord.py uses by itself, for whoever must know an address that is not set."""

BASE_URL = "https://openrouter.ai/api/v1"
DEFAULT_MODEL = "openai/gpt-5.4-image-2"
WINDOW_TOKENS = {DEFAULT_MODEL: 272_000}
"""Context windows we know. Source: https://openrouter.ai/api/v1/models (2026-08)."""

LOOPBACK = r"localhost|127(?:\.\d{1,3}){3}|\[::1\]"
USD_PER_MILLION_MAX = 10_000
BUDGET_USD_MAX = 1_000_000


class Rule(NamedTuple):
    """What a key may be: `read` gives the setting of a TOML value or raises ValueError."""

    allowed: str
    read: Callable[[object], object]


def _decimal(value: object, lowest: int, highest: int) -> Decimal:
    if not isinstance(value, bool) and isinstance(value, int | Decimal):
        number = Decimal(value)
        if number.is_finite() and lowest <= number <= highest:
            return number
    raise ValueError


def _whole(lowest: int, highest: int) -> Rule:
    def read(value: object) -> int:
        if isinstance(value, int):
            return int(_decimal(value, lowest, highest))
        raise ValueError

    return Rule(words.allowed_whole_number(lowest, highest), read)


def _seconds(lowest: int, highest: int) -> Rule:
    def read(value: object) -> float:
        return float(_decimal(value, lowest, highest))

    return Rule(words.allowed_seconds(lowest, highest), read)


def _exact_usd(value: object, highest: int) -> Decimal:
    """At most nine decimals, so that the amount is a whole number of nano-dollars."""
    amount = _decimal(value, 0, highest)
    if amount != amount.quantize(Decimal("1E-9")):
        raise ValueError
    return amount


def _budget(value: object) -> NanoUsd:
    return nano_usd(_exact_usd(value, BUDGET_USD_MAX))


def _price(value: object) -> NanoUsd:
    amount = _exact_usd(value, USD_PER_MILLION_MAX) * 1_000
    # Rounded up: prices only bound what a call may cost, and a bound must not be below it.
    return NanoUsd(int(amount.to_integral_value(ROUND_CEILING)))


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError


def _model(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-~]{1,200}", value):
        return value
    raise ValueError


def _folder(value: object) -> Path:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return Path(value)
    raise ValueError


def _url(example: str) -> Rule:
    """An address of the example's kind: by its scheme, or the plain one to this machine."""
    secure = example.partition(":")[0]
    plain = secure.removesuffix("s")
    start = rf"{secure}://(?:[\w.-]+|\[[\da-fA-F:.]+\])|{plain}://(?:{LOOPBACK})"
    pattern = re.compile(rf"(?:{start})(?::\d{{1,5}})?(?:/[^\s/?#@]+)*", re.ASCII)

    def read(value: object) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        raise ValueError

    return Rule(words.allowed_url(example, plain), read)


FLAG = Rule(words.allowed_flag(), _flag)
MODEL = Rule(words.allowed_model(DEFAULT_MODEL), _model)
FOLDER = Rule(words.allowed_folder(), _folder)
USD = Rule(words.allowed_usd(BUDGET_USD_MAX), _budget)
PRICE = Rule(words.allowed_usd_per_million(USD_PER_MILLION_MAX), _price)
PATIENCE = _seconds(0, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of the file: each field with its rule; what is `nano_usd` here is `usd` there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordSettings(Section):
    """The addresses are None unless set: only then is discord.py told another than its own."""

    api_url: Annotated[str | None, _url(API_URL)] = None
    gateway_url: Annotated[str | None, _url(GATEWAY_URL)] = None
    cdn_url: Annotated[str | None, _url(CDN_URL)] = None
    message_content: Annotated[bool, FLAG] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRouterSettings(Section):
    base_url: Annotated[str, _url(BASE_URL)] = BASE_URL
    model: Annotated[str, MODEL] = DEFAULT_MODEL
    max_tokens: Annotated[int, _whole(1_000, 128_000)] = 16_000
    timeout_s: Annotated[float, _seconds(5, 3_600)] = 720.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings(Section):
    data_dir: Annotated[Path, FOLDER] = Path("data")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(Section):
    running_max: Annotated[int, _whole(1, 1_000)] = 16
    running_per_member_max: Annotated[int, _whole(1, 1_000)] = 2
    queue_max: Annotated[int, _whole(0, 10_000)] = 100
    context_tokens: Annotated[int, _whole(0, 1_000_000)] = 32_000
    context_pictures: Annotated[int, _whole(0, 50)] = 4
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


AnySection = TypeVar("AnySection", bound=Section)


class Wrong(NamedTuple):
    """One finding: an error is raised for the first and names the keys of the others."""

    key: str
    found: str
    allowed: str


def load(
    config_path: Path | None, environment: Mapping[str, str], *, secrets: bool = True
) -> Settings:
    """The settings of the file named, else of `$EASEL_CONFIG`, else of `./config.toml`, which alone
    may be absent; with `secrets`, also the two of the environment.

    Raises SettingsError, one for all that is wrong.
    """
    named = environment.get("EASEL_CONFIG")
    named_by = "--config" if config_path else "EASEL_CONFIG" if named else ""
    path = config_path or Path(named or DEFAULT_FILE)
    wrong: list[Wrong] = []
    settings = _settings(_table(path, named_by), wrong)
    _raise(str(path), wrong)
    if secrets:
        token = secret("DISCORD_TOKEN", environment, wrong)
        api_key = secret("OPENROUTER_API_KEY", environment, wrong)
        _raise("environment", wrong)
        settings = replace(settings, discord_token=token, openrouter_api_key=api_key)
    return settings


def _raise(file: str, wrong: Sequence[Wrong]) -> None:
    if wrong:
        key, found, allowed = wrong[0]
        others = [other.key for other in wrong[1 : 1 + OTHERS_MAX]]
        raise SettingsError(file, key, found, words.allowed_and_also_wrong(allowed, others))


def _table(path: Path, named_by: str) -> dict[str, object]:
    """The file's TOML; empty if nobody named a file and there is none."""
    place = named_by or "the file"
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ValueError(words.found_too_long(FILE_BYTES_MAX))
        # Money is never a float, and some editors begin a file with a byte order mark.
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        if not named_by:
            return {}
        found = words.found_no_file()
    except OSError as error:
        found = words.found_unreadable(error.strerror or type(error).__name__)
    except UnicodeDecodeError:
        found = words.found_not_utf8()
    except (ArithmeticError, RecursionError):
        found = words.found_too_large()
    except ValueError as error:
        message, _, where = str(error).rstrip(")").partition(" (at ")
        found, place = words.found_syntax_error(message), where or place
    raise SettingsError(str(path), place, found, words.allowed_settings_file())


def _settings(table: Mapping[str, object], wrong: list[Wrong]) -> Settings:
    """Of a file's TOML. What is wrong is added to `wrong` and stands at its default."""
    default = Settings()
    settings = Settings(
        discord=_section(default.discord, "discord", table.get("discord", {}), wrong),
        openrouter=_section(default.openrouter, "openrouter", table.get("openrouter", {}), wrong),
        storage=_section(default.storage, "storage", table.get("storage", {}), wrong),
        limits=_section(default.limits, "limits", table.get("limits", {}), wrong),
        budgets=_section(default.budgets, "budgets", table.get("budgets", {}), wrong),
        logs=_section(default.logs, "logs", table.get("logs", {}), wrong),
        prices=_prices(table.get("prices", {}), wrong),
    )
    sections = [each.name for each in fields(Settings) if each.repr]  # all but the secrets
    wrong += [_unknown("", key, sections) for key in table if key not in sections]
    model = settings.openrouter.model
    if model not in settings.prices:
        allowed = words.allowed_prices(model)
        wrong.append(Wrong(f"prices.{_key(model)}", words.found_nothing(), allowed))
    most = WINDOW_TOKENS.get(model, sys.maxsize) - settings.openrouter.max_tokens
    if settings.limits.context_tokens > most:
        found = _shown(settings.limits.context_tokens)
        wrong.append(Wrong("limits.context_tokens", found, words.allowed_context(most, model)))
    return settings


def _prices(table: object, wrong: list[Wrong]) -> dict[str, ModelPrice]:
    """By model. Only the default model's keys have defaults."""
    models = _keys("prices", table, wrong)
    return {DEFAULT_MODEL: DEFAULT_PRICE} | {
        model: _section(
            DEFAULT_PRICE, f"prices.{_key(model)}", price, wrong, complete=model != DEFAULT_MODEL
        )
        for model, price in models.items()
    }


def _section(
    default: AnySection, prefix: str, table: object, wrong: list[Wrong], *, complete: bool = False
) -> AnySection:
    """The default with the table's keys in place of its own; if `complete`, none may be absent."""
    found = _keys(prefix, table, wrong)
    hints = get_type_hints(type(default), include_extras=True)
    rules: dict[str, tuple[str, Rule]] = {
        name.replace("nano_usd", "usd"): (name, get_args(hint)[1]) for name, hint in hints.items()
    }
    wrong += [_unknown(prefix, key, list(rules)) for key in found if key not in rules]
    values: dict[str, Any] = {}  # each as its own rule reads it
    for key, (name, rule) in rules.items():
        if key in found:
            try:
                values[name] = rule.read(found[key])
            except (ValueError, ArithmeticError):
                wrong.append(Wrong(f"{prefix}.{key}", _shown(found[key]), rule.allowed))
        elif complete:
            wrong.append(Wrong(f"{prefix}.{key}", words.found_nothing(), rule.allowed))
    return replace(default, **values)


def _keys(prefix: str, table: object, wrong: list[Wrong]) -> dict[str, object]:
    if isinstance(table, dict):
        return cast("dict[str, object]", table)  # TOML's keys are strings
    wrong.append(Wrong(prefix, _shown(table), words.allowed_table(prefix)))
    return {}


def _unknown(prefix: str, key: str, known: Sequence[str]) -> Wrong:
    """Its value is not shown: it may be a secret that belongs elsewhere."""
    nearest = difflib.get_close_matches(key, known, n=1) or known
    dotted = f"{prefix}.{_key(key)}" if prefix else _key(key)
    return Wrong(dotted, words.found_unknown_key(), words.allowed_keys(nearest))


def _key(name: str) -> str:
    """As TOML writes it, on one line."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _shown(value: object) -> str:
    """A found value as TOML writes it, on one line and not too long."""
    match value:
        case dict() | list():
            return words.found_table() if isinstance(value, dict) else words.found_list()
        case int() if abs(value) > 10**FOUND_CHARACTERS_MAX:
            return words.found_too_large()
        case str() if "@" in value and "://" in value:
            return words.found_credentials()
        case bool() | str():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = " ".join(str(value).split())
    return text if len(text) <= FOUND_CHARACTERS_MAX else f"{text[:FOUND_CHARACTERS_MAX]}…"


def secret(name: str, environment: Mapping[str, str], wrong: list[Wrong]) -> str:
    """Of the variable or of the file that `<name>_FILE` names. No message shows either of the two,
    for a person may have put the secret into the wrong one.
    """
    value, file = environment.get(name, "").strip(), environment.get(f"{name}_FILE", "")
    key, found = f"{name}_FILE" if file else name, ""
    if value and file:
        found = words.found_twice(name)
    elif file:
        try:
            with Path(file).open("rb") as opened:
                value = opened.read(SECRET_BYTES_MAX).decode().strip()
        except OSError as error:
            found = words.found_unreadable(error.strerror or type(error).__name__)
        except ValueError:
            found = words.found_not_utf8()
    if not found and not value:
        found = words.found_nothing()
    elif not found and not re.fullmatch(r"[!-~]+", value):
        # An HTTP client would refuse it as a header, and show it in its error.
        found = words.found_not_a_secret()
    if found:
        wrong.append(Wrong(key, found, words.allowed_secret(name)))
    return value
