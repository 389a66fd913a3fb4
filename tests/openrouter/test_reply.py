"""What answers turn into: the bytes on one side, the events or the failure on the other."""

import asyncio
import json
import tracemalloc
from collections.abc import Sequence

import pybase64
import pytest

from bot.errors import CallFailed, Word
from bot.money import NanoUsd, Usage
from bot.openrouter.client import Ended, OpenRouter, PictureArrived, Text
from bot.openrouter.landing import BATCH_BYTES, PICTURES_MAX
from bot.openrouter.stream import ANSWER_BYTES_MAX
from bot.pictures.shelf import Shelf
from tests.ledger.support import SetClock
from tests.openrouter.support import (
    DONE,
    GENERATION_ID,
    STOP,
    USAGE,
    Connection,
    Happening,
    RawServer,
    Script,
    a_call,
    answers,
    chunk,
    data_url,
    drops,
    event,
    hear,
    hear_until,
    images,
    paints,
    says,
    stalls,
    streams,
    told,
    usage,
)

FOX = b"\x89PNG a fox" * 1000
OWL = b"\x89PNG an owl" * 1000
COST = NanoUsd(212_233_000)
REPORTED = Usage(COST, 1894, 128, 7090, 7024)


async def failure_of(
    server: RawServer, client: OpenRouter, script: Script
) -> tuple[CallFailed, list[Happening]]:
    """How the answer failed, and what had come before."""
    server.scripts.append(script)
    heard: list[Happening] = []
    with pytest.raises(CallFailed) as caught:
        await hear_until(client, heard)
    assert len(server.requests) == 1
    return caught.value, heard


# --- what arrives --------------------------------------------------------------------------------


