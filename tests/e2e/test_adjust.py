"""/report adjust: seen wherever the books are."""

import json
from pathlib import Path

import pytest

from bot.money import nano_usd
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.openrouter import Say, answer
from tests.e2e.process import write_config
from tests.e2e.stage import Stage, last_line
from tests.e2e.test_export import books
from tests.e2e.test_money_shown import program


async def test_a_correction_is_in_report_csv_and_easel_spend(stage: Stage, tmp_path: Path):
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.5"))))
    asked = await stage.mara.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, asked.id)
    await stage.until_idle()
    used = await stage.ada.command(
        stage.channel, "report adjust", member=stage.mara, amount="-0.20", reason="it was *wrong*"
    )
    message = await used.finished()
    assert used.ephemeral
    assert used.latency_s is not None
    assert used.latency_s < 1
    assert f"<@{stage.mara.id}>: -$0.2000. Reason: it was \\*wrong\\*" in message.content
    shown = await (await stage.ada.command(stage.channel, "report show", by="kind")).finished()
    (embed,) = shown.embeds
    assert embed["description"].splitlines()[0] == "**$0.3000** for 1 exchange"
    assert embed["fields"][0]["value"].splitlines() == [
        "text: $0.5000 · 1",
        "adjustment: -$0.2000 · 0",
    ]
    own = await (await stage.mara.command(stage.channel, "spend")).finished()
    assert own.embeds[0]["description"].splitlines()[0] == "**$0.3000** for 1 exchange"
    rows = await books(stage, stage.server.id)
    assert [(row["kind"], row["basis"], row["cost_usd"]) for row in rows] == [
        ("text", "usage", "0.500000000"),
        ("adjustment", "adjustment", "-0.200000000"),
    ]
    told = json.loads(await program(write_config(stage, tmp_path), "--json"))
    assert [(row["kind"], row["cost_nano_usd"], row["exchanges"]) for row in told] == [
        ("adjustment", -200_000_000, 0),
        ("text", 500_000_000, 1),
    ]


@pytest.mark.parametrize(
    ("amount", "reason"), [("0", "why"), ("a lot", "why"), ("2000000", "why"), ("1", " ")]
)
async def test_what_is_no_amount_or_has_no_reason_books_nothing(
    stage: Stage, amount: str, reason: str
):
    await stage.start()
    used = await stage.ada.command(
        stage.channel, "report adjust", member=stage.mara, amount=amount, reason=reason
    )
    message = await used.finished()
    assert used.ephemeral
    assert last_line(message) == "-# unreadable · not charged"
    assert not await books(stage, stage.server.id)


async def test_corrections_alone_are_told_as_a_sum(stage: Stage):
    await stage.start()
    for amount in ("-0.25", "0.05"):
        used = await stage.ada.command(
            stage.channel, "report adjust", member=stage.mara, amount=amount, reason="late"
        )
        assert "go by what was really paid" in (await used.finished()).content
    shown = await (await stage.ada.command(stage.channel, "report show")).finished()
    assert shown.embeds[0]["description"].startswith("**-$0.2000** in corrections alone\n")


async def test_members_correct_nothing(stage: Stage):
    await stage.start()
    with pytest.raises(SandboxError):
        await stage.mara.command(
            stage.channel, "report adjust", member=stage.mara, amount="-1", reason="please"
        )
