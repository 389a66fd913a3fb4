"""Answers that turn out to be failures: what is proved, what is told, what is not lost."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from bot.errors import Word
from bot.openrouter.client import Ended, OpenRouter, Text
from bot.openrouter.stream import ANSWER_BYTES_MAX
from bot.pictures.shelf import Shelf
from tests.ledger.support import SetClock
from tests.openrouter.support import (
    DONE,
    FOX,
    GENERATION_ID,
    OWL,
    REPORTED,
    STOP,
    USAGE,
    Connection,
    Happening,
    RawServer,
    Script,
    answers,
    chunk,
    drops,
    event,
    failure_of,
    hear,
    paints,
    plain,
    says,
    stalls,
    streams,
    told,
    usage,
)


@pytest.mark.parametrize(
    ("error", "word", "tells_owner"),
    [
        ({"code": 502, "message": "Provider disconnected"}, Word.PROVIDER, False),
        ({"code": "server_error", "message": "x"}, Word.PROVIDER, False),
        ({"message": "x"}, Word.PROVIDER, False),
        ("in words", Word.PROVIDER, False),
        ({"code": 429}, Word.BUSY, False),
        ({"code": "429"}, Word.BUSY, False),
        ({"code": "rate_limit_exceeded"}, Word.BUSY, False),
        ({"code": 402}, Word.OWNER, True),
        ({"code": 401}, Word.OWNER, True),
        ({"code": 403, "metadata": {"reasons": ["x"]}}, Word.BLOCKED, False),
        ({"code": 400, "metadata": {"error_type": "refusal"}}, Word.BLOCKED, False),
        (
            {"code": 400, "metadata": {"error_type": "context_length_exceeded"}},
            Word.TOO_LARGE,
            False,
        ),
    ],
)
@pytest.mark.parametrize("shape", ["plain", "first event", "choice", "without choices"])
async def test_an_error_in_a_200_is_told_apart_and_proves_nothing(
    server: RawServer,
    client: OpenRouter,
    error: object,
    word: Word,
    tells_owner: bool,
    shape: str,
) -> None:
    body: dict[str, object] = {"error": error}
    script = {
        "plain": answers(200, json.dumps({**body, "user_id": "user_x"}).encode()),
        "first event": streams(chunk(finish="error", **body), DONE),
        "choice": streams(event({"choices": [{"index": 0, **body}]}), DONE),
        "without choices": streams(event(body)),
    }[shape]
    failed, heard = await failure_of(server, client, script)
    assert not heard
    assert failed.word is word
    assert failed.tell_owner is tells_owner
    assert not failed.charge_ruled_out
    assert not failed.may_retry
    assert not failed.shorten
    assert failed.generation_id == GENERATION_ID


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ({"code": 502}, Word.CUT),
        ({"code": 429}, Word.CUT),
        ({"code": "server_error"}, Word.CUT),
        ({"code": 400, "metadata": {"error_type": "content_policy_violation"}}, Word.BLOCKED),
    ],
)
@pytest.mark.parametrize("before", ["text", "picture"])
async def test_an_error_in_mid_stream_comes_after_what_arrived(
    server: RawServer, client: OpenRouter, shelf: Shelf, error: object, word: Word, before: str
) -> None:
    first = says("Half") if before == "text" else paints(FOX)
    script = streams(first, chunk(finish="error", error=error), DONE)
    failed, heard = await failure_of(server, client, script)
    assert told(shelf, heard) == ["Half" if before == "text" else FOX]
    assert failed.word is word
    assert not failed.charge_ruled_out


@pytest.mark.parametrize(
    "pieces",
    [
        [chunk(finish="error", error={"code": 502}, usage=USAGE)],
        [chunk(finish="error", error={"code": 502}), usage(), DONE],
        [chunk({"refusal": "No."}), STOP, usage(), DONE],
        [chunk(finish="content_filter"), usage(), DONE],
        [chunk(finish="error"), usage(), DONE],
        [STOP, usage(), DONE],
        [chunk(), usage(), DONE],
        [paints("https://example.com/a.png"), STOP, usage(), DONE],
    ],
)
@pytest.mark.parametrize("way", ["end", "drop", "stall"])
async def test_usage_is_not_lost_with_a_failure(
    server: RawServer, hasty: OpenRouter, pieces: Sequence[bytes], way: str
) -> None:
    script = {"end": streams, "drop": drops, "stall": stalls}[way](*pieces)
    failed, _ = await failure_of(server, hasty, script)
    assert failed.usage == REPORTED
    assert not failed.charge_ruled_out


@pytest.mark.parametrize(
    ("pieces", "word", "heard_before"),
    [
        ([chunk({"refusal": "I can't."}), STOP], Word.BLOCKED, [Text("I can't.")]),
        ([says("Well"), chunk(finish="content_filter")], Word.BLOCKED, [Text("Well")]),
        ([chunk(finish="content_filter")], Word.BLOCKED, []),
        ([chunk(finish="error")], Word.PROVIDER, []),
        ([says("Well"), chunk(finish="error")], Word.CUT, [Text("Well")]),
        ([chunk(), usage()], Word.SILENT, []),
        ([chunk({"content": None}), chunk()], Word.SILENT, []),
        ([STOP], Word.PROVIDER, []),
        ([], Word.PROVIDER, []),
    ],
)
async def test_an_answer_that_is_none_is_a_failure(
    server: RawServer,
    client: OpenRouter,
    pieces: Sequence[bytes],
    word: Word,
    heard_before: Sequence[Happening],
) -> None:
    failed, heard = await failure_of(server, client, streams(*pieces, DONE))
    assert failed.word is word
    assert heard == heard_before
    assert not failed.charge_ruled_out
    assert not failed.may_retry


@pytest.mark.parametrize(
    ("message", "finish", "word"),
    [
        ({"content": None}, None, Word.SILENT),
        ({"content": "", "images": []}, None, Word.SILENT),
        ({"content": ""}, "stop", Word.PROVIDER),
        ({"content": None, "refusal": "No."}, "stop", Word.BLOCKED),
        ({"content": ""}, "content_filter", Word.BLOCKED),
        ({"content": "x"}, "error", Word.CUT),
    ],
)
async def test_a_plain_answer_that_is_none_is_a_failure_too(
    server: RawServer, client: OpenRouter, message: object, finish: str | None, word: Word
) -> None:
    choice = {"index": 0, "finish_reason": finish, "message": message}
    script = answers(200, json.dumps({"choices": [choice], "usage": USAGE}).encode())
    failed, _ = await failure_of(server, client, script)
    assert failed.word is word
    assert failed.usage == REPORTED


@pytest.mark.parametrize(
    "body", [b"", b"<html>error code: 502</html>", b"{}", b"{", b"[1]", b"null", b"data: {}\n\n"]
)
async def test_a_200_that_says_nothing_is_the_providers_failure(
    server: RawServer, client: OpenRouter, body: bytes
) -> None:
    failed, heard = await failure_of(server, client, answers(200, body))
    assert not heard
    assert failed.word is Word.PROVIDER
    assert not failed.charge_ruled_out


HALF_A_PICTURE = paints(FOX)[:5000]
JUST_A_PICTURE = paints(FOX)[:-20]


@pytest.mark.parametrize(
    ("pieces", "arrived"),
    [
        ([], []),
        ([b": OPENROUTER PROCESSING\n\n"], []),
        ([chunk()], []),
        ([says("Half")], ["Half"]),
        ([says("Half"), HALF_A_PICTURE], ["Half"]),
        ([HALF_A_PICTURE], []),
        ([JUST_A_PICTURE], [FOX]),
        ([paints(OWL, FOX)[:-20]], [OWL, FOX]),
        ([paints(FOX), says("And")], [FOX, "And"]),
    ],
)
@pytest.mark.parametrize("way", ["end", "drop", "reset", "stall"])
async def test_a_stream_that_breaks_off_is_cut_and_gives_what_arrived(
    server: RawServer,
    hasty: OpenRouter,
    shelf: Shelf,
    pieces: Sequence[bytes],
    arrived: list[str | bytes],
    way: str,
) -> None:
    def resets(*some: bytes) -> Script:
        return drops(*some, reset=True)

    # a reset may swallow what was just sent, so only that it is a failure is certain
    ways = {"end": streams, "drop": drops, "reset": resets, "stall": stalls}
    failed, heard = await failure_of(server, hasty, ways[way](*pieces))
    if way != "reset":
        assert told(shelf, heard) == arrived
        assert failed.word is (Word.CUT if arrived else Word.PROVIDER)
    assert failed.generation_id == GENERATION_ID
    assert not failed.charge_ruled_out
    assert not failed.may_retry


async def test_a_plain_answer_that_breaks_off_behind_a_picture_gives_it(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    failed, heard = await failure_of(server, client, drops(plain()[:-200]))
    assert told(shelf, heard) == [FOX, OWL]
    assert failed.word is Word.CUT


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/fox.png",
        "data:image/png;base64,",
        "data:image/png;base64,AAA",
        "data:image/png;base64,!!!!",
        "data:image/png;base64,AA==AAAA",
        "data:image/png;base64,AAAA\nAAAA",
        "data:image/png;base64,AAAAé",
        "data:image/png,plain",
        "fox.png",
    ],
)
@pytest.mark.parametrize("text", ["", "Here is your fox."])
async def test_a_picture_that_cannot_be_taken_is_said_so(
    server: RawServer, client: OpenRouter, shelf: Shelf, url: str, text: str
) -> None:
    script = streams(says(text), paints(url), STOP, usage(), DONE)
    failed, heard = await failure_of(server, client, script)
    assert told(shelf, heard) == ([text] if text else [])
    assert failed.word is Word.UNREADABLE
    assert failed.usage == REPORTED


async def test_a_picture_that_cannot_be_taken_does_not_spoil_another(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    broken = "data:image/png;base64,!!!!"
    server.scripts.append(streams(paints(broken, FOX), STOP, usage(), DONE))
    heard = await hear(client)
    assert told(shelf, heard) == [FOX]
    assert heard[-1] == Ended("stop", REPORTED)


async def test_an_answer_beyond_all_bounds_is_given_up(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(paints(FOX))
        comment = b":" + b"x" * 1_048_574 + b"\n"
        for _ in range(ANSWER_BYTES_MAX // len(comment) + 1):
            await connection.send(comment)
        await connection.until_closed()

    failed, heard = await failure_of(server, client, script)
    assert told(shelf, heard) == [FOX]
    assert failed.word is Word.TOO_LARGE
    assert not failed.charge_ruled_out


async def test_a_slow_drip_ends_at_the_calls_own_deadline(server: RawServer, shelf: Shelf) -> None:
    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(says("Well"))
        while True:
            await connection.send(b": OPENROUTER PROCESSING\n\n")
            await asyncio.sleep(0.01)

    async with OpenRouter(
        base_url=server.base_url,
        api_key="key",
        timeout_s=0.3,
        shelf=shelf,
        clock=SetClock(),
    ) as brief:
        failed, heard = await failure_of(server, brief, script)
    assert heard == [Text("Well")]
    assert failed.word is Word.CUT
    assert not failed.charge_ruled_out
