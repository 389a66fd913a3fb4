"""The client and the stand-in model together: what it paints arrives, what it charges is known, and
nothing is billed twice.
"""

import hashlib
from collections.abc import AsyncIterator

import pytest

from bot.errors import CallFailed, Word
from bot.openrouter.client import Ended, OpenRouter
from bot.pictures.shelf import Shelf
from bot.sandbox.openrouter.script import (
    Answer,
    Comment,
    Drop,
    ErrorChunk,
    ErrorIn200,
    Finish,
    NoUsage,
    Paint,
    Say,
    Status,
    Told,
    UsageStep,
    silent_block,
)
from bot.sandbox.openrouter.server import ModelSandbox
from bot.store.pictures import Picture
from tests.ledger.support import SetClock
from tests.openrouter.support import Happening, a_call, hear, hear_until, told


@pytest.fixture
async def model() -> AsyncIterator[ModelSandbox]:
    async with ModelSandbox(picture_scale=0.25) as opened:
        yield opened


@pytest.fixture
async def client(model: ModelSandbox, shelf: Shelf) -> AsyncIterator[OpenRouter]:
    async with OpenRouter(
        base_url=model.base_url,
        api_key=model.api_key,
        timeout_s=60,
        shelf=shelf,
        clock=SetClock(),
        read_gap_s=30,
    ) as opened:
        yield opened


async def cost_of(client: OpenRouter, model: ModelSandbox, end: Ended) -> int:
    """As the exchange would learn it: from the answer, else by looking it up until it is there."""
    if end.usage is not None and end.usage.cost_nano_usd is not None:
        return end.usage.cost_nano_usd
    generation_id = model.calls[-1].generation_id
    assert generation_id is not None
    for _ in range(5):
        found = await client.generation(generation_id)
        if found is not None:
            return found.cost_nano_usd
    raise AssertionError("never told")


ANSWERED: dict[str, tuple[Told, list[str]]] = {
    "text": ([Say("One, two, three, four, five, six.")], ["text"]),
    "a picture": (Paint(), ["picture"]),
    "no content": (Paint(content=None), ["picture"]),
    "text, picture, code, picture": (
        [Say("First"), Paint("one"), Say("```py\nx = 1\n```"), Paint("two")],
        ["text", "picture", "text", "picture"],
    ),
    "two in one delta": (Paint(count=2), ["picture", "picture"]),
    "a copy": (Paint(copies=2), ["picture"]),
    "JPEG": (Paint(media_type="image/jpeg"), ["picture"]),
    "WebP": (Paint(media_type="image/webp"), ["picture"]),
    "finish beside the picture": (Paint(finish="stop"), ["picture"]),
    "comments": ([Comment(5), Say("Hi"), Comment(2), Paint(), Comment()], ["text", "picture"]),
    "CRLF": (Answer((Say("Hi"), Paint()), line_end="\r\n"), ["text", "picture"]),
    "CR": (Answer((Say("Hi"), Paint()), line_end="\r"), ["text", "picture"]),
    "awkward cuts": (
        Answer((Say("Grüße 😀 “zwei”"), Paint()), line_end="\r\n", awkward=True),
        ["text", "picture"],
    ),
    "no [DONE]": (Answer((Say("Hi"), Paint()), done=False), ["text", "picture"]),
    "unknown fields": (Answer((Paint(),), extra={"novel": [{"url": "x"}]}), ["picture"]),
    "usage with a choice": ([Paint(), UsageStep(with_choice=True)], ["picture"]),
    "no usage": ([Paint(), NoUsage()], ["picture"]),
    "no cost": ([Paint(), UsageStep(leave_out=("cost",))], ["picture"]),
    "null cost": ([Paint(), UsageStep(change={"cost": None})], ["picture"]),
    "a thirtieth of the cost": ([Paint(), UsageStep(change={"cost": 0.0039})], ["picture"]),
    "no details": ([Paint(), UsageStep(change={"prompt_tokens_details": None})], ["picture"]),
    "a free one": (Answer((Say("Hi"),), cost_nano_usd=0), ["text"]),
    "nine decimals": (Answer((Say("Hi"),), cost_nano_usd=123_456_789), ["text"]),
    "cut by length": ([Say("Hi"), Finish("length")], ["text"]),
}


