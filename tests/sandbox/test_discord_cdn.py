import io
import time

import aiohttp
import discord
import pytest
from discord.http import Route
from PIL import Image

from bot.sandbox.discord.images import media_type, picture_size
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.wire import Fault, rate_limited
from bot.sandbox.discord.world import Channel
from bot.sandbox.people import Person
from tests.sandbox.robot import Robot, png


@pytest.fixture
def channel(sandbox: DiscordSandbox) -> Channel:
    return sandbox.add_server("Atelier").add_channel("general")


@pytest.fixture
def mara(sandbox: DiscordSandbox, channel: Channel) -> Person:
    person = sandbox.add_person("Mara")
    assert channel.server is not None
    channel.server.join(person)
    return person


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}])
def test_the_size_of_a_picture_is_read_from_its_header(kind: str, options: dict[str, bool]) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (300, 7)).save(stream, kind, **options)
    assert picture_size(stream.getvalue()) == (300, 7)
    assert media_type("whatever.txt", stream.getvalue()) == f"image/{kind.lower()}"


def test_what_is_no_picture_goes_by_its_name() -> None:
    assert picture_size(b"words") is None
    assert picture_size(b"\x89PNG\r\n\x1a\n") is None
    assert picture_size(b"\xff\xd8\xff\xe0\x00\x10") is None
    assert media_type("notes.txt", b"words") == "text/plain; charset=utf-8"
    assert media_type("notes", b"words") == "application/octet-stream"


async def test_a_link_serves_the_file_until_it_expires_or_is_forged(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    said = await mara.say(channel, files=[("a b.png", png(3, 3))])
    file = said.attachments[0]
    link = sandbox.world.file_url(file)
    assert file.name == "a_b.png"
    async with aiohttp.ClientSession() as client:
        async with client.get(link) as response:
            assert response.content_type == "image/png"
            assert response.content_length == len(file.data)
            assert await response.read() == file.data
        forged = link.replace("?ex=", "?ex=f")
        for dead in (forged, link.split("?")[0]):
            async with client.get(dead) as response:
                assert response.status == 404
        sandbox.world.now = lambda: time.time() + 25 * 3600
        async with client.get(link) as response:
            assert response.status == 404
            assert await response.text() == "This content is no longer available."
    async with Robot(sandbox) as robot:
        route = Route("POST", "/attachments/refresh-urls")
        refreshed = await robot.http.request(route, json={"attachment_urls": [link]})
        fresh = refreshed["refreshed_urls"][0]["refreshed"]
        assert await robot.http.get_from_cdn(fresh) == file.data
        again = await robot.text_channel(channel.id).fetch_message(said.id)
        assert await again.attachments[0].read() == file.data


async def test_the_cdn_can_cut_a_file_or_fail(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    said = await mara.say(channel, files=[("a.bin", bytes(100_000))])
    link = sandbox.world.file_url(said.attachments[0])
    sandbox.faults.append(Fault("GET", "/cdn/.*", cut_after_bytes=50_000, pace_s=0.001))
    sandbox.faults.append(Fault("GET", "/cdn/.*", status=503))
    async with aiohttp.ClientSession() as client:
        async with client.get(link) as response:
            assert response.content_length == 100_000
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        async with client.get(link) as response:
            assert response.status == 503
        async with client.get(link) as response:
            assert len(await response.read()) == 100_000


async def test_faults_limit_refuse_cut_and_hold_as_ordered(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    path = r"/channels/\d+/messages"
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        sandbox.faults.append(rate_limited(path, 0.01, times=2))
        await place.send("limited twice")
        assert [one.status for one in sandbox.sent("POST", path)] == [429, 429, 200]
        sandbox.faults.append(Fault("POST", path, status=503))
        with pytest.raises(discord.DiscordServerError):
            await place.send("refused")
        sandbox.faults.append(Fault("POST", path, drop=True))
        with pytest.raises(aiohttp.ClientError):
            await place.send("cut")
        sandbox.faults.append(Fault("POST", path, drop=True, after=True, skip=1))
        await place.send("passes")
        with pytest.raises(aiohttp.ClientError):
            await place.send("done, then cut")
        shown = [message.content for message in channel.messages]
        assert shown == ["limited twice", "passes", "done, then cut"]
        assert sandbox.faults == []
        assert [one.status for one in sandbox.sent("POST", path)][-3:] == [0, 200, 0]


async def test_the_record_has_bodies_and_files(sandbox: DiscordSandbox, channel: Channel) -> None:
    async with Robot(sandbox) as robot:
        file = discord.File(io.BytesIO(b"words"), "notes.txt")
        await robot.text_channel(channel.id).send("hello", file=file)
        [sent] = sandbox.sent("POST", r"/channels/\d+/messages")
        assert isinstance(sent.body, dict)
        assert sent.body["content"] == "hello"
        assert sent.files == (("notes.txt", 5),)
        assert sent.status == 200


async def test_a_route_that_is_not_there_is_404_and_a_wrong_token_401(
    sandbox: DiscordSandbox,
) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{sandbox.api_url}/nothing") as response:
            assert await response.json() == {"message": "404: Not Found", "code": 0}
        async with client.get(f"{sandbox.api_url}/users/@me") as response:
            assert response.status == 401
