"""What people read of the documents that they attach."""

from bot.words.requests import file_name

FILES_ACCEPTED = (
    "Pictures (PNG, JPEG, WebP, GIF, AVIF, HEIC), text and code, PDF, Word (.docx), Excel (.xlsx),"
    " PowerPoint (.pptx) and HTML are accepted"
)


def file_not_taken(name: str) -> str:
    return f"“{file_name(name)}” is not a kind of file that I can read. {FILES_ACCEPTED}."


def document_unreadable(name: str) -> str:
    return (
        f"“{file_name(name)}” cannot be read: it is damaged or takes too long to open. Save it"
        " anew, or a part of it, and send that copy."
    )


def document_locked_or_old(name: str) -> str:
    return (
        f"“{file_name(name)}” is protected by a password or of a format before 2007, so I cannot"
        " read it. Send a copy without a password, as PDF, .docx, .xlsx or .pptx."
    )


def document_empty(name: str) -> str:
    return f"“{file_name(name)}” has nothing in it that could be read. Send another file."


def document_too_large(name: str, bound: str) -> str:
    return f"“{file_name(name)}” is too large: at most {bound} are accepted. Send a part of it."


def too_much_text(name: str, bound: str) -> str:
    return (
        f"“{file_name(name)}” has too much text: at most {bound} are accepted. Send a part of it."
    )


def too_much_markup(name: str) -> str:
    return f"“{file_name(name)}” has too much markup to be read. Send its text, or a part of it."


def too_many_cells(name: str, most: int) -> str:
    return (
        f"“{file_name(name)}” has too many rows and cells: at most {most:,} are read. Send a part"
        " of it."
    )


def unpacks_too_large(name: str, bound: str) -> str:
    return (
        f"“{file_name(name)}” is too large once it is unpacked: at most {bound} are accepted. Send"
        " a part of it."
    )


def too_many_documents(most: int) -> str:
    return f"At most {most} documents can go along with one request. Send fewer."


def documents_too_large(bound: str) -> str:
    return f"The documents are too large together: at most {bound} are accepted. Send fewer."


def pages(count: int) -> str:
    return f"{count} pages"


def over_window(tokens: int, most: int) -> str:
    """Estimates, as far as they go."""
    return (
        f"This is about {tokens:,} tokens, and the model reads {most:,} at once. Send less: fewer"
        " or shorter documents."
    )


def slide_notes() -> str:
    return "Notes:"


def no_longer_kept() -> str:
    return (
        "A picture or document that this is about is not kept any more: Easel keeps them for a"
        " while. Attach it again."
    )


def original_pruned(name: str) -> str:
    return f"{name} is not kept any more: Easel keeps pictures for a while."