@pytest.mark.parametrize("name", ANSWERED)
async def test_what_the_stand_in_answers_arrives_and_its_charge_is_known(
    model: ModelSandbox, client: OpenRouter, shelf: Shelf, name: str
) -> None:
    script, expected = ANSWERED[name]
    model.script(script)
    heard = await hear(client, a_call("a fox"))
    got = told(shelf, heard)
    assert ["text" if isinstance(one, str) else "picture" for one in got] == expected
    end = heard[-1]
    assert isinstance(end, Ended)
    assert await cost_of(client, model, end) == model.calls[-1].cost_nano_usd
    assert len(model.calls) == 1


FAILED: dict[str, tuple[Told, Word]] = {
    "silent block": (silent_block(), Word.SILENT),
    "refusal": (Finish(refusal="I cannot paint that."), Word.BLOCKED),
    "content filter": ([Say("Hm"), Finish("content_filter")], Word.BLOCKED),
    "error at once": (ErrorChunk(), Word.PROVIDER),
    "error of words": (ErrorChunk(code="server_error"), Word.PROVIDER),
    "error after text": ([Say("Hm"), ErrorChunk()], Word.CUT),
    "error after a picture": ([Paint(), ErrorChunk(with_choices=False)], Word.CUT),
    "busy in mid-stream": (ErrorChunk(code=429, error_type="rate_limit_exceeded"), Word.BUSY),
    "error in a 200": (ErrorIn200(), Word.PROVIDER),
    "dropped after text": ([Say("Hm"), Drop()], Word.CUT),
    "dropped after a picture": ([Paint(), Drop()], Word.CUT),
    "dropped after headers": ([Comment(), Drop()], Word.PROVIDER),
    "charged 504": (Status(504, cost_nano_usd=150_000_000), Word.PROVIDER),
    "HTML 502": (Status(502, b"<html>"), Word.PROVIDER),
    "empty 500": (Status(500, b""), Word.PROVIDER),
    "busy": (Status(429, headers={"Retry-After": "3"}), Word.BUSY),
    "overloaded": (Status(529), Word.BUSY),
}


@pytest.mark.parametrize("name", FAILED)
async def test_what_the_stand_in_fails_at_is_told_and_never_voided_when_charged(
    model: ModelSandbox, client: OpenRouter, name: str
) -> None:
    script, word = FAILED[name]
    model.script(script)
    heard: list[Happening] = []
    with pytest.raises(CallFailed) as caught:
        await hear_until(client, heard)
    failed = caught.value
    assert failed.word is word
    assert not failed.may_retry or failed.charge_ruled_out
    charged = model.calls[-1].cost_nano_usd
    if charged:
        assert not failed.charge_ruled_out
        assert failed.generation_id == model.calls[-1].generation_id
    if failed.usage is not None and failed.usage.cost_nano_usd is not None:
        assert failed.usage.cost_nano_usd == charged
    assert len(model.calls) == 1


async def test_a_picture_goes_back_byte_for_byte(
    model: ModelSandbox, client: OpenRouter, shelf: Shelf
) -> None:
    (painted,) = [one for one in told(shelf, await hear(client)) if isinstance(one, bytes)]
    picture = Picture(hashlib.sha256(painted).hexdigest(), "image/png", 1, 1, len(painted))
    heard = await hear(client, a_call("Make it night", picture, image_size="2K"))
    assert model.calls[-1].pictures[0].sha256 == picture.id
    assert isinstance(told(shelf, heard)[-1], bytes)


async def test_a_model_without_text_alone_is_asked_for_both(
    model: ModelSandbox, client: OpenRouter
) -> None:
    model.text_only_accepted = False
    for _ in range(2):
        await hear(client, a_call("Why?", may_paint=False))
    assert [call.status for call in model.calls] == [404, 200, 200]


async def test_the_keys_facts_are_the_accounts(model: ModelSandbox, client: OpenRouter) -> None:
    await hear(client)
    facts = await client.check_key()
    assert facts.used_nano_usd == model.calls[-1].cost_nano_usd
