"""The table of failures: what each status proves, says and asks for."""

import json
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import utc
from bot.errors import CallFailed, Word
from bot.openrouter import failures
from bot.openrouter.failures import RETRY_AFTER_S_MAX, Cause
from tests.ledger.support import NOW_MS

SAFETY = "Your request was rejected as a result of our safety system."
LONG = "This endpoint's maximum context length is 272000 tokens."


def of_status(
    status: int, error: object = None, headers: Mapping[str, str] | None = None
) -> CallFailed:
    body = b"error code: 502" if error is None else json.dumps({"error": error}).encode()
    return failures.of_status(status, headers or {}, body, NOW_MS)


def typed(error_type: str, **metadata: object) -> dict[str, object]:
    return {"message": "x", "metadata": {"error_type": error_type, **metadata}}


PROOF, RETRY, OWNER, SHORTEN = "proof", "retry", "owner", "shorten"
NOTHING: set[str] = set()


def facts(failed: CallFailed) -> set[str]:
    said = {
        PROOF: failed.charge_ruled_out,
        RETRY: failed.may_retry,
        OWNER: failed.tell_owner,
        SHORTEN: failed.shorten,
    }
    return {name for name, is_so in said.items() if is_so}


@pytest.mark.parametrize(
    ("status", "error", "word", "expected"),
    [
        (400, None, Word.OWNER, {PROOF, OWNER}),
        (400, {"message": "bad parameter"}, Word.OWNER, {PROOF, OWNER}),
        (400, typed("invalid_request"), Word.OWNER, {PROOF, OWNER}),
        (400, typed("content_policy_violation"), Word.BLOCKED, {PROOF}),
        (400, typed("refusal"), Word.BLOCKED, {PROOF}),
        (400, {"message": SAFETY}, Word.BLOCKED, {PROOF}),
        (400, {"message": "x", "metadata": {"raw": SAFETY}}, Word.BLOCKED, {PROOF}),
        (400, {"code": "content_policy_violation"}, Word.BLOCKED, {PROOF}),
        (400, {"type": "moderation_blocked"}, Word.BLOCKED, {PROOF}),
        (400, {"error_type": "refusal"}, Word.BLOCKED, {PROOF}),
        (400, typed("context_length_exceeded"), Word.TOO_LARGE, {PROOF, SHORTEN}),
        (400, {"message": LONG, "code": 400}, Word.TOO_LARGE, {PROOF, SHORTEN}),
        (400, typed("image_too_large"), Word.TOO_LARGE, {PROOF}),
        (400, typed("invalid_image"), Word.UNREADABLE, {PROOF}),
        (400, typed("unsupported_image_format"), Word.UNREADABLE, {PROOF}),
        (401, None, Word.OWNER, {PROOF, OWNER}),
        (402, None, Word.OWNER, {PROOF, OWNER}),
        (
            402,
            typed("payment_required", limit_source="openrouter_credits"),
            Word.OWNER,
            {PROOF, OWNER},
        ),
        (402, typed("x", limit_source="openrouter_in_flight_budget"), Word.BUSY, {PROOF, RETRY}),
        (
            402,
            typed(
                "x", limit_source="openrouter_in_flight_budget", reason="in_flight_budget_exhausted"
            ),
            Word.BUSY,
            {PROOF, RETRY},
        ),
        (
            402,
            typed("x", limit_source="openrouter_in_flight_budget", reason="weight_exceeds_budget"),
            Word.OWNER,
            {PROOF, OWNER},
        ),
        (403, None, Word.OWNER, {PROOF, OWNER}),
        (403, typed("x", limit_source="openrouter_key_limit"), Word.OWNER, {PROOF, OWNER}),
        (403, typed("x", reasons=["violence"], flagged_input="..."), Word.BLOCKED, {PROOF}),
        (403, typed("x", patterns=["x"]), Word.BLOCKED, {PROOF}),
        (404, None, Word.OWNER, {PROOF, OWNER}),
        (405, None, Word.OWNER, {PROOF, OWNER}),
        (408, None, Word.PROVIDER, NOTHING),
        (413, None, Word.TOO_LARGE, {PROOF}),
        (422, None, Word.OWNER, {PROOF, OWNER}),
        (422, {"message": SAFETY}, Word.BLOCKED, {PROOF}),
        (429, None, Word.BUSY, {PROOF, RETRY}),
        (429, typed("rate_limit_exceeded"), Word.BUSY, {PROOF, RETRY}),
        (500, None, Word.PROVIDER, NOTHING),
        (500, typed("content_policy_violation"), Word.PROVIDER, NOTHING),
        (502, None, Word.PROVIDER, {PROOF, RETRY}),
        (503, None, Word.PROVIDER, {PROOF, RETRY}),
        (504, typed("timeout"), Word.PROVIDER, NOTHING),
        (520, None, Word.PROVIDER, {PROOF}),
        (524, None, Word.PROVIDER, NOTHING),
        (529, None, Word.BUSY, {PROOF, RETRY}),
        (302, None, Word.OWNER, {PROOF, OWNER}),
        (400, "in words", Word.OWNER, {PROOF, OWNER}),
        (402, ["odd"], Word.OWNER, {PROOF, OWNER}),
        (403, {"metadata": "odd", "code": 1.5}, Word.OWNER, {PROOF, OWNER}),
    ],
)
def test_a_status_has_its_word_and_its_proof(
    status: int, error: object, word: Word, expected: set[str]
) -> None:
    failed = of_status(status, error)
    assert failed.word is word
    assert facts(failed) == expected


