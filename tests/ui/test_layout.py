"""The messages of an answer: order, limits and the last line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.pictures import Picture
from bot.store.pieces import Piece
from bot.ui.layout import FILES_PER_MESSAGE_MAX, Part, lay_out
from bot.ui.markdown import MESSAGE_LETTERS_MAX

LINE = "-# $0.2123 · 94 s"

texts = st.text("ab \n`#-", min_size=1, max_size=3_000).filter(lambda text: bool(text.strip()))


def picture(number: int) -> Picture:
    return Picture(f"{number:064x}", "image/png", 8, 8, 100)


pictures = st.integers(0, 10**6).map(picture)
pieces = st.lists(
    texts.map(lambda text: Piece(text=text)) | pictures.map(lambda one: Piece(picture=one)),
    max_size=14,
)


def shown(parts: list[Part]) -> list[int]:
    return [position for part in parts for position in part.positions]


@given(pieces, st.sampled_from([None, "A sentence."]), st.sampled_from([None, "For Mara:"]))
def test_every_message_is_legal_the_last_line_ends_the_last_and_a_heading_begins_the_first(
    answer: list[Piece], sentence: str | None, heading: str | None
):
    parts = lay_out(answer, sentence, LINE, heading)
    assert heading is None or parts[0].text.split("\n")[0] == heading
    for part in parts:
        assert len(part.text) <= MESSAGE_LETTERS_MAX
        assert part.files <= FILES_PER_MESSAGE_MAX
        assert part.text.strip() or part.pictures
    assert parts[-1].text.rsplit("\n", 1)[-1] == LINE


@given(pieces)
def test_every_piece_is_shown_once_and_in_the_models_order(answer: list[Piece]):
    parts = lay_out(answer, None, LINE)
    assert shown(parts) == list(range(len(answer)))
    flat = [one for part in parts for one in part.pictures]
    assert flat == [piece.picture for piece in answer if piece.picture is not None]


def test_a_picture_closes_its_message_when_more_text_follows():
    parts = lay_out([Piece(text="one"), Piece(picture=picture(1)), Piece(text="two")], None, LINE)
    assert [part.text for part in parts] == ["one", f"two\n{LINE}"]
    assert [len(part.pictures) for part in parts] == [1, 0]


def test_pictures_in_a_row_share_a_message():
    parts = lay_out([Piece(picture=picture(1)), Piece(picture=picture(2))], None, LINE)
    assert [len(part.pictures) for part in parts] == [2]


def test_a_hidden_line_leaves_the_text_alone():
    assert [part.text for part in lay_out([Piece(text="one")], None, None)] == ["one"]


def test_a_text_of_many_messages_comes_as_one_file():
    text = "many words " * 2_000
    parts = lay_out([Piece(text=text), Piece(picture=picture(1))], None, LINE)
    assert [part.file_text for part in parts] == [text]
    assert len(parts[0].text) <= MESSAGE_LETTERS_MAX


@pytest.mark.timeout(5)
def test_of_a_long_text_only_the_beginning_is_read():
    text = "a\n\n" * 3_000_000
    (part,) = lay_out([Piece(text=text)], None, LINE)
    assert part.file_text == text


@pytest.mark.parametrize(("words", "messages"), [(3_000, 1), (1_000, 3)])
def test_a_text_that_is_mostly_blank_is_read_whole(words: int, messages: int):
    text = " \n" * 20_000 + "word " * words
    parts = lay_out([Piece(text=text)], None, LINE)
    assert len(parts) == messages
    assert parts[0].text.startswith("word")


def test_a_text_as_a_file_is_one_of_the_files_of_its_message():
    many = [Piece(picture=picture(number)) for number in range(FILES_PER_MESSAGE_MAX)]
    parts = lay_out([Piece(text="many words " * 2_000), *many], None, LINE)
    assert [len(part.pictures) for part in parts] == [FILES_PER_MESSAGE_MAX - 1, 1]


@pytest.mark.parametrize("letters", range(1_930, 2_001, 7))
def test_a_last_line_stands_where_a_longer_one_will_stand(letters: int):
    text = "a" * letters
    known = "-# cost not known yet · 12345 s"
    short, long = lay_out([Piece(text=text)], None, LINE), lay_out([Piece(text=text)], None, known)
    assert [part.text.count("\n") for part in short] == [part.text.count("\n") for part in long]
