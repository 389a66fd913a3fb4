"""Rows about one exchange on its way through the whole chain."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from bot.pictures.intake import Intake
from bot.pictures.shelf import Incoming
from bot.store.database import Database
from bot.ui.posting import Posting
from tests.bench.chain import StandIns, bare, chain, counting, noting
from tests.bench.measure import Figure, median
from tests.bench.ours import Setting
from tests.bench.wire import SendFile

MIB = 1024 * 1024
SIZES = (MIB, 5 * MIB, 15 * MIB)
WORK = (
    (Incoming, "keep", "fsync and name"),
    (Intake, "accept_result", "check"),
    (Database, "write", "commits"),
    (Database, "read", "reads"),
    (Posting, "edit", "upload"),
)
"""The rest is reading what had come, and the event loop."""
ASKS = (("", "alone"), ("jpg", "with a photo (JPEG)"), ("png", "with a picture (PNG)"))


class Floor:
    """The floor of delivery: the stream read to nothing, then the file sent by `sendfile`."""

    def __init__(self, others: StandIns, addresses: dict[str, Any], folder: Path) -> None:
        self._others = others
        self._addresses = addresses
        self._file = folder / "floor.png"
        key = addresses["api_key"]
        self._http = httpx.AsyncClient(
            trust_env=False, timeout=60, headers={"Authorization": f"Bearer {key}"}
        )

    async def run(self, size_bytes: int, seed: int) -> dict[str, Any]:
        where = self._addresses
        told: dict[str, object] = {"size_bytes": size_bytes, "seed": seed}
        await self._others.tell("floor_begins", **told, path=str(self._file))
        request = {
            "model": "openai/gpt-5.4-image-2",
            "modalities": ["image", "text"],
            "max_tokens": 16_000,
            "stream": True,
            "messages": [{"role": "user", "content": "a fox"}],
        }
        upload = SendFile(
            where["api_url"].partition("/api")[0],
            f"/api/v10/channels/{where['channel_id']}/messages",
            self._file,
            f"Authorization: Bot {where['token']}\r\n",
        )
        url = f"{where['base_url']}/chat/completions"
        async with self._http.stream("POST", url, json=request) as response:
            async for _ in response.aiter_raw():
                pass
        assert (await upload.send()).startswith(b"HTTP/1.1 200 ")
        return await self._others.tell("floor_ended")


async def delivery(setting: Setting) -> list[Figure]:
    """From the last model byte to the upload complete, and what the bot does meanwhile."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=setting.folder) as name, noting(*WORK) as spans:
        async with chain(Path(name)) as (others, addresses):
            floor = Floor(others, addresses, Path(name))
            for size_bytes in SIZES:
                done: list[dict[str, dict[str, Any]]] = []
                for number in range(setting.rounds + 1):
                    pair: dict[str, dict[str, Any]] = {}
                    for case in random.sample(("ours", "floor"), 2):
                        seed = 2 * number + (case == "floor")
                        if case == "ours":
                            told: dict[str, object] = {"size_bytes": size_bytes, "seed": seed}
                            spans.begin()
                            times = pair[case] = await others.tell("upload", **told)
                            times["work"] = {
                                name: spans.ms(name, times["last"], times["complete"])
                                for _, _, name in WORK
                            }
                        else:
                            pair[case] = await floor.run(size_bytes, seed)
                    if number:
                        done.append(pair)
                found += _delivered(size_bytes, done)
    return found


def _delivered(size_bytes: int, done: Sequence[dict[str, dict[str, Any]]]) -> list[Figure]:
    work = {name: median([each["ours"]["work"][name] for each in done]) for _, _, name in WORK}
    told = ", ".join(f"{name} {work_ms:.1f}" for name, work_ms in work.items())
    found: list[Figure] = []
    for begin, what in (("last", "last byte → uploaded"), ("first", "first byte → uploaded")):
        took = [
            {case: 1000 * (times["complete"] - times[begin]) for case, times in each.items()}
            for each in done
        ]
        case = f"{median([each['ours'] for each in took]):.1f} ms"
        found.append(
            Figure(
                "delivery", f"{size_bytes // MIB} MiB, {what}",
                median([each["ours"] / each["floor"] for each in took]), "×", 1.6,
                f"F-net, then sendfile {median([each['floor'] for each in took]):.1f} ms", "-",
                "aim ≤ 1.6", f"{case}, of it {told}" if begin == "last" else case,
            )
        )  # fmt: skip
    return found


async def asking(setting: Setting) -> list[Figure]:
    """From a message to the model's request complete."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        async with chain(Path(name)) as (others, addresses):
            commits: list[int] = []
            for picture in ("", "jpg"):
                await others.tell("ask", picture=picture, seed=0, bare=False)
                with counting() as count:
                    await others.tell("ask", picture=picture, seed=0, bare=False)
                commits.append(count.at_call)
            async with bare(addresses, (commits[0], commits[1]), Path(name)):
                for picture, what in ASKS:
                    found.append(await _asked(others, picture, what, setting.rounds, commits))
    return found


async def _asked(
    others: StandIns, picture: str, what: str, rounds: int, commits: Sequence[int]
) -> Figure:
    ratios: list[float] = []
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds + 1):
        pair: dict[bool, float] = {}
        for is_bare in random.sample((False, True), 2):
            told = await others.tell("ask", picture=picture, seed=number % 4, bare=is_bare)
            pair[is_bare] = 1000 * (told["complete"] - told["asked"])
        if number:
            ratios.append(pair[False] / pair[True])
            for is_bare, time_ms in pair.items():
                times[is_bare].append(time_ms)
    return Figure(
        "asking", f"message → the model's request complete, {what}", median(ratios), "×", 1.5,
        f"bare, {commits[bool(picture)]} commits {median(times[True]):.1f} ms", "-", "aim ≤ 1.5",
        f"{median(times[False]):.1f} ms",
    )  # fmt: skip
