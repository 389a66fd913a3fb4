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
from bot.openrouter.call import (
    TEXT_HOP_BYTES,
    Body,
    Call,
    DocumentPart,
    Message,
    PicturePart,
    TextPart,
)
from bot.pictures.disk import BASE64_HOP_BYTES
from bot.pictures.shelf import Shelf
from bot.store.documents import Document, Kind
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


async def put_document(shelf: Shelf, kind: Kind, data: bytes, json_bytes: int) -> Document:
    picture = await put(shelf, data)
    return Document(picture.id, "a “b”.x", kind, len(data), json_bytes, 1, 1)


async def test_documents_go_after_the_words_and_before_the_pictures(shelf: Shelf) -> None:
    text = 'one\ttwo\n"three" \\ 🦊\n' * 40_000
    data = text.encode()
    assert len(data) > 2 * TEXT_HOP_BYTES
    notes = await put_document(
        shelf, "text", data, len(json.dumps(text, ensure_ascii=False).encode()) - 2
    )
    paper = await put_document(shelf, "pdf", b"%PDF-1.7", 0)
    fox = await put(shelf, b"fox")
    parts = (PicturePart(fox), DocumentPart(notes), DocumentPart(paper), TextPart("Well?"))
    call = Call(MODEL, (Message("user", parts),), 1, False, None, None, "", "")
    body = Body(call, ("text",), shelf)
    sent_bytes = await sent(body)
    asked, inlined, file, picture = json.loads(sent_bytes)["messages"][0]["content"]
    assert asked == {"type": "text", "text": "Well?"}
    assert inlined["type"] == "text"
    assert inlined["text"] == f"File “a “b”.x”:\n\n{text}\n\n(End of “a “b”.x”.)"
    url = "data:application/pdf;base64," + pybase64.b64encode(b"%PDF-1.7").decode()
    assert file == {"type": "file", "file": {"filename": "a “b”.x", "file_data": url}}
    assert picture["type"] == "image_url"
    assert len(sent_bytes) == body.size_bytes


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
