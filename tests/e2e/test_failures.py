"""What the table of failures does not say: the pauses between calls, the holds behind them, what is
shown on the way, and that what arrived is shown whatever came after it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.money import NanoUsd, dollars
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import (
    Drop,
    ErrorChunk,
    ErrorIn200,
    Finish,
    NoUsage,
    Paint,
    Say,
    Stall,
    Status,
    UsageStep,
    answer,
    silent_block,
)
from bot.sandbox.openrouter.script import Told
from bot.store.database import Transaction
from tests.e2e.failure_table import IN_FLIGHT
from tests.e2e.stage import Stage, last_line

RETRIED: dict[str, tuple[int, dict[str, object]]] = {
    "402 in flight": (402, {**IN_FLIGHT, "reason": "in_flight_budget_exhausted"}),
    "429": (429, {}),
    "502": (502, {}),
    "503": (503, {}),
    "529": (529, {}),
}
UNKNOWN_AT_FIRST: dict[str, Told] = {
    "408": Status(408, cost_nano_usd=70_000_000),
    "500": Status(500, cost_nano_usd=70_000_000),
    "524": Status(524, cost_nano_usd=70_000_000),
    "error in a 200": ErrorIn200(),
    "drop after text": answer(Say("Half"), Drop()),
    "drop after the picture": answer(Paint(), Drop()),
    "error after text": answer(Say("Half"), ErrorChunk(), cost_nano_usd=70_000_000),
    "error after the picture": answer(Paint(), ErrorChunk("server_error")),
    "stall": answer(Say("Half"), Stall()),
    "no usage": answer(Say("Whole"), Finish(), NoUsage()),
    "no cost": answer(Paint(), Finish(), UsageStep(leave_out=("cost",))),
}
KNOWN_AT_ONCE: dict[str, Told] = {
    "401": Status(401),
    "413": Status(413),
    "silent block": silent_block(),
    "refusal": answer(Finish(refusal="I cannot do that.")),
    "content filter": answer(Say("Half"), Finish("content_filter")),
    "length": answer(Say("Half"), Finish("length")),
    "no [DONE]": answer(Say("Whole"), done=False),
}


def lines_shown(stage: Stage, message: Message) -> list[str]:
    """The small lines that a message ended with, one after another."""
    shown: list[str] = []
    for request in stage.discord.requests:
        body = request.body
        if isinstance(body, dict) and request.path.endswith(f"/messages/{message.id}"):
            line = str(body.get("content", "")).rsplit("\n", 1)[-1]
            if line.startswith("-# ") and line not in shown:
                shown.append(line)
    return shown


async def calls_made(stage: Stage) -> list[tuple[int, str, str | None, int]]:
    """Every call in the books: its number, how it was closed, the entry's basis and cost."""

    async def operation(tx: Transaction) -> list[tuple[int, str, str | None, int]]:
        rows = await tx.all(
            "SELECT r.call_number, r.state, e.basis, e.cost_nano_usd FROM reservation r"
            " LEFT JOIN entry e ON e.exchange_id = r.exchange_id"
            " AND e.call_number = r.call_number ORDER BY r.exchange_id, r.call_number"
        )
        return [tuple(row) for row in rows]

    return await stage.read(operation)


async def ended(stage: Stage, *told: Told, timeout_s: float = 1.0) -> Message:
    """The last message of an answer to which the model says this, once its cost is known."""
    openrouter = replace(stage.settings.openrouter, timeout_s=timeout_s)
    stage.settings = replace(stage.settings, openrouter=openrouter)
    await stage.start()
    stage.model.script(*told)
    _, messages = await stage.ask_in_thread("a fox")
    await stage.until_books_closed()
    await stage.discord.wait_until(lambda: "not known" not in messages[-1].content, 10)
    return messages[-1]


def retry_pauses(stage: Stage, *possible: float) -> list[float]:
    """The pauses of these lengths; those of the sweep and of look-ups are others."""
    return [pause for pause in stage.clock.pauses if pause in possible]


@pytest.mark.parametrize("failed", RETRIED.values(), ids=RETRIED.keys())
async def test_a_call_that_was_not_charged_is_made_again_twice_each_with_a_hold_of_its_own(
    stage: Stage, failed: tuple[int, dict[str, object]]
):
    code, metadata = failed
    status = Status(code, metadata=metadata, headers={"Retry-After": "7"})
    message = await ended(stage, status, status, timeout_s=10)
    assert retry_pauses(stage, 7.0) == [7.0, 7.0]
    assert len(stage.model.calls) == 3
    assert [(number, basis) for number, _, basis, _ in await calls_made(stage)] == [
        (1, "void"),
        (2, "void"),
        (3, "usage"),
    ]
    assert last_line(message).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_without_a_hint_the_pauses_grow(stage: Stage):
    await ended(stage, Status(503), Status(503), timeout_s=10)
    first, second = retry_pauses(stage, 1.0, 4.0)
    assert first < second


async def test_a_retry_needs_no_room_for_two_holds(stage: Stage):
    stage.budget(member_day_nano_usd=NanoUsd(560_000_000))
    message = await ended(stage, Status(502), Status(502), timeout_s=10)
    assert last_line(message).startswith("-# $0.")


