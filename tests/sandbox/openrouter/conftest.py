"""The loopback OpenRouter and a client that reads its real bytes."""

import base64
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image

from bot.sandbox.openrouter import MODEL, ModelSandbox

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A whole stream as it was received."""

    status: int
    headers: httpx.Headers
    pieces: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def lines(self) -> list[str]:
        return self.data.decode().splitlines()

    @property
    def chunks(self) -> list["Chunk"]:
        marked = [line.removeprefix("data: ") for line in self.lines if line.startswith("data: ")]
        return [Chunk.read(json.loads(text)) for text in marked if text != "[DONE]"]

    @property
    def text(self) -> str:
        return "".join(chunk.content or "" for chunk in self.chunks)

    @property
    def pictures(self) -> list[bytes]:
        urls = [url for chunk in self.chunks for url in chunk.urls]
        return [base64.b64decode(url.partition(",")[2], validate=True) for url in urls]

    @property
    def usage(self) -> Json:
        (usage,) = [chunk.usage for chunk in self.chunks if chunk.usage is not None]
        return usage

    @property
    def generation_id(self) -> str:
        return self.headers["X-Generation-Id"]


@dataclass(frozen=True, slots=True)
class Chunk:
    whole: Json
    content: str | None
    urls: tuple[str, ...]
    finish: tuple[str | None, str | None] | None
    """Both reasons, where there is a choice."""
    usage: Json | None

    @classmethod
    def read(cls, whole: Any) -> "Chunk":  # Any: JSON, checked by its use
        if not whole.get("choices"):
            return cls(whole, None, (), None, whole.get("usage"))
        (choice,) = whole["choices"]
        delta = choice["delta"]
        urls = tuple(image["image_url"]["url"] for image in delta.get("images", ()))
        finish = (choice["finish_reason"], choice.get("native_finish_reason"))
        return cls(whole, delta.get("content"), urls, finish, whole.get("usage"))


class Caller:
    """Calls the sandbox as the bot would."""

    def __init__(self, model: ModelSandbox, http: httpx.AsyncClient) -> None:
        self.model = model
        self.http = http

    async def post(self, body: object) -> httpx.Response:
        return await self.http.post("/chat/completions", json=body)

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query)

    async def stream(self, body: Json) -> Streamed:
        async with self.http.stream("POST", "/chat/completions", json=body) as response:
            pieces = [piece async for piece in response.aiter_raw()]
            return Streamed(response.status_code, response.headers, tuple(pieces))

    async def ask(self, *content: object, **changes: object) -> Streamed:
        return await self.stream(body(*content, **changes))


def body(*content: object, **changes: object) -> Json:
    """A request with one user message: texts, and pictures as bytes."""
    return {
        "model": MODEL,
        "modalities": ["image", "text"],
        "messages": [{"role": "user", "content": parts(*content)}],
        "max_tokens": 16_000,
        "stream": True,
        **changes,
    }


def parts(*content: object) -> list[object]:
    return [_part(item) for item in content]


def _part(item: object) -> object:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    if isinstance(item, bytes):
        with Image.open(io.BytesIO(item)) as image:
            media_type = image.get_format_mimetype() or ""
        url = f"data:{media_type};base64,{base64.b64encode(item).decode()}"
        return {"type": "image_url", "image_url": {"url": url}}
    return item


def png(colour: str, width: int = 640, height: int = 480, form: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, form)
    return target.getvalue()


@pytest.fixture
async def model() -> AsyncIterator[ModelSandbox]:
    async with ModelSandbox(picture_scale=0.25) as running:
        yield running


@pytest.fixture
async def caller(model: ModelSandbox) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {model.api_key}", "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(base_url=model.base_url, headers=headers) as http:
        yield Caller(model, http)
