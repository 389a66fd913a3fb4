"""The rules of the house that no other tool holds."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

IMPORT_ALL = """
import pkgutil, socket, sys
class Refusing(socket.socket):
    def __init__(self, *args, **kwargs):
        raise AssertionError("a socket was opened at import")
socket.socket = Refusing
import importlib
for package in ("bot", "cogs"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def shell_blocks() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_importing_does_nothing():
    # discord.py announces a deprecated module of its own; everything else may not say a word.
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", IMPORT_ALL],
        cwd=ROOT,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_readmes_first_two_blocks_run_the_demo_and_the_tests():
    first, second, *_ = shell_blocks()
    assert first.strip().endswith("easel demo")
    assert len(first.strip().splitlines()) == 1
    assert re.search(r"pytest( -q)?( -n auto)?$", second.strip())
    assert len(second.strip().splitlines()) == 1


def test_files_have_one_reason_to_change():
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("bot", "cogs", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines()))
        > (150 if folder == "cogs" else 400)
    }
    assert long == {}


def test_no_sentence_hides_another():
    # `bot.words` takes in all of its modules by their names.
    defined = re.compile(r"^(?:def )?([A-Za-z]\w*)(?=\(| = )", re.MULTILINE)
    names = [
        name
        for path in (ROOT / "bot" / "words").glob("*.py")
        for name in defined.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(names) > 100
    assert [name for name in sorted(set(names)) if names.count(name) > 1] == []


def test_nothing_is_mocked():
    told = re.compile(r"unittest\.mock|MagicMock|AsyncMock")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("bot", "cogs", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__) and told.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
