import json
import zlib

import aiohttp
import discord
import pytest

from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import Json
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


async def test_a_wrong_token_is_refused_at_login(sandbox: DiscordSandbox) -> None:
    with pytest.raises(discord.LoginFailure):
        async with Robot(sandbox, token="wrong"):
            pass


async def test_a_wrong_token_is_refused_at_the_gateway(sandbox: DiscordSandbox) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(sandbox.gateway_url) as socket:
        assert json.loads((await socket.receive()).data)["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 1}})
        await socket.receive()
        assert socket.close_code == 4004


async def test_an_intent_that_the_portal_does_not_grant_ends_the_connection(
    sandbox: DiscordSandbox,
) -> None:
    sandbox.message_content_enabled = False
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with Robot(sandbox):
            pass


async def test_without_the_content_intent_only_what_is_meant_for_the_bot_has_content(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    sandbox.message_content_enabled = False
    async with Robot(sandbox, content=False) as robot:
        await robot.text_channel(channel.id).send("own")
        own = channel.messages[-1]
        await mara.say(channel, "hidden", files=[("a.png", png(2, 2))])
        await mara.say(channel, f"{sandbox.bot_user.mention} shown")
        await mara.say(channel, "unpinged", reply_to=own, ping=False)
        await mara.say(channel, "pinged", reply_to=own)
        await mara.say(mara.dm, "direct")
        await sandbox.wait_until(lambda: len(robot.heard) == 6)
        shown = [message.content for message in robot.heard]
        assert shown == ["own", "", f"{sandbox.bot_user.mention} shown", "", "pinged", "direct"]
        assert robot.heard[1].attachments == []
        read = [one.content async for one in robot.text_channel(channel.id).history(limit=None)]
        assert read == shown[4::-1]


async def test_a_cut_line_is_resumed_and_what_was_missed_arrives_once(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        await mara.say(channel, "before")
        await robot.hears("before")
        sandbox.drop_connections()
        await mara.say(channel, "meanwhile")
        await robot.hears("meanwhile")
        await sandbox.wait_until(lambda: robot.resumed == 1)
        await mara.say(channel, "after")
        await robot.hears("after")
        assert [one.content for one in robot.heard] == ["before", "meanwhile", "after"]
        assert (sandbox.gateway.identifies, sandbox.gateway.resumes) == (1, 1)


async def test_a_reconnect_resumes_and_an_invalid_session_starts_anew(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        sandbox.reconnect()
        await sandbox.wait_until(lambda: robot.resumed == 1)
        sandbox.invalidate_sessions()
        await mara.say(channel, "lost")
        await sandbox.wait_until(lambda: sandbox.gateway.identifies == 2)
        await mara.say(channel, "heard")
        await robot.hears("heard")
        assert [one.content for one in robot.heard] == ["heard"]


async def test_an_event_can_be_delivered_twice(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        said = await mara.say(channel, "twice")
        sandbox.redeliver(said)
        await sandbox.wait_until(lambda: len(robot.heard) == 2)
        assert {one.id for one in robot.heard} == {said.id}


async def test_the_next_start_misses_what_happened_since_the_stop(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox):
        assert sandbox.gateway.connected
    await sandbox.wait_until(lambda: not sandbox.gateway.connected)
    await mara.say(channel, "nobody home")
    async with Robot(sandbox) as robot:
        await mara.say(channel, "back")
        await robot.hears("back")
        assert [one.content for one in robot.heard] == ["back"]


async def test_a_clean_close_ends_the_session(sandbox: DiscordSandbox) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(sandbox.gateway_url) as socket:
        await socket.receive()
        await socket.send_json({"op": 2, "d": {"token": sandbox.token, "intents": 1}})
        ready = json.loads((await socket.receive()).data)["d"]
        await socket.close(code=1000)
        await sandbox.wait_until(lambda: not sandbox.gateway.connections)
    resume: Json = {"token": sandbox.token, "session_id": ready["session_id"], "seq": 1}
    async with aiohttp.ClientSession() as client, client.ws_connect(sandbox.gateway_url) as socket:
        await socket.receive()
        await socket.send_json({"op": 6, "d": resume})
        assert json.loads((await socket.receive()).data) == {
            "op": 9,
            "d": False,
            "s": None,
            "t": None,
        }


async def test_frames_are_one_zlib_stream_when_asked(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    inflate = zlib.decompressobj()
    url = f"{sandbox.gateway_url}?v=10&encoding=json&compress=zlib-stream"
    async with aiohttp.ClientSession() as client, client.ws_connect(url) as socket:

        async def receive() -> Json:
            frame = await socket.receive()
            return json.loads(inflate.decompress(frame.data))

        assert (await receive())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": sandbox.token, "intents": 1}})
        assert (await receive())["t"] == "READY"
        created = await receive()
        assert (created["t"], created["s"]) == ("GUILD_CREATE", 2)
        assert created["d"]["channels"][0]["id"] == str(channel.id)
        await socket.send_json({"op": 1, "d": 2})
        assert (await receive())["op"] == 11


async def test_a_thread_unknown_to_the_bot_is_announced_when_it_reopens(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    thread = await mara.start_thread(channel, "old")
    await mara.change_thread(thread, archived=True)
    async with Robot(sandbox) as robot:
        assert robot.get_channel(thread.id) is None
        await mara.say(thread, "wake up")
        heard = await robot.hears("wake up")
        assert isinstance(heard.channel, discord.Thread)


async def test_an_unfurled_link_is_an_update_that_nobody_made(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        said = await mara.say(channel, "see https://example.org")
        sandbox.unfurl(said, {"type": "link", "url": "https://example.org", "title": "Example"})
        await sandbox.wait_until(lambda: bool(robot.updated))
        assert robot.updated[0].message.edited_at is None
