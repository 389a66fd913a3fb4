"""What the script for charts prints is what is drawn, and what the database answers."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.clock import SystemClock, day_number
from tests.bench import books

ROOT = Path(__file__).parents[2]
ENTRIES = books.MINE_SHARE


@pytest.mark.long
def test_the_script_draws_every_chart_and_prints_the_figures_of_the_books(tmp_path: Path):
    database = tmp_path / "books.db"
    books.make(database, ENTRIES, SystemClock().now_ms(), whole=False)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tests.charts", "--database", str(database), "--data"),
            *("--period", "all", "--output", str(tmp_path / "charts")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = [line.split("\t") for line in ran.stdout.splitlines()]
    with sqlite3.connect(database) as connection:

        def asked(column: str, most: int) -> list[tuple[str, str]]:
            rows = connection.execute(
                f"SELECT {column}, SUM(cost_nano_usd) AS cost FROM entry"
                f" GROUP BY {column} ORDER BY cost DESC LIMIT {most}"
            )
            return [(str(key), f"{cost // 10**9}.{cost % 10**9:09}") for key, cost in rows]

        newest = connection.execute(
            "SELECT day, SUM(cost_nano_usd) FROM entry GROUP BY day ORDER BY day DESC LIMIT 31"
        ).fetchall()
    drawn = {
        name: [(label, cost) for of, _, label, cost, _ in printed if of == name]
        for name in ("member", "kind", "model", "channel", "day", "overview")
    }
    assert [cost for _, cost in drawn["member"]] == [cost for _, cost in asked("member_id", 15)]
    assert drawn["kind"] == asked("kind", 15)
    assert drawn["model"] == asked("model", 15)
    assert [cost for _, cost in drawn["channel"]] == [cost for _, cost in asked("channel_id", 15)]
    assert [(int(day.replace("-", "")), cost) for day, cost in drawn["day"]] == [
        (day, f"{cost // 10**9}.{cost % 10**9:09}") for day, cost in reversed(newest)
    ]
    assert drawn["overview"] == drawn["day"] + drawn["member"][:10]
    assert newest[0][0] == day_number(SystemClock().now_ms())
    for name in drawn:
        for theme in ("", "-dark", "-light"):
            assert (tmp_path / "charts" / f"{name}{theme}.png").stat().st_size > 1_000
    connection.close()
