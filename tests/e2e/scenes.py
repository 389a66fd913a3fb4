"""Every way in and out of Easel, as rows: a place, a kind of file, a command, a menu, the modal, a
button; and what becomes of it by each who uses it. Every row is played before and after a restart
of the bot: by the tests that are marked with its cells. `docs/scenes.md` is made of both:
`python -m tests.e2e.scene_table`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pytest
from _pytest.mark.structures import ParameterSet

Who = Literal["the asker", "another member", "a moderator", "a member without rights"]
When = Literal["before", "after"]

ASKER: Who = "the asker"
OTHER: Who = "another member"
MODERATOR: Who = "a moderator"
WITHOUT_RIGHTS: Who = "a member without rights"
WHO: tuple[Who, ...] = (ASKER, OTHER, MODERATOR, WITHOUT_RIGHTS)
WHEN: tuple[When, ...] = ("before", "after")

DONE = "done"
REFUSED = "refused"
SILENT = "nothing said"
NOT_OFFERED = "not offered"
NOT_SEEN = "not seen"
NOBODY = "— nobody else is there"
OUTCOMES = (DONE, REFUSED, SILENT, NOT_OFFERED, NOT_SEEN, NOBODY)


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of it by whom. An outcome that begins with `—` says why it cannot occur."""

    what: str
    by: Mapping[Who, str]


def _rows(whats: Iterable[str], *outcomes: str) -> list[Row]:
    """One outcome for each in `WHO`."""
    return [Row(what, dict(zip(WHO, outcomes, strict=True))) for what in whats]


_FOR_ALL = (DONE, DONE, DONE, DONE)
_FOR_WHO_MAY = (DONE, DONE, DONE, REFUSED)
_FOR_NOBODY = (REFUSED, REFUSED, REFUSED, REFUSED)
_FOR_ASKER_AND_MODERATOR = (DONE, REFUSED, DONE, REFUSED)
_FOR_ASKER = (DONE, REFUSED, REFUSED, REFUSED)
_SEEN_BY_ASKER = (DONE, NOT_SEEN, NOT_SEEN, NOT_SEEN)
_FOR_ADMINS = (DONE, NOT_OFFERED, NOT_OFFERED, NOT_OFFERED)

TEXT = "a text channel"
NEWS = "an announcement channel"
OWN_THREAD = "a thread that Easel opened"
THEIR_THREAD = "somebody's thread"
PRIVATE_THREAD = "a private thread"
POST = "a forum post"
VOICE = "the text of a voice channel"
DIRECT = "direct messages"
NO_THREADS = "where Easel may open no threads"
NO_FILES = "where Easel may attach no files"
NO_WORDS = "where Easel may not write"
THREADED = (TEXT, NEWS)
IN_PLACE = (THEIR_THREAD, PRIVATE_THREAD, POST, VOICE, NO_THREADS)

PICTURES = ("PNG", "JPEG", "WebP", "GIF", "AVIF", "HEIC")
DOCUMENTS = ("text in any encoding", "code", "PDF", "DOCX", "XLSX", "PPTX", "HTML")
REFUSED_FILES = (
    "an archive", "a film", "a sound", "a program", "an old Office document", "text over 1 MiB",
    "a damaged document",
)  # fmt: skip
REPLIED, IN_FORWARD = "a reply to a file", "a reply to a forward"
LINKED, IN_COMPONENTS = "a reply to a link's preview", "a reply to components with a file"
EASELS, FORWARDED = "a reply to Easel's own picture", "a forward into the conversation"
SHOWN = (REPLIED, IN_FORWARD, FORWARDED, LINKED, IN_COMPONENTS, EASELS)
CROSS = "a cross put to an answer"

ASKING_COMMANDS = ("/imagine", "/edit", "/ask", "/describe", "/blend")
READING_COMMANDS = ("/spend", "/limit", "/history", "/help")
ADMIN_COMMANDS = (
    "/report show", "/report export", "/report adjust",
    "/budget set", "/budget show", "/budget history", "/budget remove", "/budget grant",
    "/server show", "/server set", "/server pause",
)  # fmt: skip