async def test_after_a_retry_that_may_have_been_charged_there_is_no_other(stage: Stage):
    message = await ended(stage, Status(502), answer(Say("Half"), Drop()))
    assert "Half" in message.content
    cost = dollars(NanoUsd(stage.model.account.total_nano_usd))
    assert last_line(message) == f"-# cut · charged {cost}"
    assert len(stage.model.calls) == 2
    assert [basis for _, _, basis, _ in await calls_made(stage)] == ["void", "generation"]


@pytest.mark.parametrize("told", UNKNOWN_AT_FIRST.values(), ids=UNKNOWN_AT_FIRST.keys())
async def test_a_cost_that_is_not_told_is_said_to_be_unknown_and_amended_once_learnt(
    stage: Stage, told: Told
):
    message = await ended(stage, told)
    first, then = lines_shown(stage, message)
    cost = stage.model.account.total_nano_usd
    assert "cost not known yet" in first
    if first.startswith("-# cost"):
        assert then == first.replace("cost not known yet", dollars(NanoUsd(cost)))
    else:
        charge = f"charged {dollars(NanoUsd(cost))}" if cost else "not charged"
        assert then == first.replace("cost not known yet", charge)
    assert [basis for _, _, basis, _ in await calls_made(stage)] == ["generation"]
    assert len(stage.model.calls) == 1
    assert await stage.ledger_nano_usd() == cost


@pytest.mark.parametrize("told", KNOWN_AT_ONCE.values(), ids=KNOWN_AT_ONCE.keys())
async def test_a_cost_that_is_told_is_said_at_once_and_for_good(stage: Stage, told: Told):
    message = await ended(stage, told)
    assert len(lines_shown(stage, message)) == 1
    assert "not known" not in last_line(message)
    assert len(stage.model.calls) == 1
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_cost_that_is_learnt_late_is_not_estimated(stage: Stage):
    stage.model.generation_misses = 6
    message = await ended(stage, answer(Paint(), Drop()))
    cost = dollars(NanoUsd(stage.model.account.total_nano_usd))
    assert last_line(message) == f"-# cut · charged {cost}"


async def test_without_an_id_to_ask_by_the_hold_is_booked_at_once_as_an_estimate(stage: Stage):
    message = await ended(stage, Status(500))
    ((_, state, basis, cost),) = await calls_made(stage)
    assert (state, basis) == ("settled", "estimate")
    assert cost > 500_000_000
    assert lines_shown(stage, message) == [
        f"-# provider · charged ≈ {dollars(NanoUsd(cost))}"  # never "not known"
    ]


@pytest.mark.parametrize(
    "after",
    [
        (Drop(),),
        (Stall(),),
        (ErrorChunk(),),
        (ErrorChunk("server_error"),),
        (Finish("length"),),
        (Finish("content_filter"),),
        (Finish(refusal="No more."),),
    ],
    ids=lambda after: repr(after[0])[:40],
)
async def test_what_arrived_is_shown_in_its_order_whatever_came_after(
    stage: Stage, after: Sequence[Drop | Stall | ErrorChunk | Finish]
):
    openrouter = replace(stage.settings.openrouter, timeout_s=1.0)
    stage.settings = replace(stage.settings, openrouter=openrouter)
    await stage.start()
    stage.model.script([Say("A fox, first."), Paint("a fox"), Say("And now a"), *after])
    _, messages = await stage.ask_in_thread("a fox")
    await stage.until_books_closed()
    first, second = messages
    assert first.content == "A fox, first."
    assert len(first.attachments) == 1
    assert second.content.startswith("And now a")
    assert last_line(second).startswith(("-# cut · ", "-# blocked · "))
    assert len(second.content.splitlines()) > 2  # the sentence stands between


async def test_a_command_ends_in_the_same_words_where_everybody_sees_them(stage: Stage):
    await stage.start()
    stage.model.script(Status(404), answer(Paint(), Drop()))
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    message = await interaction.finished()
    assert not interaction.ephemeral
    assert last_line(message) == "-# owner · not charged"
    interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
    message = await interaction.finished()
    await stage.until_books_closed()
    await stage.discord.wait_until(lambda: "not known" not in message.content, 10)
    cost = dollars(NanoUsd(stage.model.account.total_nano_usd))
    assert last_line(message) == f"-# cut · charged {cost}"
    assert len(message.attachments) == 1
    assert len(interaction.messages) == 1


async def test_a_200_with_an_empty_body_is_no_answer_and_its_cost_is_looked_up(stage: Stage):
    message = await ended(stage, Status(200, b"", cost_nano_usd=70_000_000))
    assert last_line(message).endswith(" · charged $0.0700")
    assert len(stage.model.calls) == 1


async def test_one_members_failure_leaves_anothers_call_alone(stage: Stage):
    await stage.start()
    stage.model.when(lambda call: "fail" in call.words, answer(Say("Half"), Drop()))
    stage.model.gate.close()
    failing = await stage.mara.say(stage.channel, f"{stage.me} fail")
    fine = await stage.theo.say(stage.channel, f"{stage.me} a fox")
    threads = [await stage.thread_of(each) for each in (failing, fine)]
    async with asyncio.timeout(10):
        await stage.model.gate.arrived(2)
    stage.model.gate.open()
    (cut,), (answered,) = [
        await stage.answers(thread, asked.id)
        for thread, asked in zip(threads, (failing, fine), strict=True)
    ]
    await stage.until_books_closed()
    assert last_line(cut).startswith("-# cut · ")
    assert last_line(answered).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
