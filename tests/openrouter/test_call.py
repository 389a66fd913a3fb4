"""Requests: their JSON, their announced length, and where the pictures' bytes come from."""

import asyncio
import hashlib
import json
from pathlib import Path

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Notice, Word
from bot.openrouter.call import Body, Call, Message, PicturePart, TextPart
from bot.pictures.shelf import BASE64_HOP_BYTES, Shelf
from bot.store.pictures import Picture
from tests.openrouter.support import MODEL, a_call


async def put(shelf: Shelf, data: bytes, media_type: str = "image/png") -> Picture:
    async with shelf.receive(len(data)) as incoming:
        await incoming.write(data)
        await incoming.keep()
    return Picture(hashlib.sha256(data).hexdigest(), media_type, 10, 10, len(data))


async def sent(body: Body) -> bytes:
    return b"".join([block async for block in body.blocks()])


async def test_a_request_says_what_openrouter_wants(shelf: Shelf) -> None:
    fox = await put(shelf, b"fox" * 7)
    owl = await put(shelf, bytes(range(256)) * 8192 + b"!", "image/jpeg")
    assert owl.size_bytes > 2 * BASE64_HOP_BYTES
    messages = (
        Message("system", (TextPart("You are a bot."),)),
        Message("user", (PicturePart(fox), TextPart("Give it a “hat” 🎩"))),
        Message("assistant", (TextPart("one"), TextPart("two"))),
        Message("user", (TextPart("And now?"), PicturePart(owl), PicturePart(fox))),
    )
    call = Call(MODEL, messages, 16_000, True, "16:9", "1K", "5e88", "easel-991")
    body = Body(call, ("image", "text"), shelf)
    data = await sent(body)

    def image(media_type: str, picture: bytes) -> dict[str, object]:
        url = f"data:{media_type};base64,{pybase64.b64encode(picture).decode()}"
        return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}

    hat = [{"type": "text", "text": "Give it a “hat” 🎩"}, image("image/png", b"fox" * 7)]
    now = [
        {"type": "text", "text": "And now?"},
        image("image/jpeg", bytes(range(256)) * 8192 + b"!"),
        image("image/png", b"fox" * 7),
    ]
    assert json.loads(data) == {
        "model": MODEL,
        "modalities": ["image", "text"],
        "max_tokens": 16_000,
        "stream": True,
        "user": "5e88",
        "session_id": "easel-991",
        "image_config": {"aspect_ratio": "16:9", "image_size": "1K"},
        "messages": [
            {"role": "system", "content": "You are a bot."},
            {"role": "user", "content": hat},
            {"role": "assistant", "content": "one\ntwo"},
            {"role": "user", "content": now},
        ],
    }
    assert len(data) == body.size_bytes


async def test_wishes_are_sent_only_where_there_are_some(shelf: Shelf) -> None:
    plain = json.loads(await sent(Body(a_call("Hi"), ("text",), shelf)))
    assert "image_config" not in plain
    assert not {"tools", "temperature", "top_p"} & set(plain)
    wide = json.loads(await sent(Body(a_call("Hi", aspect_ratio="16:9"), ("text",), shelf)))
    assert wide["image_config"] == {"aspect_ratio": "16:9"}


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_any_text_is_sent_with_its_length(texts: list[str]) -> None:
    call = Call(
        MODEL, (Message("user", tuple(map(TextPart, texts))),), 1, False, None, None, "", ""
    )
    body = Body(call, ("text",), Shelf(Path("/nowhere")))
    data = asyncio.run(sent(body))
    assert len(data) == body.size_bytes
    assert json.loads(data)["messages"] == [{"role": "user", "content": "\n".join(texts)}]


@pytest.mark.parametrize("size_bytes", [1, 2, 3, 4, BASE64_HOP_BYTES, BASE64_HOP_BYTES + 1])
async def test_the_length_counts_the_base64(shelf: Shelf, size_bytes: int) -> None:
    picture = await put(shelf, bytes(size_bytes))
    body = Body(a_call("x", picture), ("text",), shelf)
    assert len(await sent(body)) == body.size_bytes


async def test_a_body_has_left_with_its_last_block_and_not_before(shelf: Shelf) -> None:
    body = Body(a_call("x", await put(shelf, bytes(10))), ("text",), shelf)
    assert not body.has_left
    left = [body.has_left async for _ in body.blocks()]
    assert left == [False, False, True]


async def test_a_picture_that_is_gone_is_a_notice_and_the_body_never_left(shelf: Shelf) -> None:
    picture = await put(shelf, bytes(10))
    shelf.path(picture.id).unlink()
    body = Body(a_call("x", picture), ("text",), shelf)
    with pytest.raises(Notice) as caught:
        await sent(body)
    assert caught.value.word is Word.OWNER
    assert not body.has_left
