"""The client on the wire: what it sends, when it gives up, what it closes, what it asks beside."""

import asyncio
import logging
import socket

import pytest

from bot.errors import CallFailed, StartError, Word
from bot.openrouter.client import Identified, OpenRouter, PictureArrived, Text
from bot.pictures.shelf import Shelf
from tests.ledger.support import SetClock
from tests.openrouter.support import (
    API_KEY,
    DONE,
    FOX,
    GENERATION_ID,
    PROMPT,
    STOP,
    Connection,
    RawServer,
    a_call,
    answers,
    event,
    hear,
    opened,
    paints,
    says,
    stalls,
    streams,
    usage,
)
from tests.openrouter.test_call import put

FINE = (says("Hi"), STOP, usage(), DONE)


# --- what is sent --------------------------------------------------------------------------------


async def test_a_request_has_its_headers_and_a_known_length(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    picture = await put(shelf, FOX)
    server.scripts.append(streams(*FINE))
    await hear(client, a_call("A hat", picture, image_size="1K"))
    (request,) = server.requests
    assert request.line == "POST /api/v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-openrouter-title"] == "Easel"
    assert int(request.headers["content-length"]) == len(request.body)
    assert "transfer-encoding" not in request.headers
    assert request.json["modalities"] == ["image", "text"]
    assert request.json["image_config"] == {"image_size": "1K"}


async def test_text_is_asked_for_alone_until_that_is_not_offered(
    server: RawServer, client: OpenRouter
) -> None:
    fine, gone = streams(*FINE), answers(404, b'{"error":{"code":404,"message":"No endpoints"}}')
    server.scripts.extend([fine, gone, fine, fine])
    for _ in range(3):
        await hear(client, a_call("Why?", may_paint=False))
    asked = [request.json["modalities"] for request in server.requests]
    assert asked == [["text"], ["text"], ["image", "text"], ["image", "text"]]


async def test_a_model_that_is_not_offered_at_all_stays_so(
    server: RawServer, client: OpenRouter
) -> None:
    gone = answers(404, b'{"error":{"code":404,"message":"No endpoints"}}')
    server.scripts.extend([gone] * 3)
    for call in (a_call("Why?", may_paint=False), a_call("A fox")):
        with pytest.raises(CallFailed) as caught:
            await hear(client, call)
        assert caught.value.word is Word.OWNER
        assert caught.value.charge_ruled_out
    asked = [request.json["modalities"] for request in server.requests]
    assert asked == [["text"], ["image", "text"], ["image", "text"]]
    server.scripts.append(streams(*FINE))
    await hear(client, a_call("Why?", may_paint=False))
    assert server.requests[-1].json["modalities"] == ["text"]


async def test_proxy_settings_of_the_environment_are_ignored(
    server: RawServer, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with opened(server.base_url, shelf) as client:
        server.scripts.append(streams(*FINE))
        assert (await hear(client))[0] == Text("Hi")


async def test_a_key_of_odd_characters_is_openrouters_to_refuse(
    server: RawServer, shelf: Shelf
) -> None:
    server.scripts.append(answers(401, b'{"error":{"code":401,"message":"User not found."}}'))
    async with OpenRouter(
        base_url=server.base_url, api_key="käse", timeout_s=30, shelf=shelf, clock=SetClock()
    ) as client:
        with pytest.raises(StartError):
            await client.check_key()


# --- when it begins, and when it does not --------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "word", "proof"),
    [
        (400, Word.OWNER, True),
        (401, Word.OWNER, True),
        (402, Word.OWNER, True),
        (403, Word.OWNER, True),
        (404, Word.OWNER, True),
        (408, Word.PROVIDER, False),
        (413, Word.TOO_LARGE, True),
        (422, Word.OWNER, True),
        (429, Word.BUSY, True),
        (500, Word.PROVIDER, False),
        (502, Word.PROVIDER, True),
        (503, Word.PROVIDER, True),
        (504, Word.PROVIDER, False),
        (524, Word.PROVIDER, False),
        (529, Word.BUSY, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>error code</html>", b'{"error":{"message":"x"}}'])
async def test_an_error_status_is_told_on_entering_and_never_retried_here(
    server: RawServer, client: OpenRouter, status: int, word: Word, proof: bool, body: bytes
) -> None:
    server.scripts.append(answers(status, body, {"Retry-After": "7"}))
    with pytest.raises(CallFailed) as caught:
        async with client.stream(a_call()):
            raise AssertionError("entered")
    failed = caught.value
    assert (failed.word, failed.charge_ruled_out) == (word, proof)
    assert failed.retry_after_s == 7
    assert failed.generation_id == GENERATION_ID
    assert len(server.requests) == 1


@pytest.mark.parametrize("sends", [b"", b'{"error"', b"x" * 200_000])
async def test_an_errors_body_is_not_waited_for_without_end(
    server: RawServer, hasty: OpenRouter, sends: bytes
) -> None:
    async def script(connection: Connection) -> None:
        await connection.head(429, {"Content-Length": "9999999"}, sized=True)
        await connection.write(sends)
        await connection.until_closed()

    server.scripts.append(script)
    with pytest.raises(CallFailed) as caught:
        await hear(hasty)
    assert caught.value.word is Word.BUSY
    assert caught.value.may_retry


async def test_nobody_listening_proves_that_nothing_was_charged(shelf: Shelf) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        async with opened(f"http://127.0.0.1:{unheard.getsockname()[1]}/api/v1", shelf) as client:
            with pytest.raises(CallFailed) as caught:
                await hear(client)
    assert caught.value.word is Word.PROVIDER
    assert caught.value.charge_ruled_out
    assert caught.value.may_retry


async def test_a_failed_handshake_proves_it_too(shelf: Shelf) -> None:
    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SMTP ready\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as plain:
        address = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/api/v1"
        async with opened(address, shelf) as client:
            with pytest.raises(CallFailed) as caught:
                await hear(client)
    assert caught.value.charge_ruled_out
    assert caught.value.may_retry


@pytest.mark.parametrize("way", ["close", "reset", "no HTTP"])
async def test_a_connection_lost_before_any_headers_proves_nothing(
    server: RawServer, client: OpenRouter, way: str
) -> None:
    async def script(connection: Connection) -> None:
        if way == "no HTTP":
            await connection.write(b"SMTP ready\r\n\r\n")
        if way == "reset":
            connection.reset()
        connection.writer.close()

    server.scripts.append(script)
    with pytest.raises(CallFailed) as caught:
        await hear(client)
    assert caught.value.word is Word.PROVIDER
    assert not caught.value.charge_ruled_out
    assert not caught.value.may_retry


async def test_silence_before_any_headers_proves_nothing(
    server: RawServer, hasty: OpenRouter, shelf: Shelf
) -> None:
    async def script(connection: Connection) -> None:
        await connection.until_closed()

    server.scripts.extend([script, script])
    async with opened(server.base_url, shelf, timeout_s=0.1) as brief:
        for client in (hasty, brief):
            with pytest.raises(CallFailed) as caught:
                await hear(client)
            assert caught.value.word is Word.PROVIDER
            assert not caught.value.charge_ruled_out


async def test_a_request_that_did_not_leave_whole_proves_that_nothing_was_charged(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    async def script(connection: Connection) -> None:
        connection.reset()

    picture = await put(shelf, bytes(20_000_000))
    server.reads_bodies = False
    server.scripts.append(script)
    with pytest.raises(CallFailed) as caught:
        await hear(client, a_call("A hat", picture))
    assert caught.value.charge_ruled_out
    assert caught.value.may_retry


async def test_an_answer_before_the_request_is_whole_is_heard(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    async def script(connection: Connection) -> None:
        body = b'{"error":{"code":413,"message":"too large"}}'
        await connection.head(413, {"Content-Length": str(len(body))}, sized=True)
        await connection.write(body)
        await connection.until_closed()

    picture = await put(shelf, bytes(3_000_000))
    server.reads_bodies = False
    server.scripts.append(script)
    with pytest.raises(CallFailed) as caught:
        await hear(client, a_call("A hat", picture))
    assert caught.value.word is Word.TOO_LARGE
    assert caught.value.charge_ruled_out


@pytest.mark.parametrize("fault", ["gone", "shorter", "longer"])
async def test_a_picture_that_fails_on_the_way_out_proves_that_nothing_was_charged(
    server: RawServer, client: OpenRouter, shelf: Shelf, fault: str
) -> None:
    picture = await put(shelf, FOX)
    if fault == "gone":
        shelf.path(picture.id).unlink()
    else:
        shelf.path(picture.id).write_bytes(FOX[:-9] if fault == "shorter" else FOX + bytes(300))
    server.scripts.append(streams(*FINE))
    with pytest.raises(CallFailed) as caught:
        await hear(client, a_call("A hat", picture))
    assert caught.value.charge_ruled_out
    assert not server.requests


# --- while it runs -------------------------------------------------------------------------------


async def test_a_slow_consumer_is_not_hit_by_the_patience_with_the_model(
    server: RawServer, hasty: OpenRouter
) -> None:
    server.scripts.append(streams(*FINE))
    async with hasty.stream(a_call()) as reply:
        async for _ in reply:
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("after", ["headers", "text", "half a picture"])
async def test_leaving_closes_the_connection_at_once(
    server: RawServer, client: OpenRouter, after: str
) -> None:
    left = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(says("Hi"), paints(FOX)[:9000])
        await connection.until_closed()
        left.set()

    server.scripts.append(script)
    async with client.stream(a_call()) as reply:
        happenings = aiter(reply)
        if after != "headers":
            assert isinstance(await anext(happenings), Identified)
            assert await anext(happenings) == Text("Hi")
        if after == "half a picture":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(happenings), 0.1)
    await asyncio.wait_for(left.wait(), 10)


async def test_a_cancelled_call_closes_its_connection(
    server: RawServer, client: OpenRouter
) -> None:
    left = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(says("Hi"), paints(FOX)[:9000])
        await connection.until_closed()
        left.set()

    server.scripts.append(script)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hear(client), 0.2)
    await asyncio.wait_for(left.wait(), 10)


async def test_two_calls_at_once_do_not_wait_for_each_other(
    server: RawServer, client: OpenRouter
) -> None:
    server.scripts.extend([stalls(says("slow")), streams(*FINE)])
    async with client.stream(a_call()) as slow:
        happenings = aiter(slow)
        assert isinstance(await anext(happenings), Identified)
        assert await anext(happenings) == Text("slow")
        assert (await hear(client))[0] == Text("Hi")


async def test_no_log_has_the_key_the_words_or_a_picture(
    server: RawServer, client: OpenRouter, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    picture = await put(shelf, FOX)
    secret = "what the model says"
    error = {"code": 502, "message": secret, "metadata": {"raw": secret}}
    server.scripts.extend(
        [
            streams(says(secret), paints(FOX), STOP, usage(), DONE),
            streams(says(secret), event({"error": error})),
            streams(event(f"{secret} is no JSON"), DONE),
            answers(400, f'{{"error": {{"message": "{secret}"}}}}'.encode()),
        ]
    )
    heard = await hear(client, a_call(PROMPT, picture))
    assert isinstance(heard[1], PictureArrived)
    for _ in range(3):
        with pytest.raises(CallFailed):
            await hear(client)
    assert GENERATION_ID in caplog.text
    for hidden in (API_KEY, PROMPT, secret, "base64", "iVBOR"):
        assert hidden not in caplog.text
