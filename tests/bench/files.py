"""Rows about files: down from Discord, and into a request's body."""

import base64
from collections.abc import AsyncGenerator

import aiohttp

from bot.fetch import Fetch
from bot.openrouter.client import OpenRouter
from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture
from tests.bench.material import MB, picture_bytes, picture_sha256
from tests.bench.measure import Check, Figure, cpu, ms, ratio, rounds
from tests.bench.ours import Setting, call, empty, listen, model
from tests.bench.photos import put
from tests.bench.wire import client, seen

MIB = 1024 * 1024
BODY_PICTURE_BYTES = 3 * MB
BODY_PICTURES = 4
BODY_PIECE_BYTES = 64 * 1024
ATTACHMENTS = (10 * MIB, 25 * MIB)


async def body_pictures(shelf: Shelf, count: int) -> list[Picture]:
    return [
        await put(shelf, picture_bytes(BODY_PICTURE_BYTES, number), (1, 1))
        for number in range(count)
    ]


async def send_body(ours: OpenRouter, key: str, pictures: list[Picture]) -> None:
    heard = await listen(ours, call(key, pictures))
    assert heard.texts == 1


async def body(setting: Setting) -> list[Figure]:
    """A request's body with four pictures."""
    wire = setting.wire
    async with (
        Shelf(setting.folder / "bodies") as shelf,
        model(wire, wire.plain, shelf) as ours,
        client(wire, wire.plain) as http,
    ):
        pictures = await body_pictures(shelf, BODY_PICTURES)
        ids = [picture.id for picture in pictures]
        await send_body(ours, "body/ready", pictures)

        async def case() -> Check:
            await send_body(ours, "body/ours", pictures)
            return lambda: None

        data_urls = [
            b'"data:image/png;base64,%b"'
            % base64.b64encode(picture_bytes(BODY_PICTURE_BYTES, number))
            for number in range(BODY_PICTURES)
        ]
        ready = b'{"session_id": "body/floor", "x": [%b]}' % b",".join(data_urls)

        async def floor() -> Check:
            async def pieces() -> AsyncGenerator[bytes]:
                for start in range(0, len(ready), BODY_PIECE_BYTES):
                    yield ready[start : start + BODY_PIECE_BYTES]

            headers = {"Content-Length": str(len(ready))}
            url = f"{wire.plain}/chat/completions"
            answer = await http.post(url, content=pieces(), headers=headers)
            return lambda: _has_text(answer.text)

        done = await rounds({"ours": case, "floor": floor}, setting.rounds)
        for name in ("body/ours", "body/floor"):
            assert await seen(http, wire.plain, name) == ids
    return [
        Figure(
            "body", "a request with 4 × 3 MB, CPU", ratio(done, cpu("ours"), cpu("floor")), "×",
            1.3, f"ready body in 64 KiB pieces {ms(done, cpu('floor')):.1f} ms", "0.8", "≤ 1.3",
            f"{ms(done, cpu('ours')):.1f} ms",
        )
    ]  # fmt: skip


def _has_text(text: str) -> None:
    assert "words that go on" in text


async def attachment(setting: Setting) -> list[Figure]:
    """Attachment to shelf: CPU, plain and over TLS."""
    wire, found = setting.wire, list[Figure]()
    for size_bytes in ATTACHMENTS:
        found.append(await _attachment(setting, wire.plain, size_bytes, 6.0, "4.3-5.0"))
    if wire.tls is not None:
        found.append(await _attachment(setting, wire.tls, ATTACHMENTS[0], 3.6, "2.8-3.0"))
    return found


async def _attachment(
    setting: Setting, origin: str, size_bytes: int, bound: float, best: str
) -> Figure:
    wire = setting.wire
    url, wanted = f"{origin}/chunked/{size_bytes}/0", picture_sha256(size_bytes, 0)
    folder = setting.folder / "attachments"
    trusting = wire.context if origin == wire.tls else True
    async with (
        Shelf(folder) as shelf,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as own,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session,
    ):
        fetch = Fetch(own, [origin])

        async def case() -> Check:
            async with shelf.receive(size_bytes) as incoming:
                await fetch.download(url, incoming, size_bytes)
                blob = await incoming.keep()

            def check() -> None:
                assert blob.id == wanted

            return check

        async def floor() -> Check:
            received = 0
            async with session.get(url) as response:
                async for data in response.content.iter_any():
                    received += len(data)

            def check() -> None:
                assert received == size_bytes

            return check

        done = await rounds(
            {"ours": case, "floor": floor}, setting.rounds, between=lambda: empty(folder)
        )
    place = "over TLS" if origin == wire.tls else "plain"
    return Figure(
        "attachment", f"{size_bytes // MIB} MiB to the shelf, {place}, CPU",
        ratio(done, cpu("ours"), cpu("floor")), "×", bound,
        f"F-aio {ms(done, cpu('floor')):.1f} ms", best, f"≤ {bound}",
        f"{ms(done, cpu('ours')):.1f} ms",
    )  # fmt: skip
