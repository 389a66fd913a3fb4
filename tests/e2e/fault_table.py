"""What can go wrong at every stage of a request, as rows: where the person finds its one end, as a
result or as a notice with its word, and what of the money. `docs/faults.md` is made of it:
`python -m tests.e2e.fault_table`.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bot.sandbox.openrouter import Drop, ErrorChunk, Paint, Status, answer
from bot.sandbox.openrouter.script import Told
from tests.e2e import faults
from tests.e2e.faults import Event, Requests, refused

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "faults.md"

Where = Literal["thread", "channel", "direct", "history"]
Money = Literal["not charged", "charged", "estimate"]
Whole = Literal["gateway", "restart"]
"""What concerns the whole bot."""


@dataclass(frozen=True)
class Cell:
    """`ends` is a notice's word or `result`."""

    stage: str
    what: str
    fault: Event | Requests | Whole | None
    told: Told | None = None
    ends: str = "result"
    where: Where = "thread"
    money: Money = "charged"

    @property
    def name(self) -> str:
        return f"{self.stage}: {self.what}"


EVENTS: dict[str, tuple[Event, Where]] = {
    "the thread is archived": (faults.archived, "thread"),
    "the thread is locked": (faults.locked, "channel"),
    "the thread is deleted": (faults.thread_deleted, "channel"),
    "its message is deleted": (faults.answer_deleted, "thread"),
    "the request is deleted": (faults.request_deleted, "thread"),
    "no right to send any more": (faults.may_not_send, "thread"),
    "no right to attach files": (faults.may_not_attach, "direct"),
    "no right to see the channel": (faults.may_not_see, "direct"),
    "Easel is thrown out": (faults.thrown_out, "direct"),
    "no thread and no right to send": (faults.nothing_left, "direct"),
    "the same, and no direct messages": (faults.out_of_reach, "history"),
}
WHOLE: dict[str, Whole] = {
    "the gateway drops": "gateway",
    "the bot stops and starts": "restart",
}
SENT: dict[str, Requests] = {
    "429 of the route": Requests(limited=False),
    "429 of every route": Requests(limited=True),
    "429 as a ban": refused(429, 0),
    "500": Requests([{"status": 500}]),
    "502, and done": Requests([{"status": 502, "after": True}]),
    "503 for a while": refused(503, 0, 5),
    "the line is cut": Requests([{"drop": True}]),
    "the line is cut, and done": Requests([{"drop": True, "after": True}]),
}


def _while(stage: str, *names: str) -> list[Cell]:
    """What people and servers do during a stage, and what concerns the whole bot."""
    cells = [Cell(stage, name, EVENTS[name][0], where=EVENTS[name][1]) for name in names]
    return [*cells, *(Cell(stage, name, each) for name, each in WHOLE.items())]


def _sent(stage: str, *more: Cell, where: Where = "thread") -> list[Cell]:
    """What becomes of the requests of a stage."""
    cells = [Cell(stage, name, requests, where=where) for name, requests in SENT.items()]
    return [*cells, *more]


def _unclicked(cell: Cell) -> Cell:
    """Where nobody can confirm any more, it ends for nothing when the time for that is over."""
    return replace(cell, ends="cancelled", money="not charged")


