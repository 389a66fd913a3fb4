"""What a chat request at the loopback OpenRouter says, and everything that OpenRouter refuses about
one before it is run. Reading decodes pictures, which is work for a thread; no server, no drawing.
Source of the rules: openrouter.ai/docs and the OpenAPI document, 2026-08.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from bot.sandbox.painting import SIZES, BadPicture, look

MODEL = "openai/gpt-5.4-image-2"
MODEL_DATED = "openai/gpt-5.4-image-2-20260421"
CONTEXT_TOKENS = 272_000
COMPLETION_TOKENS_MAX = 128_000
HIDDEN_TOOL_PROMPT_TOKENS = 1_800
MESSAGE_TOKENS = 3
MESSAGE_TOKENS_MAX = 3_000
PAGE_TOKENS = 800
PDF_BYTES_MAX = 50 * 1024 * 1024
PICTURE_TOKENS_MAX = 1_536
PICTURE_BYTES_MAX = 30 * 1024 * 1024
SESSION_ID_CHARACTERS_MAX = 256

ROLES = ("system", "developer", "user", "assistant", "tool")
DETAILS = ("auto", "low", "high", "original")
MODALITIES = ("text", "image", "audio")

Json = dict[str, object]


class Refusal(Exception):
    """An HTTP error status with the error envelope, before anything is generated or charged."""

    def __init__(
        self,
        status: int,
        message: str,
        error_type: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        facts: Json = {"error_type": error_type} if error_type else {}
        facts |= metadata or {}
        error: Json = {"code": status, "message": message}
        if facts:
            error["metadata"] = facts
        self.envelope: Json = {"error": error, "user_id": "user_sandbox"}


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture that came in a request, of the decoded bytes."""

    sha256: str
    media_type: str
    width: int
    height: int
    data: bytes = field(repr=False)

    @property
    def tokens(self) -> int:
        """32-px patches x 1.2 after fitting into 2,048 px (OpenAI images-vision guide), capped."""
        scale = min(1.0, 2048 / max(self.width, self.height))
        patches = math.ceil(self.width * scale / 32) * math.ceil(self.height * scale / 32)
        return min(PICTURE_TOKENS_MAX, math.ceil(patches * 1.2))


@dataclass(frozen=True, slots=True)
class SentFile:
    """A PDF that came in a request; `pages` as the stand-in counts them."""

    name: str
    sha256: str
    pages: int


