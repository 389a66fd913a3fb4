"""Validation against OpenRouter's official OpenAPI document, where it is at hand: the folder in
`$EASEL_SPECS` holds it as `openrouter-openapi.yaml`. Elsewhere the tests that ask for it skip.
"""

import os
from functools import cache
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY, Schema

DOCUMENT = "urn:openrouter"
SHOWN_CHARACTERS = 400


class OpenRouterSpec:
    """The document. Unknown keys pass, since it allows them; `delta.images` is one of those."""

    def __init__(self, document: Schema) -> None:
        resource = DRAFT202012.create_resource(document)
        self._registry = EMPTY_REGISTRY.with_resource(DOCUMENT, resource)

    def check_request(self, path: str, body: object) -> None:
        """Fails the test unless this is a body the path takes by POST."""
        self._check(f"#/paths/{_escaped(path)}/post/requestBody", body)

    def check_reply(self, method: str, path: str, status: int, body: object) -> None:
        """Fails the test unless this is a JSON body the path may answer with this status."""
        self._check(f"#/paths/{_escaped(path)}/{method}/responses/{status}", body)

    def check_chunk(self, chunk: object) -> None:
        """Fails the test unless this is the JSON of a stream's `data:` line."""
        self._validate(f"{DOCUMENT}#/components/schemas/ChatStreamChunk", chunk)

    def _check(self, pointer: str, body: object) -> None:
        self._validate(f"{DOCUMENT}{pointer}/content/application~1json/schema", body)

    def _validate(self, reference: str, value: object) -> None:
        validator = Draft202012Validator({"$ref": reference}, registry=self._registry)
        try:
            # jsonschema leaves this method untyped.
            validator.validate(value)  # pyright: ignore[reportUnknownMemberType]
        except ValidationError as error:
            where = "/".join(str(step) for step in error.absolute_path) or "the top"
            pytest.fail(f"{reference}: at {where}: {error.message[:SHOWN_CHARACTERS]}")


def openrouter_spec() -> OpenRouterSpec:
    """The document, loaded once; skips the test where it is not at hand."""
    folder = os.environ.get("EASEL_SPECS")
    if not folder:
        pytest.skip("EASEL_SPECS is not set, so OpenRouter's OpenAPI document is not at hand.")
    return _load(Path(folder) / "openrouter-openapi.yaml")


@cache
def _load(path: Path) -> OpenRouterSpec:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return OpenRouterSpec(yaml.load(path.read_bytes(), Loader=loader))


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")
