"""Reads the settings from a TOML file and, for the two secrets, from the environment; what is wrong
is told with its key, what was found and what is allowed.
"""

import difflib
import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

from bot import words
from bot.errors import SettingsError
from bot.settings import (
    DEFAULT_MODEL,
    DEFAULT_PRICE,
    WINDOW_TOKENS,
    ModelPrice,
    Section,
    Settings,
)
from bot.settings.rules import Rule

DEFAULT_FILE = "config.toml"
FILE_BYTES_MAX = 1_048_576
SECRET_BYTES_MAX = 4096
FOUND_CHARACTERS_MAX = 60
OTHERS_MAX = 10

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
