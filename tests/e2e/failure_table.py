"""Every way in which a call at the model can end badly, as rows: what the stand-in does, the word
the person reads, what is said of the charge, how often the model was called. `docs/failures.md` is
made of it: `python -m tests.e2e.failure_table`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bot.sandbox.openrouter import (
    Comment,
    Drip,
    Drop,
    ErrorChunk,
    ErrorIn200,
    Finish,
    Headers,
    NoUsage,
    Paint,
    Raw,
    Say,
    Stall,
    Status,
    UsageStep,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.script import Told

Money = Literal["not charged", "charged", "estimate"]
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "failures.md"
HALF = Raw(
    b'data: {"id":"gen-x","choices":[{"index":0,"delta":{"content":"","images":'
    b'[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAAN'
)
UNREACHABLE = "before it left"
IN_FLIGHT = {"limit_source": "openrouter_in_flight_budget"}


@dataclass(frozen=True, slots=True)
class Row:
    """`ends` is a notice's word or `result`; `calls` is how often the model is called in all. Of
    what is cancelled, `shows` is what the person sees before.
    """

    stage: str
    what: str
    told: Sequence[Told]
    ends: str
    money: Money
    calls: int = 1
    told_later: bool = True
    shows: str | None = None

    @property
    def name(self) -> str:
        return f"{self.stage}: {self.what}"


def _status(
    code: int,
    what: str,
    ends: str,
    money: Money = "not charged",
    *,
    calls: int = 1,
    told: Status | None = None,
) -> Row:
    scripted = told or Status(code)
    return Row("before headers", f"{code} {what}".strip(), [scripted] * calls, ends, money, calls)


def _row(stage: str, what: str, told: Told, ends: str, money: str) -> Row:
    assert money in {"not charged", "charged"}
    return Row(stage, what, [told], ends, "charged" if money == "charged" else "not charged")


def _once(code: int) -> Row:
    return Row("before headers", f"{code} once, then fine", [Status(code)], "result", "charged", 2)


STATUSES = [
    _status(400, "", "owner"),
    _status(
        400, "content policy", "blocked", told=Status(400, error_type="content_policy_violation")
    ),
    _status(400, "safety system", "blocked", told=Status(400, "rejected by our safety system")),
    _status(400, "too long", "too-large", told=Status(400, error_type="context_length_exceeded")),
    _status(400, "invalid image", "unreadable", told=Status(400, error_type="invalid_image")),
    _status(401, "", "owner"),
    _status(402, "", "owner"),
    _status(402, "in flight", "busy", calls=3, told=Status(402, metadata=IN_FLIGHT)),
    _status(
        402,
        "in flight, for good",
        "owner",
        told=Status(402, metadata=IN_FLIGHT | {"reason": "weight_exceeds_budget"}),
    ),
    _status(403, "moderation", "blocked", told=Status(403, metadata={"reasons": ["violence"]})),
    _status(403, "", "owner"),
    _status(404, "", "owner"),
    _status(408, "", "provider", "estimate"),
    _status(408, "with an id", "provider", "charged", told=Status(408, cost_nano_usd=70_000_000)),
    _status(413, "", "too-large"),
    _status(418, "", "owner"),
    _status(422, "", "owner"),
    _status(422, "refusal", "blocked", told=Status(422, error_type="refusal")),
    _status(429, "", "busy", calls=3),
    _once(429),
    _status(500, "", "provider", "estimate"),
    _status(500, "with an id", "provider", "charged", told=Status(500, cost_nano_usd=10_000_000)),
    _status(500, "with an id, free", "provider", told=Status(500, cost_nano_usd=0)),
    _status(502, "", "provider", calls=3),
    _status(502, "as HTML", "provider", calls=3, told=Status(502, b"<html>bad gateway</html>")),
    _once(502),
    _status(503, "", "provider", calls=3),
    _status(503, "with an empty body", "provider", calls=3, told=Status(503, b"")),
    _once(503),
    _status(504, "", "provider", "estimate"),
    _status(520, "", "provider"),
    _status(524, "", "provider", "estimate"),
    _status(524, "with an id", "provider", "charged", told=Status(524, cost_nano_usd=210_000_000)),
    _status(529, "", "busy", calls=3),
    _once(529),
    Row("before headers", "the connection drops", [answer(Drop())], "provider", "estimate"),
    Row("before headers", "stall", [answer(Stall())], "provider", "estimate"),
    Row(UNREACHABLE, "no connection", [], "provider", "not charged", calls=0),
]

HEADERS = [
    _row("after headers", what, told, ends, money)
    for what, told, ends, money in (
        ("drop", answer(Headers(), Drop()), "provider", "not charged"),
        ("drop, charged", answer(Headers(), Drop(), cost_nano_usd=9**8), "provider", "charged"),
        ("reset", answer(Headers(), Drop(reset=True)), "provider", "not charged"),
        ("stall", answer(Headers(), Comment(), Stall()), "provider", "not charged"),
        ("stall, charged", answer(Headers(), Stall(), cost_nano_usd=9**8), "provider", "charged"),
        ("slow drip", answer(Headers(), Drip()), "provider", "not charged"),
        (
            "slow drip, charged",
            answer(Headers(), Drip(), cost_nano_usd=9**8),
            "provider",
            "charged",
        ),
        ("HTML", answer(Raw(b"<html>bad gateway</html>\n\n"), Drop()), "provider", "not charged"),
        ("an empty end", answer(Headers(), done=False, cost_nano_usd=0), "provider", "not charged"),
        ("error in a 200", ErrorIn200(), "provider", "not charged"),
        (
            "error in a 200, code as text",
            ErrorIn200(code="server_error"),
            "provider",
            "not charged",
        ),
        ("429 in a 200", ErrorIn200(code=429, error_type=None), "busy", "not charged"),
        ("401 in a 200", ErrorIn200(code=401, error_type=None), "owner", "not charged"),
        ("error chunk", answer(ErrorChunk()), "provider", "not charged"),
        (
            "error chunk, code as text",
            answer(ErrorChunk("server_error")),
            "provider",
            "not charged",
        ),
        (
            "error chunk, no choices",
            answer(ErrorChunk(with_choices=False)),
            "provider",
            "not charged",
        ),
        ("silent block", silent_block(), "silent", "not charged"),
        ("content filter", answer(Finish("content_filter")), "blocked", "charged"),
        ("finish error", answer(Finish("error")), "provider", "not charged"),
        ("nothing but stop", answer(Finish()), "provider", "charged"),
        ("refusal", answer(Finish(refusal="I cannot do that.")), "blocked", "charged"),
    )
]

TEXT = [
    _row("after text", what, told, ends, money)
    for what, told, ends, money in (
        ("drop", answer(Say("Half"), Drop()), "cut", "charged"),
        ("stall", answer(Say("Half"), Stall()), "cut", "charged"),
        ("slow drip", answer(Say("Half"), Drip()), "cut", "charged"),
        ("error chunk", answer(Say("Half"), ErrorChunk()), "cut", "not charged"),
        ("error chunk, code as text", answer(Say("Half"), ErrorChunk("x")), "cut", "not charged"),
        ("length", answer(Say("Half"), Finish("length")), "cut", "charged"),
        ("content filter", answer(Say("Half"), Finish("content_filter")), "blocked", "charged"),
        ("finish error", answer(Say("Half"), Finish("error")), "cut", "not charged"),
        ("no [DONE]", answer(Say("Whole."), Finish(), done=False), "result", "charged"),
        ("no usage", answer(Say("Whole."), Finish(), NoUsage()), "result", "charged"),
    )
]

HALF_PICTURE = [
    _row("after half a picture", what, told, ends, money)
    for what, told, ends, money in (
        ("drop", answer(HALF, Drop()), "provider", "not charged"),
        ("drop, charged", answer(HALF, Drop(), cost_nano_usd=9**9), "provider", "charged"),
        ("stall", answer(HALF, Stall()), "provider", "not charged"),
        ("stall, charged", answer(HALF, Stall(), cost_nano_usd=9**9), "provider", "charged"),
        ("drop, after text", answer(Say("Half"), HALF, Drop()), "cut", "charged"),
        ("stall, after text", answer(Say("Half"), HALF, Stall()), "cut", "charged"),
    )
]

PICTURE = [
    _row("after the picture", what, told, ends, money)
    for what, told, ends, money in (
        ("drop", answer(Paint(), Drop()), "cut", "charged"),
        ("stall", answer(Paint(), Stall()), "cut", "charged"),
        ("error chunk", answer(Paint(), ErrorChunk()), "cut", "not charged"),
        ("error chunk, code as text", answer(Paint(), ErrorChunk("x")), "cut", "not charged"),
        (
            "error chunk, charged",
            answer(Paint(), ErrorChunk(), cost_nano_usd=9**9),
            "cut",
            "charged",
        ),
        ("length", answer(Paint(), Finish("length")), "cut", "charged"),
        ("finish error", answer(Paint(), Finish("error")), "cut", "not charged"),
        ("content filter", answer(Paint(), Finish("content_filter")), "blocked", "charged"),
    )
]

USAGE = [
    Row("before usage", what, [told], "result", "charged")
    for what, told in (
        ("no usage", answer(Paint(), Finish(), NoUsage())),
        ("no cost", answer(Paint(), Finish(), UsageStep(leave_out=("cost",)))),
        ("cost null", answer(Paint(), Finish(), UsageStep(change={"cost": None}))),
        ("cost 0 with a picture", answer(Paint(), Finish(), UsageStep(change={"cost": 0}))),
        ("cost too low", answer(Paint(), Finish(), UsageStep(change={"cost": 0.001}))),
        ("cost negative", answer(Paint(), Finish(), UsageStep(change={"cost": -1}))),
        (
            "details null",
            answer(Paint(), Finish(), UsageStep(change={"completion_tokens_details": None})),
        ),
        ("in a chunk with a choice", answer(Paint(), Finish(), UsageStep(with_choice=True))),
        ("no [DONE]", answer(Paint(), Finish(), done=False)),
        ("drop", answer(Paint(), Finish(), Drop())),
    )
]

NEVER_TOLD = [
    Row("never told", what, [told], ends, "estimate", told_later=False)
    for what, told, ends in (
        ("no usage", answer(Paint(), Finish(), NoUsage()), "result"),
        ("drop after the picture", answer(Paint(), Drop()), "cut"),
        ("drop after headers", answer(Headers(), Drop()), "provider"),
    )
]

CANCELLED = [
    replace(_row("cancelled", what, told, "cancelled", money), shows=shows)
    for what, told, money, shows in (
        ("after headers", answer(Headers(), Comment(), Stall()), "not charged", "painting"),
        ("after text", answer(Say("Half of it."), Stall()), "charged", "Half of it."),
        ("after half a picture", answer(Say("Half."), HALF, Stall()), "charged", "Half."),
    )
]
CANCELLED.append(
    Row("cancelled", "before headers", [answer(Stall())], "cancelled", "estimate", shows="painting")
)

ROWS = [*STATUSES, *HEADERS, *TEXT, *HALF_PICTURE, *PICTURE, *USAGE, *NEVER_TOLD, *CANCELLED]

MONEY = {
    "not charged": "not charged",
    "charged": "charged, as OpenRouter says",
    "estimate": "the hold, as an estimate",
}


def document() -> str:
    """`docs/failures.md`, whole."""
    lines = [
        "# How a call at the model can fail",
        "",
        "Made from the table that the tests run (`python -m tests.e2e.failure_table`): each row is",
        "played through the whole bot against the stand-in, and the ledger compared with its",
        "account.",
        "",
        "A call that may have been charged is never made again. What it cost may be known only",
        "after a look at `/generation`; the answer's last line is corrected then. *Never told* is",
        "a provider that does not say within `limits.unresolved_s`.",
        "",
        "| when | what | the person reads | money | calls |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.stage} | {row.what} | `{row.ends}` | {MONEY[row.money]} | {row.calls} |"
        for row in ROWS
    ]
    return "\n".join(lines).replace("`result`", "the result") + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