def test_only_four_statuses_leave_open_whether_it_was_charged() -> None:
    unproved = {status for status in range(400, 600) if not of_status(status).charge_ruled_out}
    assert unproved == {408, 500, 504, 524}


def test_only_four_statuses_may_be_retried_whatever_they_say() -> None:
    retried = {status for status in range(400, 600) if of_status(status).may_retry}
    assert retried == {429, 502, 503, 529}


@given(
    status=st.integers(300, 599),
    error=st.fixed_dictionaries(
        {"code": st.integers() | st.text(), "metadata": st.dictionaries(st.text(), st.text())}
    ),
)
def test_any_envelope_is_a_failure_with_the_proof_of_its_status(
    status: int, error: dict[str, object]
) -> None:
    failed = of_status(status, error)
    assert failed.charge_ruled_out is (status not in {408, 500, 504, 524})
    assert failed.sentence.endswith(".")


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("arrived", [False, True])
def test_nothing_is_proved_once_an_answer_began(cause: Cause, arrived: bool) -> None:
    failed = failures.ended(cause, arrived=arrived)
    assert facts(failed) <= {OWNER}
    if arrived:
        assert failed.word in {Word.CUT, Word.BLOCKED, Word.TOO_LARGE}
    else:
        assert failed.word is not Word.CUT


def test_a_request_that_did_not_leave_may_be_made_again() -> None:
    assert facts(failures.failure(Cause.UNREACHABLE)) == {PROOF, RETRY}
    assert facts(failures.failure(Cause.NO_ANSWER)) == set()


def http_date(seconds: float) -> str:
    return format_datetime(utc(NOW_MS) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("99999", RETRY_AFTER_S_MAX),
        (http_date(20), 20.0),
        (http_date(-20), 0.0),
        (http_date(9999), RETRY_AFTER_S_MAX),
        ("Tue, 24 Nov 2026 12:00:05 -0000", None),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("nan", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(value: str, seconds: float | None) -> None:
    assert of_status(429, headers={"retry-after": value}).retry_after_s == seconds


def test_without_retry_after_there_is_no_wish() -> None:
    assert of_status(429).retry_after_s is None


def test_a_failure_keeps_the_generation_it_may_have_cost() -> None:
    assert of_status(504, headers={"x-generation-id": "gen-1"}).generation_id == "gen-1"


def test_the_log_has_codes_and_never_words(caplog: pytest.LogCaptureFixture) -> None:
    secret = "what a person wrote"
    metadata = {"error_type": "invalid_prompt", "raw": secret, "flagged_input": secret}
    error = {"code": "a code", "message": secret, "type": secret, "metadata": metadata}
    failed = of_status(400, error)
    failures.in_answer(error, arrived=False)
    assert "invalid_prompt" in caplog.text
    assert secret not in caplog.text
    assert secret not in failed.sentence
