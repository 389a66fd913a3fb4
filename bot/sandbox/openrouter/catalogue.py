"""The one model of the loopback OpenRouter, as `/models` and its endpoints list it. Data only.
Source: a stored `/models` row of 2026-07; the price of image output is missing there too.
"""

from bot.sandbox.openrouter.request import (
    COMPLETION_TOKENS_MAX,
    CONTEXT_TOKENS,
    MODEL,
    MODEL_DATED,
)

Json = dict[str, object]

NAME = "OpenAI: GPT-5.4 Image 2"
CREATED_S = 1_776_797_528
PARAMETERS = (
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "presence_penalty",
    "reasoning",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "top_logprobs",
)


def model_row() -> Json:
    """One row of `GET /models`."""
    return {
        "id": MODEL,
        "canonical_slug": MODEL_DATED,
        "name": NAME,
        "created": CREATED_S,
        "context_length": CONTEXT_TOKENS,
        "architecture": _architecture(),
        "pricing": _pricing(),
        "top_provider": {
            "context_length": CONTEXT_TOKENS,
            "max_completion_tokens": COMPLETION_TOKENS_MAX,
            "is_moderated": True,
        },
        "per_request_limits": None,
        "default_parameters": None,
        "supported_voices": None,
        "expiration_date": None,
        "supported_parameters": list(PARAMETERS),
        "links": {"details": f"/api/v1/models/{MODEL_DATED}/endpoints"},
    }


def endpoints() -> Json:
    """The `data` of `GET /models/{author}/{slug}/endpoints`."""
    return {
        "id": MODEL,
        "name": NAME,
        "created": CREATED_S,
        "description": "A stand-in on loopback; no model is behind it.",
        "architecture": _architecture(),
        "endpoints": [
            {
                "name": f"OpenAI | {MODEL_DATED}",
                "model_id": MODEL,
                "model_name": NAME,
                "context_length": CONTEXT_TOKENS,
                "pricing": _pricing(),
                "provider_name": "OpenAI",
                "tag": "openai",
                "quantization": "unknown",
                "max_completion_tokens": COMPLETION_TOKENS_MAX,
                "max_prompt_tokens": None,
                "supported_parameters": list(PARAMETERS),
                "status": 0,
                "uptime_last_5m": 100,
                "uptime_last_30m": 100,
                "uptime_last_1d": 100,
                "latency_last_30m": None,
                "throughput_last_30m": None,
                "supports_implicit_caching": True,
            }
        ],
    }


def _architecture() -> Json:
    return {
        "modality": "text+image+file->text+image",
        "input_modalities": ["image", "text", "file"],
        "output_modalities": ["image", "text"],
        "tokenizer": "GPT",
        "instruct_type": None,
    }


def _pricing() -> Json:
    return {
        "prompt": "0.000008",
        "completion": "0.000015",
        "web_search": "0.01",
        "input_cache_read": "0.000002",
    }