@dataclass(frozen=True, slots=True)
class SentMessage:
    role: str
    text: str
    words: str
    """The first text part alone: what comes after it is an aside of the program that asks."""
    pictures: tuple[SentPicture, ...]
    tokens: int
    files: tuple["SentFile", ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that passed. `short` is its JSON with every data URL replaced by
    `data:<type>;sha256=<hex>;bytes=<n>`.
    """

    short: Json
    messages: tuple[SentMessage, ...]
    may_paint: bool
    aspect_ratio: str | None
    image_size: str
    max_tokens: int
    stream: bool
    user: str | None
    session_id: str | None

    @property
    def fixed_tokens(self) -> int:
        """What the prompt counts besides its messages."""
        return HIDDEN_TOOL_PROMPT_TOKENS if self.may_paint else 0

    @property
    def prompt_tokens(self) -> int:
        envelope = min(MESSAGE_TOKENS_MAX, MESSAGE_TOKENS * len(self.messages))
        return self.fixed_tokens + envelope + sum(message.tokens for message in self.messages)

    @property
    def last(self) -> SentMessage:
        """The last user message."""
        users = [message for message in self.messages if message.role == "user"]
        return users[-1] if users else SentMessage("user", "", "", (), 0)

    @property
    def pictures(self) -> tuple[SentPicture, ...]:
        return tuple(picture for message in self.messages for picture in message.pictures)


def count_text_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes of each word, rounded up: never more than the text's bytes."""
    return sum(math.ceil(len(word.encode()) / 4) for word in text.split())


def read_request(body: bytes) -> ChatRequest:
    """The request in this body; raises Refusal with 400, 404 or 413 as OpenRouter would."""
    try:
        parsed: object = json.loads(body)
    except ValueError as error:
        raise _bad("The request body is not valid JSON") from error
    request = _object(parsed, "The request body")
    _check_scalars(request)
    messages = _messages(request)
    if request.get("tools"):
        raise Refusal(404, "No endpoints found that support tool use", "not_found")
    may_paint = _may_paint(request)
    aspect_ratio, image_size = _image_config(request)
    max_tokens = _max_tokens(request)
    session_id = request.get("session_id")
    user = request.get("user")
    result = ChatRequest(
        short=request,
        messages=messages,
        may_paint=may_paint,
        aspect_ratio=aspect_ratio,
        image_size=image_size,
        max_tokens=max_tokens,
        stream=request.get("stream") is True,
        user=user if isinstance(user, str) else None,
        session_id=session_id if isinstance(session_id, str) else None,
    )
    if result.prompt_tokens > CONTEXT_TOKENS - max_tokens:
        raise _bad(
            f"This endpoint's maximum context length is {CONTEXT_TOKENS} tokens. However, you"
            f" requested about {result.prompt_tokens + max_tokens} tokens"
            f" ({result.prompt_tokens} of text and image input, {max_tokens} in the output).",
            "context_length_exceeded",
        )
    return result


def _bad(message: str, error_type: str = "invalid_request") -> Refusal:
    return Refusal(400, message, error_type)


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise _bad(f"{name} must be an object")
    return cast("Json", value)  # the keys of a JSON object are strings


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise _bad(f"{name} must be an array")
    return cast("list[object]", value)  # of anything, until each item is looked at


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _bad(f"{name} must be a string")
    return value


def _check_scalars(request: Json) -> None:
    model = request.get("model")
    if model not in {MODEL, MODEL_DATED}:
        raise _bad(f"{model} is not a valid model ID")
    if not isinstance(request.get("stream", False), bool):
        raise _bad("stream must be a boolean")
    for key in ("user", "session_id"):
        if key in request:
            _text(request[key], key)
    if len(str(request.get("session_id", ""))) > SESSION_ID_CHARACTERS_MAX:
        raise _bad(f"session_id must be at most {SESSION_ID_CHARACTERS_MAX} characters")


def _max_tokens(request: Json) -> int:
    """Without one, OpenRouter reckons with all that the model may write."""
    value = request.get("max_completion_tokens", request.get("max_tokens"))
    if value is None:
        return COMPLETION_TOKENS_MAX
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _bad("max_tokens must be a positive integer")
    if value > COMPLETION_TOKENS_MAX:
        raise _bad(
            f"max_tokens is too large: {value}. This model supports at most"
            f" {COMPLETION_TOKENS_MAX} completion tokens.",
            "max_tokens_exceeded",
        )
    return value


def _may_paint(request: Json) -> bool:
    if request.get("modalities") is None:
        return False
    asked = [_text(item, "modalities[]") for item in _list(request["modalities"], "modalities")]
    if any(item not in MODALITIES for item in asked):
        raise _bad(f"modalities must be of {', '.join(MODALITIES)}")
    if set(asked) not in ({"image", "text"}, {"text"}):
        raise Refusal(
            404,
            "No endpoints found that support the requested output modalities: " + ", ".join(asked),
            "not_found",
        )
    return "image" in asked


def _image_config(request: Json) -> tuple[str | None, str]:
    """Aspect ratio and size; other keys are dropped silently, since nothing shows them honoured."""
    if request.get("image_config") is None:
        return None, "1K"
    config = _object(request["image_config"], "image_config")
    for key, value in config.items():
        if not isinstance(value, str | int | float | list) or isinstance(value, bool):
            raise _bad(f"image_config.{key} must be a string, a number or an array")
    size = config.get("image_size", "1K")
    if not isinstance(size, str) or size not in SIZES:
        raise _bad(f"image_config.image_size must be one of {', '.join(SIZES)}")
    ratio = config.get("aspect_ratio")
    if ratio is not None and (not isinstance(ratio, str) or ratio not in SIZES[size]):
        raise _bad(f"image_config.aspect_ratio must be one of {', '.join(SIZES[size])}")
    return ratio, size


def _messages(request: Json) -> tuple[SentMessage, ...]:
    items = _list(request.get("messages"), "messages")
    if not items:
        raise _bad("Input required: specify at least one message")
    return tuple(_message(_object(item, f"messages[{at}]"), at) for at, item in enumerate(items))


def _message(message: Json, at: int) -> SentMessage:
    role = _text(message.get("role"), f"messages[{at}].role")
    if role not in ROLES:
        raise _bad(f"messages[{at}].role must be one of {', '.join(ROLES)}")
    content = message.get("content")
    if content is None and role == "assistant":
        content = ""
    if isinstance(content, str):
        return SentMessage(role, content, content, (), count_text_tokens(content))
    texts: list[str] = []
    pictures: list[SentPicture] = []
    files: list[SentFile] = []
    tokens = 0
    for number, item in enumerate(_list(content, f"messages[{at}].content")):
        name = f"messages[{at}].content[{number}]"
        part = _object(item, name)
        kind = _text(part.get("type"), f"{name}.type")
        if kind == "text":
            texts.append(_text(part.get("text"), f"{name}.text"))
            tokens += count_text_tokens(texts[-1])
        elif kind == "image_url":
            pictures.append(_picture(_object(part.get("image_url"), f"{name}.image_url"), name))
            tokens += pictures[-1].tokens
        elif kind == "file":
            if role != "user":
                raise _bad(f"{name}: files are only taken from the user")
            files.append(_file(_object(part.get("file"), f"{name}.file"), name))
            tokens += files[-1].pages * PAGE_TOKENS
        elif kind in {"input_audio", "video_url"}:
            raise Refusal(404, f"No endpoints found that support {kind}", "not_found")
        else:
            raise _bad(f"{name}.type {kind[:40]!r} is not known")
    words = texts[0] if texts else ""
    return SentMessage(role, "\n".join(texts), words, tuple(pictures), tokens, tuple(files))


def _picture(image: Json, name: str) -> SentPicture:
    if image.get("detail", "auto") not in DETAILS:
        raise _bad(f"{name}.image_url.detail must be one of {', '.join(DETAILS)}")
    url = _text(image.get("url"), f"{name}.image_url.url")
    if not url.startswith("data:"):
        raise _bad(f"{name}: the image could not be downloaded", "image_download_failed")
    media_type, data = _data_url(url, name)
    if len(data) > PICTURE_BYTES_MAX:
        raise Refusal(413, "Downloaded image content cannot exceed 30MB", "payload_too_large")
    try:
        seen = look(data)
    except BadPicture as error:
        error_type = "image_too_large" if error.too_large else "invalid_image"
        raise _bad(f"{name}: the image is {error}", error_type) from error
    if seen.media_type != media_type or not seen.still:
        raise _bad(
            f"{name}: {media_type} must be a still png, jpeg, webp or gif and what it says",
            "unsupported_image_format",
        )
    digest = hashlib.sha256(data).hexdigest()
    image["url"] = f"data:{media_type};sha256={digest};bytes={len(data)}"
    return SentPicture(digest, media_type, seen.width, seen.height, data)


def _data_url(url: str, name: str) -> tuple[str, bytes]:
    head, comma, encoded = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if not comma or encoding != "base64":
        raise _bad(f"{name}: the data URL is not base64", "invalid_image")
    try:
        return media_type, base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise _bad(f"{name}: the data URL is not valid base64", "invalid_image") from error


def _file(file: Json, name: str) -> SentFile:
    """A PDF by its data URL. OpenRouter also takes https addresses and ids of uploaded files, which
    lead nowhere from here.
    """
    file_name = _text(file.get("filename"), f"{name}.file.filename")
    if not file_name:
        raise _bad(f"{name}.file.filename must not be empty")
    url = _text(file.get("file_data"), f"{name}.file.file_data")
    if not url.startswith("data:"):
        raise _bad(f"{name}: the file could not be downloaded")
    media_type, data = _data_url(url, name)
    if media_type != "application/pdf":
        raise _bad(f"Invalid file type: {media_type}")
    if len(data) > PDF_BYTES_MAX:
        raise Refusal(413, "The file is too large", "payload_too_large")
    if b"%PDF-" not in data[:1024]:
        raise _bad(f"{name}: the file is not a PDF")
    digest = hashlib.sha256(data).hexdigest()
    file["file_data"] = f"data:{media_type};sha256={digest};bytes={len(data)}"
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    return SentFile(file_name, digest, max(1, pages))
