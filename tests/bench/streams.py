"""Rows about an answer of the model on its way to the shelf."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pybase64

from bot.openrouter.client import OpenRouter
from bot.pictures.fit import Fit
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from tests.bench.material import MB, line_key, picture_bytes, picture_sha256, text_key
from tests.bench.measure import Case, Check, Figure, cpu, lag_of, median, ms, ratio, rounds, wall
from tests.bench.ours import Setting, at_once, call, empty, listen, model
from tests.bench.photos import photo_on
from tests.bench.wire import client, drop_stream

SIZES = (5 * MB, 10 * MB, 15 * MB)
"""Of a picture; on the wire it is a third more."""
WORK_BYTES = 256 * 1024
STREAMS = 16
STREAM_BYTES_PER_S = 6 * MB
ALONE_BYTES_PER_S = 20 * MB
TEXTS_PER_S = 50
TEXTS_PACED = 100
TEXTS_BURST = 20_000
ENCODES = 8


class Pipe:
    """Makes cases and floors, each from the keys of the answers that come at once."""

    def __init__(
        self, ours: OpenRouter, bare: httpx.AsyncClient, origin: str, folder: Path
    ) -> None:
        self._ours = ours
        self._bare = bare
        self._origin = origin
        self._folder = folder

    def case(self, *keys: str) -> Case:
        """The bot's client, with every picture on the shelf at the end."""

        async def run() -> Check:
            found = await at_once(keys, lambda key: listen(self._ours, call(key)))

            def check() -> None:
                for key, heard in zip(keys, found, strict=True):
                    kind, first, second, *_ = key.split("/")
                    assert heard.ended
                    if kind == "line":
                        assert heard.pictures == [picture_sha256(int(first), int(second))]
                    else:
                        assert heard.texts == int(first)

            return check

        return run

    def floor(self, *keys: str) -> Case:
        """F-net: the same answers read to nothing."""

        async def run() -> Check:
            found = await at_once(keys, lambda key: drop_stream(self._bare, self._origin, key))

            def check() -> None:
                for key, size_bytes in zip(keys, found, strict=True):
                    kind, first, *_ = key.split("/")
                    assert size_bytes > int(first) * (4 / 3 if kind == "line" else 290)

            return check

        return run

    def work(self, size_bytes: int, number: int) -> Case:
        """F-work: the picture decoded, hashed and written to a file, from memory."""
        text = base64.b64encode(picture_bytes(size_bytes, number))
        path = self._folder.parent / "floor"

        async def run() -> Check:
            found = hashlib.sha256()
            with path.open("wb") as file:
                for start in range(0, len(text), WORK_BYTES):
                    data = pybase64.b64decode(text[start : start + WORK_BYTES], validate=True)
                    found.update(data)
                    file.write(data)

            def check() -> None:
                assert found.hexdigest() == picture_sha256(size_bytes, number)

            return check

        return run

    def naive(self, key: str) -> Case:
        """What most bots do: lines, json and base64 on the event loop."""
        path = self._folder.parent / "floor"

        async def run() -> Check:
            asked = {"session_id": key}
            url = f"{self._origin}/chat/completions"
            async with self._bare.stream("POST", url, json=asked) as response:
                async for line in response.aiter_lines():
                    if '"images"' in line:
                        chunk = json.loads(line.removeprefix("data: "))
                        data_url = chunk["choices"][0]["delta"]["images"][0]["image_url"]["url"]
                        path.write_bytes(base64.b64decode(data_url.partition(",")[2]))

            def check() -> None:
                _, size_bytes, number, _ = key.split("/")
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                assert found == picture_sha256(int(size_bytes), int(number))

            return check

        return run

    def empty(self) -> None:
        """Clears the shelf."""
        empty(self._folder)


@asynccontextmanager
async def pipe(setting: Setting, origin: str) -> AsyncGenerator[Pipe]:
    folder = setting.folder / "shelf"
    async with (
        Shelf(folder) as shelf,
        model(setting.wire, origin, shelf) as ours,
        client(setting.wire, origin) as bare,
    ):
        yield Pipe(ours, bare, origin, folder)


async def to_shelf(setting: Setting) -> list[Figure]:
    """Stream to shelf with fsync: CPU."""
    row, figures = "shelf", list[Figure]()
    async with pipe(setting, setting.wire.plain) as make:
        for number, size_bytes in enumerate(SIZES):
            key = line_key(size_bytes, number)
            cases = {
                "ours": make.case(key),
                "net": make.floor(key),
                "work": make.work(size_bytes, number),
            }
            done = await rounds(cases, setting.rounds, between=make.empty)
            both = ratio(done, cpu("ours"), lambda each: each["net"].cpu_s + each["work"].cpu_s)
            alone = ratio(done, cpu("ours"), cpu("net"))
            figures.append(
                Figure(
                    row, f"{size_bytes * 4 / 3 / MB:.1f} MB of base64, CPU", both, "×", 1.6,
                    f"F-net + F-work {ms(done, cpu('net')) + ms(done, cpu('work')):.1f} ms",
                    "1.28-1.45", "≤ 1.6", f"{ms(done, cpu('ours')):.1f} ms, {alone:.2f} × F-net",
                )
            )  # fmt: skip
    if setting.wire.tls is None:
        return figures
    async with pipe(setting, setting.wire.tls) as make:
        key = line_key(10 * MB, 3)
        cases = {"ours": make.case(key), "net": make.floor(key)}
        done = await rounds(cases, setting.rounds, between=make.empty)
    figures.append(
        Figure(
            row, "13.3 MB, over TLS, CPU", ratio(done, cpu("ours"), cpu("net")), "×", 1.8,
            f"F-net over TLS {ms(done, cpu('net')):.1f} ms",
            "1.48-1.6", "≤ 1.8", f"{ms(done, cpu('ours')):.1f} ms",
        )
    )  # fmt: skip
    return figures


