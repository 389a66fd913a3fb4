"""What a person asked before, newest first: for /history."""

from dataclasses import dataclass

from bot.errors import Word
from bot.store.database import Transaction
from bot.store.exchanges import Moved, Step


@dataclass(frozen=True, slots=True)
class Asked:
    """One exchange. `server_id` is 0 in direct messages; `word` is that of a notice, if it ended
    with one; `waits` says that its answer could not reach the person yet.
    """

    id: int
    command: str
    server_id: int
    channel_id: int
    prompt: str
    word: Word | None
    has_ended: bool
    created_ms: int
    private: bool
    moved: Moved | None
    waits: bool
    forgotten: bool


async def of_member(
    tx: Transaction,
    member_id: int,
    *,
    server_id: int | None,
    first_ms: int,
    before_ms: int,
    newest_id: int,
    skip: int,
    most: int,
) -> list[Asked]:
    """Of a member, in one server (0: direct messages) or everywhere, asked in a span of time and
    no later than the exchange `newest_id`; `skip` of them are left out.
    """
    rows = await tx.all(
        "SELECT id, command, server_id, channel_id, prompt, word, step, created_ms, private, moved,"
        " waits, forgotten"
        " FROM exchange WHERE member_id = :member_id AND id <= :newest_id"
        " AND (:everywhere = 1 OR server_id = :server_id)"
        " AND created_ms >= :first_ms AND created_ms < :before_ms"
        " ORDER BY id DESC LIMIT :most OFFSET :skip",
        member_id=member_id,
        newest_id=newest_id,
        everywhere=int(server_id is None),
        server_id=server_id or 0,
        first_ms=first_ms,
        before_ms=before_ms,
        most=most,
        skip=skip,
    )
    return [
        Asked(
            id=row["id"],
            command=row["command"],
            server_id=row["server_id"],
            channel_id=row["channel_id"],
            prompt=row["prompt"],
            word=None if row["word"] is None else Word(row["word"]),
            has_ended=row["step"] in {Step.ANSWER, Step.DONE},
            created_ms=row["created_ms"],
            private=bool(row["private"]),
            moved=row["moved"],
            waits=bool(row["waits"]),
            forgotten=bool(row["forgotten"]),
        )
        for row in rows
    ]
