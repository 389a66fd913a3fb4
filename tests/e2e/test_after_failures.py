"""What a conversation remembers of requests that came to nothing, and answers that cannot be shown
whole.
"""

import base64

import pytest

from bot.errors import StoreUnavailable
from bot.ledger.settling import Settling
from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter import Say, Show, Status, answer
from bot.store.database import Transaction
from bot.store.exchanges import Exchange
from tests.e2e.stage import Stage, last_line

TOO_LARGE = {"message": "Request entity too large", "code": 40005}


def said(stage: Stage) -> list[object]:
    """The messages of the last call at the model."""
    messages = stage.model.calls[-1].request["messages"]
    assert isinstance(messages, list)
    return list(messages)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # foreign JSON


async def test_a_request_that_failed_is_remembered(stage: Stage):
    await stage.start()
    stage.model.script(Status(520, "Unknown error"))
    thread, answer = await stage.ask_in_thread("a red fox in deep snow")
    assert last_line(answer[-1]) == "-# provider · not charged"
    asked = await stage.mara.say(thread, "try again")
    await stage.answers(thread, asked.id)
    assert "a red fox in deep snow" in str(said(stage))


async def test_a_request_that_was_blocked_is_not_sent_again(stage: Stage):
    await stage.start()
    stage.model.script(Status(403, "flagged", metadata={"reasons": ["violence"]}))
    thread, answer = await stage.ask_in_thread("something terrible")
    assert last_line(answer[-1]) == "-# blocked · not charged"
    asked = await stage.mara.say(thread, "then a kitten")
    await stage.answers(thread, asked.id)
    assert "something terrible" not in str(said(stage))


async def test_a_picture_that_is_refused_at_every_size_leaves_text_and_cost(stage: Stage):
    await stage.start()
    stage.discord.faults.append(
        Fault("PATCH", r".*/messages/\d+", times=2, status=413, body=TOO_LARGE)
    )
    _, answer = await stage.ask_in_thread("a fox")
    assert not answer[-1].attachments
    assert answer[-1].content.startswith("Discord refuses the picture as too large")
    assert last_line(answer[-1]).startswith("-# $0.")


async def test_a_picture_that_cannot_be_used_is_said_beside_the_text_and_its_cost_kept(
    stage: Stage,
):
    await stage.start()
    broken = base64.b64encode(b"\x89PNG\r\n\x1a\nthis is none").decode()
    stage.model.script(answer(Say("Here it is:"), Show(f"data:image/png;base64,{broken}")))
    _, made = await stage.ask_in_thread("a fox")
    assert "Here it is:" in made[-1].content
    assert last_line(made[-1]).startswith("-# unreadable · charged $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_database_that_fails_at_the_settlement_is_asked_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    settle = Settling.settle_or_leave
    failures = [StoreUnavailable("The database is locked.")]

    async def once(self: Settling, tx: Transaction, exchange: Exchange) -> None:
        if failures:
            raise failures.pop()
        await settle(self, tx, exchange)

    monkeypatch.setattr(Settling, "settle_or_leave", once)
    await stage.start()
    _, made = await stage.ask_in_thread("a fox")
    assert not failures
    assert last_line(made[-1]).startswith("-# $0.")
    assert not await stage.open_holds()
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd
