"""The table of scenes is whole: every cell has its test, every offer has its row, and the document
is made of it.
"""

import re
from pathlib import Path

import pytest

from bot.sandbox.discord.shapes import Json
from bot.ui import controls
from bot.words import newer, older
from tests.e2e import scenes
from tests.e2e.scene_table import DOCUMENT, cells_of, document, held, problems
from tests.e2e.scenes import CELLS, OUTCOMES, ROWS, SECTIONS, Cell
from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[2]


def rows(section: str) -> set[str]:
    return {row.what for row in SECTIONS[section]}


def test_every_cell_is_held_by_a_test_and_no_mark_names_what_is_none():
    assert problems(held()) == []


def test_the_document_is_made_of_the_table_and_the_marks():
    assert document(held()) == DOCUMENT.read_text(encoding="utf-8"), (
        "stale: run `python -m tests.e2e.scene_table`"
    )


def test_a_row_stands_once_and_says_what_becomes_of_it_by_everybody():
    assert sum(map(len, SECTIONS.values())) == len(ROWS)
    assert {word for row in ROWS.values() for word in row.by.values()} == set(OUTCOMES)


@pytest.mark.parametrize(
    ("mark", "wrong"),
    [
        (pytest.mark.cell("a place that is none"), True),
        (pytest.mark.cell(scenes.TEXT, who="a stranger"), True),
        (pytest.mark.cell(scenes.TEXT, when="meanwhile"), True),
        (pytest.mark.cell(scenes.DIRECT, who=scenes.OTHER), True),
        (pytest.mark.cell(scenes.DIRECT), False),
        (pytest.mark.cell(scenes.TEXT, who=(scenes.ASKER, scenes.OTHER), when="after"), False),
    ],
    ids=str,
)
def test_a_mark_that_names_what_is_none_is_found(mark: pytest.MarkDecorator, wrong: bool):
    assert (not cells_of(mark.mark) <= CELLS) is wrong


def test_a_cell_without_a_test_is_found():
    (cell,) = cells_of(pytest.mark.cell(scenes.TEXT, who=scenes.ASKER, when="after").mark)
    assert cell == Cell(scenes.TEXT, scenes.ASKER, "after")
    kept = {one: tests for one, tests in held().items() if one != cell}
    assert problems(kept) == [f"no test holds {cell}"]


def _names(command: Json) -> set[str]:
    """A command's name, or those of its subcommands."""
    below = [option for option in command["options"] if option["type"] == 1]
    names = {f"/{command['name']} {option['name']}" for option in below}
    return names or {f"/{command['name']}"}


async def test_every_command_and_menu_that_is_offered_has_its_row(stage: Stage):
    await stage.start()
    offered = stage.discord.commands.scopes[0]
    commands = [_names(command) for command in offered if command["type"] == 1]
    assert set[str]().union(*commands) == rows("Commands")
    assert {command["name"] for command in offered if command["type"] == 3} == rows("Menus")


def test_every_button_has_its_row():
    views = [
        controls.while_running(1),
        controls.to_confirm(1),
        controls.under_answer(1, 1, goes_on=True),
        controls.under_answer(1, 2, goes_on=True),
        controls.only_again(1),
    ]
    labels = {str(getattr(button, "label", "")) for view in views for button in view.children}
    labels = {re.sub(r" \d+$", "", label) for label in labels} | {older(), newer()}
    others = rows("Buttons") - scenes.REPORT.keys()
    assert labels == {re.sub(r" \d+$", "", what.partition(",")[0]) for what in others}


def test_buttons_and_modals_are_made_where_they_are_known_to_be():
    made: dict[str, set[str]] = {"Button(": set(), "Modal)": set(), "Select": set()}
    for path in (*(ROOT / "bot").glob("**/*.py"), *(ROOT / "cogs").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for kind, files in made.items():
            if f"discord.ui.{kind}" in text:
                files.add(path.stem)
    assert made == {
        "Button(": {"controls", "past", "report_view"},
        "Modal)": {"modals"},
        "Select": {"modals"},
    }
