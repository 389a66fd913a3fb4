import asyncio
import io
import itertools
from decimal import Decimal

import httpx
import pytest
from PIL import Image

from bot.sandbox import painting
from bot.sandbox.openrouter import (
    MODEL_DATED,
    Answer,
    Comment,
    Drop,
    ErrorChunk,
    ErrorIn200,
    Finish,
    Gate,
    Headers,
    NoUsage,
    Paint,
    Raw,
    Say,
    Show,
    Stall,
    Status,
    UsageStep,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.account import image_tokens
from tests.sandbox.openrouter.conftest import Caller, body, parts, png
from tests.sandbox.openrouter_specs import openrouter_spec


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


async def test_a_prompt_becomes_one_short_sentence_and_a_picture_of_its_words(caller: Caller):
    answered = await caller.ask("a red fox in snow")
    (picture,) = answered.pictures
    assert painting.words_of(picture) == "a red fox in snow"
    assert "stand-in" in answered.text
    assert answered.text.count(".") == 1


async def test_a_stream_is_comments_chunks_finish_usage_and_done_in_this_order(caller: Caller):
    answered = await caller.ask("a red fox in snow")
    lines = [line for line in answered.lines if line]
    assert lines[0] == ": OPENROUTER PROCESSING"
    assert lines[-1] == "data: [DONE]"
    assert answered.data.endswith(b"data: [DONE]\n\n")
    picture, finish, usage = answered.chunks[-3:]
    assert picture.content == ""
    assert len(picture.urls) == 1
    assert finish.finish == ("stop", "completed")
    assert usage.whole["choices"] == []
    assert {chunk.whole["model"] for chunk in answered.chunks} == {MODEL_DATED}
    assert {chunk.whole["id"] for chunk in answered.chunks} == {answered.generation_id}
    assert answered.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("size", ["1K", "2K"])
async def test_shape_and_size_are_drawn_as_asked(caller: Caller, size: str):
    config = {"aspect_ratio": "16:9", "image_size": size}
    answered = await caller.ask("a fox", image_config=config)
    width, height = painting.SIZES[size]["16:9"]
    assert size_of(answered.pictures[0]) == (width / 4, height / 4)
    details = answered.usage["completion_tokens_details"]
    assert isinstance(details, dict)
    assert details["image_tokens"] == image_tokens(width, height, size)


async def test_the_last_picture_of_the_last_message_is_edited(caller: Caller):
    answered = await caller.ask("give it a hat", png("red"), png("blue"))
    (picture,) = answered.pictures
    assert painting.keeps_pixels(picture, png("blue"))
    assert not painting.keeps_pixels(picture, png("red"))


async def test_without_one_an_edit_takes_the_latest_picture_of_the_conversation(caller: Caller):
    messages = [
        {"role": "user", "content": parts("first", png("red"))},
        {"role": "user", "content": parts("second", png("blue"))},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "make it darker"},
    ]
    edited = await caller.ask(messages=messages)
    assert painting.keeps_pixels(edited.pictures[0], png("blue"))
    messages[-1] = {"role": "user", "content": "a lighthouse"}
    painted = await caller.ask(messages=messages)
    assert painting.words_of(painted.pictures[0]) == "a lighthouse"
    assert not painting.keeps_pixels(painted.pictures[0], png("blue"))


@pytest.mark.parametrize(
    ("words", "edits"),
    [
        ("make it night", True),
        ("Please add a tree", True),
        ("the same, but bigger", True),
        ("make a poster of a fox", False),
        ("a cat that sits on a wall", False),
    ],
)
async def test_what_reads_like_an_edit(caller: Caller, words: str, edits: bool):
    earlier = {"role": "user", "content": parts("look", png("red"))}
    answered = await caller.ask(messages=[earlier, {"role": "user", "content": words}])
    assert painting.keeps_pixels(answered.pictures[0], png("red")) == edits


async def test_only_the_first_text_of_a_message_is_drawn(caller: Caller):
    answered = await caller.ask("a red fox", "(The picture's shape: wide.)")
    assert painting.words_of(answered.pictures[0]) == "a red fox"


async def test_a_question_and_a_text_only_request_get_text_that_owns_to_be_a_stand_in(
    caller: Caller,
):
    for asked in (caller.ask("how are you?"), caller.ask("a fox", modalities=["text"])):
        answered = await asked
        assert answered.pictures == []
        assert "stand-in" in answered.text