async def test_text_and_pictures_keep_the_models_order(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    server.scripts.append(
        streams(
            b": OPENROUTER PROCESSING\n\n",
            says("First "),
            says("a fox:"),
            paints(FOX),
            b": OPENROUTER PROCESSING\n\n",
            says("```py\nowl()\n```"),
            paints(OWL, finish="stop"),
            usage(),
            DONE,
        )
    )
    heard = await hear(client)
    assert told(shelf, heard) == ["First a fox:", FOX, "```py\nowl()\n```", OWL]
    assert heard[-1] == Ended("stop", REPORTED)
    assert sum(isinstance(one, Ended) for one in heard) == 1


async def test_the_pictures_of_an_event_come_before_its_text(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    server.scripts.append(streams(paints(FOX, OWL, content="both"), STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == [FOX, OWL, "both"]


async def test_a_picture_is_on_the_shelf_before_it_is_told(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.send(paints(FOX))
        await go_on.wait()
        await connection.send(STOP, usage(), DONE)
        await connection.end()

    server.scripts.append(script)
    async with client.stream(a_call()) as reply:
        async for happening in reply:
            if isinstance(happening, PictureArrived):
                assert not go_on.is_set()
                assert happening.blob.size_bytes == len(FOX)
                assert shelf.path(happening.blob.id).read_bytes() == FOX
                go_on.set()
    assert go_on.is_set()


async def test_a_picture_of_many_batches_in_ragged_pieces_is_the_same(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    picture = bytes(range(256)) * 8_000 + b"end"
    line = paints(picture)
    assert len(line) > 4 * BATCH_BYTES
    pieces = [line[at : at + 40_013] for at in range(0, len(line), 40_013)]
    server.scripts.append(streams(*pieces, STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == [picture]


async def test_a_picture_that_comes_again_is_told_once(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    whole = {"role": "assistant", "content": "Hello", "images": images(FOX, OWL)}
    final = event({"choices": [{"index": 0, "message": whole, "finish_reason": "stop"}]})
    server.scripts.append(streams(says("Hello"), paints(FOX), paints(FOX), final, usage(), DONE))
    assert told(shelf, await hear(client)) == ["Hello", FOX, OWL]


async def test_more_than_the_most_pictures_are_dropped(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    many = [FOX + bytes([number]) for number in range(PICTURES_MAX + 3)]
    server.scripts.append(streams(paints(*many[:6]), paints(*many[6:]), STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == many[:PICTURES_MAX]


async def test_a_picture_written_in_an_unusual_way_arrives_too(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    odd = [data_url(FOX, "image/png;q=1"), data_url(OWL)]
    escaped = paints(*odd).replace(b"data:image/png;base64", b"\\u0064ata:image\\/png;base64")
    server.scripts.append(streams(escaped, STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == [FOX, OWL]


async def test_pictures_elsewhere_in_an_event_are_none_of_the_answer(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    delta = {"content": "Hi", "annotations": [{"url": data_url(FOX)}, {"url": data_url(b"")}]}
    server.scripts.append(streams(chunk(delta, "stop"), usage(), DONE))
    heard = await hear(client)
    assert told(shelf, heard) == ["Hi"]
    assert heard[-1] == Ended("stop", REPORTED)


async def test_a_long_event_and_all_of_unicode_arrive(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    text = 'é\u2028\x85😀"data:image/png;base64,' * 20_000
    line = (
        f"data: {json.dumps({'choices': [{'delta': {'content': text}}]}, ensure_ascii=False)}\n\n"
    )
    data = line.encode()
    pieces = [data[at : at + 30_011] for at in range(0, len(data), 30_011)]
    server.scripts.append(streams(*pieces, STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == [text]


def plain(*, content: str | None = "Here.", finish: str | None = "stop", **fields: object) -> bytes:
    message = {"role": "assistant", "content": content, "images": images(FOX, OWL)}
    choices = [{"index": 0, "message": message, "finish_reason": finish}]
    return json.dumps({"choices": choices, "usage": USAGE, **fields}, indent=1).encode()


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/event-stream"])
async def test_a_plain_answer_arrives_as_a_stream_does(
    server: RawServer, client: OpenRouter, shelf: Shelf, kind: str
) -> None:
    server.scripts.append(answers(200, b" \n" + plain(), {"Content-Type": kind}))
    heard = await hear(client)
    assert told(shelf, heard) == [FOX, OWL, "Here."]
    assert heard[-1] == Ended("stop", REPORTED)


@pytest.mark.parametrize("nothing", ['"images": null,', '"images": [],', ""])
async def test_no_pictures_can_be_said_in_three_ways(
    server: RawServer, client: OpenRouter, shelf: Shelf, nothing: str
) -> None:
    delta = f'{{"choices": [{{"delta": {{{nothing} "content": "Hi"}}}}]}}'
    server.scripts.append(streams(event(delta), STOP, usage(), DONE))
    assert told(shelf, await hear(client)) == ["Hi"]


async def test_unknown_fields_and_odd_events_are_passed_over(
    server: RawServer, client: OpenRouter, shelf: Shelf
) -> None:
    noise = map(event, ("not JSON", "1", "null", "[]", "{}", '{"choices": [null, 1]}'))
    odd = event('{"choices": [{"delta": {"content": ["x"], "images": [1, {}]}}], "error": null}')
    server.scripts.append(streams(*noise, odd, says("Hi"), STOP, usage(), DONE))
    heard = await hear(client)
    assert told(shelf, heard) == ["Hi"]
    assert heard[-1] == Ended("stop", REPORTED)


@pytest.mark.parametrize("shape", ["stream", "plain"])
async def test_memory_does_not_grow_with_the_picture(
    server: RawServer, client: OpenRouter, shelf: Shelf, shape: str
) -> None:
    peaks: list[int] = []
    for size_bytes in (2_000_000, 12_000_000):
        base64 = pybase64.b64encode(bytes(size_bytes)).decode()
        message = {"content": "", "images": images(f"data:image/png;base64,{base64}")}
        name = "delta" if shape == "stream" else "message"
        body = json.dumps({"choices": [{name: message, "finish_reason": "stop"}]}).encode()
        if shape == "stream":
            body = b"data: " + body + b"\n\n"

        async def script(connection: Connection, body: bytes = body) -> None:
            await connection.head()
            for at in range(0, len(body), 65_536):
                await connection.send(body[at : at + 65_536])
            await connection.end()

        server.scripts.append(script)
        tracemalloc.start()
        try:
            heard = await hear(client)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert isinstance(heard[0], PictureArrived)
        assert heard[0].blob.size_bytes == size_bytes
    assert peaks[1] - peaks[0] < 1_000_000
    assert peaks[1] < 6_000_000


# --- how it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({"cost": 0.1234567891}, 123_456_789),
        ({"cost": 1}, 1_000_000_000),
        ({"cost": 0}, 0),
        ({"cost": 0.0}, 0),
        ({"cost": 0.0005}, 500_000),
        ({"cost": None}, None),
        ({"cost": -0.1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": float("inf")}, None),
        ({"cost": 1e300}, None),
        ({"cost": "0.1"}, None),
        ({"cost": True}, None),
        ({"cost": {}}, None),
    ],
)
async def test_a_reported_cost_is_exact_or_not_known(
    server: RawServer, client: OpenRouter, changes: dict[str, object], cost: int | None
) -> None:
    server.scripts.append(streams(says("Hi"), STOP, usage(**changes), DONE))
    end = (await hear(client))[-1]
    assert isinstance(end, Ended)
    assert end.usage is not None
    assert end.usage.cost_nano_usd == cost
    assert end.usage.prompt_tokens == 1894


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (event({"choices": [], "usage": {"cost": 0.5}}), Usage(NanoUsd(500_000_000))),
        (usage(prompt_tokens_details=None), Usage(COST, 1894, 0, 7090, 7024)),
        (usage(completion_tokens_details=None), Usage(COST, 1894, 128, 7090, 0)),
        (usage(prompt_tokens=-3, completion_tokens=1.0), Usage(COST, 0, 128, 1, 7024)),
        (chunk(usage=USAGE), REPORTED),
        (event({"choices": [], "usage": None}), None),
        (b"", None),
    ],
)
async def test_usage_is_taken_as_far_as_it_goes(
    server: RawServer, client: OpenRouter, last: bytes, expected: Usage | None
) -> None:
    server.scripts.append(streams(says("Hi"), STOP, last, DONE))
    assert (await hear(client))[-1] == Ended("stop", expected)


@pytest.mark.parametrize("cost", [0, 0.0039, 0.004])
async def test_a_cost_too_low_for_a_picture_is_not_believed(
    server: RawServer, client: OpenRouter, cost: float
) -> None:
    server.scripts.append(streams(paints(FOX), STOP, usage(cost=cost), DONE))
    end = (await hear(client))[-1]
    assert isinstance(end, Ended)
    assert end.usage is not None
    assert end.usage.cost_nano_usd == (4_000_000 if cost == 0.004 else None)
    assert end.usage.image_tokens == 7024


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([says("Hi"), STOP, usage()], Ended("stop", REPORTED)),
        ([says("Hi"), STOP], Ended("stop", None)),
        ([says("Hi"), usage(), DONE], Ended(None, REPORTED)),
        ([says("Hi"), DONE], Ended(None, None)),
        ([says("Hi"), chunk(finish="length"), usage(), DONE], Ended("length", REPORTED)),
        ([says("Hi"), chunk(finish="novel"), usage(), DONE], Ended("novel", REPORTED)),
        ([says("Hi"), chunk(finish="stop"), usage()[:-2]], Ended("stop", REPORTED)),
    ],
)
@pytest.mark.parametrize("way", ["end", "drop", "stall"])
async def test_an_answer_whose_end_was_told_is_whole_without_more(
    server: RawServer, hasty: OpenRouter, pieces: Sequence[bytes], expected: Ended, way: str
) -> None:
    server.scripts.append({"end": streams, "drop": drops, "stall": stalls}[way](*pieces))
    heard = await hear(hasty)
    assert heard == [Text("Hi"), expected]


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
