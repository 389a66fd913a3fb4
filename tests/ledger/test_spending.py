"""`easel spend`: progress is for a terminal, and figures are for whoever reads them."""

import io
import json
from pathlib import Path

import pytest

from bot import spending
from bot.errors import StartError
from bot.store.database import Database
from tests.ledger.test_export import book


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_bar_is_shown_on_a_terminal_alone(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
):
    monkeypatch.setattr(spending, "PROGRESS_FROM_ROWS", 1)
    monkeypatch.setattr(spending, "PROGRESS_FROM_SERVERS", 1)
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    await book(database, 50)
    await spending.write_csv(database, "all", None, tmp_path / "all.csv")
    await spending.print_json(database, "all", None)
    assert ("100%" in shown.getvalue()) == terminal
    assert shown.getvalue() == "" or terminal
    said, _, array = capsys.readouterr().out.partition("\n")
    assert said == f"43 entries written to {tmp_path / 'all.csv'}"
    assert sum(row["cost_nano_usd"] for row in json.loads(array)) == sum(
        number for number in range(1, 51) if number % 7
    )


async def test_where_there_is_little_to_read_no_bar_is_shown(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    await book(database, 50)
    await spending.write_csv(database, "all", None, tmp_path / "all.csv")
    assert shown.getvalue() == ""


async def test_a_file_that_cannot_be_written_is_one_sentence(database: Database, tmp_path: Path):
    with pytest.raises(StartError, match="cannot be written"):
        await spending.write_csv(database, "all", None, tmp_path / "no folder" / "all.csv")
