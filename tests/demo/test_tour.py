"""The tour as a whole: every scene, the books, and what the README tells of it."""

import re
from pathlib import Path

import pytest

from bot.demo import tour

NAMES = [
    *("mention", "follow-up", "own-photo", "reply-to-picture", "imagine", "edit"),
    *("text-and-code", "document", "budget", "restart", "killed", "direct-message", "forum"),
    *("blend", "buttons", "cancel", "long-answer", "budgets", "spend", "report", "export", "audit"),
]
IN_WORDS = {21: "twenty-one", 22: "twenty-two"}
README = Path(__file__).parents[2] / "README.md"


def test_the_readme_tells_how_many_scenes_there_are():
    assert f"a short story of {IN_WORDS[len(NAMES)]} scenes" in README.read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_the_tour_ends_well_and_takes_only_its_own_old_files_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    kept = [tmp_path / name for name in ("99-mention.txt", "01-holiday.png", "notes.md")]
    stale = [tmp_path / name for name in ("98-mention.png", "98-long-answer.md")]
    for path in (*kept, *stale):
        path.write_text("old", encoding="utf-8")
    assert await tour(tmp_path), capsys.readouterr().out
    *_, last = lines = capsys.readouterr().out.splitlines()
    assert lines[-len(NAMES) - 1 : -1] == [f"scene {name} ok" for name in NAMES]
    assert re.fullmatch(r"ledger (\$\d+\.\d{9}) = account \1", last)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in stale)
    for name in (
        "11-direct-message.png",
        "14-blend.png",
        "17-buttons.png",
        "18-long-answer.md",
        "19-report.png",
    ):
        assert (tmp_path / name).exists()
