"""How a call at the model can fail, as one table: the word and the sentence for the person, whether
it is proved that nothing was charged, whether the call may be made again, and whether its owner
must act. Beside it, how a cause is told from what was seen. Nothing here waits or decides to retry.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from bot import words
from bot.clock import milliseconds
from bot.errors import CallFailed, Notice, Word
from bot.openrouter.facts import Json, as_object, as_text, error_of
from bot.openrouter.stream import parse

RETRY_AFTER_S_MAX = 60.0
"""Longer is not waited for: the person is still there."""

_log = logging.getLogger(__name__)


class Cause(Enum):
    UNREACHABLE = auto()  # the request did not leave whole
    NO_ANSWER = auto()  # it left, and no status came back
    BUSY = auto()
    UNAVAILABLE = auto()
    FAULT = auto()
    TIMED_OUT = auto()
    OTHER_STATUS = auto()
    BLOCKED = auto()
    KEY = auto()
    CREDIT = auto()
    FORBIDDEN = auto()
    NOT_OFFERED = auto()
    REFUSED = auto()
    MOVED = auto()
    TOO_LONG = auto()
    TOO_LARGE = auto()
    PICTURE_REFUSED = auto()
    FAILED = auto()  # in the answer, before anything arrived
    CUT = auto()
    STALLED = auto()
    SILENT = auto()
    EMPTY = auto()
    ANSWER_TOO_LARGE = auto()


@dataclass(frozen=True, slots=True)
class _Row:
    word: Word
    sentence: Callable[[], str]
    proof: bool = False
    retry: bool = False
    owner: bool = False
    shorten: bool = False


_TABLE: Mapping[Cause, _Row] = {
    # The request did not arrive, so nothing can have been charged.
    Cause.UNREACHABLE: _Row(Word.PROVIDER, words.model_unreachable, proof=True, retry=True),
    # An error status before the first event proves the same, except where the work may be done.
    Cause.BUSY: _Row(Word.BUSY, words.model_busy, proof=True, retry=True),
    Cause.UNAVAILABLE: _Row(Word.PROVIDER, words.model_unavailable, proof=True, retry=True),
    Cause.OTHER_STATUS: _Row(Word.PROVIDER, words.model_failed, proof=True),
    Cause.BLOCKED: _Row(Word.BLOCKED, words.model_blocked, proof=True),
    Cause.KEY: _Row(Word.OWNER, words.key_refused, proof=True, owner=True),
    Cause.CREDIT: _Row(Word.OWNER, words.credit_used_up, proof=True, owner=True),
    Cause.FORBIDDEN: _Row(Word.OWNER, words.model_forbidden, proof=True, owner=True),
    Cause.NOT_OFFERED: _Row(Word.OWNER, words.model_not_offered, proof=True, owner=True),
    Cause.REFUSED: _Row(Word.OWNER, words.request_refused, proof=True, owner=True),
    Cause.MOVED: _Row(Word.OWNER, words.address_refused, proof=True, owner=True),
    Cause.TOO_LONG: _Row(Word.TOO_LARGE, words.conversation_too_long, proof=True, shorten=True),
    Cause.TOO_LARGE: _Row(Word.TOO_LARGE, words.request_too_large, proof=True),
    Cause.PICTURE_REFUSED: _Row(Word.UNREADABLE, words.picture_refused, proof=True),
    # From here on the model may have worked and been paid.
    Cause.FAULT: _Row(Word.PROVIDER, words.model_failed),
    Cause.TIMED_OUT: _Row(Word.PROVIDER, words.model_too_slow),
    Cause.NO_ANSWER: _Row(Word.PROVIDER, words.model_failed),
    Cause.FAILED: _Row(Word.PROVIDER, words.model_failed),
    Cause.CUT: _Row(Word.CUT, words.model_cut),
    Cause.STALLED: _Row(Word.CUT, words.model_stalled),
    Cause.SILENT: _Row(Word.SILENT, words.model_silent),
    Cause.EMPTY: _Row(Word.PROVIDER, words.model_empty),
    Cause.ANSWER_TOO_LARGE: _Row(Word.TOO_LARGE, words.answer_too_large),
}

_BY_STATUS: Mapping[int, Cause] = {
    400: Cause.REFUSED,
    401: Cause.KEY,
    402: Cause.CREDIT,
    403: Cause.FORBIDDEN,
    404: Cause.NOT_OFFERED,
    408: Cause.TIMED_OUT,
    413: Cause.TOO_LARGE,
    422: Cause.REFUSED,
    429: Cause.BUSY,
    500: Cause.FAULT,
    502: Cause.UNAVAILABLE,
    503: Cause.UNAVAILABLE,
    504: Cause.TIMED_OUT,
    524: Cause.TIMED_OUT,
    529: Cause.BUSY,
}

_BY_TYPE: Mapping[str, Cause] = {
    "content_policy_violation": Cause.BLOCKED,
    "refusal": Cause.BLOCKED,
    "moderation_blocked": Cause.BLOCKED,
    "context_length_exceeded": Cause.TOO_LONG,
    "payload_too_large": Cause.TOO_LARGE,
    "image_too_large": Cause.TOO_LARGE,
    "image_too_small": Cause.PICTURE_REFUSED,
    "invalid_image": Cause.PICTURE_REFUSED,
    "unsupported_image_format": Cause.PICTURE_REFUSED,
}

_BY_TYPE_IN_ANSWER: Mapping[str, Cause] = {
    **_BY_TYPE,
    "rate_limit_exceeded": Cause.BUSY,
    "provider_overloaded": Cause.BUSY,
}

_TOLD_BY_TYPE = {400, 403, 413, 422}
"""Statuses whose `error_type` says more. Of the others the status alone decides about money."""


def failure(
    cause: Cause, *, retry_after_s: float | None = None, generation_id: str | None = None
) -> CallFailed:
    """The row of the table, as it holds for an error status or before."""
    row = _TABLE[cause]
    return CallFailed(
        row.word,
        row.sentence(),
        charge_ruled_out=row.proof,
        may_retry=row.retry,
        retry_after_s=retry_after_s,
        tell_owner=row.owner,
        shorten=row.shorten,
        generation_id=generation_id,
    )


def of_status(status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> CallFailed:
    """The failure that an answer with another status than 200 is, whatever its body is."""
    try:
        error = error_of(parse(body)) or {}
    except ValueError:
        error = {}
    cause = _cause_of_status(status, error)
    _log.warning("the model answered with status %d: %s", status, _described(error, cause))
    return failure(
        cause,
        retry_after_s=retry_after_s(headers.get("retry-after"), now_ms),
        generation_id=headers.get("x-generation-id") or None,
    )


def in_answer(error: Json, *, arrived: bool) -> CallFailed:
    """The failure that an error inside an answer with status 200 is.

    It proves nothing about the charge. `arrived`: text or a picture came before it.
    """
    cause = _cause_in_answer(error)
    _log.warning("an answer of the model holds an error: %s", _described(error, cause))
    return ended(cause, arrived=arrived)


def ended(cause: Cause, *, arrived: bool) -> CallFailed:
    """An answer with status 200 that ends like this; what arrived before makes it a cut one."""
    row = _TABLE[cause]
    if arrived and row.word not in {Word.BLOCKED, Word.TOO_LARGE, Word.CUT}:
        shown = _TABLE[Cause.CUT]
    elif not arrived and row.word is Word.CUT:
        shown = _TABLE[Cause.TIMED_OUT if cause is Cause.STALLED else Cause.FAILED]
    else:
        shown = row
    return CallFailed(shown.word, shown.sentence(), charge_ruled_out=False, tell_owner=row.owner)


def lost(notice: Notice) -> CallFailed:
    """An answer whose pictures came and could not be taken."""
    return CallFailed(
        notice.word,
        notice.sentence,
        charge_ruled_out=False,
        tell_owner=notice.word is Word.OWNER,
    )


def not_sent(notice: Notice) -> CallFailed:
    """A request that could not be made whole here, and so did not leave whole."""
    return CallFailed(
        notice.word,
        notice.sentence,
        charge_ruled_out=True,
        tell_owner=notice.word is Word.OWNER,
    )


def retry_after_s(value: str | None, now_ms: int) -> float | None:
    """The seconds of a `Retry-After`, which may be a date, within 0 and `RETRY_AFTER_S_MAX`."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            return None
        seconds = (milliseconds(moment) - now_ms) / 1000
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)


