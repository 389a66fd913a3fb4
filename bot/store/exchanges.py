"""Exchanges: one request and its answer, the step it has reached, and the pictures it is about.
Every change of a row is here; what a step means is `exchange.py`'s.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bot.errors import Notice, Word
from bot.money import ZERO, NanoUsd
from bot.store.database import Transaction


class Step(StrEnum):
    """What is to be done next; a row's step is noted before that work begins."""

    WAIT = "wait"
    HOLD = "hold"
    CALL = "call"
    SETTLE = "settle"
    ANSWER = "answer"
    DONE = "done"


Confirmation = Literal["wanted", "asked", "given"]
"""Of a dear request: to be asked for, asked for in its answer message, and given by a click."""

Moved = Literal["channel", "direct", "history"]
"""Of an answer that cannot stand where it was asked: in the channel that the thread is of, in the
person's direct messages, or only for the person's eyes with their history."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A picture a request is about: on the shelf already, or a link to fetch it from. What was
    `taken_back` by its person is fetched and sent no more.
    """

    name: str
    url: str | None = None
    picture_id: str | None = None
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A row. What has no default comes from the event; the rest is noted on the way.

    `server_id` is 0 in direct messages, `channel_id` is where it was asked, `token` the
    interaction's while it lives, `upload_bytes_max` counts for one file. `expected_hold` is what
    the request's first call is to hold at least. `persona`, `shows_cost` and `pings` are what its
    server had set when it was admitted. `source_id` is the exchange whose button asked for it.
    The pictures of a `spoiler` are hidden until a click.
    A `private` answer is only for the one who asked. `parent_channel_id` is the channel that the
    thread is of in which it was asked. `role_ids` are the member's, until it is done. What is
    `forgotten` was deleted where it was asked, so that its words are for nobody else any more.
    """

    id: int
    conversation_id: int
    command: str
    server_id: int
    channel_id: int
    member_id: int
    prompt: str
    upload_bytes_max: int
    answer_channel_id: int
    may_paint: bool = True
    shape: str | None = None
    size: str | None = None
    opens_thread: bool = False
    token: str | None = None
    step: Step = Step.WAIT
    call_number: int = 0
    edits: bool = False
    shortened: bool = False
    word: Word | None = None
    sentence: str | None = None
    created_ms: int = 0
    ended_ms: int | None = None
    expected_hold: NanoUsd = ZERO
    persona: str = ""
    shows_cost: bool = True
    pings: bool = True
    source_id: int | None = None
    history_before_id: int | None = None
    confirmation: Confirmation | None = None
    confirm_until_ms: int | None = None
    deleted_ms: int | None = None
    private: bool = False
    role_ids: frozenset[int] = frozenset()
    parent_channel_id: int | None = None
    moved: Moved | None = None
    spoiler: bool = False
    waited_ms: int = 0
    forgotten: bool = False

    @property
    def shows_by_token(self) -> bool:
        """Whether its messages go by an interaction's token alone, so that only one sees them."""
        return self.moved == "history" or (self.private and self.moved is None)

    @property
    def has_no_response(self) -> bool:
        """Whether it is answered where a command was used that Discord did not let acknowledge."""
        here = self.answer_channel_id == self.channel_id
        return self.moved == "channel" and here and not self.opens_thread

    @property
    def history_end(self) -> int:
        """The exchange before which what was said goes along."""
        return self.history_before_id or self.id

    @property
    def took_s(self) -> int:
        """How long its answer took, without the time that a click was waited for."""
        ended_ms = self.ended_ms or self.created_ms
        return max(0, round((ended_ms - self.created_ms - self.waited_ms) / 1000))

    @property
    def is_at_work(self) -> bool:
        """Whether there is work to do before its answer."""
        return self.step not in {Step.ANSWER, Step.DONE} and not self.is_parked

    @property
    def is_parked(self) -> bool:
        """Whether it waits for a click before anything is held."""
        return self.step is Step.HOLD and self.confirmation in {"wanted", "asked"}


_COLUMNS = (
    "id, conversation_id, step, command, server_id, channel_id, member_id, prompt, may_paint,"
    " shape, size, upload_bytes_max, opens_thread, answer_channel_id, interaction_token,"
    " call_number, edits, word, sentence, created_ms, ended_ms, expected_hold_nano_usd,"
    " shortened, persona, shows_cost, pings, source_id, history_before_id, confirmation,"
    " confirm_until_ms, deleted_ms, private, parent_channel_id, moved, spoiler, waited_ms,"
    " role_ids, forgotten"
)


