import asyncio
from decimal import Decimal

import httpx
import pytest

from bot.sandbox.openrouter import (
    MODEL,
    Answer,
    Drop,
    LookUp,
    ModelSandbox,
    Paint,
    Say,
    Stall,
)
from tests.sandbox.openrouter.conftest import Caller, body
from tests.sandbox.openrouter_specs import openrouter_spec


async def test_the_account_is_the_sum_of_the_usage_told(caller: Caller):
    told = [await caller.ask(words) for words in ("a fox", "why?", "a hare", "make it blue")]
    costs = [Decimal(str(answered.usage["cost"])) for answered in told]
    assert caller.model.account.total_nano_usd == sum(costs) * 10**9
    assert caller.model.account.charges == {
        answered.generation_id: cost * 10**9 for answered, cost in zip(told, costs, strict=True)
    }
    assert caller.model.account.held_nano_usd == 0


async def test_a_repeated_beginning_of_a_session_is_cached_and_cheaper(caller: Caller):
    history = {"role": "system", "content": "word " * 3_000}
    user = {"role": "user", "content": "x"}
    request = body(modalities=["text"], session_id="s", messages=[history, user])
    first, second = [await caller.stream(request) for _ in range(2)]
    cached_tokens = caller.model.account.generations[second.generation_id].meter.cached_tokens
    assert cached_tokens % 128 == 0
    charges = caller.model.account.charges
    saved = charges[first.generation_id] - charges[second.generation_id]
    assert saved == cached_tokens * 6_000 > 0


async def test_rules_answer_what_they_match_and_scripts_come_first(caller: Caller):
    caller.model.when(lambda call: "code" in call.words, [Say("print()"), Paint("snake")])
    caller.model.script(Say("scripted"))
    texts = [(await caller.ask(words, modalities=["text"])).text for words in ("code", "code")]
    assert texts == ["scripted", "print()"]
    assert "stand-in" in (await caller.ask("other?")).text


async def test_a_closed_gate_holds_every_call_until_it_opens(caller: Caller):
    caller.model.gate.close()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        asked = [group.create_task(caller.ask("why?")) for _ in range(5)]
        await caller.model.gate.arrived(5)
        assert caller.model.account.held_nano_usd > 0
        assert not any(task.done() for task in asked)
        caller.model.gate.open()
    assert all(task.result().status == 200 for task in asked)


async def test_a_closed_gate_can_stand_behind_the_headers(caller: Caller):
    caller.model.gate.close()
    caller.model.headers_before_gate = True
    async with caller.http.stream("POST", "/chat/completions", json=body("why?")) as response:
        assert response.headers["X-Generation-Id"] == caller.model.calls[0].generation_id
        caller.model.gate.open()
        await response.aread()


async def test_a_reply_can_wait_between_its_picture_and_its_usage(caller: Caller):
    caller.model.pause_after_picture.close()
    received = b""
    async with caller.http.stream("POST", "/chat/completions", json=body("fox")) as response:
        async for piece in response.aiter_raw():
            received += piece
            if b'"images"' in received and received.endswith(b"\n\n"):
                break
    await caller.model.until(lambda: caller.model.calls[0].ended)
    assert b'"usage"' not in received
    generation_id = caller.model.calls[0].generation_id
    assert generation_id is not None
    assert caller.model.account.charges[generation_id] > 200_000_000


async def test_a_cancelled_answer_can_be_free(caller: Caller):
    caller.model.charge_cancelled = False
    caller.model.script([Say("words"), Stall()])
    with pytest.raises(httpx.ReadTimeout):
        await caller.http.post("/chat/completions", json=body("x"), timeout=0.2)
    await caller.model.until(lambda: caller.model.calls[0].ended)
    assert caller.model.account.total_nano_usd == 0
    assert caller.model.calls[0].cancelled


async def test_a_generation_is_not_found_for_some_polls_and_then_tells_its_cost(caller: Caller):
    caller.model.generation_misses = 2
    answered = await caller.ask("a fox", user="sha256:ab", session_id="channel-1")
    polls = [await caller.get("/generation", id=answered.generation_id) for _ in range(3)]
    assert [poll.status_code for poll in polls] == [404, 404, 200]
    data = polls[2].json()["data"]
    assert data["total_cost"] == answered.usage["cost"]
    assert data["native_tokens_completion_images"] == 7_024
    assert (data["external_user"], data["session_id"]) == ("sha256:ab", "channel-1")
    assert (data["cancelled"], data["finish_reason"]) == (False, "stop")
    assert (await caller.get("/generation", id="gen-unknown")).status_code == 404


