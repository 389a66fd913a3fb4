"""The loopback Discord and OpenRouter in a process of their own, and what people do there. As a
program it is told what by lines of JSON, and answers each with one.
"""

import asyncio
import hashlib
import json
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Answer, Comment, Gate, ModelSandbox, Raw, Say
from bot.sandbox.people import Person
from tests.bench.front import Front
from tests.bench.material import picture_event
from tests.bench.photos import encoded, noise_png, photo
from tests.bench.server import HTTP_CHUNK_BYTES

COST_NANO_USD = 212_300_000
TIMEOUT_S = 120.0
SMALL_LIMIT_BYTES = 10 * 1024 * 1024
"""Of a server without boosts: the photos here are larger."""
PHOTO_SIZE = (3840, 2160)
SPEND_PAUSE_S = 0.05
PACED_PIECES = 4
"""So many are written at once where pictures come at a given speed."""

Told = dict[str, Any]
"""Parsed JSON, between two programs of ours."""


class Stamp(asyncio.Event):
    """Nobody waits for it: it notes when somebody came by."""

    def __init__(self) -> None:
        super().__init__()
        self.time_s = 0.0

    async def wait(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.time_s = time.time()
        return True


class Pace(asyncio.Event):
    """Nobody sets it: those who wait for it pass one by one, a piece's time apart."""

    def __init__(self, pause_s: float) -> None:
        super().__init__()
        self._pause_s = pause_s
        self._due_s = 0.0

    async def wait(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._due_s = (self._due_s or time.monotonic()) + self._pause_s
        await asyncio.sleep(max(0.0, self._due_s - time.monotonic()))
        return True


@dataclass(frozen=True, slots=True)
class Painted:
    """An answer with one picture, and when its first and last byte were written."""

    data: bytes
    first: Stamp
    last: Stamp
    answer: Answer

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def painted(data: bytes, *before: Gate, bytes_per_s: int = 0) -> Painted:
    """At 0 bytes per second it comes as fast as it is read."""
    first, last = Stamp(), Stamp()
    event = picture_event(data)
    pieces: list[Raw | Gate] = [
        Raw(event[start : start + HTTP_CHUNK_BYTES])
        for start in range(0, len(event), HTTP_CHUNK_BYTES)
    ]
    if bytes_per_s:
        pace = Gate(Pace(HTTP_CHUNK_BYTES * PACED_PIECES / bytes_per_s))
        for at in reversed(range(0, len(pieces), PACED_PIECES)):
            pieces.insert(at, pace)
    steps = (Comment(), *before, Gate(first), *pieces, Gate(last))
    return Painted(data, first, last, Answer(steps, cost_nano_usd=COST_NANO_USD))


class StandIns:
    """Both, and the people. Its public methods are what it can be told."""

    def __init__(self, discord: DiscordSandbox, model: ModelSandbox, front: Front) -> None:
        self._discord = discord
        self._model = model
        self._front = front
        self._me = discord.bot_user.mention
        self._server = discord.add_server("Gallery", tier=3)
        self._channel = self._server.add_channel("gallery")
        self._small = discord.add_server("Attic")
        self._attic = self._small.add_channel("attic")
        self._people = 0
        self._floor: Painted | None = None
        self._since = 0
        self._requests = _stamped_requests()

    async def addresses(self) -> Told:
        front = f"http://127.0.0.1:{self._front.port}"
        return {
            "api_url": f"{front}/api/v10",
            "gateway_url": self._discord.gateway_url,
            "cdn_url": self._discord.cdn_url,
            "token": self._discord.token,
            "base_url": self._model.base_url,
            "api_key": self._model.api_key,
            "channel_id": self._channel.id,
        }

    async def upload(self, size_bytes: int, seed: int) -> Told:
        """A picture is asked for and arrives: from its last byte to its upload."""
        made = painted(noise_png(size_bytes, seed))
        self._model.script(made.answer)
        since = len(self._front.taken)
        answer = await self._answer(await self._ask(self._channel))
        assert [hashlib.sha256(file.data).hexdigest() for file in answer.files] == [made.sha256]
        (taken,) = self._front.uploads(since)
        self._forget()
        return {"first": made.first.time_s, "last": made.last.time_s, "complete": taken.time_s}

    async def floor_begins(self, size_bytes: int, seed: int, path: str) -> Told:
        """The next call is answered with a picture, which is in the file, too."""
        self._floor = painted(noise_png(size_bytes, seed))
        await asyncio.to_thread(Path(path).write_bytes, self._floor.data)
        self._model.script(self._floor.answer)
        self._since = len(self._front.taken)
        return {}

    async def floor_ended(self) -> Told:
        made = self._floor
        assert made is not None
        (taken,) = self._front.uploads(self._since)
        self._forget()
        return {"first": made.first.time_s, "last": made.last.time_s, "complete": taken.time_s}

    async def ask(self, picture: str, seed: int, *, bare: bool) -> Told:
        """Somebody asks: from the message to the model's request complete."""
        files: list[tuple[str, bytes]] = []
        if picture:
            kind = picture.upper().replace("JPG", "JPEG")
            options = {"quality": 90} if kind == "JPEG" else {"compress_level": 1}
            data = encoded(photo((1536, 1024), seed), kind, **options)
            files = [(f"photo.{picture}", data)]
        self._model.script(Answer((Say("done"),), cost_nano_usd=COST_NANO_USD))
        person = self._person()
        asked_s = time.time()
        if bare:
            await person.say(self._channel, "bare: a fox", files=files)
            calls = len(self._requests) + 1
            await self._model.until(lambda: len(self._requests) >= calls)
        else:
            asked = await person.say(person.dm, "a fox", files=files)
            await self._answer(asked)
        await self._model.until(lambda: self._model.calls[-1].ended)
        assert len(self._model.calls[-1].pictures) == len(files)
        self._forget()
        return {"asked": asked_s, "complete": self._requests[-1]}

    async def crowd(
        self,
        count: int,
        size_bytes: int,
        refits: int,
        spends: bool,
        seed: int,
        bytes_per_s: int = 0,
    ) -> Told:
        """Pictures that arrive at once while others are refitted, and people who look at what they
        spend meanwhile.
        """
        model = self._model
        photos = [painted(_marked_photo(number, seed)) for number in range(refits)]
        start = asyncio.Event()
        noise = [
            painted(noise_png(size_bytes, (seed, n)), Gate(start), bytes_per_s=bytes_per_s)
            for n in range(count)
        ]
        since = len(self._front.taken)
        model.gate.close()
        asked: list[Message] = []
        for place, some in ((self._attic, photos), (self._channel, noise)):
            model.script(*(one.answer for one in some))
            asked += [await self._ask(place) for _ in some]
            await model.gate.arrived(len(asked))
        model.gate.open()
        if refits:
            # The first of them has been refitted: the others are being.
            await self._until(lambda: len(self._front.uploads(since)) > 0)
        began_s = time.time()
        start.set()
        spent_s: list[float] = []
        while spends and len(self._front.uploads(since)) < count + refits:
            spent_s.append(await self._spend())
        answers = [await self._answer(message) for message in asked]
        found = {hashlib.sha256(file.data).hexdigest() for one in answers for file in one.files}
        assert {one.sha256 for one in noise} <= found
        assert len(found) == count + refits, [one.line() for one in answers]
        assert all(len(f.data) <= SMALL_LIMIT_BYTES for one in answers[:refits] for f in one.files)
        times = [one.time_s for one in self._front.uploads(since)]
        self._forget()
        return {
            "began": began_s,
            "arrived": max(one.last.time_s for one in noise) if noise else began_s,
            "ended": max(times),
            "refits_meanwhile": sum(time_s > began_s for time_s in times) - count,
            "spends": spent_s,
        }

    async def _spend(self) -> float:
        """How long a `/spend` waits for its first answer, in seconds."""
        person = self._person()
        since = len(self._front.taken)
        asked_s = time.time()
        interaction = await person.command(self._channel, "spend")
        wanted = f"/api/v10/interactions/{interaction.id}/"

        def found() -> list[float]:
            return [t.time_s for t in self._front.taken[since:] if t.path.startswith(wanted)]

        await self._until(lambda: bool(found()))
        await asyncio.sleep(SPEND_PAUSE_S)
        return found()[0] - asked_s

    def _person(self) -> Person:
        """Somebody new, so that no conversation goes on and no budget is touched."""
        self._people += 1
        person = self._discord.add_person(f"Person {self._people}")
        self._server.join(person)
        self._small.join(person)
        return person

    async def _ask(self, channel: Channel) -> Message:
        return await self._person().say(channel, f"{self._me} a fox")

    async def _answer(self, asked: Message) -> Message:
        """The answer to a message, once it has its last line."""

        def found() -> Message | None:
            place = asked.thread or asked.channel
            for message in place.messages:
                lines = message.content.splitlines()
                if message.author is self._discord.bot_user and lines and "-# " in lines[-1]:
                    return message if "$" in lines[-1] else None
            return None

        await self._until(lambda: found() is not None)
        answer = found()
        assert answer is not None
        return answer

    async def _until(self, condition: Callable[[], bool]) -> None:
        await self._discord.wait_until(condition, TIMEOUT_S)

    def _forget(self) -> None:
        """Drops what was uploaded, so that this process does not grow."""
        for file in self._discord.world.files.values():
            file.data = b""
        self._discord.world.files.clear()


def _marked_photo(number: int, seed: int) -> bytes:
    """A photo as a PNG of its own for every seed: the same pixels, other bytes."""
    data = _photo(number)
    mark = b"tEXtSeed\0%d" % seed
    chunk = (len(mark) - 4).to_bytes(4, "big") + mark + zlib.crc32(mark).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


@cache
def _photo(number: int) -> bytes:
    return encoded(photo(PHOTO_SIZE, number), "PNG", compress_level=1)


def _stamped_requests() -> list[float]:
    """When the model's requests were complete: grows with each."""
    times: list[float] = []
    read = web.BaseRequest.read

    async def stamped(self: web.BaseRequest) -> bytes:
        body = await read(self)
        if self.path.endswith("/chat/completions"):
            times.append(time.time())
        return body

    web.BaseRequest.read = stamped
    return times


async def _obey(stand_ins: StandIns) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        told: Told = json.loads(line)
        act: Callable[..., Awaitable[Told]] = getattr(stand_ins, told.pop("do"))
        print(json.dumps(await act(**told)), flush=True)


async def main() -> None:
    async with DiscordSandbox() as discord, ModelSandbox() as model:
        port = int(discord.api_url.split(":")[2].split("/")[0])
        await _obey(StandIns(discord, model, Front(port)))


if __name__ == "__main__":
    asyncio.run(main())
