"""What the known envelope says of a piece is what reading it in full says, or nothing."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.openrouter.client import Text
from bot.openrouter.envelope import Envelope
from bot.openrouter.facts import Chunk, chunk_of
from bot.openrouter.reply import Receive, Reply
from bot.openrouter.stream import Decoder, Event, parse
from bot.pictures.shelf import Shelf

odd = st.sampled_from(
    ['"', "\\", "\\n", "\\u0041", "\n", "\r", "\n\n", "\x00", "\u2028", "é", "}", '"}', "data: "]
)
mess = st.lists(odd | st.text(max_size=3), max_size=6).map("".join)
plain = st.text(
    st.characters(codec="ascii", exclude_characters='"\\', min_codepoint=32), min_size=1
)
broken = st.binary(max_size=4)


@st.composite
def events(draw: st.DrawFn) -> tuple[bytes, str]:
    """An event around words, in some provider's manner, and the words."""
    words = draw(plain | st.sampled_from(["assistant", "content", "x", '"', "é"]))
    delta: dict[str, object] = {"role": "assistant", "content": words}
    if draw(st.integers(0, 3)) == 0:
        delta[draw(st.sampled_from(["refusal", "images", "reasoning"]))] = draw(mess)
    choice: dict[str, object] = {"index": 0, "delta": delta, "finish_reason": None}
    if draw(st.integers(0, 5)) == 0:
        choice["finish_reason"] = "stop"
    value: dict[str, object] = {draw(mess | st.just("id")): draw(mess), "choices": [choice]}
    if draw(st.integers(0, 5)) == 0:
        value[draw(st.sampled_from(["error", "usage", "content", "url"]))] = draw(plain)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    if draw(st.integers(0, 5)) == 0:
        field = f'"content":{json.dumps(words)},"c\\u006fntent":'
        text = text.replace('"content":', field)
    return text.encode("utf-8", "surrogatepass"), words


def known(event: bytes) -> Envelope:
    envelope = Envelope()
    for _ in range(2):
        envelope.learn(event, chunk_of(parse(event)))
    return envelope


def read_in_full(piece: bytes) -> list[Chunk]:
    decoder = Decoder()
    list(decoder.feed(b": x\n\n"))
    assert decoder.is_between_events
    items = list(decoder.feed(piece))
    assert decoder.is_between_events
    assert all(isinstance(item, Event) for item in items)
    return [chunk_of(parse(item.data)) for item in items if isinstance(item, Event)]


@settings(deadline=None, max_examples=500)
@given(event=events(), others=st.lists(mess.map(str.encode) | broken, max_size=8))
def test_what_it_tells_is_what_the_piece_says_in_full(
    event: tuple[bytes, str], others: list[bytes]
) -> None:
    data, words = event
    chunk = chunk_of(parse(data))
    envelope = known(data)
    piece = b"data: " + data + b"\n\n"
    told = envelope.words(piece)
    assert told in {None, words}
    assume(told is not None)
    for other in others:
        # In place of every occurrence, so that the place is not taken on trust.
        changed = piece.replace(words.encode(), other)
        for cut in (changed, changed[:-1], changed + b"\n", changed + piece, changed[1:]):
            told = envelope.words(cut)
            if told is not None:
                assert read_in_full(cut) == [replace(chunk, text=told)]


def said(words: str, **fields: object) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": words, **fields}}
    value = {"id": "gen-1", "model": "m", "choices": [choice]}
    return f"data: {json.dumps(value, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()


def test_it_is_known_from_the_second_time_on_and_only_where_it_is_the_same() -> None:
    envelope = Envelope()
    first, second, third = (said(words) for words in ("a fox", "an owl", "ein Käuzchen"))
    for piece in (first, second):
        assert envelope.words(piece) is None
        envelope.learn(piece[6:-2], chunk_of(parse(piece[6:-2])))
    assert envelope.words(third) == "ein Käuzchen"
    assert envelope.words(said('a quoted " one')) is None
    assert envelope.words(said("more", reasoning="because")) is None
    assert envelope.words(third[:-1]) is None
    assert envelope.words(first + second) is None


def test_words_that_stand_elsewhere_too_are_no_envelope() -> None:
    piece = said("assistant")
    assert known(piece[6:-2]).words(piece) is None


def giving(pieces: list[bytes]) -> Receive:
    coming = iter([*pieces, b""])

    async def receive(gap_s: float) -> bytes:
        return next(coming)

    return receive


async def test_a_reply_says_every_word_in_order_however_its_pieces_lie(shelf: Shelf) -> None:
    words = [f"{number} " + ('"\\\n\té😀\r'[number % 8 :]) for number in range(200)]
    answer = b"".join(map(said, words)) + said("", finish_reason="stop") + b"data: [DONE]\n\n"
    whole = [piece + b"\n\n" for piece in answer.split(b"\n\n")[:-1]]
    for pieces in (whole, [answer], [answer[at : at + 100] for at in range(0, len(answer), 100)]):
        reply = Reply(giving(pieces), shelf, None, "", "gen-1", 1.0)
        heard = [happening.text async for happening in reply if isinstance(happening, Text)]
        assert heard == words


@pytest.mark.parametrize(
    "more",
    [
        {"finish_reason": "stop"},
        {"error": {"code": 502}},
        {"delta": {"content": "a fox", "refusal": "no"}},
        {"delta": {"content": "a fox", "images": [{"image_url": {"url": "https://a.example"}}]}},
    ],
)
def test_an_event_that_brings_more_than_words_has_none(more: dict[str, object]) -> None:
    data = json.dumps({"choices": [{"delta": {"content": "a fox"}, **more}]}).encode()
    assert known(data).words(b"data: " + data + b"\n\n") is None


def test_an_event_of_two_lines_has_none() -> None:
    data = json.dumps({"choices": [{"delta": {"content": "a fox"}}]}, indent=1).encode()
    assert known(data).words(b"data: " + data + b"\n\n") is None


def test_the_two_quotes_around_the_words_are_two() -> None:
    envelope = known(said("a fox")[6:-2])
    assert envelope.words(said("")) == ""
    assert envelope.words(said("").replace(b'""', b'"')) is None


@pytest.mark.parametrize("begun", [b"data: 1", b"data: 1\n", b"dat", b"x"])
async def test_a_piece_that_goes_on_with_an_event_is_none_by_itself(
    shelf: Shelf, begun: bytes
) -> None:
    pieces = [said("one"), said("two"), begun, said("three"), said("four")]
    reply = Reply(giving([*pieces, b"data: [DONE]\n\n"]), shelf, None, "", "gen-1", 1.0)
    heard = [happening.text async for happening in reply if isinstance(happening, Text)]
    assert heard == ["one", "two", "four"]
