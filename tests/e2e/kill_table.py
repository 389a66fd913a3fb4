"""Where a process can die over one request, and what its person and the books have after the next
start. `python -m tests.e2e.kill_table` writes `docs/kills.md`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "kills.md"

Scene = Literal[
    "mention",
    "command",
    "photo",
    "two messages",
    "429",
    "no usage",
    "no room",
    "dear",
    "cancel",
    "thread gone",
]
Money = Literal["nothing", "usage", "generation", "estimate"]

SCENES: dict[Scene, str] = {
    "mention": "a mention opens a thread with a picture",
    "command": "`/imagine`",
    "photo": "a mention with a picture to change",
    "two messages": "text, a picture, and text again",
    "429": "the model is busy once",
    "no usage": "the answer does not say what it cost, `/generation` does",
    "no room": "a budget has no room",
    "dear": "a click is asked for first; after the next start somebody clicks *Confirm*",
    "cancel": "its person presses *Cancel* while the model works",
    "thread gone": "somebody deletes the thread while the model works; the channel has the answer",
}


@dataclass(frozen=True, slots=True)
class Kill:
    """A point in `killed_process`, or one at which the process is killed from outside; `between`
    says what has happened and what has not. `ends` is `result` or a notice's word; `calls` is how
    often the model is called in all.
    """

    point: str
    between: str
    ends: str = "result"
    money: Money = "usage"
    scene: Scene = "mention"
    calls: int = 1

    @property
    def name(self) -> str:
        return f"{self.scene}: {self.point}"


KILLS = [
    Kill("step:wait", "the request is noted; nothing is seen of it"),
    Kill("step:wait", "the request is noted; Discord waits for an answer", scene="command"),
    Kill("posted:0", "Discord shows “thinking”; not noted", scene="command"),
    Kill("message", "“thinking” is noted", scene="command"),
    Kill("opened", "the thread is there; not noted"),
    Kill("thread", "the thread is noted; nothing stands in it"),
    Kill("posted:0", "the answer message is sent; not noted"),
    Kill("message", "the answer message is noted"),
    Kill("received", "the photo's bytes are whole; not on the shelf", scene="photo"),
    Kill("uploaded", "the photo is on the shelf; not noted", scene="photo"),
    Kill("meant", "the photo is noted; its turn has not come", scene="photo"),
    Kill("step:hold", "its turn has come; nothing is held"),
    Kill("state:held", "the hold is committed; not acknowledged"),
    Kill("state:sent", "the sending is noted; nothing was sent", "unknown", "estimate", calls=0),
    Kill("on its way", "the request is sent; no headers", "unknown", "estimate"),
    Kill("headers", "headers with the generation's id; not noted", "unknown", "estimate"),
    Kill("generation", "the generation's id is noted", "recovered", "generation"),
    Kill("text shown", "text streams; it is shown, not written down", "recovered", "generation"),
    Kill("half a picture", "half a picture's bytes are here", "recovered", "generation"),
    Kill("whole", "a picture's bytes are whole; without a name", "recovered", "generation"),
    Kill("received", "the picture has a second name; not on the shelf", money="generation"),
    Kill("shelved", "the picture is renamed onto the shelf; no row", money="generation"),
    Kill("picture", "the picture has its row; the stream goes on", money="generation"),
    Kill("usage", "the stream has ended with its cost; not noted", money="generation"),
    Kill("step:settle", "the cost is noted; not booked"),
    Kill("state:settled", "the settlement is committed; not acknowledged"),
    Kill("state:settled", "the same, of a command", scene="command"),
    Kill("shown", "the PATCH with the result is done; not noted"),
    Kill("shown", "the same, of a command", scene="command"),
    Kill("shown", "the first of two messages is done", scene="two messages"),
    Kill("posted:1", "the second message is sent; not noted", scene="two messages"),
    Kill("posted:-1", "the ping is sent; not noted"),
    Kill("untagged", "all is shown and cleared away; not noted"),
    Kill("step:done", "all is noted"),
    Kill("state:voided", "the first call's hold is let go; no second one", scene="429", calls=2),
    Kill("state:unresolved", "the cost is open; not shown", money="generation", scene="no usage"),
    Kill("delivered", "the result is shown, its cost open", money="generation", scene="no usage"),
    Kill("told", "the cost is told; not booked", money="generation", scene="no usage"),
    Kill("state:settled", "it is booked; not shown", money="generation", scene="no usage"),
    Kill("amended", "its line is corrected; not noted", money="generation", scene="no usage"),
    Kill("step:answer", "the refusal is noted; not said", "budget", "nothing", "no room", 0),
    Kill("confirmation:wanted", "it is parked; nobody is asked", scene="dear"),
    Kill("asked", "the buttons are shown; not noted", scene="dear"),
    Kill("confirmation:given", "the click is noted; nothing is held", scene="dear"),
    Kill("step:settle", "the end is noted; not shown", "cancelled", "generation", "cancel"),
    Kill("moved", "the new place is noted; nothing stands there", scene="thread gone"),
    Kill("posted elsewhere", "the result is sent there; not noted", scene="thread gone"),
]

SEEN = {
    "result": "the result, once",
    "recovered": "`recovered`: no result, and what it cost",
    "unknown": "`unknown`: no result, an estimate of what it cost",
    "budget": "`budget`: the refusal, once",
    "cancelled": "`cancelled`, and what it cost",
}
BOOKED: dict[Money, str] = {
    "nothing": "nothing",
    "usage": "what the answer said it cost",
    "generation": "what `/generation` says it cost",
    "estimate": "the hold, as an estimate",
}


def document() -> str:
    """`docs/kills.md`, whole."""
    lines = [
        "# What is left of a request when the process is killed",
        "",
        "Made from the table that the tests play (`python -m tests.e2e.kill_table`; played by",
        "`.ci/run long`): the real process is killed with SIGKILL at each of these points, and",
        "started anew. Each time there is one result or one notice, no hold is left open, no file",
        "lies about, and the books are the provider's account, but for estimates.",
        "",
        "| in | killed when | after the next start the person sees | the books have | calls |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {kill.scene} | {kill.between} | {SEEN[kill.ends]} | {BOOKED[kill.money]}"
        f" | {kill.calls} |"
        for kill in KILLS
    ]
    lines += ["", *(f"- *{scene}*: {what}." for scene, what in SCENES.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