NO_LINE_LEFT = {
    "the thread is deleted",
    "its message is deleted",
    "Easel is thrown out",
    "no thread and no right to send",
    "the same, and no direct messages",
}
WAIT = _while("wait", *EVENTS)
HOLD = [_unclicked(cell) if cell.what in NO_LINE_LEFT else cell for cell in _while("hold", *EVENTS)]
BEFORE_HEADERS = [
    *(
        replace(cell, ends="unknown", money="estimate") if cell.fault == "restart" else cell
        for cell in _while("call before headers", *EVENTS)
    ),
    Cell("call before headers", "503 for good", None, Status(503), "provider", money="not charged"),
    Cell("call before headers", "a cut", None, answer(Drop()), "provider", money="estimate"),
]
IN_STREAM = [
    *_while("call in mid-stream", *EVENTS),
    Cell("call in mid-stream", "a cut", None, answer(Paint(), Drop()), "cut"),
    Cell(
        "call in mid-stream",
        "an error",
        None,
        answer(Paint(), ErrorChunk()),
        "cut",
        money="not charged",
    ),
]
SETTLE = [
    *_while(
        "settle", "the thread is archived", "the request is deleted", "no right to send any more"
    ),
    *_sent("settle"),
]
OPENING = _sent(
    "opening the thread",
    Cell("opening the thread", "503, and done", Requests([{"status": 503, "after": True}])),
    Cell("opening the thread", "403", refused(403, 50013), where="channel"),
)
FIRST_POST = _sent("first post")
PROGRESS = _sent(
    "progress edit",
    Cell("progress edit", "403", refused(403, 50013)),
    Cell("progress edit", "404, its message is unknown", refused(404, 10008)),
)
FINAL = _sent(
    "final edit",
    Cell("final edit", "403", refused(403, 50013, 9)),
    Cell("final edit", "404, its message is unknown", refused(404, 10008, 9)),
)
UPLOAD = _sent(
    "upload",
    Cell("upload", "413", refused(413, 40005)),
    Cell("upload", "413, also made smaller", refused(413, 40005, 2)),
    Cell("upload", "400 for a file too large", refused(400, 40005)),
)
FOLLOW_UP = _sent(
    "follow-up text", Cell("follow-up text", "403", refused(403, 50013), where="channel")
)
PING = _sent("ping", Cell("ping", "403", refused(403, 50013)))
COMMAND = [
    # discord.py itself waits half a minute here before it gives a 503 up.
    replace(cell, what="503 twice", fault=refused(503, 0, 2))
    if cell.what.startswith("503")
    else cell
    for cell in _sent(
        "answer to a command",
        *(
            Cell("answer to a command", what, fault, where="channel")
            for what, fault in (
                ("its token is dead", faults.token_dead),
                ("401, 50027", refused(401, 50027, 9)),
                ("404, its message is unknown", refused(404, 10008, 9)),
                ("its message is deleted", faults.answer_deleted),
                ("no right to see the channel", faults.may_not_see),
            )
        ),
        where="channel",
    )
]
STAGES = {
    cells[0].stage: cells
    for cells in (
        WAIT, HOLD, BEFORE_HEADERS, IN_STREAM, SETTLE,
        OPENING, FIRST_POST, PROGRESS, FINAL, UPLOAD, FOLLOW_UP, PING, COMMAND,
    )
}  # fmt: skip

IN_THE_GATE = {"call before headers", "upload"}
"""The others take a while, and are played among the long tests."""

PLACES = {
    "thread": "in its thread",
    "channel": "in the channel",
    "direct": "by direct message",
    "history": "with `/history`",
}
MONEY = {
    "not charged": "not charged",
    "charged": "as OpenRouter says",
    "estimate": "the hold, as an estimate",
}


def document() -> str:
    """`docs/faults.md`, whole."""
    lines = [
        "# What can go wrong on the way, and where the answer is then",
        "",
        "Made from the table that the tests run (`python -m tests.e2e.fault_table`): each row is",
        "played through the whole bot against the stand-ins. Whatever happens, the person finds",
        "one end of the request, as a result with its buttons or as a notice with its word, and",
        "the ledger equals the provider's account. What can go wrong at the model alone is in",
        "[failures.md](failures.md).",
        "",
        "| stage | what happens | the person finds | where | money |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {cell.stage} | {cell.what} | `{cell.ends}` | {PLACES[cell.where]} |"
        f" {MONEY[cell.money]} |"
        for cells in STAGES.values()
        for cell in cells
    ]
    return "\n".join(lines).replace("`result`", "the result") + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
