"""Random requests and what the stand-in makes of their calls: every oddity of a bill, drawn by dice
so that the stand-in stays true to itself. Who is told what is for the checks of the books.
"""

import asyncio
import random
import sys
from dataclasses import dataclass, field
from typing import TypeVar

from bot.sandbox.openrouter import (
    Answer,
    Call,
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
)
from bot.sandbox.openrouter.script import Scripted

T = TypeVar("T")

BELIEVED_NANO_USD_MIN = 4_000_000
"""A lower cost is not believed of a picture, so it counts as not told."""
UNTOLD_NANO_USD_MAX = 250_000_000
"""Below every hold: what the stand-in may keep to itself without an estimate being too low."""
NEVER = sys.maxsize
IN_FLIGHT = {"limit_source": "openrouter_in_flight_budget"}
HALF = Raw(
    b'data: {"choices":[{"index":0,"delta":{"content":"","images":'
    b'[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAAN'
)
NULL_USAGE = Raw(b'data: {"choices":[],"usage":null}\n\n')


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one call is answered. `free` is proof that it was not charged, which allows another;
    `tells` that a usage with its true cost comes with it; `named` that its id does, whatever
    becomes of the rest; `paused` that it waits in the middle.
    """

    told: Scripted
    free: bool = False
    tells: bool = False
    named: bool = False
    paused: bool = False


@dataclass
class Plan:
    """One request: its words, how it is asked, what its calls are answered, and which came. In a
    `calm` time no process ends; `cut_off` once its own did in the middle of a call.
    """

    words: str
    attempts: list[Attempt]
    paints: bool
    size: str | None
    command: str
    calm: bool
    calls: list[Call] = field(default_factory=list[Call])
    cut_off: bool = False

    def next(self, call: Call) -> Scripted:
        """The answer to one more call: one too many is charged and found by the checks."""
        self.calls.append(call)
        number = min(len(self.calls), len(self.attempts))
        return self.attempts[number - 1].told


def plan(dice: random.Random, words: str, pause: asyncio.Event | None) -> Plan:
    """With a pause, an answer may wait in the middle until it is over: then processes end. In a
    calm time none does, so that what is charged cannot stay untold for that.
    """
    paints = dice.random() < 0.8
    drawn = Draw(dice, pause, paints=paints)
    return Plan(
        words,
        drawn.attempts(),
        paints,
        dice.choice([None, None, "1K", "2K"]) if paints else None,
        dice.choice(["message", "message", "imagine"]) if paints else "message",
        drawn.calm,
    )


USAGES: list[tuple[tuple[Step, ...], bool]] = [
    ((UsageStep(),), True),
    ((UsageStep(with_choice=True),), True),
    ((UsageStep(change={"completion_tokens_details": None}),), True),
    ((UsageStep(change={"prompt_tokens_details": None, "cost_details": None}),), True),
    ((UsageStep(leave_out=("completion_tokens_details", "prompt_tokens_details")),), True),
    ((UsageStep(change={"prompt_tokens": -1, "completion_tokens": "many"}),), True),
    ((UsageStep(change={"prompt_tokens": None, "total_tokens": 1e300}),), True),
    ((UsageStep(), UsageStep(leave_out=("cost",))), True),
    ((UsageStep(change={"cost": None}), UsageStep()), True),
    ((UsageStep(), NULL_USAGE), True),
    ((NoUsage(),), False),
    ((NoUsage(), NULL_USAGE), False),
    ((UsageStep(leave_out=("cost",)),), False),
    ((UsageStep(change={"cost": None}),), False),
    ((UsageStep(change={"cost": "0.2"}),), False),
    ((UsageStep(change={"cost": True}),), False),
    ((UsageStep(change={"cost": -0.2}),), False),
    ((UsageStep(change={"cost": 1e9}),), False),
    ((UsageStep(change={"cost": {"usd": 0.2}}),), False),
]
"""The end of an answer, and whether it tells what was charged."""
LIES: list[float] = [0, 1e-9, 0.001, 0.003999999]

FREE: list[Status] = [
    *map(Status, (429, 502, 503, 529)),
    *[Status(429, headers={"Retry-After": after}) for after in ("0", "1.5", "60", "soon")],
    Status(402, metadata=IN_FLIGHT, headers={"Retry-After": "1"}),
    *[Status(502, body) for body in (b"", b"<html>bad gateway</html>")],
]
"""May be tried again."""
TOO_LONG = Status(400, error_type="context_length_exceeded")
"""Is tried once more where there is history to leave out."""
REFUSED: list[Status] = [
    *map(Status, (400, 401, 402, 403, 413, 418, 422, 520)),
    Status(400, error_type="content_policy_violation"),
    Status(403, metadata={"reasons": ["violence"]}),
    Status(402, metadata=IN_FLIGHT | {"reason": "weight_exceeds_budget"}),
]


class Draw:
    """One draw of all calls of a request."""

    def __init__(self, dice: random.Random, pause: asyncio.Event | None, *, paints: bool) -> None:
        self.dice = dice
        self.pause = pause
        self.calm = pause is None
        self.paints = paints

    def attempts(self) -> list[Attempt]:
        free = [Attempt(self.one_of(FREE), free=True) for _ in range(self.retries())]
        if len(free) == 3:
            return free
        if self.dice.random() < 0.02:
            return [*free, Attempt(TOO_LONG, free=True), self.fine()]
        kind = self.dice.choices(
            [self.fine, self.cut, self.failed, self.refused, self.unproven], [50, 25, 12, 6, 7]
        )
        return [*free, kind[0]()]

    def retries(self) -> int:
        return self.dice.choices([0, 1, 2, 3], [78, 10, 7, 5])[0]

    def refused(self) -> Attempt:
        return Attempt(self.one_of(REFUSED), free=True)

    def unproven(self) -> Attempt:
        """A status that proves nothing, charged or not, with an id or without."""
        status = self.one_of([408, 500, 504, 524])
        if self.dice.random() < 0.3:
            return Attempt(Status(status))
        return Attempt(
            Status(status, cost_nano_usd=self.untold_cost(), look_up=self.look_up()), named=True
        )

    def failed(self) -> Attempt:
        """An error inside an answer, charged or not, with a usage or without."""
        code = self.one_of([502, 429, 401, "server_error", "rate_limit_exceeded"])
        if self.dice.random() < 0.2:
            return Attempt(ErrorIn200(code=code), named=True)
        error = ErrorChunk(code, with_choices=self.dice.random() < 0.7)
        steps: list[Step] = [*self.body(), error]
        tells = self.dice.random() < 0.3
        cost = self.one_of([None, None, 0, self.untold_cost()])  # None: an error is free
        if tells:
            steps.append(UsageStep())
            tells = self.believed(steps, cost or 0)
        return self.answered(steps, cost, tells=tells, plain=False)

    def cut(self) -> Attempt:
        """Cut short at any place, charged or not."""
        steps: list[Step] = self.body()
        steps = steps[: self.dice.randint(0, len(steps))]
        if steps and self.dice.random() < 0.3:
            steps.append(HALF)
        if self.dice.random() < 0.15:
            steps.append(Finish(self.one_of(["stop", "length", None])))
        end = self.dice.choices([Drop(), Drop(reset=True), Stall()], [60, 30, 10])[0]
        cost = self.one_of([None, 0, self.untold_cost()])
        if not self.metered_well(steps):
            cost = self.untold_cost()
        return self.answered([*steps, end], cost, tells=False, plain=False)

    def fine(self) -> Attempt:
        """Whole, with a bill of any oddity."""
        steps: list[Step] = self.body()
        reason = self.dice.choices(["stop", "length", "content_filter", None], [85, 5, 5, 5])[0]
        is_metered = reason is not None and self.metered_well(steps) and self.dice.random() < 0.5
        cost = None if is_metered else self.untold_cost()
        steps.append(Finish(reason, refusal="I cannot." if self.dice.random() < 0.04 else None))
        if self.dice.random() < 0.15:
            return self.lied(steps, cost)
        usage, tells = self.one_of(USAGES)
        steps.extend(usage)
        if self.dice.random() < 0.1:
            steps.append(Drop())
        plain = None if len(usage) == 1 else False  # which has no place for two of them
        return self.answered(steps, cost, tells=tells and self.believed(steps, cost), plain=plain)

    def lied(self, steps: list[Step], cost: int | None) -> Attempt:
        """A usage whose cost is too low for a picture, and the charge another; without a picture
        it is the charge, and so no lie.
        """
        lie = self.one_of(LIES)
        steps.append(UsageStep(change={"cost": lie}))
        if self.painted(steps):
            return self.answered(steps, cost, tells=False)
        return self.answered(steps, round(lie * 10**9), tells=True, told_so=True)

    def answered(
        self,
        steps: list[Step],
        cost: int | None,
        *,
        tells: bool,
        plain: bool | None = None,
        told_so: bool = False,
    ) -> Attempt:
        dice = self.dice
        whole = not any(isinstance(step, Drop | Stall | Raw) for step in steps)
        named, in_events = dice.random() < 0.85, dice.random() < 0.85
        if plain is None:
            plain = whole and dice.random() < 0.1
        look_up, cut = self.look_up(), None
        if self.calm and tells and whole and dice.random() < 0.2:
            # Whoever was told by the usage does not ask, and would be told something else.
            look_up = LookUp(misses=0, cost_nano_usd=dice.randrange(10**9))
        may_cost_more = self.calm and whole and named and cost is not None and not told_so
        if may_cost_more and dice.random() < 0.2:
            # Above the hold; so it has to be told.
            cost, cut = dice.randrange(10**9, 4 * 10**9), self.untold_cost()
            look_up = LookUp(misses=0, cost_nano_usd=look_up.cost_nano_usd)
        elif dice.random() < 0.3:
            cut = self.one_of([0, self.untold_cost()])
        if cut is None and cost is None and not self.metered_well(steps):
            # What is free once it failed may be cut before that.
            cut = self.untold_cost()
        paused = self.pause is not None and dice.random() < 0.4
        if self.pause is not None and paused:
            steps.insert(dice.randint(0, len(steps)), Gate(self.pause))
        return Attempt(
            Answer(
                tuple(steps),
                cost_nano_usd=cost,
                cut_nano_usd=cut,
                look_up=look_up,
                plain=plain,
                named=named,
                done=dice.random() < 0.85,
                line_end=self.one_of(["\n", "\n", "\r\n"]),
                awkward=dice.random() < 0.15,
                extra={} if in_events else {"id": self.one_of([None, "", "chatcmpl-1"])},
            ),
            tells=tells,
            named=whole and (named or in_events),
            paused=paused,
        )

    def body(self) -> list[Step]:
        """The middle of an answer: text and pictures, also twice, broken or only pointed at."""
        steps: list[Step] = []
        if self.dice.random() < 0.5:
            steps.append(Headers())
        for _ in range(self.dice.choices([0, 1, 2, 3], [5, 55, 25, 15])[0]):
            kind = self.dice.random()
            if kind < 0.2:
                steps.append(Comment(self.dice.randint(1, 3)))
            elif kind < 0.55 or not self.paints:
                steps.append(Say(self.one_of(["A fox.", "Füchse schlafen — “im Schnee”. 🦊", " "])))
            elif kind < 0.92:
                steps.append(Paint("a fox", copies=self.one_of([1, 1, 2])))
            else:
                urls = ["data:image/png;base64,!!!", "http://127.0.0.1/a.png", "https://[::1]/"]
                steps.append(Show(self.one_of(urls)))
        return steps

    @staticmethod
    def painted(steps: list[Step]) -> bool:
        return any(isinstance(step, Paint | Show) for step in steps)

    def metered_well(self, steps: list[Step]) -> bool:
        """Whether the meter counts less than any hold, and what is believed of a picture."""
        pictures = sum(isinstance(step, Paint) for step in steps)
        return pictures == 1 if self.painted(steps) else True

    def believed(self, steps: list[Step], cost: int | None) -> bool:
        """Whether a true cost is taken for one."""
        return cost is None or cost >= BELIEVED_NANO_USD_MIN or not self.painted(steps)

    def untold_cost(self) -> int:
        return self.one_of([0, 1, 9_999_999, self.dice.randrange(UNTOLD_NANO_USD_MAX)])

    def look_up(self) -> LookUp:
        misses = self.dice.choices([0, self.dice.randint(1, 4), NEVER], [40, 35, 25])[0]
        return LookUp(misses=misses)

    def one_of(self, choices: list[T]) -> T:
        return self.dice.choice(choices)
