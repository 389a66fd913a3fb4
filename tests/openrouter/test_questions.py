"""What the client asks beside its calls: what one cost, and what the key is good for."""

import pytest

from bot.errors import StartError
from bot.money import NanoUsd
from bot.openrouter.client import KeyFacts, OpenRouter
from bot.pictures.shelf import Shelf
from tests.openrouter.support import (
    API_KEY,
    RawServer,
    answers,
    opened,
    stalls,
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"data":{"total_cost":0.2122,"native_tokens_prompt":9}}', 212_200_000),
        (200, b'{"data":{"total_cost":0}}', 0),
        (200, b'{"data":{"total_cost":null}}', None),
        (200, b"<html>", None),
        (404, b'{"error":{"code":404,"message":"Generation not found"}}', None),
        (401, b'{"error":{"code":401}}', None),
        (500, b"", None),
        (200, b'{"data":{"total_cost":0.2122,"x":"' + b"x" * 100_000 + b'"}}', None),
    ],
)
async def test_a_generation_is_known_or_not_yet(
    server: RawServer, client: OpenRouter, status: int, body: bytes, expected: int | None
) -> None:
    server.scripts.append(answers(status, body))
    found = await client.generation("gen-1 &x=")
    assert server.requests[0].line == "GET /api/v1/generation?id=gen-1+%26x%3D HTTP/1.1"
    assert (None if found is None else found.cost_nano_usd) == expected


async def test_a_generation_that_cannot_be_asked_for_is_not_known(
    server: RawServer, hasty: OpenRouter, shelf: Shelf
) -> None:
    server.scripts.append(stalls())
    assert await hasty.generation("gen-1") is None
    async with opened("http://127.0.0.1:1/api/v1", shelf) as nowhere:
        assert await nowhere.generation("gen-1") is None


async def test_a_good_key_has_its_facts(server: RawServer, client: OpenRouter) -> None:
    server.scripts.append(answers(200, b'{"data":{"usage":1.25,"limit_remaining":0.5}}'))
    assert await client.check_key() == KeyFacts(NanoUsd(1_250_000_000), NanoUsd(500_000_000))
    assert server.requests[0].line == "GET /api/v1/key HTTP/1.1"


@pytest.mark.parametrize(
    ("status", "body", "says_so"),
    [
        (401, b"", "OPENROUTER_API_KEY"),
        (403, b"", "OPENROUTER_API_KEY"),
        (404, b"", "status 404"),
        (503, b"", "status 503"),
        (302, b"", "status 302"),
        (200, b"<html>", "status 200"),
        (200, b"{}", "status 200"),
    ],
)
async def test_a_key_that_is_not_good_is_a_start_error_in_one_sentence(
    server: RawServer, client: OpenRouter, status: int, body: bytes, says_so: str
) -> None:
    server.scripts.append(answers(status, body))
    with pytest.raises(StartError, match=says_so) as caught:
        await client.check_key()
    assert "\n" not in str(caught.value)
    assert API_KEY not in str(caught.value)


async def test_nobody_to_ask_about_the_key_is_a_start_error(shelf: Shelf) -> None:
    async with opened("http://127.0.0.1:1/api/v1", shelf) as client:
        with pytest.raises(StartError, match=r"http://127\.0\.0\.1:1/api/v1"):
            await client.check_key()


LISTED = b'{"data":[{"id":"a/b","pricing":{"prompt":"0.000008","completion":"0.000015"}}]}'


@pytest.mark.parametrize(
    ("offers", "highest", "number"),
    [
        (b'{"data":{"endpoints":[{"pricing":{"prompt":"0.000009"}},{"pricing":{}}]}}', 9_000, 2),
        (b'{"data":{"endpoints":[{"pricing":{"prompt":"0.000007"}}]}}', 8_000, 1),
        (b'{"data":{"endpoints":[]}}', 8_000, 0),
        (b'{"data":{}}', 8_000, None),
        (b"<html>", 8_000, None),
    ],
)
async def test_a_models_price_is_the_highest_of_all_who_offer_it(
    server: RawServer, client: OpenRouter, offers: bytes, highest: int, number: int | None
) -> None:
    server.scripts += [answers(200, LISTED), answers(200, offers)]
    found = await client.model("a/b")
    assert found is not None
    assert (found.input, found.endpoints) == (highest, number)
    assert server.requests[1].line == "GET /api/v1/models/a/b/endpoints HTTP/1.1"
