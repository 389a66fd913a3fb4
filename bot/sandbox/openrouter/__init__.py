"""The loopback OpenRouter: a strict server with a stand-in model behind it and its own books."""

from bot.sandbox.openrouter.account import Account, Generation
from bot.sandbox.openrouter.request import MODEL, MODEL_DATED, SentPicture
from bot.sandbox.openrouter.script import (
    Answer,
    Comment,
    Drop,
    ErrorChunk,
    ErrorIn200,
    Finish,
    Gate,
    Headers,
    LookUp,
    NoUsage,
    Paint,
    Raw,
    Say,
    Show,
    Stall,
    Status,
    Step,
    UsageStep,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.server import Call, ModelSandbox
from bot.sandbox.openrouter.turnstile import Turnstile

__all__ = [
    "MODEL",
    "MODEL_DATED",
    "Account",
    "Answer",
    "Call",
    "Comment",
    "Drop",
    "ErrorChunk",
    "ErrorIn200",
    "Finish",
    "Gate",
    "Generation",
    "Headers",
    "LookUp",
    "ModelSandbox",
    "NoUsage",
    "Paint",
    "Raw",
    "Say",
    "SentPicture",
    "Show",
    "Stall",
    "Status",
    "Step",
    "Turnstile",
    "UsageStep",
    "answer",
    "silent_block",
]
