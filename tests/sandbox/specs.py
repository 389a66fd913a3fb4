"""Validation against Discord's official OpenAPI document, where it is at hand: the folder in
`$EASEL_SPECS` holds it as `discord-openapi.json`.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

DOCUMENT = "urn:discord"
UNDOCUMENTED = frozenset({"/attachments/refresh-urls"})
SHOWN_CHARACTERS = 400
ID_KEY = re.compile(r"(?:.*_)?ids?|users|roles")


def discord_specs_at_hand() -> bool:
    return bool(os.environ.get("EASEL_SPECS"))


def validate_discord(method: str, path: str, body: object) -> None:
    """Fails the test unless the document knows this request and its body (of `payload_json` where
    it has files) fits; skips the test where the document is not at hand.
    """
    if not discord_specs_at_hand():
        pytest.skip("EASEL_SPECS is not set, so Discord's OpenAPI document is not at hand.")
    if path in UNDOCUMENTED or path.startswith("/cdn/"):
        return
    template, operation = _operation(method, path)
    if "requestBody" not in operation:
        return
    wrong = _wrong(method, template, json.dumps(body))
    if wrong is not None:
        pytest.fail(f"{method} {path}: {wrong}")


@cache  # every start of the bot sends the same commands, and they are long
def _wrong(method: str, template: str, body: str) -> str | None:
    pointer = template.replace("~", "~0").replace("/", "~1")
    content = "requestBody/content/application~1json"
    reference = f"{DOCUMENT}#/paths/{pointer}/{method.lower()}/{content}/schema"
    registry = EMPTY_REGISTRY.with_resource(DOCUMENT, DRAFT202012.create_resource(_document()))
    validator = Draft202012Validator({"$ref": reference}, registry=registry)
    try:
        # jsonschema leaves this method untyped.
        validator.validate(_with_text_ids(body))  # pyright: ignore[reportUnknownMemberType]
    except ValidationError as error:
        where = "/".join(str(step) for step in error.absolute_path) or "the top"
        return f"at {where}: {error.message[:SHOWN_CHARACTERS]}"
    return None


# Any: a foreign document, walked by key.
@cache
def _document() -> dict[str, Any]:
    return json.loads((Path(os.environ["EASEL_SPECS"]) / "discord-openapi.json").read_bytes())


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    fitting = [
        template
        for template, operations in _document()["paths"].items()
        if method.lower() in operations and _pattern(template).fullmatch(path)
    ]
    if not fitting:
        pytest.fail(f"the document knows no {method} {path}")
    template = min(fitting, key=lambda one: one.count("{"))
    return template, _document()["paths"][template][method.lower()]


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))


def _with_text_ids(text: str) -> object:
    """The JSON with every integer id as text: Discord takes both, the document only text."""

    # Any: json hands over whatever object stood there.
    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: _text_ids(one) if ID_KEY.fullmatch(key) else one for key, one in pairs}

    return json.loads(text, object_pairs_hook=hook)


def _text_ids(value: object) -> object:
    if isinstance(value, list):
        return [_text_ids(one) for one in cast("list[object]", value)]  # of JSON, unknown
    return str(value) if isinstance(value, int) else value
