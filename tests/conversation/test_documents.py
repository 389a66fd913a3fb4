"""Which documents are taken by what they call themselves, what they count, and their way onto the
shelf.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import words
from bot.conversation.documents import (
    FILE_BYTES_MAX,
    PAGE_SEEN_TOKENS,
    PAGE_TOKENS_MAX,
    UNKNOWN_TOKENS_MAX,
    expected_tokens,
    of_pdf,
    refusal,
)
from bot.conversation.extract import TEXT_BYTES_MAX, Text, extract
from bot.conversation.window import SEEN_TOKENS_MAX
from bot.errors import Notice, Word
from bot.pictures.shelf import Blob
from bot.pictures.workshop import Workshop
from bot.store.documents import Attached
from tests.conversation import papers

BLOB = Blob("ab" * 32, 9_000)


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    async with Workshop(timeout_s=5.0) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("song.mp3", None),
        ("song", "audio/mpeg"),
        ("film.MP4", "application/octet-stream"),
        ("all.ZIP", None),
        ("setup.exe", "application/x-msdownload"),
        ("letter.doc", "application/msword"),
        ("sans.ttf", "font/ttf"),
    ],
)
def test_what_calls_itself_something_else_is_refused_at_once(name: str, media_type: str | None):
    notice = refusal(name, media_type, 10)
    assert notice is not None
    assert notice.word is Word.UNREADABLE
    assert "PDF" in notice.sentence


def test_a_program_in_typescript_is_no_film():
    assert refusal("fox.ts", "video/mp2t", 10) is None


@pytest.mark.parametrize("name", ["a.txt", "a.py", "README", "a.pdf", "a.docx", "a.ts", "a.csv"])
def test_what_may_be_a_document_is_looked_at(name: str):
    assert refusal(name, None, 10) is None


@pytest.mark.parametrize(
    ("name", "bytes_max"), [("a.txt", TEXT_BYTES_MAX), ("a.PDF", FILE_BYTES_MAX)]
)
def test_a_file_over_its_bound_is_refused_before_it_is_fetched(name: str, bytes_max: int):
    assert refusal(name, None, bytes_max) is None
    notice = refusal(name, None, bytes_max + 1)
    assert notice is not None
    assert notice.word is Word.TOO_LARGE
    assert notice.sentence.endswith("MiB are accepted. Send a part of it.")


def test_before_it_is_read_a_document_is_expected_to_count_little():
    assert expected_tokens(Attached("a.txt", 700)) == 700
    assert expected_tokens(Attached("a.pdf", 700_000)) == PAGE_TOKENS_MAX
    held = of_pdf(BLOB, "a.pdf", 3, (0, 0, 0))
    assert expected_tokens(Attached("a.pdf", 9_000, document=held)) == 3 * PAGE_TOKENS_MAX


def test_a_pdf_counts_by_its_pages_and_a_crowded_page_by_its_text():
    plain = of_pdf(BLOB, "a.pdf", 2, (700, 0))
    assert plain.tokens == 2 * PAGE_SEEN_TOKENS + 200
    assert plain.tokens_max == 2 * PAGE_TOKENS_MAX
    crowded = of_pdf(BLOB, "a.pdf", 2, (700, 50_000))
    assert crowded.tokens_max == PAGE_TOKENS_MAX + SEEN_TOKENS_MAX + 50_000


def test_a_pdf_that_cannot_be_measured_may_fill_any_window():
    unmeasured = of_pdf(BLOB, "a.pdf", 2, None)
    assert unmeasured.tokens_max == UNKNOWN_TOKENS_MAX
    assert unmeasured.tokens < 10_000


async def test_the_workshop_reads_documents_in_its_process(workshop: Workshop, tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(papers.docx("Foxes", "red"))
    target.touch()
    read = await workshop.run(extract, str(source), str(target), "a.docx")
    assert read == Text(len(json.dumps(target.read_text())) - 2)
    assert target.read_text() == "# Foxes\nred\n"


@pytest.mark.parametrize("cut", [0.3, 0.9])
async def test_a_broken_document_is_told_by_the_sentence_of_who_asks(
    workshop: Workshop, tmp_path: Path, cut: float
):
    whole = papers.xlsx("Foxes", ("red",))
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(whole[: int(len(whole) * cut)])
    target.touch()
    with pytest.raises(Notice) as refused:
        await workshop.run(extract, str(source), str(target), "a.xlsx", unreadable="It is torn.")
    assert (refused.value.word, refused.value.sentence) == (Word.UNREADABLE, "It is torn.")


async def test_a_document_that_takes_too_long_is_not_said_to_be_damaged_alone(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"<a " + b"b " * 7_000_000 + b">")  # millions of attributes
    target.touch()
    sentence = words.document_unreadable("a.html")
    async with Workshop(timeout_s=0.5) as impatient:
        with pytest.raises(Notice, match="too long to open"):
            await impatient.run(extract, str(source), str(target), "a.html", unreadable=sentence)
