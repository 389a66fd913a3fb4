"""Documents as people make them, for the tests."""

import io
import zipfile

import openpyxl
from docx import Document
from pptx import Presentation
from pptx.util import Inches
from pypdf import PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
)


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF with a line of text on each page."""
    writer = PdfWriter()
    for words in pages:
        page = writer.add_blank_page(612, 792)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode())
        page[NameObject("/Contents")] = stream
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def docx(heading: str, paragraph: str, *rows: tuple[str, ...]) -> bytes:
    document = Document()
    document.add_heading(heading, 1)
    document.add_paragraph(paragraph)
    if rows:
        table = document.add_table(len(rows), len(rows[0]))
        for row, cells in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def xlsx(sheet: str, *rows: tuple[str | float | None, ...]) -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows:
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def far_cell() -> bytes:
    """A workbook of one cell, as far out as there are cells."""
    book = openpyxl.Workbook()
    book.worksheets[0]["XFD1048576"] = "far out"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def far_cells(sheets: int) -> bytes:
    """A workbook of so many sheets, each of one cell in the last row there is."""
    book = openpyxl.Workbook()
    for _ in range(sheets):
        book.create_sheet()["A1048576"] = "far down"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pptx(title: str, body: str, notes: str) -> bytes:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    assert slide.shapes.title is not None
    slide.shapes.title.text = title
    box = slide.shapes.add_group_shape().shapes.add_textbox(
        Inches(1), Inches(2), Inches(3), Inches(1)
    )
    box.text_frame.text = body
    frame = slide.notes_slide.notes_text_frame
    assert frame is not None
    frame.text = notes
    file = io.BytesIO()
    show.save(file)
    return file.getvalue()


def bomb(unpacked_bytes: int) -> bytes:
    """A small archive that calls itself a Word document and unpacks to so much."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(unpacked_bytes))
    return file.getvalue()
