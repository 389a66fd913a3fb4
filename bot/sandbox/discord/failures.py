"""How Discord says no: the refusals of its API with their status and JSON code, and the error for
what a person's client would not even offer. No rules live here, only the words of a refusal.
"""

from bot.sandbox.discord.shapes import Json

_KNOWN: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "This thread is locked"),
}


class SandboxError(Exception):
    """Something that cannot be done here; `str()` says why."""


class TimedOut(SandboxError):
    """What was waited for did not happen; `str()` shows what did."""


class Refusal(SandboxError):
    """Discord's answer to a request it does not grant.

    Source of codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes (2026-08).
    """

    def __init__(
        self, code: int, why: str = "", *, errors: Json | None = None, status: int | None = None
    ) -> None:
        usual_status, message = _KNOWN[code]
        self.status = status or usual_status
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors
        self.code = code
        super().__init__(f"{self.status} {code} {message}" + (f": {why}" if why else ""))


def form_error(path: str, code: str, message: str) -> Refusal:
    """The refusal of one field of a body, named as `embeds.0.title`."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(path.split(".")):
        errors = {name: errors}
    return Refusal(50035, f"{path}: {message}", errors=errors)
