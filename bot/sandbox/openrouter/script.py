"""What the stand-in model can be told to answer: steps, and answers made of them. Plain values;
`reply.py` plays them. The answer it gives untold is made here too.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.sandbox.openrouter.request import ChatRequest, SentPicture


@dataclass(frozen=True, slots=True)
class Say:
    """Text, in several deltas of a few words each; they join to `text`."""

    text: str
    words_per_delta: int = 4


@dataclass(frozen=True, slots=True)
class Paint:
    """A picture in a delta of its own.

    Without `words` it does what the stand-in does untold: edits the picture that is meant, or
    paints the words of the request. With `words` it paints a new picture of those. `count` puts so
    many different pictures into one delta; `copies` repeats the delta; `content` is what stands
    beside the pictures; `finish` ends the answer in the same chunk.
    """

    words: str | None = None
    media_type: str = "image/png"
    count: int = 1
    copies: int = 1
    aspect_ratio: str | None = None
    content: str | None = ""
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """A picture delta with this URL as it is: broken base64, another type, a link. Not charged."""

    url: str


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes on the wire, as they are. Streams only."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Comment:
    """`: OPENROUTER PROCESSING`, so many times. The first step that writes sends the headers."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Headers:
    """The response's head, at once, if it is not out yet."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Waits until the event is set."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Stall:
    """Sends nothing more until the client goes away."""


@dataclass(frozen=True, slots=True)
class Drip:
    """Sends a comment ever again, and nothing else, until the client goes away."""

    pause_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Drop:
    """Ends the connection in the middle; what was written arrives first. With `reset` it is a TCP
    reset, which may swallow bytes just written.
    """

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The chunk with the finish reasons. An answer without one ends with the default."""

    reason: str | None = "stop"
    native: str | None = "completed"
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class UsageStep:
    """The usage chunk, changed: keys left out, keys replaced, one empty choice beside it."""

    leave_out: tuple[str, ...] = ()
    change: Mapping[str, object] = field(default_factory=dict[str, object])
    with_choice: bool = False


@dataclass(frozen=True, slots=True)
class NoUsage:
    """No usage chunk; the charge is the same."""


@dataclass(frozen=True, slots=True)
class ErrorChunk:
    """An error in mid-stream: finish reason `error`, so nothing is charged. Neither finish nor
    usage follow by themselves.
    """

    code: int | str = 502
    message: str = "Provider disconnected"
    error_type: str | None = "provider_unavailable"
    with_choices: bool = True


Step = (
    Say
    | Paint
    | Show
    | Raw
    | Comment
    | Headers
    | Gate
    | Stall
    | Drip
    | Drop
    | Finish
    | UsageStep
    | NoUsage
    | ErrorChunk
)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What `/generation` says of one answer: nothing for so many polls (without a number: as many
    as of any), and another cost than was charged.
    """

    misses: int | None = None
    cost_nano_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A generation. `cost_nano_usd` is charged (and reported) however it ends, `cut_nano_usd` if
    it is cancelled or dropped; without them the meter counts. `plain` is one JSON body also where
    a stream was asked for, `named` sends the id as a header, `extra` are unknown fields of every
    chunk (or known ones changed), `awkward` cuts the bytes inside characters and line ends, `done`
    sends `[DONE]`.
    """

    steps: tuple[Step, ...]
    cost_nano_usd: int | None = None
    cut_nano_usd: int | None = None
    look_up: LookUp = LookUp()
    plain: bool = False
    named: bool = True
    done: bool = True
    line_end: str = "\n"
    awkward: bool = False
    extra: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error before anything is generated. `body` is a message for the envelope, a whole
    JSON body, or bytes sent as HTML (empty bytes: an empty body). With `cost_nano_usd` it was
    charged nevertheless, under a generation id in the header.
    """

    code: int
    body: str | Mapping[str, object] | bytes = "Provider returned error"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    error_type: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    cost_nano_usd: int | None = None
    look_up: LookUp = LookUp()


@dataclass(frozen=True, slots=True)
class ErrorIn200:
    """HTTP 200 whose whole body is the error envelope; not charged."""

    message: str = "Provider returned error"
    code: int | str = 502
    error_type: str | None = "provider_unavailable"


Scripted = Answer | Status | ErrorIn200
Told = Scripted | Step | Sequence[Step]


def answer(*steps: Step, cost_nano_usd: int | None = None, done: bool = True) -> Answer:
    """The answer of these steps; for its other fields use `Answer` itself."""
    return Answer(steps, cost_nano_usd=cost_nano_usd, done=done)


def silent_block() -> Answer:
    """A blocked picture: no text, no picture, no finish reasons, and no charge."""
    return Answer((Comment(), Finish(reason=None, native=None)))


def scripted(told: Told) -> Scripted:
    """A single step or a sequence of them made an answer."""
    if isinstance(told, Answer | Status | ErrorIn200):
        return told
    if isinstance(told, Sequence):
        return Answer(tuple(told))
    return Answer((told,))


_EDIT_WORDS = re.compile(
    r"^(please |now |and )*((make|turn|give|put|set|move|let) (it|him|her|them|this|that|the)"
    r"|add|remove|replace|change|keep)\b"
    r"|\b(it|the same|again|instead|darker|brighter|bigger|smaller)\b",
    re.IGNORECASE,
)


def source_picture(chat: ChatRequest) -> SentPicture | None:
    """The picture that the request edits: the last of the last user message, or, if that has none
    and reads like an edit, the conversation's most recent.
    """
    if chat.last.pictures:
        return chat.last.pictures[-1]
    if chat.pictures and _EDIT_WORDS.search(chat.last.words):
        return chat.pictures[-1]
    return None


def untold_answer(chat: ChatRequest) -> Answer:
    """What the stand-in answers by itself: a picture, or text to a question or where only text is
    asked.
    """
    words = " ".join(chat.last.words.split()) or "nothing"
    if not chat.may_paint or words.endswith("?"):
        seen = f" and {len(chat.last.pictures)} picture(s)" if chat.last.pictures else ""
        return answer(
            Comment(2),
            Say(
                f"I am a stand-in for the model, so I have no real answer to “{_short(words)}”."
                f" I did receive your words{seen}; with an OpenRouter key the model itself replies."
            ),
        )
    if source_picture(chat) is None:
        sentence = f"Here is a stand-in picture of “{_short(words)}”."
    else:
        sentence = f"Here is your picture, edited by a stand-in: “{_short(words)}”."
    return answer(Comment(2), Say(sentence), Paint())


def _short(words: str) -> str:
    return words if len(words) <= 120 else words[:119].rstrip() + "…"
