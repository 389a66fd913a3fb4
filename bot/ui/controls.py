"""The buttons under an answer: how they look and what their `custom_id` says, which is all that is
known of them: `<verb>:<exchange id>[:<picture no.>]`. They outlive their message's process; views
are never kept, so discord.py dispatches nothing to them. What a press does is `presses.py`'s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.errors import Word
from bot.store.exchanges import Exchange
from bot.store.pieces import Piece

CANCEL = "Cancel"
CONFIRM = "Confirm"
CONTINUE = "Continue"
AGAIN = "Again"
EDIT = "Edit"
DETAILS = "Details"
ORIGINAL = "Original"
DELETE = "Delete"

PER_ROW = 5
EDITS_MAX = 16
"""Of one answer: Discord shows 25 buttons, and five rows."""

_CUSTOM_ID = re.compile(
    r"(?P<verb>[a-z]+):(?P<exchange_id>\d{1,19})(?::(?P<number>\d{1,3}))?", re.ASCII
)
_SNOWFLAKE_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a `custom_id` says: `number` is the picture's within its answer, from 1."""

    verb: str
    exchange_id: int
    number: int | None


def read(custom_id: object) -> Pressed | None:
    """None for what is not one of ours."""
    found = _CUSTOM_ID.fullmatch(custom_id) if isinstance(custom_id, str) else None
    if found is None or int(found["exchange_id"]) > _SNOWFLAKE_MAX:
        return None
    number = found["number"]
    return Pressed(
        found["verb"], int(found["exchange_id"]), None if number is None else int(number)
    )


def is_running(message: discord.Message, exchange_id: int) -> bool:
    """Whether a message has the button of an answer in the making."""
    return "cancel" in _verbs(message, exchange_id)


def is_of(message: discord.Message, exchange_id: int) -> bool:
    """Whether a message has the buttons of this exchange's answer; an offer to run it again, whose
    only button is that, is none.
    """
    return not _verbs(message, exchange_id) <= {"again"}


def _verbs(message: discord.Message, exchange_id: int) -> set[str]:
    """What the buttons of a message do with this exchange."""
    pressed = [
        read(button.custom_id)
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]
    return {one.verb for one in pressed if one is not None and one.exchange_id == exchange_id}


def while_running(exchange_id: int) -> discord.ui.View:
    """The buttons of an answer in the making."""
    return _view([[(CANCEL, f"cancel:{exchange_id}")]])


def to_confirm(exchange_id: int) -> discord.ui.View:
    """The buttons of what is asked about before it is paid for."""
    return _view([[(CONFIRM, f"confirm:{exchange_id}"), (CANCEL, f"cancel:{exchange_id}")]])


def under_answer(exchange_id: int, pictures: int, *, goes_on: bool) -> discord.ui.View:
    """The buttons of an answer with so many pictures. `goes_on`: it was cut, and may go on."""
    first = [(CONTINUE, f"continue:{exchange_id}")] if goes_on else []
    first.append((AGAIN, f"again:{exchange_id}"))
    if pictures == 1:
        first.append((EDIT, f"edit:{exchange_id}"))
    elif pictures:
        first += [
            (f"{EDIT} {number}", f"edit:{exchange_id}:{number}")
            for number in range(1, min(pictures, EDITS_MAX) + 1)
        ]
    first.append((DETAILS, f"details:{exchange_id}"))
    second = [(ORIGINAL, f"original:{exchange_id}")] if pictures else []
    second.append((DELETE, f"delete:{exchange_id}"))
    rows = [first[start : start + PER_ROW] for start in range(0, len(first), PER_ROW)]
    return _view([*rows, second])


def only_again(exchange_id: int) -> discord.ui.View:
    """The button of an offer to run a request again."""
    return _view([[(AGAIN, f"again:{exchange_id}")]])


def under_pieces(exchange: Exchange, made: Sequence[Piece]) -> discord.ui.View:
    """The buttons of what the model answered; what shows nothing of it has none."""
    if not made:
        return none()
    pictures = sum(piece.picture is not None for piece in made)
    return under_answer(exchange.id, pictures, goes_on=exchange.word is Word.CUT)


def none() -> discord.ui.View:
    """No buttons at all."""
    return _view([])


def _view(rows: list[list[tuple[str, str]]]) -> discord.ui.View:
    # In discord.py 2.7.1 a view that is not stopped is kept for as long as its message may be
    # pressed; a stopped one is only sent.
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for label, custom_id in row:
            view.add_item(discord.ui.Button(label=label, custom_id=custom_id, row=number))
    view.stop()
    return view
