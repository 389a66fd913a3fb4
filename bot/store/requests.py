"""What people did to their requests after they sent them: other words, more messages, or none."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store import spoilers
from bot.store.database import Transaction
from bot.store.documents import Attached
from bot.store.exchanges import Exchange, Meant


@dataclass(frozen=True, slots=True)
class First:
    """The request that later messages join."""

    id: int
    prompt: str


async def is_known(tx: Transaction, message_id: int) -> bool:
    """Whether a message is an exchange, or part of one."""
    row = await tx.one(
        "SELECT 1 FROM exchange WHERE id = :id UNION SELECT 1 FROM said WHERE message_id = :id",
        id=message_id,
    )
    return row is not None


async def waiting_before(tx: Transaction, asked: Exchange, within_ms: int) -> First | None:
    """The request just before in the same conversation, if it is the same member's, was said so
    shortly before and waits still.
    """
    row = await tx.one(
        "SELECT id, prompt, member_id, command, step, source_id FROM exchange"
        " WHERE conversation_id = :conversation_id AND id < :id ORDER BY id DESC LIMIT 1",
        conversation_id=asked.conversation_id,
        id=asked.id,
    )
    if row is None or row["id"] < asked.id - (within_ms << 22):
        return None
    kind = (row["member_id"], row["command"], row["step"], row["source_id"])
    same = kind == (asked.member_id, "message", "wait", None)
    return First(row["id"], row["prompt"]) if same else None


async def files(tx: Transaction, exchange_id: int) -> int:
    """How many pictures and documents it has."""
    row = await tx.one(
        "SELECT (SELECT COUNT(*) FROM meant WHERE exchange_id = :id)"
        " + (SELECT COUNT(*) FROM document WHERE exchange_id = :id) AS number",
        id=exchange_id,
    )
    return 0 if row is None else row["number"]


async def join(
    tx: Transaction,
    first: First,
    asked: Exchange,
    meant: Sequence[Meant],
    attached: Sequence[Attached],
) -> None:
    """Makes a message part of an earlier request: its words and files come after those there."""
    for message_id, text in ((first.id, first.prompt), (asked.id, asked.prompt)):
        await tx.run(
            "INSERT INTO said (message_id, exchange_id, text)"
            " VALUES (:message_id, :exchange_id, :text) ON CONFLICT (message_id) DO NOTHING",
            message_id=message_id,
            exchange_id=first.id,
            text=text,
        )
    await tx.run(
        "UPDATE exchange SET prompt = :prompt, edits = CASE WHEN :meant = 1 THEN 1 ELSE edits END,"
        " spoiler = CASE WHEN :spoiler = 1 THEN 1 ELSE spoiler END WHERE id = :id",
        id=first.id,
        spoiler=int(asked.spoiler or (bool(meant) and all(map(spoilers.is_one, meant)))),
        prompt=f"{first.prompt}\n{asked.prompt}".strip(),
        meant=int(bool(meant)),
    )
    for picture in meant:
        await tx.run(
            "INSERT INTO meant (exchange_id, position, name, url, picture_id, said_id)"
            " SELECT :id, (SELECT COUNT(*) FROM meant WHERE exchange_id = :id), :name, :url,"
            " :picture_id, :said_id",
            id=first.id,
            said_id=asked.id,
            name=picture.name,
            url=picture.url,
            picture_id=picture.picture_id,
        )
    for document in attached:
        await tx.run(
            "INSERT INTO document (exchange_id, position, name, announced_bytes, url, said_id)"
            " SELECT :id, (SELECT COUNT(*) FROM document WHERE exchange_id = :id), :name, :bytes,"
            " :url, :said_id",
            id=first.id,
            said_id=asked.id,
            name=document.name,
            bytes=document.announced_bytes,
            url=document.url,
        )


async def take_up(tx: Transaction, exchange_id: int) -> bool:
    """Lets a request go on to its hold; False where a file that joined it is only a link yet."""
    return bool(
        await tx.run(
            "UPDATE exchange SET step = 'hold' WHERE id = :id AND NOT EXISTS (SELECT 1 FROM meant"
            " WHERE exchange_id = :id AND url IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM document"
            " WHERE exchange_id = :id AND url IS NOT NULL)",
            id=exchange_id,
        )
    )


async def note_words(tx: Transaction, message_id: int, member_id: int, text: str) -> int | None:
    """Gives a message its new words, and the exchange that it is, or is part of, with them: its
    id, or None if they are the same or it is none.
    """
    exchange_id, prompt = message_id, text
    if (joined_id := await _part_of(tx, message_id)) is not None:
        exchange_id = joined_id
        await tx.run(
            "UPDATE said SET text = :text WHERE message_id = :id", id=message_id, text=text
        )
        prompt = await _joined(tx, exchange_id)
    changed = await tx.run(
        "UPDATE exchange SET prompt = :prompt WHERE id = :id AND member_id = :member_id"
        " AND command = 'message' AND prompt <> :prompt",
        id=exchange_id,
        member_id=member_id,
        prompt=prompt,
    )
    return exchange_id if changed else None


async def keep_files(
    tx: Transaction,
    message_id: int,
    member_id: int,
    *,
    pictures: Sequence[str],
    documents: Sequence[str],
) -> None:
    """Lets what was taken out of a message go along with nothing any more: all that it brought but
    the files of these names.
    """
    exchange_id = await _part_of(tx, message_id) or message_id
    row = await tx.one(
        "SELECT 1 FROM exchange WHERE id = :id AND member_id = :member_id AND command = 'message'",
        id=exchange_id,
        member_id=member_id,
    )
    if row is None:
        return
    for table, kept in (("meant", pictures), ("document", documents)):
        left = list(kept)
        rows = await tx.all(
            f"SELECT position, name FROM {table} WHERE exchange_id = :id"  # noqa: S608 - a constant
            " AND coalesce(said_id, exchange_id) = :message_id ORDER BY position",
            id=exchange_id,
            message_id=message_id,
        )
        for row in rows:
            if row["name"] in left:
                left.remove(row["name"])
                continue
            await tx.run(
                f"UPDATE {table} SET taken_back = 1, url = NULL"  # noqa: S608 - a constant
                " WHERE exchange_id = :id AND position = :position",
                id=exchange_id,
                position=row["position"],
            )


async def forget(tx: Transaction, message_id: int) -> None:
    """Lets a message that was deleted go along with nothing any more."""
    exchange_id = await _part_of(tx, message_id)
    if exchange_id is not None and await _leave_out(tx, message_id, exchange_id):
        await tx.run(
            "UPDATE exchange SET prompt = :prompt WHERE id = :id",
            id=exchange_id,
            prompt=await _joined(tx, exchange_id),
        )
    else:
        await tx.run(
            "UPDATE exchange SET forgotten = 1 WHERE id = :id AND command = 'message'",
            id=exchange_id or message_id,
        )


async def _part_of(tx: Transaction, message_id: int) -> int | None:
    """The request of several messages that this is one of."""
    row = await tx.one("SELECT exchange_id FROM said WHERE message_id = :id", id=message_id)
    return None if row is None else row["exchange_id"]


async def _leave_out(tx: Transaction, message_id: int, exchange_id: int) -> bool:
    """Takes a message out of its request; whether anything of that is left."""
    await tx.run("UPDATE said SET text = '' WHERE message_id = :id", id=message_id)
    for table in ("meant", "document"):
        await tx.run(
            f"UPDATE {table} SET taken_back = 1, url = NULL"  # noqa: S608 - a constant
            " WHERE exchange_id = :id AND coalesce(said_id, exchange_id) = :message_id",
            id=exchange_id,
            message_id=message_id,
        )
    row = await tx.one(
        "SELECT 1 FROM said WHERE exchange_id = :id AND text <> ''"
        " UNION ALL SELECT 1 FROM meant WHERE exchange_id = :id AND taken_back = 0"
        " UNION ALL SELECT 1 FROM document WHERE exchange_id = :id AND taken_back = 0 LIMIT 1",
        id=exchange_id,
    )
    return row is not None


async def _joined(tx: Transaction, exchange_id: int) -> str:
    rows = await tx.all(
        "SELECT text FROM said WHERE exchange_id = :id AND text <> '' ORDER BY message_id",
        id=exchange_id,
    )
    return "\n".join(row["text"] for row in rows)


async def is_last(tx: Transaction, exchange_id: int) -> bool:
    """Whether its member asked nothing in its conversation since."""
    row = await tx.one(
        "SELECT 1 FROM exchange AS this JOIN exchange AS later"
        " ON later.conversation_id = this.conversation_id AND later.id > this.id"
        " AND later.member_id = this.member_id WHERE this.id = :id LIMIT 1",
        id=exchange_id,
    )
    return row is None
