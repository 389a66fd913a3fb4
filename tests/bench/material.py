"""What is sent and received: the same bytes on both sides of the wire, made from a name. Pictures
here are noise, since nobody looks at them; `photos` makes real ones.
"""

import base64
import hashlib
import json
import random
from functools import cache

MB = 1_000_000
GENERATION_ID = "gen-1790000000-bench"
USAGE = {"prompt_tokens": 90, "completion_tokens": 7_000, "cost": 0.2123}


@cache
def picture_bytes(size_bytes: int, number: int) -> bytes:
    """Different for every number."""
    return random.Random(f"{size_bytes}/{number}").randbytes(size_bytes)


@cache
def picture_sha256(size_bytes: int, number: int) -> str:
    return hashlib.sha256(picture_bytes(size_bytes, number)).hexdigest()


def line_key(size_bytes: int, number: int, bytes_per_s: int = 0) -> str:
    """Names an answer with one picture of so many bytes; 0 bytes per second: as fast as it goes."""
    return f"line/{size_bytes}/{number}/{bytes_per_s}"


def text_key(count: int, per_s: int = 0) -> str:
    """Names an answer of so many chunks of text."""
    return f"text/{count}/{per_s}"


def event(**fields: object) -> bytes:
    """One event of the stream, with the envelope that OpenRouter puts around it."""
    envelope: dict[str, object] = {
        "id": GENERATION_ID,
        "provider": "OpenAI",
        "model": "openai/gpt-5.4-image-2-20260901",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
    }
    text = json.dumps({**envelope, **fields}, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


def choice(delta: dict[str, object], finish: str | None = None) -> list[dict[str, object]]:
    return [
        {
            "index": 0,
            "delta": {"role": "assistant", **delta},
            "finish_reason": finish,
            "native_finish_reason": finish and "completed",
            "logprobs": None,
        }
    ]


def picture_event(data: bytes, media_type: str = "image/png") -> bytes:
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    image = {"type": "image_url", "index": 0, "image_url": {"url": url}}
    return event(choices=choice({"content": "", "images": [image]}))


def ending() -> bytes:
    """What comes behind the last of the content."""
    finish = event(choices=choice({"content": ""}, "stop"))
    return finish + event(choices=[], usage=USAGE) + b"data: [DONE]\n\n"


def line_answer(data: bytes) -> bytes:
    """A whole answer with one picture."""
    return b": OPENROUTER PROCESSING\n\n" * 2 + picture_event(data) + ending()


def text_events(count: int) -> list[bytes]:
    """Chunks of text, each about as long as OpenRouter's."""
    return [
        event(choices=choice({"content": f"{number:05d} words that go on and on "}))
        for number in range(count)
    ]
