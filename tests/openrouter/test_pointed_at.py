"""An answer whose picture is only an address: it is fetched onto the shelf, or that is said."""

from collections.abc import Mapping, Sequence

import httpx
import pytest

from bot import words
from bot.errors import Notice, Word
from bot.fetch import PublicFetch
from bot.openrouter.client import Call, Ended, Message, OpenRouter, PictureArrived, TextPart
from bot.openrouter.landing import PICTURES_MAX
from bot.openrouter.reply import Happening
from bot.pictures.shelf import Incoming, Shelf
from bot.sandbox.openrouter import MODEL, ModelSandbox, Say, Show, Step, answer
from tests.ledger.support import SetClock

ADDRESS = "https://pictures.example/fox.png"
CALL = Call(MODEL, (Message("user", (TextPart("a fox"),)),), 8_000, True, None, None, "u", "s")


class Web(PublicFetch):
    """A network of a few pages."""

    def __init__(
        self, client: httpx.AsyncClient, pages: Mapping[str, bytes], asked: list[str]
    ) -> None:
        super().__init__(client)
        self.pages = pages
        self.asked = asked

    async def download(self, url: str, incoming: Incoming, bytes_max: int) -> None:
        self.asked.append(url)
        if url not in self.pages:
            raise Notice(Word.UNREADABLE, words.download_failed())
        assert len(self.pages[url]) <= bytes_max
        await incoming.write(self.pages[url])


async def heard(
    shelf: Shelf,
    pages: Mapping[str, bytes],
    steps: Sequence[Step] = (Say("Here."), Show(ADDRESS), Show(ADDRESS)),
    asked: list[str] | None = None,
) -> list[Happening]:
    async with (
        ModelSandbox() as model,
        httpx.AsyncClient(trust_env=False) as client,
        OpenRouter(
            base_url=model.base_url,
            api_key=model.api_key,
            timeout_s=30,
            shelf=shelf,
            clock=SetClock(),
            fetch=Web(client, pages, [] if asked is None else asked),
        ) as openrouter,
    ):
        model.script(answer(*steps))
        async with openrouter.stream(CALL) as reply:
            return [event async for event in reply]


async def test_it_is_on_the_shelf_before_anyone_hears_of_it_and_once(shelf: Shelf):
    events = await heard(shelf, {ADDRESS: b"picture"})
    arrived = [event.blob for event in events if isinstance(event, PictureArrived)]
    assert len(arrived) == 1
    assert shelf.path(arrived[0].id).read_bytes() == b"picture"
    assert isinstance(events[-1], Ended)
    assert events[-1].usage is not None


async def test_one_that_cannot_be_fetched_is_said_and_its_usage_kept(shelf: Shelf):
    with pytest.raises(Notice) as raised:
        await heard(shelf, {})
    assert raised.value.word is Word.UNREADABLE
    assert getattr(raised.value, "usage", None) is not None


async def test_an_address_is_asked_once_and_no_more_of_them_than_pictures_are_taken(shelf: Shelf):
    addresses = [f"https://pictures.example/{number}.png" for number in range(PICTURES_MAX + 3)]
    pages = {address: address.encode() for address in addresses[1:]}
    asked: list[str] = []
    steps = [Show(address) for address in [*addresses, *addresses]]
    events = await heard(shelf, pages, steps, asked)
    assert asked == addresses[:PICTURES_MAX]
    arrived = [event for event in events if isinstance(event, PictureArrived)]
    assert len(arrived) == PICTURES_MAX - 1
