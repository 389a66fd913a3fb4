"""Figures that equal the books wherever people read them: commands, reports, the program."""

import asyncio
import csv
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from bot.clock import day_text, milliseconds, utc
from bot.ledger import reports
from bot.money import NanoUsd, dollars
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.openrouter import Finish, NoUsage, Paint, Say, Status, answer
from bot.store.database import Transaction
from bot.store.entry_rows import EntryRow
from tests.e2e.process import write_config
from tests.e2e.stage import Stage

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)  # a Wednesday
PERIODS: dict[str, Callable[[datetime], bool]] = {
    "today": lambda day: day.date() == NOON.date(),
    "week": lambda day: day.isocalendar()[:2] == NOON.isocalendar()[:2],
    "month": lambda day: (day.year, day.month) == (2027, 3),
    "last-month": lambda day: (day.year, day.month) == (2027, 2),
    "year": lambda day: day.year == 2027,
    "all": lambda _: True,
}


async def entries(stage: Stage) -> list[EntryRow]:
    async def operation(tx: Transaction) -> list[EntryRow]:
        return [row async for row in reports.entry_rows(tx, "all")]

    return await stage.read(operation)


async def shown(stage: Stage, pending: Awaitable[Interaction]) -> tuple[str, dict[str, list[str]]]:
    """The embed of a private answer: its first line, and its lists by name."""
    interaction = await pending
    message = await interaction.finished()
    assert interaction.ephemeral
    (embed,) = message.embeds
    lists = {field["name"]: field["value"].splitlines() for field in embed.get("fields", [])}
    return embed["description"].splitlines()[0], lists


def total_line(costs: list[int]) -> str:
    if not costs:
        return "Nothing was spent."
    noun = "exchange" if len(costs) == 1 else "exchanges"
    return f"**{dollars(NanoUsd(sum(costs)))}** for {len(costs)} {noun}"


async def test_spend_and_report_agree_with_the_books_for_every_period(stage: Stage):
    offsets = (-400, -60, -12, -3, -2, 0)
    stage.clock.pushed_ms = milliseconds(NOON) - stage.clock.now_ms() + offsets[0] * 86_400_000
    await stage.start()
    asked: list[tuple[datetime, int]] = []
    for before, offset in zip((offsets[0], *offsets), offsets, strict=False):
        stage.clock.pushed_ms += (offset - before) * 86_400_000
        cost = 1_000_000 + 10_000_000 * len(asked)
        stage.model.script(answer(Say("A fox."), cost_nano_usd=cost))
        interaction = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
        await interaction.finished()
        await stage.until_idle()
        asked.append((NOON + timedelta(days=offset), cost))
    assert {day_text(int(row.day.replace("-", ""))) for row in await entries(stage)} == {
        day.date().isoformat() for day, _ in asked
    }
    for period, within in PERIODS.items():
        costs = [cost for day, cost in asked if within(day)]
        line, _ = await shown(stage, stage.mara.command(stage.channel, "spend", period=period))
        assert line == total_line(costs), period
        line, lists = await shown(
            stage, stage.ada.command(stage.channel, "report show", period=period, by="day")
        )
        assert line == total_line(costs), period
        assert lists.get("By day (UTC)", []) == [
            f"{day.date().isoformat()}: {dollars(NanoUsd(cost))} · 1"
            for day, cost in reversed(asked)
            if within(day)
        ]
    costs = [cost for day, cost in asked if PERIODS["month"](day)]
    assert (await shown(stage, stage.mara.command(stage.channel, "spend")))[0] == total_line(costs)
    assert (await shown(stage, stage.ada.command(stage.channel, "report show")))[0] == total_line(
        costs
    )


async def test_every_breakdown_of_a_report_sums_to_this_servers_part_of_the_books(stage: Stage):
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.mara)
    elsewhere.join(stage.theo, [elsewhere.add_role("Admins", Permission.MANAGE_GUILD)])
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    asked = await stage.theo.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    asked = await stage.theo.say(thread, "what is this?")
    await stage.answers(thread, asked.id)
    await (await stage.theo.command(stage.channel, "imagine", prompt="a boat")).finished()
    await (await stage.mara.command(other, "imagine", prompt="a castle")).finished()
    asked = await stage.mara.say(stage.mara.dm, "a lake")
    await stage.answers(stage.mara.dm, asked.id)
    await stage.until_idle()
    rows = await entries(stage)
    assert sum(int(row.cost_nano_usd) for row in rows) == stage.model.account.total_nano_usd
    name: dict[str, tuple[str, Callable[[EntryRow], str]]] = {
        "member": ("By member", lambda row: f"<@{row.member_id}>"),
        "day": ("By day (UTC)", lambda row: row.day),
        "model": ("By model", lambda row: f"`{row.model}`"),
        "kind": ("By kind", lambda row: row.kind),
        "channel": ("By channel", lambda row: f"<#{row.channel_id}>"),
    }
    for server, channel, admin in (
        (stage.server, stage.channel, stage.ada),
        (elsewhere, other, stage.theo),
    ):
        mine = [row for row in rows if row.server_id == str(server.id)]
        total = total_line([int(row.cost_nano_usd) for row in mine])
        for by, (heading, key) in name.items():
            line, lists = await shown(stage, admin.command(channel, "report show", by=by))
            assert line == total
            groups = {key(row): [r for r in mine if key(r) == key(row)] for row in mine}
            assert set(lists) == {heading}
            assert set(lists[heading]) == {
                f"{group}: {dollars(NanoUsd(sum(int(r.cost_nano_usd) for r in each)))}"
                f" · {len(each)}"
                for group, each in groups.items()
            }
        _, lists = await shown(stage, admin.command(channel, "report show"))
        assert {"By member", "By model", "By day (UTC)"} <= set(lists)
        of_mara = [row for row in mine if row.member_id == str(stage.mara.id)]
        line, _ = await shown(
            stage, admin.command(channel, "report show", by="kind", member=stage.mara)
        )
        assert line == total_line([int(row.cost_nano_usd) for row in of_mara])
    kinds = {row.kind for row in rows if row.server_id == str(stage.server.id)}
    assert kinds == {"picture", "edit", "text"}
    everywhere = [row for row in rows if row.member_id == str(stage.mara.id)]
    line, _ = await shown(stage, stage.mara.command(stage.mara.dm, "spend"))
    assert line == total_line([int(row.cost_nano_usd) for row in everywhere])


async def test_the_report_is_for_who_manages_the_server(stage: Stage):
    await stage.start()
    report = next(one for one in stage.discord.commands.scopes[0] if one["name"] == "report")
    assert int(report["default_member_permissions"]) == Permission.MANAGE_GUILD
    assert report["contexts"] == [0] or report["dm_permission"] is False
    spend = next(one for one in stage.discord.commands.scopes[0] if one["name"] == "spend")
    assert spend["default_member_permissions"] is None


async def test_the_program_tells_the_books_beside_a_running_bot(stage: Stage, tmp_path: Path):
    stage.limit(unresolved_s=0.2)
    await stage.start()
    thread, _ = await stage.ask_in_thread("a fox")
    asked = await stage.theo.say(thread, "make it night")
    await stage.answers(thread, asked.id)
    await (await stage.mara.command(stage.channel, "imagine", prompt="a boat")).finished()
    asked = await stage.mara.say(stage.mara.dm, "what is this?")
    await stage.answers(stage.mara.dm, asked.id)
    stage.model.script(Status(401))
    await (await stage.mara.command(stage.channel, "imagine", prompt="void")).finished()
    stage.model.generation_misses = 10**6
    stage.model.script(answer(Paint(), Finish(), NoUsage()))
    await (await stage.ada.command(stage.channel, "imagine", prompt="a castle")).finished()
    await stage.until_idle()
    await stage.until_books_closed()
    config = write_config(stage, tmp_path)

    everything = await program_rows(config)
    expected: dict[tuple[str | None, ...], list[EntryRow]] = {}
    for row in await entries(stage):
        if row.basis != "void":
            key = (row.day, row.server_id or None, row.member_id, row.channel_id, row.kind)
            expected.setdefault(key, []).append(row)
    assert {
        (row["day"], row["server_id"], row["member_id"], row["channel_id"], row["kind"]): (
            row["exchanges"],
            row["cost_nano_usd"],
            row["estimated_nano_usd"],
        )
        for row in everything
    } == {
        key: (
            len(each),
            sum(int(row.cost_nano_usd) for row in each),
            sum(int(row.cost_nano_usd) for row in each if row.basis == "estimate"),
        )
        for key, each in expected.items()
    }
    here, mara, today = str(stage.server.id), str(stage.mara.id), utc(stage.clock.now_ms())
    assert {
        (row["server_id"], row["member_id"], row["channel_id"], row["kind"]) for row in everything
    } == {
        (here, mara, str(thread.id), "picture"),
        (here, str(stage.theo.id), str(thread.id), "edit"),
        (here, mara, str(stage.channel.id), "picture"),
        (here, str(stage.ada.id), str(stage.channel.id), "picture"),
        (None, mara, str(stage.mara.dm.id), "text"),
    }
    assert {row["day"] for row in everything} == {today.date().isoformat()}
    assert {row["model"] for row in everything} == {"openai/gpt-5.4-image-2"}
    assert [row for row in everything if row["estimated_nano_usd"]] == [
        row for row in everything if row["member_id"] == str(stage.ada.id)
    ]
    of_server = await program_rows(config, "--server", here)
    assert of_server == [row for row in everything if row["server_id"] == here]

    output = await program(config, "--csv", str(tmp_path / "all.csv"))
    assert "entries written" in output
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as opened:
        lines = list(csv.DictReader(opened))
    assert lines == [asdict(row) for row in await entries(stage)]
    assert lines[0]["time"].endswith(("Z", "+00:00"))
    table = await program(config, "--by", "member")
    assert dollars(NanoUsd(await stage.ledger_nano_usd())) in table.splitlines()[-1]


async def program(config: Path, *words: str) -> str:
    """What `easel spend` prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "spend", "--config", str(config), *words),
        env={"PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def program_rows(config: Path, *words: str) -> list[dict[str, object]]:
    parsed: object = json.loads(await program(config, "--json", *words))
    assert isinstance(parsed, list)
    rows = cast("list[dict[str, object]]", parsed)  # asserted below, key by key
    names = [
        *("day", "server_id", "member_id", "channel_id", "model", "kind", "exchanges"),
        *("cost_nano_usd", "estimated_nano_usd"),
    ]
    for row in rows:
        assert list(row) == names
        assert all(isinstance(row[each], str) for each in names[:1] + names[2:6])
        assert row["server_id"] is None or isinstance(row["server_id"], str)
        assert all(type(row[each]) is int for each in names[6:])
    return rows
