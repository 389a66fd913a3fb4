"""Each way to fail, through the whole bot: the word, what is said of the charge, how often the
model was called, and books that equal the account.
"""

from dataclasses import replace

import pytest

from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Status
from tests.e2e.failure_table import DOCUMENT, ROWS, UNREACHABLE, Row, document
from tests.e2e.stage import Stage, last_line

TIMEOUT_S = 1.5
"""Of a call, so that a stall is soon over."""


def promised(row: Row, line: str) -> bool:
    """Whether the last line of an answer is what the row promises."""
    if row.ends == "result":
        return line.startswith("-# ≈ $" if row.money == "estimate" else "-# $0.")
    charge = {"not charged": "not charged", "charged": "charged $0.", "estimate": "charged ≈ $0."}
    return line.startswith(f"-# {row.ends} · {charge[row.money]}")


async def cancel(stage: Stage, thread: Channel, shows: str) -> None:
    """Once the answer shows this and the call is on its way."""

    def message() -> Message | None:
        found = stage.ours(thread)
        return found[0] if found and stage.model.calls and shows in found[0].content else None

    await stage.discord.wait_until(lambda: message() is not None, 10)
    found = message()
    assert found is not None
    await (await stage.mara.click(found, "Cancel")).answered()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_failure(stage: Stage, row: Row):
    if row.shows is None:
        openrouter = replace(stage.settings.openrouter, timeout_s=TIMEOUT_S)
        stage.settings = replace(stage.settings, openrouter=openrouter)
    if not row.told_later:
        stage.model.generation_misses = 10**6
        stage.limit(unresolved_s=0.2)
    await stage.start()
    stage.model.script(*row.told)
    if row.stage == UNREACHABLE:
        await stage.model.__aexit__(None, None, None)
    asked = await stage.mara.say(stage.channel, f"{stage.me} a fox")
    thread = await stage.thread_of(asked)
    if row.shows is not None:
        await cancel(stage, thread, row.shows)
    answer = await stage.answers(thread, asked.id)
    await stage.until_books_closed()

    def shown() -> Message:
        return answer[-1]

    await stage.discord.wait_until(lambda: "not known" not in shown().content, 10)
    assert promised(row, last_line(shown())), last_line(shown())
    assert len(stage.model.calls) == row.calls
    ledger, account = await stage.ledger_nano_usd(), stage.model.account.total_nano_usd
    if row.money == "estimate":
        assert ledger >= account
    else:
        assert ledger == account
    if row.stage == UNREACHABLE:
        await stage.model.__aenter__()
    if "picture" in row.stage and "half" not in row.stage:
        assert sum(len(message.attachments) for message in answer) == 1


async def test_a_retry_waits_as_long_as_the_provider_says(stage: Stage):
    await stage.start()
    stage.model.script(Status(429, headers={"Retry-After": "7"}))
    _, answer = await stage.ask_in_thread("a fox")
    assert last_line(answer[-1]).startswith("-# $0.")
    assert 7.0 in stage.clock.pauses


def test_the_document_is_made_of_the_table():
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert document() == DOCUMENT.read_text(encoding="utf-8")
