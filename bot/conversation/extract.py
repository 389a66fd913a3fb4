"""What is done to strangers' documents, as functions for the workshop's process: paths in and out,
and a library imported only when a document needs it. A Notice is raised for what can be said better
here; whatever else a library raises means that the document is unreadable.
"""

import logging
import re
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bot import words
from bot.conversation.page import EXTRACTED_BYTES_MAX, page_text
from bot.errors import Notice, Word

if TYPE_CHECKING:
    from docx.table import Table
    from pptx.shapes.base import BaseShape
    from pypdf import PdfReader

TEXT_BYTES_MAX = 1024 * 1024
"""Of a file that is text as it is."""
PAGES_MAX = 60
UNPACKED_BYTES_MAX = 64 * 1024 * 1024
"""Of everything in an office document, as its directory says; more is never unpacked."""
PARTS_MAX = 5_000
CELLS_MAX = 4_000_000
"""Looked at in a workbook, a row counting as one: a cell at the edge of a sheet stands behind a
million empty rows, and no more than a part of these has text that the model reads at once."""
READING_TIMEOUT_S = 10.0
"""For a document, after which the workshop gives it up: others wait behind it. Ordinary ones
take a second or two, however large."""
MEASURING_S = 5.0
"""For the text of a PDF, which is taken also where it could not be measured."""
CONTROLS_SHARE_MAX = 0.005
"""Of what decodes; a binary file has tens of times as many."""

PDF_HEAD_BYTES = 1024
"""Within which its mark stands, by ISO 32000."""
OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Of office documents before 2007, and of those with a password."""
ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""Looked for where neither a mark nor the text says which: those that files still come in."""
CHAOS_MAX = 0.5
"""As charset-normalizer counts it; more than its own bound, for what is no text has zeros or
controls."""
HTML_SUFFIXES = (".html", ".htm", ".xhtml")
OFFICE_PARTS = {
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}

_SIGN_IN_WORD = re.compile(r"[^\W\d_][¿¡£¥¹³¼¾¢¤¦¨¬¯±´¸¶]")
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)])
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """Text was written to the target; `json_bytes` is its size inside of a JSON string."""

    json_bytes: int


@dataclass(frozen=True, slots=True)
class Pdf:
    """The file goes as it is. `text_bytes` are of the text on each page, None where they could not
    be measured.
    """

    pages: int
    text_bytes: tuple[int, ...] | None


def extract(source: str, target: str, name: str) -> Text | Pdf:
    """Reads a document by what its bytes are. Text goes into the existing file `target`: UTF-8,
    with single line feeds and no other control characters than these and tabs.

    Raises Notice: TOO_LARGE names the bound, UNREADABLE says why; anything else means UNREADABLE.
    """
    with Path(source).open("rb") as file:
        head = file.read(PDF_HEAD_BYTES)
    if b"%PDF-" in head:
        return _pdf(source, name)
    if head.startswith(OLE_MARK):
        raise Notice(Word.UNREADABLE, words.document_locked_or_old(name))
    if head.startswith(b"PK\x03\x04"):
        return _write(target, _office(source, name), name)
    return _write(target, [_plain(source, name)], name)


def json_size(text: bytes) -> int:
    """Of text as `extract` writes it, between the quotes of a JSON string."""
    return len(text) + sum(text.count(each) for each in (b'"', b"\\", b"\n", b"\t"))


def _write(target: str, pieces: Iterable[str], name: str) -> Text:
    size_bytes, json_bytes = 0, 0
    with Path(target).open("wb") as file:
        for piece in pieces:
            lines = piece.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
            data = lines.encode("utf-8", "replace")
            size_bytes += len(data)
            if size_bytes > EXTRACTED_BYTES_MAX:
                bound = words.byte_size(EXTRACTED_BYTES_MAX)
                raise Notice(Word.TOO_LARGE, words.too_much_text(name, bound))
            json_bytes += json_size(data)
            file.write(data)
    if not size_bytes:
        raise Notice(Word.UNREADABLE, words.document_empty(name))
    return Text(json_bytes)


def _plain(source: str, name: str) -> str:
    path = Path(source)
    if path.stat().st_size > TEXT_BYTES_MAX and not name.lower().endswith(HTML_SUFFIXES):
        raise Notice(
            Word.TOO_LARGE, words.document_too_large(name, words.byte_size(TEXT_BYTES_MAX))
        )
    data = path.read_bytes()
    text = decode(data)
    if text is None:
        raise Notice(Word.UNREADABLE, words.file_not_taken(name))
    if name.lower().endswith(HTML_SUFFIXES):
        text = page_text(text, name)
    return text if text.strip() else ""


def decode(data: bytes) -> str | None:
    """Text of whatever encoding; None for what is none."""
    text = _decoded(data)
    if text is None:
        return None
    controls = len(text) - len(text.translate(_CONTROLS))
    return None if controls > CONTROLS_SHARE_MAX * len(text) else text