ASKING_MENUS = ("Edit picture", "Describe picture", "Continue here")
DETAILS_MENU = "Cost and details"

MODAL = "the modal of Edit"

AGAIN, EDIT, EDIT_2, CONTINUE = "Again", "Edit", "Edit 2", "Continue"
AGAIN_OFFERED = "Again, offered for a changed request"
DETAILS, ORIGINAL, DELETE, CONFIRM = "Details", "Original", "Delete", "Confirm"
CANCEL_WAITING = "Cancel, of what waits"
CANCEL_RUNNING = "Cancel, of what runs"
CANCEL_DEAR = "Cancel, of what is dear"
OLDER, NEWER = "Older", "Newer"
REPORT = {
    "the breakdowns of a report": "by",
    "the periods of a report": "period",
    "the pages of a report": "page",
    "Post, under a report": "post",
}
"""Buttons by what their `custom_id` begins with."""
UNDER_PRIVATE = ("Again", "Edit", "Details", "Original", "Delete")


def _private(label: str) -> str:
    return f"{label}, under a private answer"


PRIVATE = {_private(label): label for label in UNDER_PRIVATE}

SECTIONS: dict[str, list[Row]] = {
    "Places": [
        *_rows((TEXT, NEWS, OWN_THREAD, *IN_PLACE), *_FOR_WHO_MAY),
        *_rows([DIRECT], DONE, NOBODY, NOBODY, DONE),
        *_rows([NO_FILES], *_FOR_NOBODY),
        *_rows([NO_WORDS], SILENT, SILENT, SILENT, SILENT),
    ],
    "Files": [
        *_rows((*PICTURES, *DOCUMENTS), *_FOR_WHO_MAY),
        *_rows(REFUSED_FILES, *_FOR_NOBODY),
        *_rows(SHOWN, *_FOR_WHO_MAY),
    ],
    "Commands": [
        *_rows(ASKING_COMMANDS, *_FOR_WHO_MAY),
        *_rows(READING_COMMANDS, *_FOR_ALL),
        *_rows(ADMIN_COMMANDS, *_FOR_ADMINS),
    ],
    "Menus": [*_rows(ASKING_MENUS, *_FOR_WHO_MAY), *_rows([DETAILS_MENU], *_FOR_ALL)],
    "The modal": _rows([MODAL], *_FOR_WHO_MAY),
    "Buttons": [
        *_rows((AGAIN, AGAIN_OFFERED, EDIT, EDIT_2, CONTINUE), *_FOR_WHO_MAY),
        *_rows((DETAILS, ORIGINAL), *_FOR_ALL),
        *_rows((DELETE, CANCEL_WAITING, CANCEL_RUNNING, CANCEL_DEAR), *_FOR_ASKER_AND_MODERATOR),
        *_rows([CONFIRM], *_FOR_ASKER),
        *_rows((OLDER, NEWER, *REPORT, *PRIVATE), *_SEEN_BY_ASKER),
    ],
    "Reactions": _rows([CROSS], DONE, SILENT, SILENT, SILENT),
}  # fmt: skip
ROWS = {row.what: row for rows in SECTIONS.values() for row in rows}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    what: str
    who: str
    when: str


CELLS = {
    Cell(row.what, who, when)
    for row in ROWS.values()
    for who in WHO
    for when in WHEN
    if not row.by[who].startswith("—")
}
"""Those that can occur, each of which needs a test."""


def outcome(what: str, who: Who) -> str:
    return ROWS[what].by[who]


def each(whats: Iterable[str]) -> list[ParameterSet]:
    """Parameters of a test that plays these rows, each by everybody, before and after a restart."""
    return [pytest.param(what, id=what, marks=pytest.mark.cell(what)) for what in whats]