def _cause_of_status(status: int, error: Json) -> Cause:
    metadata = as_object(error.get("metadata"))
    if status == 402 and metadata.get("limit_source") == "openrouter_in_flight_budget":
        transient = metadata.get("reason") != "weight_exceeds_budget"
        return Cause.BUSY if transient else Cause.CREDIT
    if status == 403 and metadata.keys() & {"reasons", "flagged_input", "patterns"}:
        return Cause.BLOCKED
    if status in _TOLD_BY_TYPE and (told := _told(error, _BY_TYPE)) is not None:
        return told
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return Cause.MOVED
    return Cause.REFUSED if status < 500 else Cause.OTHER_STATUS


def _cause_in_answer(error: Json) -> Cause:
    told = _told(error, _BY_TYPE_IN_ANSWER)
    if told is not None:
        return told
    code = error.get("code")
    status = int(code) if isinstance(code, str) and re.fullmatch("[0-9]{3}", code) else code
    if not isinstance(status, int) or status not in _BY_STATUS:
        return Cause.FAILED
    return _cause_of_status(status, error)


def _told(error: Json, by_type: Mapping[str, Cause]) -> Cause | None:
    """The cause that the error's own words tell: its type, in one of the places where it stands,
    or a phrase of OpenAI's or OpenRouter's that comes without one.
    """
    metadata = as_object(error.get("metadata"))
    for kind in _kinds(error):
        if kind in by_type:
            return by_type[kind]
    said = as_text(error.get("message")) + as_text(metadata.get("raw"))
    if "safety system" in said:
        return Cause.BLOCKED
    if "maximum context length" in said:
        return Cause.TOO_LONG
    return None


def _kinds(error: Json) -> list[str]:
    metadata = as_object(error.get("metadata"))
    places = (metadata.get("error_type"), error.get("error_type"), error.get("code"))
    return [kind for kind in map(as_text, (*places, error.get("type"))) if kind]


def _described(error: Json, cause: Cause) -> str:
    """For the log: codes and types. Never the message, which may hold what people wrote."""
    names = [str(error.get("code", "")), *_kinds(error)]
    known = [name for name in names if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", name)]
    return f"{cause.name} ({', '.join(dict.fromkeys(known)) or 'no code'})"
