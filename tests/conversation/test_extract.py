"""What becomes of a document's bytes: text in UTF-8, the count of a PDF, or why it is not taken."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import page
from bot.conversation.extract import (
    CELLS_MAX,
    PAGES_MAX,
    TEXT_BYTES_MAX,
    UNPACKED_BYTES_MAX,
    Pdf,
    Text,
    decode,
    extract,
)
from bot.conversation.page import EXTRACTED_BYTES_MAX
from bot.errors import Notice, Word
from tests.conversation import papers

FRENCH = "Les élèves étaient fatigués après la leçon à l'école.\n"
GERMAN = "Über die Brücke fährt ein schöner Zug mit Größe und Maß.\n"
SPANISH = "¿Verdad? El niño comió piñas en España.\n"
POLISH = "Zażółć gęślą jaźń, proszę.\n"
RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю.\n"
GREEK = "Καλημέρα κόσμε, πώς είσαι σήμερα;\n"
ARABIC = "مرحبا بالعالم، كيف حالك اليوم\n"
JAPANESE = "こんにちは世界。これは日本語のテキストです。\n"
CHINESE = "你好，世界。这是一个中文文件。\n"
TAIWANESE = "你好，世界。這是一個中文檔案。\n"
KOREAN = "안녕하세요 세계. 이것은 한국어 파일입니다.\n"

ENCODED = [
    *(("utf-8", text) for text in (FRENCH, RUSSIAN, JAPANESE, "🦊 fox\n")),
    *(("utf-8-sig", text) for text in (FRENCH, CHINESE)),
    *(("utf-16", text) for text in (FRENCH, KOREAN)),
    *(("utf-32", text) for text in (FRENCH, KOREAN)),
    *(("utf-16-le", text) for text in (FRENCH, RUSSIAN)),
    *(("utf-16-be", text) for text in (FRENCH, RUSSIAN)),
    *(("cp1252", text) for text in (FRENCH, GERMAN, SPANISH)),
    *(("cp1250", text) for text in (POLISH,)),
    *(("cp1251", text) for text in (RUSSIAN,)),
    *(("koi8_r", text) for text in (RUSSIAN,)),
    *(("cp1253", text) for text in (GREEK,)),
    *(("cp1256", text) for text in (ARABIC,)),
    *(("cp932", text) for text in (JAPANESE,)),
    *(("euc_jp", text) for text in (JAPANESE,)),
    *(("gb18030", text) for text in (CHINESE,)),
    *(("big5", text) for text in (TAIWANESE,)),
    *(("cp949", text) for text in (KOREAN,)),
]

BINARIES = {
    "zeros": bytes(1_000),
    "noise": random.Random(1).randbytes(4_000),
    "noise without zeros": bytes(byte or 1 for byte in random.Random(2).randbytes(400)),
    "a program": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00\x01" + b"text" * 40,
    "text with zeros": b"some words\0and more words\0and still more",
    "a torn mark": b"\xff\xfea",
}


Read = Callable[[bytes, str], tuple[Text | Pdf, str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    target = tmp_path / "target"
    target.touch()

    def read(data: bytes, name: str) -> tuple[Text | Pdf, str]:
        source = tmp_path / "source"
        source.write_bytes(data)
        found = extract(str(source), str(target), name)
        return found, target.read_text(encoding="utf-8")

    return read


@pytest.mark.parametrize(("encoding", "text"), ENCODED)
def test_text_of_any_encoding_is_read(encoding: str, text: str):
    assert decode(text.encode(encoding)) == text
    assert decode((text * 200).encode(encoding)) == text * 200


@pytest.mark.parametrize("kind", BINARIES)
def test_what_is_no_text_is_not_taken_for_it(read: Read, kind: str):
    with pytest.raises(Notice) as refused:
        read(BINARIES[kind], "notes.txt")
    assert refused.value.word is Word.UNREADABLE
    assert "PDF" in refused.value.sentence


def test_a_file_that_says_its_encoding_is_believed():
    made = '<meta charset="windows-1254"><p>Şişli’de çağdaş bir iğne</p>'
    assert decode(made.encode("cp1254")) == made
    program = "# -*- coding: iso-8859-5 -*-\nname = 'Жук'\n"
    assert decode(program.encode("iso-8859-5")) == program


@given(st.text(max_size=300))
def test_json_takes_as_many_bytes_as_was_counted(
    tmp_path_factory: pytest.TempPathFactory, text: str
):
    folder = tmp_path_factory.mktemp("json")
    (folder / "target").touch()
    (folder / "source").write_bytes(text.encode("utf-8", "replace"))
    try:
        found = extract(str(folder / "source"), str(folder / "target"), "notes.txt")
    except Notice:
        return
    kept = (folder / "target").read_text(encoding="utf-8")
    assert found == Text(len(json.dumps(kept, ensure_ascii=False).encode()) - 2)


def test_line_ends_are_one_letter_and_controls_are_left_out(read: Read):
    _, text = read(b"one\r\ntwo\rthree\n" + b"word " * 200 + b"\x07\tend", "notes.txt")
    assert text == "one\ntwo\nthree\n" + "word " * 200 + "\tend"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_a_file_with_nothing_in_it_is_unreadable(read: Read, data: bytes):
    with pytest.raises(Notice, match="nothing in it") as refused:
        read(data, "notes.txt")
    assert refused.value.word is Word.UNREADABLE


def test_text_beyond_a_mebibyte_is_too_large(read: Read):
    assert read(b"x" * TEXT_BYTES_MAX, "a.txt")[0] == Text(TEXT_BYTES_MAX)
    with pytest.raises(Notice, match="1 MiB") as refused:
        read(b"x" * (TEXT_BYTES_MAX + 1), "a.txt")
    assert refused.value.word is Word.TOO_LARGE


def test_a_word_document_becomes_its_text_in_order(read: Read):
    _, text = read(papers.docx("Foxes", "They are “red”.", ("name", "tail"), ("Mo", "long")), "a")
    assert text == "# Foxes\nThey are “red”.\nname | tail\nMo | long\n"


def test_a_workbook_becomes_its_rows(read: Read):
    _, text = read(papers.xlsx("Prices", ("fox", 1.5, None), (), (None, 7)), "a.xlsx")
    assert text == "## Prices\nfox | 1.5\n | 7\n\n"


def test_a_cell_at_the_edge_of_a_workbook_costs_no_more_than_its_row(read: Read):
    _, text = read(papers.far_cell(), "a.xlsx")
    assert text.endswith("far out\n\n")
    assert len(text) < 60_000


def test_a_workbook_is_read_no_further_than_its_bound_of_cells(read: Read):
    sheets = CELLS_MAX // 2**20 + 1
    with pytest.raises(Notice, match="4,000,000") as refused:
        read(papers.far_cells(sheets), "a.xlsx")
    assert refused.value.word is Word.TOO_LARGE


@pytest.mark.parametrize(
    "mark", [b"<", b"<!-- -->", b"<?>", b"<!>", b"</x>", b"<script></script>", b"&amp;<b>"]
)
def test_a_page_is_read_no_further_than_its_bound_of_markup(
    read: Read, monkeypatch: pytest.MonkeyPatch, mark: bytes
):
    monkeypatch.setattr(page, "MARKS_MAX", 1_000)
    with pytest.raises(Notice, match="too much markup") as refused:
        read(mark * 1_002, "a.html")
    assert refused.value.word is Word.TOO_LARGE


def test_a_page_is_left_where_its_text_exceeds_the_bound(
    read: Read, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page, "EXTRACTED_BYTES_MAX", 20 * 1024)
    with pytest.raises(Notice, match="20 KiB") as refused:
        read(b"<p>some words</p>\n" * 3_000 + b"<![nonsense which raises[", "a.html")
    assert refused.value.word is Word.TOO_LARGE


@pytest.mark.parametrize("mark", [b"<a ", b"</a ", b"<!-- ", b'<a x="'])
def test_tags_that_never_end_are_looked_at_once(read: Read, mark: bytes):
    assert read(b"<p>a fox</p> " + mark * 1_000_000, "a.html")[1] == "a fox"


def test_slides_become_their_words_with_what_is_said_to_them(read: Read):
    _, text = read(papers.pptx("Foxes", "in a group", "say it slowly"), "a.pptx")
    assert text == "## Slide 1\nFoxes\nin a group\nNotes:\nsay it slowly\n\n"


def test_a_page_becomes_what_people_read_of_it(read: Read):
    made = (
        "<html><head><title>Foxes</title><style>p {}</style></head><body><h1>Red</h1>"
        "<script>alert('no')</script><p>They <b>run</b>&amp;hide.</p>"
        "<table><tr><td>a</td><td>b</td></tr></table></body></html>"
    )
    _, text = read(made.encode(), "foxes.html")
    assert text == "Foxes\n\nRed\n\nThey run&hide.\n\n| a | b"


def test_a_pdf_goes_as_it_is_and_its_pages_are_counted(read: Read):
    found, _ = read(papers.pdf("a red fox", "in snow"), "paper.pdf")
    assert found == Pdf(2, (9, 7))


def test_what_a_document_is_is_told_by_its_bytes(read: Read):
    assert read(papers.pdf("a fox"), "notes.txt")[0] == Pdf(1, (5,))
    assert read(b"plain words", "paper.pdf")[1] == "plain words"


def test_a_pdf_of_too_many_pages_is_too_large(read: Read):
    assert read(papers.pdf(*["x"] * PAGES_MAX), "a.pdf")[0] == Pdf(PAGES_MAX, (1,) * PAGES_MAX)
    with pytest.raises(Notice, match="60 pages") as refused:
        read(papers.pdf(*["x"] * (PAGES_MAX + 1)), "a.pdf")
    assert refused.value.word is Word.TOO_LARGE


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("secret.pdf", papers.pdf("a fox", password="easel")),
        ("secret.docx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500)),
    ],
)
def test_a_document_with_a_password_is_unreadable_and_says_so(read: Read, name: str, data: bytes):
    with pytest.raises(Notice, match="password") as refused:
        read(data, name)
    assert refused.value.word is Word.UNREADABLE


@pytest.mark.parametrize("document", ["pdf", "docx", "xlsx", "pptx"])
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_half_a_document_is_no_document(read: Read, document: str, cut: float):
    whole = {
        "pdf": papers.pdf("a fox"),
        "docx": papers.docx("Foxes", "red"),
        "xlsx": papers.xlsx("Foxes", ("red",)),
        "pptx": papers.pptx("Foxes", "red", "none"),
    }[document]
    with pytest.raises(Exception):  # noqa: B017, PT011 - the libraries' own, for the workshop
        read(whole[: int(len(whole) * cut)], f"a.{document}")


def test_a_bomb_is_too_large_before_it_is_unpacked(read: Read):
    with pytest.raises(Notice, match="unpacked") as refused:
        read(papers.bomb(UNPACKED_BYTES_MAX + 1), "a.docx")
    assert refused.value.word is Word.TOO_LARGE


def test_more_text_than_anybody_reads_is_too_large(read: Read):
    with pytest.raises(Notice, match="2 MiB") as refused:
        read(papers.xlsx("Big", *[("x" * 30_000,)] * (EXTRACTED_BYTES_MAX // 30_000 + 1)), "a.xlsx")
    assert refused.value.word is Word.TOO_LARGE


def test_an_archive_of_something_else_is_not_taken(read: Read):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(Notice, match="not a kind of file") as refused:
        read(file.getvalue(), "a.txt")
    assert refused.value.word is Word.UNREADABLE