async def line_lag(setting: Setting) -> list[Figure]:
    """How long one 20 MB line holds up the loop."""
    row, key = "line-lag", line_key(15 * MB, 0)
    async with pipe(setting, setting.wire.plain) as make:
        cases = {"ours": make.case(key), "naive": make.naive(key)}
        done = await rounds(cases, setting.rounds, lag=True, between=make.empty)
    floor = f"json + b64decode on the loop {ms(done, lag_of('naive')):.1f} ms"
    case = f"{ms(done, lag_of('ours')):.2f} ms"
    share = ratio(done, lag_of("ours"), lag_of("naive"))
    return [
        Figure(row, "20 MB line, share of the lag", share, "×", 1 / 15, floor, "1/55", "≤ 1/15",
               case),
        Figure(row, "20 MB line, lag", ms(done, lag_of("ours")), "ms", 3.0, floor, "0.7-1.4",
               "≤ 3 ms", case),
    ]  # fmt: skip


async def streams_lag(setting: Setting) -> list[Figure]:
    """The lag with 16 paced streams."""
    keys = [line_key(10 * MB, number, STREAM_BYTES_PER_S) for number in range(STREAMS)]
    async with pipe(setting, setting.wire.plain) as make:
        cases = {"ours": make.case(*keys), "net": make.floor(*keys)}
        done = await rounds(cases, setting.rounds, lag=True, between=make.empty)
    bound = median([2 * 1000 * each["net"].lag_s + 2 for each in done])
    return [
        Figure(
            "streams-lag", "16 × 13.3 MB at 6 MB/s each, lag", ms(done, lag_of("ours")), "ms",
            bound, f"F-net {ms(done, lag_of('net')):.2f} ms", "1.0 × (3 ms)", "≤ 2 × + 2 ms",
            f"{ratio(done, lag_of('ours'), lag_of('net')):.2f} ×, "
            f"CPU {ratio(done, cpu('ours'), cpu('net')):.2f} × F-net",
        )
    ]  # fmt: skip


async def last_byte(setting: Setting) -> list[Figure]:
    """From a paced stream's last byte to the file under its name, fsync included."""
    key = line_key(10 * MB, 0, ALONE_BYTES_PER_S)
    async with pipe(setting, setting.wire.plain) as make:
        cases = {"ours": make.case(key), "net": make.floor(key)}
        done = await rounds(cases, setting.rounds, between=make.empty)
    later_ms = 1000 * median([each["ours"].wall_s - each["net"].wall_s for each in done])
    return [
        Figure(
            "last-byte", "13.3 MB at 20 MB/s, on the shelf after F-net ended", later_ms, "ms", 15.0,
            f"F-net {ms(done, wall('net')):.0f} ms", "+ 5 ms", "≤ + 15 ms",
            f"{ms(done, wall('ours')):.0f} ms",
        )
    ]  # fmt: skip


async def beside_encodes(setting: Setting) -> list[Figure]:
    """A paced stream while eight re-encodes of 4K pictures wait."""
    key = line_key(10 * MB, 0, ALONE_BYTES_PER_S)
    async with (
        Shelf(setting.folder / "photos") as shelf,
        Workshop() as workshop,
        pipe(setting, setting.wire.plain) as make,
    ):
        fit = Fit(shelf, workshop)
        photos = [
            await photo_on(shelf, (3840, 2160), number, alpha=True) for number in range(ENCODES)
        ]
        limit = [1_000_000]

        async def beside() -> Check:
            limit[0] += 1  # else the copies made before would be found

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(fit.fit(photo, limit[0])) for photo in photos]
                check = await make.case(key)()
                still = sum(not task.done() for task in tasks)
                for task in tasks:
                    task.cancel()

            def both() -> None:
                check()
                assert still, "the stream outlasted the re-encodes"

            return both

        done = await rounds(
            {"beside": beside, "alone": make.case(key)}, setting.rounds, between=make.empty
        )
    return [
        Figure(
            "beside-encodes", "13.3 MB at 20 MB/s while 8 re-encodes of 4K wait, wall",
            ratio(done, wall("beside"), wall("alone")), "×", 1.1,
            f"the stream alone {ms(done, wall('alone')):.0f} ms", "1.00", "≤ 1.1",
            f"{ms(done, wall('beside')):.0f} ms",
        )
    ]  # fmt: skip


async def texts(setting: Setting) -> list[Figure]:
    """What a chunk of text costs, from 16 paced streams and in a burst."""
    paced = [text_key(TEXTS_PACED, TEXTS_PER_S)] * STREAMS
    burst = text_key(TEXTS_BURST)
    async with pipe(setting, setting.wire.plain) as make:
        cases = {"ours": make.case(*paced), "net": make.floor(*paced)}
        slow = await rounds(cases, setting.rounds)
        cases = {"ours": make.case(burst), "net": make.floor(burst)}
        fast = await rounds(cases, setting.rounds)
    found: list[Figure] = []
    for what, done, count, bound, best in (
        ("16 streams × 50/s", slow, STREAMS * TEXTS_PACED, 1.2, "1.06"),
        ("in a burst", fast, TEXTS_BURST, 1.7, "1.23-1.5"),
    ):
        floor_us = 1000 * ms(done, cpu("net")) / count
        case_us = 1000 * ms(done, cpu("ours")) / count
        found.append(
            Figure(
                "text", f"a chunk of text, {what}, CPU", ratio(done, cpu("ours"), cpu("net")), "×",
                bound, f"F-net {floor_us:.1f} µs", best, f"≤ {bound}", f"{case_us:.1f} µs",
            )
        )  # fmt: skip
    return found