def _decoded(data: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if b"\0" in data:
        return _of_two_bytes(data)
    text = _strictly(data, "utf-8")
    return _guessed(data) if text is None else text


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _of_two_bytes(data: bytes) -> str | None:
    """UTF-16 without a mark, where the zeros stand on one side: anything else with zeros is no
    text.
    """
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) < 0.02 * len(data) or min(even, odd) > 0.01 * max(even, odd):
        return None
    return _strictly(data, "utf-16-le" if odd > even else "utf-16-be")


def _guessed(data: bytes) -> str | None:
    """By what the file says of itself, as pages and programs do, else by what looks like words."""
    from charset_normalizer import from_bytes

    said = re.search(rb"(?:charset|coding)\s*[=:]\s*[\"']?([\w.-]+)", data[:2048])
    if said is not None:
        text = _strictly(data, said[1].decode("ascii", "replace"))
        if text is not None:
            return text
    matches = from_bytes(data, cp_isolation=list(ENCODINGS), threshold=CHAOS_MAX)
    best = matches.best()
    if best is None:
        return None
    # In short texts the western one is the likelier, unless there are signs in its words.
    western = next((each for each in matches if each.encoding == "cp1252"), best)
    is_odd = western.chaos > best.chaos or _SIGN_IN_WORD.search(str(western))
    return str(best if is_odd else western)


def _office(source: str, name: str) -> Iterator[str]:
    with zipfile.ZipFile(source) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > PARTS_MAX or unpacked > UNPACKED_BYTES_MAX:
            bound = words.byte_size(UNPACKED_BYTES_MAX)
            raise Notice(Word.TOO_LARGE, words.unpacks_too_large(name, bound))
        kind = next((OFFICE_PARTS[each] for each in archive.namelist() if each in OFFICE_PARTS), "")
    match kind:
        case "docx":
            return _docx(source)
        case "xlsx":
            return _xlsx(source, name)
        case "pptx":
            return _pptx(source)
        case _:
            raise Notice(Word.UNREADABLE, words.file_not_taken(name))


def _docx(source: str) -> Iterator[str]:
    from docx import Document
    from docx.table import Table

    for block in Document(source).iter_inner_content():
        if isinstance(block, Table):
            yield from _table(block)
        else:
            style = block.style.name if block.style is not None else None
            level = re.fullmatch(r"Heading (\d)", style or "")
            yield f"{'#' * int(level[1])} " if level else ""
            yield f"{block.text}\n"


def _table(table: "Table") -> Iterator[str]:
    for row in table.rows:
        yield _row([cell.text for cell in row.cells])


def _row(cells: Sequence[str]) -> str:
    return " | ".join(" ".join(cell.split()) for cell in cells) + "\n"


def _xlsx(source: str, name: str) -> Iterator[str]:
    from openpyxl import load_workbook

    looked_at = 0
    with Path(source).open("rb") as file:  # of a path it asks for a suffix
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            yield f"## {sheet.title}\n"
            sheet.reset_dimensions()  # rows are as long as they are, not as the widest could be
            for row in sheet.iter_rows(values_only=True):
                looked_at += 1 + len(row)
                if looked_at > CELLS_MAX:
                    raise Notice(Word.TOO_LARGE, words.too_many_cells(name, CELLS_MAX))
                if not row:
                    continue
                cells = ["" if value is None else str(value) for value in row]
                if any(cells):
                    yield _row(cells).rstrip(" |\n") + "\n"
            yield "\n"


def _pptx(source: str) -> Iterator[str]:
    from pptx import Presentation

    for number, slide in enumerate(Presentation(source).slides, 1):
        yield f"## Slide {number}\n"
        for shape in slide.shapes:
            yield from _shape(shape)
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            yield f"{words.slide_notes()}\n{notes.text}\n"
        yield "\n"


def _shape(shape: "BaseShape") -> Iterator[str]:
    from pptx.shapes.autoshape import Shape
    from pptx.shapes.graphfrm import GraphicFrame
    from pptx.shapes.group import GroupShape

    match shape:
        case GroupShape():
            yield from chain.from_iterable(_shape(each) for each in shape.shapes)
        case GraphicFrame() if shape.has_table:
            for row in shape.table.rows:
                yield _row([cell.text for cell in row.cells])
        case Shape() if shape.text_frame.text.strip():
            yield f"{shape.text_frame.text}\n"
        case _:
            pass


def _pdf(source: str, name: str) -> Pdf:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings quote the document
    with PdfReader(source) as reader:
        if reader.is_encrypted:
            raise Notice(Word.UNREADABLE, words.document_locked_or_old(name))
        pages = len(reader.pages)
        if pages > PAGES_MAX:
            raise Notice(Word.TOO_LARGE, words.document_too_large(name, words.pages(PAGES_MAX)))
        if not pages:
            raise Notice(Word.UNREADABLE, words.document_empty(name))
        return Pdf(pages, _text_bytes(reader))


def _text_bytes(reader: "PdfReader") -> tuple[int, ...] | None:
    until_s = time.monotonic() + MEASURING_S
    found: list[int] = []
    for page in reader.pages:
        if time.monotonic() > until_s:
            return None
        try:
            found.append(len(page.extract_text().encode("utf-8", "replace")))
        except Exception:  # noqa: BLE001 - fonts may be broken where a person still can read
            return None
    return tuple(found)
