"""Conversations that outgrow what the model can read at once: nobody is told, and most of the
window is used.
"""

import asyncio
import sqlite3

import pytest

from bot.money import NanoUsd
from bot.sandbox.discord.world import Channel
from bot.sandbox.openrouter import Call, Say, Status, answer
from bot.sandbox.openrouter.request import CONTEXT_TOKENS, HIDDEN_TOOL_PROMPT_TOKENS
from tests.e2e.photos import meant, png, said, shas
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

TOO_LONG = Status(400, "maximum context length", error_type="context_length_exceeded")
RICH = NanoUsd(10**11)


async def have_talked(stage: Stage, thread: Channel, times: int, words: str) -> None:
    """Puts a long talk behind the first exchange of a thread, as if it had gone on for days."""
    await stage.until_idle()
    # Off the loop, which the bot needs to end what it may be writing.
    await asyncio.to_thread(_write_talk, stage, thread, times, words)


def _write_talk(stage: Stage, thread: Channel, times: int, words: str) -> None:
    database = sqlite3.connect(stage.settings.storage.data_dir / "easel.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(exchange)")]
    others = ", ".join(column for column in columns if column not in {"id", "prompt", "step"})
    for number in range(1, times + 1):
        database.execute(
            f"INSERT INTO exchange (id, prompt, step, {others})"
            f" SELECT id + ?, ?, 'done', {others} FROM exchange WHERE id = ?",
            (number, f"Question {number}: {words}", thread.id),
        )
        database.execute(
            "INSERT INTO piece (exchange_id, position, text) VALUES (?, 0, ?)",
            (thread.id + number, f"Answer {number}: {words}"),
        )
    database.commit()
    database.close()


def prompt_tokens(stage: Stage, call: Call) -> int:
    """What the stand-in counted, without its own hidden prompt."""
    assert call.generation_id is not None
    meter = stage.model.account.generations[call.generation_id].meter
    return meter.prompt_tokens - HIDDEN_TOOL_PROMPT_TOKENS


async def ask_on(stage: Stage, thread: Channel, text: str, *files: tuple[str, bytes]) -> str:
    """The small line that ends what came of it."""
    asked = await stage.mara.say(thread, text, files=files)
    return last_line((await stage.answers(thread, asked.id))[-1])


@pytest.mark.parametrize("words", ["word " * 90, "ünïcödé§ " * 30, "{x[0]:=1};" * 40])
async def test_a_thread_of_400_turns_goes_on_and_uses_its_window(stage: Stage, words: str):
    stage.budget(member_day_nano_usd=RICH, member_month_nano_usd=RICH)
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    await have_talked(stage, thread, 200, words)
    for number in range(7):
        files = [("cat.png", png(RED))] if number % 3 == 0 else []
        assert (await ask_on(stage, thread, f"now {number}: {words}", *files)).startswith("-# $")
    limit = stage.settings.limits.context_tokens
    calls = list(stage.model.calls)[2:]  # the first after the talk teaches how tokens are counted
    for call in calls:
        assert call.status == 200
        assert 0.85 * limit <= prompt_tokens(stage, call) <= 1.1 * limit
    beginnings = [said(call)[0] for call in calls]
    assert len(set(beginnings)) <= 2
    assert any(stage.model.account.generations[call.generation_id or ""].meter.cached_tokens
               > limit // 2 for call in calls)  # fmt: skip


async def test_at_the_models_own_window_nobody_sees_its_refusal(stage: Stage):
    limit = CONTEXT_TOKENS - stage.settings.openrouter.max_tokens
    stage.limit(context_tokens=limit, ask_above_nano_usd=0)
    stage.budget(member_day_nano_usd=RICH, member_month_nano_usd=RICH)
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    await have_talked(stage, thread, 200, "{x[0]:=1};" * 400 + " a b c d e" * 200)
    for number in range(5):
        assert (await ask_on(stage, thread, f"and now {number}?")).startswith("-# $")
    for call in list(stage.model.calls)[-3:]:
        assert call.status == 200
        assert prompt_tokens(stage, call) >= 0.85 * limit


async def test_what_is_too_long_is_tried_once_with_less_history_and_not_billed(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    await have_talked(stage, thread, 40, "word " * 400)
    stage.model.script(TOO_LONG, answer(Say("Here you are.")))
    assert (await ask_on(stage, thread, "what was first?")).startswith("-# $")
    first, second = list(stage.model.calls)[-2:]
    assert first.status == 400
    assert 0 < len(said(second)) < len(said(first))
    assert said(second)[-1] == ("user", "what was first?")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
    assert await stage.open_holds() == 0
    await ask_on(stage, thread, "and then?")
    assert len(said(stage.model.calls[-1])) > len(said(second))


async def test_what_is_too_long_with_less_history_is_told_and_not_charged(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    stage.model.script(TOO_LONG, TOO_LONG)
    assert await ask_on(stage, thread, "make it night") == "-# too-large · not charged"
    assert len(stage.model.calls) == 3
    assert await stage.open_holds() == 0


async def test_what_is_too_long_by_itself_is_not_tried_again(stage: Stage):
    await stage.start()
    stage.model.script(TOO_LONG)
    _, made = await stage.ask_in_thread("a red fox")
    assert last_line(made[-1]) == "-# too-large · not charged"
    assert len(stage.model.calls) == 1


async def test_the_shorter_call_may_be_tried_again_like_any_other(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    busy = Status(429)
    stage.model.script(busy, TOO_LONG, busy)
    assert (await ask_on(stage, thread, "make it night")).startswith("-# $")
    assert [call.status for call in stage.model.calls] == [200, 429, 400, 429, 200]


async def test_the_last_picture_is_meant_however_long_ago_it_was(stage: Stage):
    stage.limit(context_tokens=2_000)
    await stage.start()
    thread, first = await stage.ask_in_thread("a red fox")
    await have_talked(stage, thread, 40, "word " * 200)
    await ask_on(stage, thread, "do you remember?")
    await ask_on(stage, thread, "make it night")
    assert meant(stage.model.calls[-1]) == shas(stage, *first)


async def test_what_is_too_long_with_less_history_too_is_told_and_not_charged(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    stage.model.script(TOO_LONG, TOO_LONG)
    assert await ask_on(stage, thread, "make it night") == "-# too-large · not charged"
    assert len(stage.model.calls) == 3
    assert await stage.open_holds() == 0