async def test_a_running_generation_is_not_found(caller: Caller):
    caller.model.generation_misses = 0
    caller.model.headers_before_gate = True
    caller.model.gate.close()
    async with caller.http.stream("POST", "/chat/completions", json=body("why?")) as response:
        generation_id = response.headers["X-Generation-Id"]
        assert (await caller.get("/generation", id=generation_id)).status_code == 404
        caller.model.gate.open()
        await response.aread()
    assert (await caller.get("/generation", id=generation_id)).status_code == 200


async def test_the_other_endpoints_answer_as_documented(caller: Caller):
    spec = openrouter_spec()
    caller.model.generation_misses = 0
    answered = await caller.ask("a fox")
    found = await caller.get("/generation", id=answered.generation_id)
    missing = await caller.get("/generation", id="gen-unknown")
    spec.check_reply("get", "/generation", 200, found.json())
    spec.check_reply("get", "/generation", 404, missing.json())
    for path, status in (("/key", 200), ("/models", 200), ("/credits", 403)):
        response = await caller.get(path)
        assert response.status_code == status
        spec.check_reply("get", path, status, response.json())
    path = "/models/{author}/{slug}/endpoints"
    spec.check_reply("get", path, 200, (await caller.get(f"/models/{MODEL}/endpoints")).json())
    unknown = await caller.get("/models/openai/gpt-9/endpoints")
    assert unknown.status_code == 404
    spec.check_reply("get", path, 404, unknown.json())


async def test_models_are_filtered_by_what_they_put_out(caller: Caller):
    counts = {
        asked: (await caller.get("/models", output_modalities=asked)).json()["total_count"]
        for asked in ("text", "image", "all", "audio")
    }
    assert counts == {"text": 1, "image": 1, "all": 1, "audio": 0}


async def test_the_key_tells_what_was_used(caller: Caller):
    answered = await caller.ask("a fox")
    facts = (await caller.get("/key")).json()["data"]
    assert facts["usage"] == answered.usage["cost"]
    assert facts["limit_remaining"] == pytest.approx(facts["limit"] - facts["usage"])


async def test_what_the_sandbox_itself_does_wrong_is_raised_when_it_closes():
    async def go_wrong() -> None:
        async with ModelSandbox() as model, httpx.AsyncClient(base_url=model.base_url) as http:
            model.when(lambda call: 1 // len(call.pictures) > 0, Say("never"))
            headers = {"Authorization": f"Bearer {model.api_key}"}
            response = await http.post("/chat/completions", json=body("x"), headers=headers)
            assert response.status_code == 500

    with pytest.raises(ExceptionGroup, match="stand-in model"):
        await go_wrong()


async def test_it_closes_while_a_call_stalls():
    async with asyncio.timeout(20), ModelSandbox() as model:
        model.script(Stall())
        headers = {"Authorization": f"Bearer {model.api_key}"}
        async with httpx.AsyncClient(base_url=model.base_url, headers=headers) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.post("/chat/completions", json=body("x"), timeout=0.2)


async def test_a_rule_can_be_told_when_the_call_comes(caller: Caller):
    caller.model.when(lambda call: "number" in call.words, lambda call: Say(f"{call.number}"))
    texts = [(await caller.ask("which number?", modalities=["text"])).text for _ in range(2)]
    assert texts == ["1", "2"]


async def test_what_generation_says_can_be_one_answers_own(caller: Caller):
    caller.model.generation_misses = 0
    caller.model.script(
        Answer((Say("x"),), cost_nano_usd=70, look_up=LookUp(misses=1, cost_nano_usd=50)),
        Answer((Say("x"),), cost_nano_usd=70),
    )
    first, second = await caller.ask("x"), await caller.ask("x")
    polls = [
        await caller.get("/generation", id=generation_id)
        for generation_id in (first.generation_id, first.generation_id, second.generation_id)
    ]
    assert [poll.status_code for poll in polls] == [404, 200, 200]
    costs = [Decimal(str(poll.json()["data"]["total_cost"])) * 10**9 for poll in polls[1:]]
    assert costs == [50, 70]
    assert list(caller.model.account.charges.values()) == [70, 70]
    assert all(generation.told for generation in caller.model.account.generations.values())


async def test_an_answer_can_be_charged_otherwise_when_it_is_cut(caller: Caller):
    cut = Answer((Say("x"), Drop()), cost_nano_usd=70, cut_nano_usd=50)
    caller.model.script(cut, Answer((Say("x"),), cost_nano_usd=70, cut_nano_usd=50))
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.ask("x")
    await caller.ask("x")
    assert [call.cost_nano_usd for call in caller.model.calls] == [50, 70]


async def test_an_answer_can_be_plain_and_without_its_id_in_the_header(caller: Caller):
    caller.model.script(Answer((Say("x"),), plain=True, named=False))
    response = await caller.post(body("x"))
    assert "X-Generation-Id" not in response.headers
    assert response.json()["id"] == caller.model.calls[0].generation_id
    assert response.json()["choices"][0]["message"]["content"] == "x"