def _exchange(row: sqlite3.Row) -> Exchange:
    return Exchange(
        id=row["id"],
        conversation_id=row["conversation_id"],
        step=Step(row["step"]),
        command=row["command"],
        server_id=row["server_id"],
        channel_id=row["channel_id"],
        member_id=row["member_id"],
        prompt=row["prompt"],
        may_paint=bool(row["may_paint"]),
        shape=row["shape"],
        size=row["size"],
        upload_bytes_max=row["upload_bytes_max"],
        opens_thread=bool(row["opens_thread"]),
        answer_channel_id=row["answer_channel_id"],
        token=row["interaction_token"],
        call_number=row["call_number"],
        edits=bool(row["edits"]),
        shortened=bool(row["shortened"]),
        word=None if row["word"] is None else Word(row["word"]),
        sentence=row["sentence"],
        created_ms=row["created_ms"],
        ended_ms=row["ended_ms"],
        expected_hold=NanoUsd(row["expected_hold_nano_usd"]),
        persona=row["persona"],
        shows_cost=bool(row["shows_cost"]),
        pings=bool(row["pings"]),
        source_id=row["source_id"],
        history_before_id=row["history_before_id"],
        confirmation=row["confirmation"],
        confirm_until_ms=row["confirm_until_ms"],
        deleted_ms=row["deleted_ms"],
        private=bool(row["private"]),
        role_ids=frozenset(map(int, row["role_ids"].split())),
        parent_channel_id=row["parent_channel_id"],
        moved=row["moved"],
        spoiler=bool(row["spoiler"]),
        waited_ms=row["waited_ms"],
        forgotten=bool(row["forgotten"]),
    )


async def claim(tx: Transaction, exchange: Exchange, meant: tuple[Meant, ...]) -> bool:
    """Writes the row of a new exchange; False if its event was known already.

    Its conversation must be open.
    """
    row = await tx.one(
        f"INSERT INTO exchange ({_COLUMNS})"  # noqa: S608 - a constant of this module
        " VALUES (:id, :conversation_id, :step, :command, :server_id, :channel_id, :member_id,"
        " :prompt, :may_paint, :shape, :size, :upload_bytes_max, :opens_thread,"
        " :answer_channel_id, :token, :call_number, :edits, :word, :sentence, :created_ms,"
        " :ended_ms, :expected_hold, :shortened, :persona, :shows_cost, :pings,"
        " :source_id, :history_before_id, :confirmation, :confirm_until_ms, :deleted_ms,"
        " :private, :parent_channel_id, :moved, :spoiler, :waited_ms, :role_ids, :forgotten)"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        id=exchange.id,
        conversation_id=exchange.conversation_id,
        step=exchange.step.value,
        command=exchange.command,
        server_id=exchange.server_id,
        channel_id=exchange.channel_id,
        member_id=exchange.member_id,
        prompt=exchange.prompt,
        may_paint=int(exchange.may_paint),
        shape=exchange.shape,
        size=exchange.size,
        upload_bytes_max=exchange.upload_bytes_max,
        opens_thread=int(exchange.opens_thread),
        answer_channel_id=exchange.answer_channel_id,
        token=exchange.token,
        call_number=exchange.call_number,
        edits=int(exchange.edits),
        shortened=int(exchange.shortened),
        word=None if exchange.word is None else exchange.word.value,
        sentence=exchange.sentence,
        created_ms=tx.now_ms,
        ended_ms=exchange.ended_ms,
        expected_hold=exchange.expected_hold,
        persona=exchange.persona,
        shows_cost=int(exchange.shows_cost),
        pings=int(exchange.pings),
        source_id=exchange.source_id,
        history_before_id=exchange.history_before_id,
        confirmation=exchange.confirmation,
        confirm_until_ms=exchange.confirm_until_ms,
        deleted_ms=exchange.deleted_ms,
        private=int(exchange.private),
        role_ids=f" {' '.join(map(str, sorted(exchange.role_ids)))} ",
        parent_channel_id=exchange.parent_channel_id,
        moved=exchange.moved,
        spoiler=int(exchange.spoiler),
        waited_ms=exchange.waited_ms,
        forgotten=int(exchange.forgotten),
    )
    if row is None:
        return False
    for position, picture in enumerate(meant):
        await tx.run(
            "INSERT INTO meant (exchange_id, position, name, url, picture_id)"
            " VALUES (:exchange_id, :position, :name, :url, :picture_id)",
            exchange_id=exchange.id,
            position=position,
            name=picture.name,
            url=picture.url,
            picture_id=picture.picture_id,
        )
    return True


async def is_known(tx: Transaction, exchange_id: int) -> bool:
    return await tx.one("SELECT 1 FROM exchange WHERE id = :id", id=exchange_id) is not None


async def member_of(tx: Transaction, exchange_id: int) -> int | None:
    """Who asked; None when there is no such exchange."""
    row = await tx.one("SELECT member_id FROM exchange WHERE id = :id", id=exchange_id)
    return None if row is None else row["member_id"]


