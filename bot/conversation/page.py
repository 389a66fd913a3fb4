"""The words of a page in HTML, as far as anybody reads them: the parser is stopped at the bounds of
text and markup.
"""

import re
from html.parser import HTMLParser

from bot import words
from bot.errors import Notice, Word

EXTRACTED_BYTES_MAX = 2 * 1024 * 1024
"""Of a document's text in UTF-8; far more than the model reads at once."""
MARKS_MAX = 1_000_000
"""Tags, comments and stretches of text, each some microseconds."""

SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head"})
BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "title"),
        *("tr", "ul"),
    ]
)


def page_text(markup: str, name: str) -> str:
    """What people read of a page, with line breaks where it has blocks.

    Raises Notice (too-large) for more text or more markup than is read.
    """
    reader = _Reader(name)
    reader.feed(markup)
    # A tag that never ends is nothing, as in a browser; closed, the parser would look for the end
    # of each in all the rest.
    if not reader.rawdata.startswith("<"):
        reader.close()
    return reader.text


class _Reader(HTMLParser):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._pieces: list[str] = []
        self._silent: list[str] = []
        self._text_bytes = 0
        self._marks = 0

    @property
    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        self._count()
        if tag in {"title", "body"}:
            self._silent.clear()  # of a head only its title is for people
        if tag in SILENT:
            self._silent.append(tag)
        elif tag in {"td", "th"}:
            self._pieces.append(" | ")
        elif tag in BLOCKS:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._count()
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass
        elif tag in BLOCKS and tag not in {"td", "th", "br"}:
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self._count()
        if self._silent:
            return
        self._pieces.append(data)
        self._text_bytes += len(" ".join(data.split()).encode("utf-8", "replace"))
        if self._text_bytes > EXTRACTED_BYTES_MAX:
            bound = words.byte_size(EXTRACTED_BYTES_MAX)
            raise Notice(Word.TOO_LARGE, words.too_much_text(self._name, bound))

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the parser's
        self._count()

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002 - the parser's
        self._count()

    def handle_pi(self, data: str) -> None:  # noqa: ARG002 - the parser's
        self._count()

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002 - the parser's
        self._count()

    def _count(self) -> None:
        self._marks += 1
        if self._marks > MARKS_MAX:
            raise Notice(Word.TOO_LARGE, words.too_much_markup(self._name))
