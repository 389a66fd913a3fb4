"""The prompt cache of the loopback OpenRouter: which beginning of a request was seen before."""

import hashlib
from collections import OrderedDict

from bot.sandbox.openrouter.request import ChatRequest

SESSIONS_KEPT = 1_000
CACHE_TOKENS_MIN = 1_024
CACHE_STEP_TOKENS = 128


class PromptCache:
    """The latest call of each session."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, list[tuple[str, int]]] = OrderedDict()

    def tokens(self, chat: ChatRequest) -> int:
        """The messages that begin like the session's last call, as OpenAI caches prompts: from
        1,024 tokens on, in steps of 128.
        """
        if chat.session_id is None:
            return 0
        marks: list[tuple[str, int]] = []
        for message in chat.messages:
            facts = (message.role, message.text, *(p.sha256 for p in message.pictures))
            marks.append((hashlib.sha256(repr(facts).encode()).hexdigest(), message.tokens))
        before = self._sessions.pop(chat.session_id, [])
        self._sessions[chat.session_id] = marks
        while len(self._sessions) > SESSIONS_KEPT:
            self._sessions.popitem(last=False)
        shared = chat.fixed_tokens if before else 0
        for then, now in zip(before, marks, strict=False):
            if then != now:
                break
            shared += now[1]
        return shared - shared % CACHE_STEP_TOKENS if shared >= CACHE_TOKENS_MIN else 0