async def test_not_streamed_it_is_one_body_with_the_pictures_in_the_message(caller: Caller):
    response = await caller.post(body("a fox", stream=False))
    message = response.json()["choices"][0]["message"]
    assert message["images"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert response.json()["choices"][0]["finish_reason"] == "stop"
    assert response.json()["usage"]["cost"] > 0.2
    assert response.headers["X-Generation-Id"] == response.json()["id"]


async def test_steps_come_in_their_order(caller: Caller):
    caller.model.script([Say("one "), Paint("fox"), Say("two"), Paint("hare"), Say(" three")])
    answered = await caller.ask("x")
    assert answered.text == "one two three"
    order = ["picture" if chunk.urls else chunk.content for chunk in answered.chunks]
    assert [item for item in order if item] == ["one ", "picture", "two", "picture", " three"]
    words = [painting.words_of(picture) for picture in answered.pictures]
    assert words == ["fox", "hare"]


@pytest.mark.parametrize(
    "text", ["", " ", "a\n\n```py\nx = 1\n```\n\nend\n", "  two  spaces ", "東京"]
)
async def test_said_text_arrives_as_it_is(caller: Caller, text: str):
    caller.model.script(Say(text, words_per_delta=1))
    assert (await caller.ask("x")).text == text


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
async def test_pictures_come_in_the_type_told(caller: Caller, media_type: str):
    caller.model.script(Paint("fox", media_type=media_type))
    answered = await caller.ask("x")
    with Image.open(io.BytesIO(answered.pictures[0])) as image:
        assert image.get_format_mimetype() == media_type


async def test_pictures_can_share_a_delta_repeat_and_end_the_answer(caller: Caller):
    caller.model.script([Paint("fox", count=2, copies=2, content=None, finish="stop")])
    answered = await caller.ask("x")
    first, second, usage = answered.chunks
    assert first.urls == second.urls
    assert len(set(first.urls)) == 2
    assert (first.content, first.finish) == (None, ("stop", "completed"))
    assert usage.usage is not None


async def test_a_picture_can_be_any_url(caller: Caller):
    caller.model.script(Show("data:image/png;base64,%%%"))
    answered = await caller.ask("x")
    assert answered.chunks[0].urls == ("data:image/png;base64,%%%",)


async def test_awkward_bytes_are_the_same_stream_cut_inside_characters_and_line_ends(
    caller: Caller,
):
    steps = (Comment(), Say("für 東京 😀"), Paint("fox"))
    caller.model.script(Answer(steps, awkward=True, line_end="\r\n", extra={"x_new": "é"}))
    answered = await caller.ask("x")
    assert answered.text == "für 東京 😀"
    assert len(answered.pictures) == 1
    assert all(chunk.whole["x_new"] == "é" for chunk in answered.chunks)
    seams = [(one[-1:], two[:1]) for one, two in itertools.pairwise(answered.pieces)]
    assert (b"\r", b"\n") in seams
    assert (b"\n", b"\r") in seams
    assert any(two and 0x80 <= two[0] < 0xC0 for _, two in seams)


async def test_raw_bytes_and_a_missing_done(caller: Caller):
    caller.model.script(Answer((Raw(b"event: odd\n"), Say("hi")), done=False))
    answered = await caller.ask("x")
    assert answered.data.startswith(b"event: odd\n")
    assert b"[DONE]" not in answered.data


async def test_usage_can_be_absent_changed_or_beside_a_choice(caller: Caller):
    usage_step = UsageStep(
        leave_out=("cost",), change={"completion_tokens_details": None}, with_choice=True
    )
    caller.model.script([Say("hi"), NoUsage()], [Say("hi"), usage_step])
    without = await caller.ask("x")
    assert all(chunk.usage is None for chunk in without.chunks)
    changed = await caller.ask("x")
    assert "cost" not in changed.usage
    assert changed.usage["completion_tokens_details"] is None
    assert changed.chunks[-1].finish == (None, None)
    assert set(caller.model.account.charges.values()) == {caller.model.account.total_nano_usd // 2}


async def test_refusals_and_other_finish_reasons(caller: Caller):
    caller.model.script(
        [Finish("content_filter", "refusal", refusal="I cannot draw that.")],
        [Say("cut "), Finish("length", "max_output_tokens")],
    )
    refused = await caller.ask("x")
    assert refused.chunks[0].finish == ("content_filter", "refusal")
    assert "I cannot draw that." in refused.data.decode()
    assert (await caller.ask("x")).chunks[1].finish == ("length", "max_output_tokens")


async def test_text_above_max_tokens_is_cut_with_length(caller: Caller):
    caller.model.script([Say("word " * 200), Paint("never")])
    answered = await caller.ask("x", max_tokens=50)
    assert answered.pictures == []
    assert answered.usage["completion_tokens"] == 50
    assert ("length", "max_output_tokens") in [chunk.finish for chunk in answered.chunks]


async def test_a_silent_block_says_nothing_and_costs_nothing(caller: Caller):
    caller.model.script(silent_block())
    answered = await caller.ask("x")
    assert (answered.text, answered.pictures) == ("", [])
    assert answered.chunks[0].finish == (None, None)
    assert answered.usage["cost"] == 0
    assert caller.model.account.charges == {answered.generation_id: 0}


@pytest.mark.parametrize("code", [502, "server_error"])
async def test_an_error_in_mid_stream_ends_it_and_costs_nothing(caller: Caller, code: int | str):
    caller.model.script([Say("half"), ErrorChunk(code, "gone", with_choices=code == 502)])
    answered = await caller.ask("x")
    last = answered.chunks[-1].whole
    assert isinstance(last["error"], dict)
    assert last["error"]["code"] == code
    assert ("choices" in last) == (code == 502)
    assert all(chunk.usage is None for chunk in answered.chunks)
    assert caller.model.account.charges == {answered.generation_id: 0}


async def test_an_error_in_a_200_has_no_choices_and_costs_nothing(caller: Caller):
    caller.model.script(ErrorIn200("broken", code=500))
    response = await caller.post(body("x"))
    assert response.status_code == 200
    assert response.json()["error"]["message"] == "broken"
    assert "choices" not in response.json()
    assert caller.model.account.charges == {response.headers["X-Generation-Id"]: 0}


async def test_a_status_has_an_envelope_html_or_nothing(caller: Caller):
    caller.model.script(
        Status(429, "Slow down", {"Retry-After": "3", "X-RateLimit-Reset": "1790000000000"}),
        Status(502, b"<html>Bad gateway</html>"),
        Status(529, b""),
        Status(403, "flagged", metadata={"reasons": ["violence"]}),
    )
    limited, html, empty, flagged = [await caller.post(body("x")) for _ in range(4)]
    assert limited.headers["Retry-After"] == "3"
    assert limited.json()["error"]["metadata"]["error_type"] == "rate_limit_exceeded"
    assert (html.status_code, html.text) == (502, "<html>Bad gateway</html>")
    assert (empty.status_code, empty.content) == (529, b"")
    assert flagged.json()["error"]["metadata"]["reasons"] == ["violence"]
    assert caller.model.account.charges == {}
    assert [call.status for call in caller.model.calls] == [429, 502, 529, 403]


async def test_a_status_may_have_been_charged_nevertheless(caller: Caller):
    caller.model.script(Status(524, "timed out", cost_nano_usd=200_000_000))
    response = await caller.post(body("x"))
    assert caller.model.account.charges == {response.headers["X-Generation-Id"]: 200_000_000}


async def test_a_drop_in_mid_stream_lets_what_was_written_arrive_first(caller: Caller):
    caller.model.script([Say("half a sentence"), Drop()])
    received: list[bytes] = []

    async def receive() -> None:
        async with caller.http.stream("POST", "/chat/completions", json=body("x")) as response:
            async for piece in response.aiter_raw():
                received.append(piece)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(httpx.RemoteProtocolError):
        await receive()
    assert b"half a sentence" in b"".join(received)
    await caller.model.until(lambda: caller.model.calls[0].ended)
    assert caller.model.calls[0].cancelled


@pytest.mark.parametrize("reset", [True, False])
async def test_a_drop_before_the_headers_leaves_no_response(caller: Caller, reset: bool):
    caller.model.script(Drop(reset=reset))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await caller.post(body("x"))
    await caller.model.until(lambda: caller.model.calls[0].ended)
    assert caller.model.account.total_nano_usd == 0


async def test_a_step_can_wait_for_an_event(caller: Caller):
    event = asyncio.Event()
    caller.model.script([Headers(), Gate(event), Say("now")])
    async with caller.http.stream("POST", "/chat/completions", json=body("x")) as response:
        assert response.headers["X-Generation-Id"]
        event.set()
        assert b"now" in b"".join([piece async for piece in response.aiter_raw()])


async def test_a_client_that_leaves_a_stall_is_charged_what_was_produced(caller: Caller):
    caller.model.script([Say("some words"), Paint("fox"), Stall()])
    async with caller.http.stream("POST", "/chat/completions", json=body("x")) as response:
        received = b""
        async for piece in response.aiter_raw():
            received += piece
            if b'"images"' in received and received.endswith(b"\n\n"):
                break
    await caller.model.until(lambda: caller.model.calls[0].ended)
    call = caller.model.calls[0]
    assert call.cancelled
    assert call.cost_nano_usd is not None
    assert call.cost_nano_usd > 7_024 * 30_000


async def test_a_cost_can_be_forced_and_reads_back_exactly(caller: Caller):
    caller.model.script(answer(Say("hi"), cost_nano_usd=123_456_789))
    answered = await caller.ask("x")
    assert Decimal(str(answered.usage["cost"])) == Decimal("0.123456789")
    assert caller.model.account.total_nano_usd == 123_456_789


async def test_every_reply_is_what_the_document_says(caller: Caller):
    spec = openrouter_spec()
    caller.model.script(
        [Say("text"), Paint("fox"), Say("more")], [Say("x"), ErrorChunk()], silent_block()
    )
    for _ in range(3):
        for chunk in (await caller.ask("x")).chunks:
            spec.check_chunk(chunk.whole)
    whole = await caller.post(body("a fox", stream=False))
    spec.check_reply("post", "/chat/completions", 200, whole.json())
    for status in (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529):
        caller.model.script(Status(status))
        refused = await caller.post(body("x"))
        spec.check_reply("post", "/chat/completions", status, refused.json())