async def get(tx: Transaction, exchange_id: int) -> Exchange:
    """The row; KeyError when there is none."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM exchange WHERE id = :id",  # noqa: S608 - a constant
        id=exchange_id,
    )
    if row is None:
        raise KeyError(exchange_id)
    return _exchange(row)


async def open_ids(tx: Transaction) -> list[int]:
    """Every exchange that has not come to its end, oldest first; without those that wait for a
    click and have time left.
    """
    rows = await tx.all(
        "SELECT id FROM exchange WHERE step <> 'done' AND NOT (step = 'hold'"
        " AND confirmation IS NOT NULL AND confirmation = 'asked'"
        " AND confirm_until_ms > :now_ms) ORDER BY id",
        now_ms=tx.now_ms,
    )
    return [row["id"] for row in rows]


async def note_step(tx: Transaction, exchange_id: int, step: Step) -> None:
    """Notes what is to be done next. Once there is nothing left to do the token and the roles are
    forgotten.
    """
    await tx.run(
        "UPDATE exchange SET step = :step,"
        " interaction_token = CASE WHEN :step = 'done' THEN NULL ELSE interaction_token END,"
        " role_ids = CASE WHEN :step = 'done' THEN '' ELSE role_ids END WHERE id = :id",
        id=exchange_id,
        step=step.value,
    )


async def note_call(tx: Transaction, exchange_id: int, call_number: int, *, edits: bool) -> None:
    """Notes that call `call_number` is the one to make now."""
    await tx.run(
        "UPDATE exchange SET step = 'call', call_number = :call_number, edits = :edits"
        " WHERE id = :id",
        id=exchange_id,
        call_number=call_number,
        edits=int(edits),
    )


async def note_try(tx: Transaction, exchange_id: int, *, shortened: bool) -> None:
    """Notes that another call is to be made, with less history from now on if `shortened`."""
    await tx.run(
        "UPDATE exchange SET step = 'hold', shortened ="
        " CASE WHEN :shortened = 1 THEN 1 ELSE shortened END WHERE id = :id",
        id=exchange_id,
        shortened=int(shortened),
    )


async def note_end(tx: Transaction, exchange_id: int, step: Step, notice: Notice | None) -> None:
    """Notes how the work ended (no notice: with a result) and when; the first moment stands."""
    await tx.run(
        "UPDATE exchange SET step = :step, word = :word, sentence = :sentence,"
        " ended_ms = coalesce(ended_ms, :now_ms) WHERE id = :id",
        id=exchange_id,
        step=step.value,
        word=None if notice is None else notice.word.value,
        sentence=None if notice is None else notice.sentence,
        now_ms=tx.now_ms,
    )


async def note_delivered(tx: Transaction, exchange_id: int) -> None:
    """Notes that the answer is shown, and only its cost is waited for."""
    await tx.run(
        "UPDATE exchange SET delivered_ms = :now_ms WHERE id = :id",
        id=exchange_id,
        now_ms=tx.now_ms,
    )


async def is_delivered(tx: Transaction, exchange_id: int) -> bool:
    row = await tx.one(
        "SELECT 1 FROM exchange WHERE id = :id AND delivered_ms IS NOT NULL", id=exchange_id
    )
    return row is not None


async def note_answer_channel(tx: Transaction, exchange_id: int, channel_id: int) -> None:
    await tx.run(
        "UPDATE exchange SET answer_channel_id = :channel_id WHERE id = :id",
        id=exchange_id,
        channel_id=channel_id,
    )


async def meant(tx: Transaction, exchange_id: int) -> list[Meant]:
    """The pictures the request is about, in order, also those that were taken back."""
    rows = await tx.all(
        "SELECT name, url, picture_id, taken_back FROM meant WHERE exchange_id = :id"
        " ORDER BY position",
        id=exchange_id,
    )
    return [
        Meant(row["name"], row["url"], row["picture_id"], bool(row["taken_back"])) for row in rows
    ]


async def note_meant_picture(
    tx: Transaction, exchange_id: int, position: int, picture_id: str
) -> None:
    """Notes that a meant picture is on the shelf; its link is forgotten."""
    await tx.run(
        "UPDATE meant SET picture_id = :picture_id, url = NULL"
        " WHERE exchange_id = :exchange_id AND position = :position",
        exchange_id=exchange_id,
        position=position,
        picture_id=picture_id,
    )


async def note_deleted(tx: Transaction, exchange_id: int) -> bool:
    """Notes that its answer was deleted by a person; False if it was already, or if there is none
    yet. The books stay.
    """
    return bool(
        await tx.run(
            "UPDATE exchange SET deleted_ms = :now_ms"
            " WHERE id = :id AND step IN ('answer', 'done') AND deleted_ms IS NULL",
            id=exchange_id,
            now_ms=tx.now_ms,
        )
    )
