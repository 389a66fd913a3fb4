"""What arrives of an answer, and how it ends: bytes on one side, events on the other."""

import asyncio
import json
import tracemalloc
from collections.abc import Sequence

import pybase64
import pytest

from bot.errors import CallFailed
from bot.money import NanoUsd, Usage
from bot.openrouter.client import Ended, OpenRouter, PictureArrived, Text
from bot.openrouter.landing import BATCH_BYTES, PICTURES_MAX
from bot.pictures.shelf import Shelf
from tests.openrouter.support import (
    COST,
    DONE,
    FOX,
    OWL,
    REPORTED,
    STOP,
    USAGE,
    Connection,
    RawServer,
    a_call,
    answers,
    chunk,
    data_url,
    drops,
    event,
    hear,
    images,
    paints,
    plain,
    says,
    stalls,
    streams,
    told,
    usage,
)


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


@pytest.mark.parametrize(
    "usages",
    [
        [usage(), usage(cost=None)],
        [usage(cost=None), usage()],
        [usage(cost=1), usage()],
        [usage(), event({"choices": [], "usage": None})],
    ],
)
async def test_a_cost_once_told_stands_until_another_is(
    server: RawServer, client: OpenRouter, usages: Sequence[bytes]
) -> None:
    server.scripts.append(streams(says("Hi"), STOP, *usages, DONE))
    end = (await hear(client))[-1]
    assert isinstance(end, Ended)
    assert end.usage == REPORTED


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


@pytest.mark.parametrize("last", [STOP, chunk(finish="error")])
async def test_after_the_end_its_usage_is_waited_for_only_a_while(
    server: RawServer, client: OpenRouter, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    monkeypatch.setattr("bot.openrouter.reply.LAST_GAP_S", 0.1)
    server.scripts.append(stalls(says("Hi"), last))
    async with asyncio.timeout(10):
        if last is STOP:
            assert await hear(client) == [Text("Hi"), Ended("stop", None)]
        else:
            with pytest.raises(CallFailed):
                await hear(client)
