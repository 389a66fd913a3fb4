"""Which part of the history goes along."""

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.window import (
    STEPS,
    Turn,
    choose,
    choose_in_steps,
    picture_tokens,
    picture_tokens_max,
    text_tokens,
    text_tokens_max,
    turn_tokens,
    turn_tokens_max,
)
from bot.store.documents import Document
from bot.store.pictures import Picture


def picture(number: int, width: int = 64, height: int = 64) -> Picture:
    return Picture(f"{number:064x}", "image/png", width, height, 100)


turns = st.lists(
    st.builds(
        Turn,
        role=st.sampled_from(["person", "easel"]),
        text=st.text(max_size=200),
        pictures=st.lists(
            st.builds(picture, st.integers(0, 99), st.integers(1, 4_000), st.integers(1, 4_000)),
            max_size=3,
        ).map(tuple),
    ),
    max_size=12,
)


def pictures_of(chosen: list[Turn]) -> list[Picture]:
    return [each for turn in chosen for each in turn.pictures]


@given(turns, st.integers(0, 20_000), st.integers(0, 6))
def test_the_limits_are_never_exceeded(history: list[Turn], tokens: int, pictures: int):
    chosen = choose(history, tokens, pictures)
    assert sum(turn_tokens(turn) for turn in chosen) <= tokens
    assert len(pictures_of(chosen)) <= pictures


@given(turns, st.integers(0, 20_000), st.integers(0, 6))
def test_the_newest_are_kept_in_their_order(history: list[Turn], tokens: int, pictures: int):
    chosen = choose(history, tokens, pictures)
    tail = history[len(history) - len(chosen) :]
    assert [(turn.role, turn.text) for turn in chosen] == [(turn.role, turn.text) for turn in tail]
    kept = pictures_of(chosen)
    assert kept == pictures_of(tail)[len(pictures_of(tail)) - len(kept) :]


@given(turns, st.integers(0, 20_000), st.integers(0, 6))
def test_what_is_left_out_did_not_fit(history: list[Turn], tokens: int, pictures: int):
    chosen = choose(history, tokens, pictures)
    if len(chosen) < len(history):
        longer = choose(history[len(history) - len(chosen) - 1 :], 10**9, pictures)
        assert sum(turn_tokens(turn) for turn in longer) > tokens
    else:
        assert len(pictures_of(chosen)) == min(pictures, len(pictures_of(history)))


def test_a_turn_keeps_its_text_when_its_pictures_stay_behind():
    history = [Turn("easel", "a fox", (picture(1),)), Turn("easel", "a boat", (picture(2),))]
    assert choose(history, 10_000, 1) == [Turn("easel", "a fox"), history[1]]


def test_nothing_older_is_taken_instead_of_a_turn_that_does_not_fit():
    history = [Turn("person", "short"), Turn("person", "long " * 1_000), Turn("person", "newest")]
    assert choose(history, 100, 4) == history[2:]


def test_no_room_takes_nothing_along():
    assert choose([Turn("person", "hello")], 0, 4) == []


def test_a_picture_counts_by_its_patches_up_to_a_bound():
    assert picture_tokens(picture(1, 1024, 1024)) == 1_229
    assert picture_tokens(picture(1, 1536, 1024)) == 1_844
    assert picture_tokens(picture(1, 2048, 2048)) == 3_000
    assert picture_tokens(picture(1, 8192, 64)) == picture_tokens(picture(1, 2048, 16))


@given(st.text())
def test_an_estimate_is_below_its_bound(text: str):
    assert text_tokens(text) <= max(1, text_tokens_max(text))
    assert picture_tokens(picture(1)) < picture_tokens_max(picture(1))


def test_the_beginning_stays_for_several_turns_and_most_of_the_window_is_used():
    said = [Turn("person" if n % 2 == 0 else "easel", "word " * 40, exchange_id=n // 2)
            for n in range(400)]  # fmt: skip
    tokens_max, first, moves = 8_000, 0, 0
    for count in range(2, len(said), 2):
        history = [turn for turn in said[:count] if turn.exchange_id >= first]
        chosen = choose_in_steps(history, tokens_max, 4)
        used = sum(map(turn_tokens, chosen))
        assert used <= tokens_max
        assert chosen[0].role == "person"
        if chosen[0].exchange_id != first:
            first, moves = chosen[0].exchange_id, moves + 1
        if moves:
            assert used >= tokens_max * 0.85
    turns_per_step = tokens_max / STEPS / turn_tokens(said[0])
    assert 0 < moves <= 200 / (turns_per_step / 2 - 1)


def document(number: int, tokens: int) -> Document:
    return Document(f"{number:064x}", f"{number}.txt", "text", tokens, tokens, tokens, 4 * tokens)


def test_a_turn_keeps_its_text_when_its_documents_do_not_fit():
    history = [
        Turn("person", "an old one", documents=(document(1, 400),)),
        Turn("person", "two", documents=(document(2, 5_000), document(3, 300))),
        Turn("person", "newest"),
    ]
    chosen = choose(history, 600, 4)
    assert [turn.text for turn in chosen] == ["an old one", "two", "newest"]
    assert [turn.documents for turn in chosen] == [(), (document(3, 300),), ()]
    assert choose(history, 20_000, 4) == history


def test_by_the_bound_a_document_counts_more():
    turn = Turn("person", "read", documents=(document(1, 100),))
    assert turn_tokens_max(turn) >= turn_tokens(turn) + 300
    assert choose([turn], 200, 4) == [turn]
    assert choose([turn], 200, 4, turn_tokens_max)[0].documents == ()


def test_documents_are_left_behind_where_their_bytes_have_no_room_and_their_words_stay():
    def paper(number: int, size_bytes: int) -> Document:
        return Document(f"{number:064x}", "a.pdf", "pdf", size_bytes, size_bytes, 10, 20)

    history = [
        Turn("person", f"paper {number}", documents=(paper(number, size_bytes),))
        for number, size_bytes in enumerate((3, 50, 60))
    ]
    chosen = choose(history, 20_000, 0, document_bytes_max=100)
    assert [len(turn.documents) for turn in chosen] == [1, 0, 1]
    assert [turn.text for turn in chosen] == ["paper 0", "paper 1", "paper 2"]
