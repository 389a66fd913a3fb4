"""Our side of what is measured: the bot's own parts, put together as the app does it."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.clock import SystemClock
from bot.openrouter.client import (
    Call,
    Ended,
    Message,
    OpenRouter,
    PictureArrived,
    PicturePart,
    Text,
    TextPart,
)
from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture
from tests.bench.wire import Wire, trusted

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how thoroughly to measure."""

    wire: Wire
    folder: Path
    rounds: int


async def at_once(keys: Sequence[K], work: Callable[[K], Awaitable[T]]) -> list[T]:
    """What the work gives for every key, all done at the same time."""

    async def one(key: K) -> T:
        return await work(key)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(key)) for key in keys]
    return [task.result() for task in tasks]


def call(key: str, pictures: Sequence[Picture] = ()) -> Call:
    """A call that the server answers as the key says."""
    parts = (TextPart("a fox"), *map(PicturePart, pictures))
    return Call(
        model="openai/gpt-5.4-image-2",
        messages=(Message("user", parts),),
        max_tokens=16_000,
        may_paint=True,
        aspect_ratio=None,
        image_size=None,
        user="bench",
        session_id=key,
    )


@asynccontextmanager
async def model(wire: Wire, origin: str, shelf: Shelf) -> AsyncGenerator[OpenRouter]:
    """The bot's client of OpenRouter, told to call the server there."""
    client = OpenRouter(
        base_url=origin, api_key="bench", timeout_s=120, shelf=shelf, clock=SystemClock()
    )
    if origin == wire.tls:
        with trusted(wire.certificate):
            await client.__aenter__()
    else:
        await client.__aenter__()
    try:
        yield client
    finally:
        await client.__aexit__(None, None, None)


@dataclass(slots=True)
class Heard:
    """What an answer brought."""

    pictures: list[str]
    texts: int = 0
    ended: bool = False


async def listen(client: OpenRouter, asked: Call) -> Heard:
    """One call, from its request to the end of its answer."""
    heard = Heard([])
    async with client.stream(asked) as reply:
        async for happening in reply:
            match happening:
                case PictureArrived(blob):
                    heard.pictures.append(blob.id)
                case Text():
                    heard.texts += 1
                case Ended():
                    heard.ended = True
                case _:
                    pass
    return heard


def empty(folder: Path) -> None:
    """Clears a shelf that is open: what is still arriving stays."""
    for entry in folder.iterdir():
        if len(entry.name) == 2:
            shutil.rmtree(entry)
