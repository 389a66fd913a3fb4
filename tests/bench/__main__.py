"""`python -m tests.bench [ROW …] [--quick] [--json FILE]`: measures, prints the table, and fails
only where a figure is far beyond its target.
"""

import argparse
import asyncio
import importlib.metadata
import json
import os
import platform
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench import crowds, files, journeys, ledger, memory, pillow, streams, uploads
from tests.bench.measure import QUICK_ROUNDS, ROUNDS, Figure
from tests.bench.ours import Setting
from tests.bench.wire import serving

ROWS: dict[str, Callable[[Setting], Awaitable[list[Figure]]]] = {
    "shelf": streams.to_shelf,
    "line-lag": streams.line_lag,
    "streams-lag": streams.streams_lag,
    "last-byte": streams.last_byte,
    "stream-memory": memory.streams,
    "beside-encodes": streams.beside_encodes,
    "upload": uploads.uploads,
    "upload-memory": memory.uploading,
    "body": files.body,
    "body-memory": memory.bodies,
    "attachment": files.attachment,
    "text": streams.texts,
    "jpeg": pillow.jpeg,
    "encode-lag": pillow.encode_lag,
    "accept": pillow.accept,
    "delivery": journeys.delivery,
    "asking": journeys.asking,
    "flight": crowds.in_flight,
    "crowd": crowds.crowd,
    "ledger": ledger.ledger,
}
LIBRARIES = ("httpx", "httpcore", "h11", "aiohttp", "discord.py", "aiosqlite", "pybase64", "Pillow")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    options = parser.parse_args()
    wanted: list[str] = options.rows or list(ROWS)
    if unknown := [name for name in wanted if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}")
    # discord.py imports a module that Python 3.11 announces as deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="easel-bench-") as folder,
        serving(Path(folder)) as wire,
    ):
        setting = Setting(wire, Path(folder), QUICK_ROUNDS if options.quick else ROUNDS)
        print(f"{setting.rounds} rounds, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
        for name in wanted:
            found = asyncio.run(_measured(ROWS[name], setting))
            for figure in found:
                print(line(figure), flush=True)
            if not found:
                print(f"{name}: skipped, not told on this system", flush=True)
            figures += found
    if options.json is not None:
        options.json.write_text(json.dumps(report(figures, setting.rounds), indent=1) + "\n")
    missed = [figure for figure in figures if not figure.passed]
    print(f"{len(figures) - len(missed)} of {len(figures)} figures meet their target")
    return 1 if any(figure.fails_the_run for figure in missed) else 0


async def _measured(
    row: Callable[[Setting], Awaitable[list[Figure]]], setting: Setting
) -> list[Figure]:
    return await row(setting)


def line(figure: Figure) -> str:
    """One figure as a line of the table."""
    unit = figure.unit if figure.unit == "×" else f" {figure.unit}"
    return " | ".join(
        [
            "ok    " if figure.passed else "MISSED",
            f"{figure.row}: {figure.what}",
            f"{figure.value:.2f}{unit}" + (f" ({figure.case})" if figure.case else ""),
            f"floor: {figure.floor}",
            f"best known: {figure.best}",
            f"target: {figure.target}",
        ]
    )


def report(figures: Sequence[Figure], rounds: int) -> dict[str, object]:
    """All figures, and on what they were measured."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "rounds": rounds,
        "sqlite": sqlite3.sqlite_version,
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "figures": [asdict(figure) | {"passed": figure.passed} for figure in figures],
    }


if __name__ == "__main__":
    sys.exit(main())
