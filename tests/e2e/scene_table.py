"""Which test holds which scene, read from the marks `@pytest.mark.cell` of the tests without
running any. `docs/scenes.md` is made of it: `python -m tests.e2e.scene_table`.
"""

import importlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.e2e.scenes import CELLS, SECTIONS, WHEN, WHO, Cell, Row, outcome

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "scenes.md"


@dataclass(frozen=True, slots=True, order=True)
class Test:
    __test__ = False

    file: str
    name: str


Held = Mapping[Cell, Sequence[Test]]


def cells_of(mark: pytest.Mark) -> set[Cell]:
    """What a mark `cell(*what, who=…, when=…)` names: without `who` everybody who can be there,
    without `when` before and after a restart. What it makes up is among them.
    """
    who, when = (_names(mark.kwargs.get(name)) for name in ("who", "when"))
    found: set[Cell] = set()
    for what in mark.args:
        possible = {cell for cell in CELLS if cell.what == what}
        chosen = who or tuple({cell.who for cell in possible}) or WHO
        found |= {Cell(what, one, time) for one in chosen for time in when or WHEN}
    return found


def held() -> Held:
    """The tests of every cell that is named by some."""
    found: dict[Cell, list[Test]] = defaultdict(list)
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.e2e.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_") and value.__module__ == module.__name__:
                cells = {cell for mark in _marks(value) for cell in cells_of(mark)}
                for cell in cells:
                    found[cell].append(Test(path.name, name))
    return found


def _marks(test: object) -> Iterator[pytest.Mark]:
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    for mark in marks:
        if mark.name == "cell":
            yield mark
        elif mark.name == "parametrize":
            for parameters in mark.args[1]:
                if isinstance(parameters, ParameterSet):
                    of_parameters = (
                        one if isinstance(one, pytest.Mark) else one.mark
                        for one in parameters.marks
                    )
                    yield from (one for one in of_parameters if one.name == "cell")


def _names(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)  # pyright: ignore[reportArgumentType,reportUnknownVariableType]  # a mark takes anything


def problems(held: Held) -> list[str]:
    """Cells that no test holds, and marks that name a cell that is none."""
    missing = [f"no test holds {cell}" for cell in sorted(CELLS - held.keys())]
    unknown = [
        f"{test.file}::{test.name} names {cell}"
        for cell in sorted(held.keys() - CELLS)
        for test in held[cell]
    ]
    return [*missing, *unknown]


def document(held: Held) -> str:
    """`docs/scenes.md`, whole."""
    lines = [
        "# Every way in and out, by everybody, before and after a restart",
        "",
        "Made from the table `tests/e2e/scenes.py` and the marks of the tests",
        "(`python -m tests.e2e.scene_table`): the real bot on the real discord.py plays every cell",
        "against the sandbox. A cell says what becomes of it, and by its number which test holds",
        "it.",
        "",
        "*The asker* began it: the conversation, the request, the private answer; a command of",
        "admins is asked by one. *A moderator* may manage messages. *A member without rights* is",
        "blocked by `/server set blocked`; of menus, the modal and buttons it is also one who may",
        "read and not write: Discord lets these press, and keeps them from all else. *Refused* is",
        "one sentence and nothing charged. *Not offered* and *not seen* is Discord's own doing.",
    ]
    tests = sorted({test for found in held.values() for test in found})
    number = {test: f"[{at}]" for at, test in enumerate(tests, 1)}
    for section, rows in SECTIONS.items():
        lines += ["", f"## {section}", "", *_table(rows, held, number)]
    lines += ["", "## The tests", ""]
    lines += [f"{at}. `{test.file}::{test.name}`" for at, test in enumerate(tests, 1)]
    lines += ["", *(f"{number[test]}: ../tests/e2e/{test.file} '{test.name}'" for test in tests)]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Row], held: Held, number: Mapping[Test, str]) -> Iterator[str]:
    heads = [f"{who}, {when}" for who in WHO for when in WHEN]
    yield f"| | {' | '.join(heads)} |"
    yield "|---" * (1 + len(heads)) + "|"
    for row in rows:
        parts = [f"`{row.what}`" if row.what.startswith("/") else row.what]
        for who in WHO:
            for when in WHEN:
                of = [number[test] for test in sorted(held.get(Cell(row.what, who, when), ()))]
                parts.append(" ".join([outcome(row.what, who), *of]))
        yield f"| {' | '.join(parts)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(held()), encoding="utf-8")
