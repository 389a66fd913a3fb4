"""By which id a call can be asked for later: the header's, or else what an event says it is."""

import asyncio
import json

import pytest

from bot.errors import CallFailed
from bot.openrouter.client import Ended, Identified, OpenRouter, Text
from tests.openrouter.support import (
    DONE,
    GENERATION_ID,
    STOP,
    Connection,
    RawServer,
    a_call,
    answers,
    chunk,
    hear,
    says,
    usage,
)

FINE = (says("Hi"), STOP, usage(), DONE)


async def test_the_generation_is_known_when_headers_are_there(
    server: RawServer, client: OpenRouter
) -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head()
        await go_on.wait()
        await connection.send(*FINE)
        await connection.end()

    server.scripts.append(script)
    async with client.stream(a_call()) as reply:
        happenings = aiter(reply)
        assert await anext(happenings) == Identified(GENERATION_ID)
        go_on.set()
        assert [type(one) async for one in happenings] == [Text, Ended]


async def test_without_a_header_the_first_event_tells_the_generation(
    server: RawServer, client: OpenRouter
) -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.head(headers={"X-Generation-Id": ""})
        await connection.send(b": OPENROUTER PROCESSING\n\n", chunk({"role": "assistant"}))
        await go_on.wait()
        await connection.send(*FINE)
        await connection.end()

    server.scripts.append(script)
    async with client.stream(a_call()) as reply:
        happenings = aiter(reply)
        assert await anext(happenings) == Identified(GENERATION_ID)
        go_on.set()
        assert [type(one) async for one in happenings] == [Text, Ended]


async def test_the_header_counts_before_what_an_event_says(
    server: RawServer, client: OpenRouter
) -> None:
    async def script(connection: Connection) -> None:
        await connection.head(headers={"X-Generation-Id": "gen-1"})
        await connection.send(*FINE)
        await connection.end()

    server.scripts.append(script)
    async with client.stream(a_call()) as reply:
        ids = [one.generation_id async for one in reply if isinstance(one, Identified)]
    assert ids == ["gen-1"]


@pytest.mark.parametrize("told", [None, "", 7, "chatcmpl-1", "gen-", "gen-1\nforged", ["gen-1"]])
async def test_what_is_no_generation_id_is_none(
    server: RawServer, client: OpenRouter, told: object
) -> None:
    body = json.dumps({"id": told, "error": {"code": 502}}).encode()
    server.scripts.append(answers(200, body, {"X-Generation-Id": ""}))
    with pytest.raises(CallFailed) as caught:
        await hear(client)
    assert caught.value.generation_id is None


async def test_an_error_in_a_200_tells_its_generation_too(
    server: RawServer, client: OpenRouter
) -> None:
    body = json.dumps({"id": GENERATION_ID, "error": {"code": 502}}).encode()
    server.scripts.append(answers(200, body, {"X-Generation-Id": ""}))
    with pytest.raises(CallFailed) as caught:
        await hear(client)
    assert caught.value.generation_id == GENERATION_ID
