"""From the pieces of an answer to the messages that show it: pure, so that a repeat after a crash
lays out the same messages. A picture closes its message when more text follows it, pictures in a
row share one, and the last line of the last message is the small one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from bot import words
from bot.store.pictures import Picture
from bot.store.pieces import Piece
from bot.ui import markdown
from bot.ui.markdown import MESSAGE_LETTERS_MAX

FILES_PER_MESSAGE_MAX = 10
LINES_LETTERS_MAX = 400
"""Kept free beside a file for a notice's sentence and the last line."""
LINE_LETTERS_MAX = 64
"""Of the last line in any of its forms; a sentence may be longer and does not change."""
PARTS_OF_TEXT_MAX = 6
"""A text that would take more messages than this comes as one file."""
DECIDING_LETTERS = 8 * MESSAGE_LETTERS_MAX
"""Of a text, where they take more messages than that already: the rest of a long one is not read,
for this is done on the event loop. What is mostly blank is read whole."""


@dataclass(slots=True)
class Part:
    """One message: its text, the pictures below it, and the pieces that begin in it."""

    text: str = ""
    pictures: list[Picture] = field(default_factory=list[Picture])
    positions: list[int] = field(default_factory=list[int])
    file_text: str | None = None

    @property
    def files(self) -> int:
        """How many files are attached."""
        return len(self.pictures) + (self.file_text is not None)


def lay_out(
    pieces: Sequence[Piece],
    sentence: str | None,
    last_line: str | None,
    heading: str | None = None,
) -> list[Part]:
    """The messages of an answer, at least one. `sentence` is a notice's, after what arrived;
    `last_line` is left out where a server hides it; a `heading` goes before all.
    """
    parts: list[Part] = []
    above = "" if heading is None else f"{heading}\n"
    for position, piece in enumerate(pieces):
        if piece.text is not None:
            parts.extend(_text_parts(piece.text, position, MESSAGE_LETTERS_MAX - len(above)))
        elif piece.picture is not None:
            if not parts or parts[-1].files >= FILES_PER_MESSAGE_MAX:
                parts.append(Part())
            parts[-1].pictures.append(piece.picture)
            parts[-1].positions.append(position)
    if heading is not None:
        parts = parts or [Part()]
        parts[0].text = f"{above}{parts[0].text}".strip()
    for line in (sentence, last_line):
        if line is not None:
            _add_line(parts, line)
    return parts or [Part()]


def _text_parts(text: str, position: int, letters_max: int) -> list[Part]:
    safe = markdown.safe(text[:DECIDING_LETTERS])
    chunks = _first_parts(safe, letters_max)
    if len(text) > DECIDING_LETTERS and len(chunks) <= PARTS_OF_TEXT_MAX:
        safe = markdown.safe(text)
        chunks = _first_parts(safe, letters_max)
    if len(chunks) <= PARTS_OF_TEXT_MAX:
        parts = [Part(chunk.text) for chunk in chunks]
    else:
        note = words.goes_on_in_file()
        room = letters_max - len(note) - LINES_LETTERS_MAX
        first = next(markdown.parts(safe, room)).text
        parts = [Part(f"{first}\n\n{note}", file_text=text)]
    if parts:
        parts[0].positions.append(position)
    return parts


def _first_parts(safe: str, letters_max: int) -> list[markdown.Part]:
    """As many as decide whether it is to be a file."""
    return list(islice(markdown.parts(safe, letters_max), PARTS_OF_TEXT_MAX + 1))


def _add_line(parts: list[Part], line: str) -> None:
    if parts:
        text = f"{parts[-1].text}\n{line}" if parts[-1].text else line
        # By the longest that the line may still become, so that a correction finds it where it is.
        spare = max(0, LINE_LETTERS_MAX - len(line))
        if len(text) + spare <= MESSAGE_LETTERS_MAX:
            parts[-1].text = text
            return
    parts.append(Part(line))


def above_line(content: str) -> str | None:
    """What stands above a message's small line; None if it has none."""
    above, line_break, line = content.rpartition("\n")
    return f"{above}{line_break}" if line.startswith("-# ") else None
