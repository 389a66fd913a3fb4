"""Rows about uploads to Discord, from the file on the shelf."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import discord
import discord.http
import httpx

from bot.pictures.fit import Fit
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from bot.store.pictures import Picture
from tests.bench.material import picture_bytes
from tests.bench.measure import Case, Check, Figure, Round, cpu, lag_of, ms, ratio, rounds, wall
from tests.bench.ours import Setting, at_once
from tests.bench.photos import put
from tests.bench.wire import SendFile, Wire, client, seen

UPLOAD_BYTES = 10 * 1024 * 1024
UPLOADS = 8
TOKEN = "t" * 60


@asynccontextmanager
async def uploader(wire: Wire) -> AsyncGenerator[aiohttp.ClientSession]:
    """The session of discord.py, which is pointed at the server."""
    discord.http.Route.BASE = f"{wire.plain}/api"
    async with aiohttp.ClientSession() as session:
        yield session


async def upload(
    session: aiohttp.ClientSession, fit: Fit, pictures: Sequence[Picture]
) -> Sequence[str]:
    """Sends pictures as the bot does, all at once; the paths under which the server saw them."""

    async def send(number: int) -> str:
        fitted = await fit.fit(pictures[number], 2 * UPLOAD_BYTES)
        # Each its own: discord.py lets only one request at a time through to the same webhook.
        webhook = discord.Webhook.partial(1_000 + number, TOKEN, session=session)
        await webhook.send("here", file=discord.File(fitted.path, f"easel-{number}.png"))
        return f"api/webhooks/{1_000 + number}/{TOKEN}"

    return await at_once(range(len(pictures)), send)


async def uploads(setting: Setting) -> list[Figure]:
    """Upload from the shelf, one and eight at once."""
    async with (
        Shelf(setting.folder / "uploads") as shelf,
        Workshop() as workshop,
        uploader(setting.wire) as session,
        client(setting.wire, setting.wire.plain) as http,
    ):
        fit = Fit(shelf, workshop)
        pictures = [
            await put(shelf, picture_bytes(UPLOAD_BYTES, n), (1, 1)) for n in range(UPLOADS)
        ]

        def case(count: int) -> Case:
            async def run() -> Check:
                await upload(session, fit, pictures[:count])
                return lambda: None

            return run

        found: list[Figure] = []
        for count in (1, UPLOADS):
            cases = {
                "ours": case(count),
                "floor": _floor(setting.wire, shelf, pictures[:count]),
            }
            done = await rounds(cases, setting.rounds)
            lags = await rounds(cases, setting.rounds, lag=True)
            await _check(http, setting.wire, await upload(session, fit, pictures[:count]), pictures)
            await _check(http, setting.wire, [f"floor/{n}" for n in range(count)], pictures)
            found += _figures(count, done, lags)
    return found


def _floor(wire: Wire, shelf: Shelf, pictures: Sequence[Picture]) -> Case:
    ready = [
        SendFile(wire.plain, f"/floor/{number}", shelf.path(picture.id))
        for number, picture in enumerate(pictures)
    ]

    async def run() -> Check:
        answers = await at_once(ready, lambda one: one.send())

        def check() -> None:
            assert all(answer.startswith(b"HTTP/1.1 204 ") for answer in answers)

        return check

    return run


async def _check(
    http: httpx.AsyncClient, wire: Wire, names: Sequence[str], pictures: Sequence[Picture]
) -> None:
    """What was received last under these names is the pictures."""
    for name, picture in zip(names, pictures, strict=False):
        assert await seen(http, wire.plain, name) == [picture.id]


def _figures(count: int, done: Sequence[Round], lags: Sequence[Round]) -> list[Figure]:
    best_wall, best_cpu = ("1.3", "3.1") if count == 1 else ("1.5", "4.6")
    found = [
        Figure(
            "upload", f"{count} × 10 MiB from the shelf, {what}",
            ratio(done, of("ours"), of("floor")), "×", bound,
            f"sendfile {ms(done, of('floor')):.1f} ms", best, f"≤ {bound:g}",
            f"{ms(done, of('ours')):.1f} ms",
        )
        for what, of, bound, best in (("wall", wall, 2.0, best_wall), ("CPU", cpu, 5.5, best_cpu))
    ]  # fmt: skip
    if count == UPLOADS:
        found.append(
            Figure(
                "upload", f"{count} × 10 MiB at once, lag", ms(lags, lag_of("ours")), "ms", 4.0,
                f"sendfile {ms(lags, lag_of('floor')):.2f} ms", "1.7 ms", "≤ 4 ms",
            )
        )  # fmt: skip
    return found
