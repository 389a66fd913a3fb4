import io

import discord
import pytest

from bot.sandbox.discord.failures import Refusal
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import MIB
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Server
from bot.sandbox.people import Person
from tests.sandbox.robot import Robot, png


@pytest.fixture
def server(sandbox: DiscordSandbox) -> Server:
    return sandbox.add_server("Atelier")


@pytest.fixture
def channel(server: Server) -> Channel:
    return server.add_channel("general")


@pytest.fixture
def mara(sandbox: DiscordSandbox, server: Server) -> Person:
    person = sandbox.add_person("Mara")
    server.join(person)
    return person


def file(data: bytes = b"words", name: str = "notes.txt") -> discord.File:
    return discord.File(io.BytesIO(data), name)


async def test_what_is_too_long_too_much_or_empty_is_refused_with_discords_code(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        with pytest.raises(discord.HTTPException, match="2000 or fewer") as refused:
            await place.send("x" * 2001)
        assert (refused.value.status, refused.value.code) == (400, 50035)
        with pytest.raises(discord.HTTPException) as refused:
            await place.send("  ")
        assert refused.value.code == 50006
        with pytest.raises(discord.HTTPException) as refused:
            await place.send(files=[file() for _ in range(11)])
        assert refused.value.code == 30015
        long = discord.Embed(title="x" * 257)
        with pytest.raises(discord.HTTPException, match="256 or fewer") as refused:
            await place.send(embed=long)
        assert refused.value.code == 50035
        fields = discord.Embed(description="x" * 4096)
        for number in range(2):
            fields.add_field(name=str(number), value="x" * 1000)
        with pytest.raises(discord.HTTPException, match="6000"):
            await place.send(embed=fields)
        with pytest.raises(discord.HTTPException, match="1024 or fewer"):
            await place.send(file=discord.File(io.BytesIO(b"x"), "a.png", description="x" * 1025))
        assert channel.messages == []
        await place.send("x" * 2000)


async def test_a_file_over_the_servers_limit_is_refused_as_too_large(
    sandbox: DiscordSandbox, server: Server, channel: Channel
) -> None:
    server.upload_bytes_override = 1000
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        with pytest.raises(discord.HTTPException) as refused:
            await place.send(file=file(b"x" * 1001))
        assert (refused.value.status, refused.value.code) == (413, 40005)
        await place.send(file=file(b"x" * 1000))
        sent = await place.send("words")
        with pytest.raises(discord.HTTPException) as refused:
            await sent.edit(attachments=[file(b"x" * 1001)])
        assert refused.value.code == 40005
        assert channel.messages[-1].content == "words"


async def test_a_request_over_25_mib_is_refused_whatever_the_servers_tier(
    sandbox: DiscordSandbox,
) -> None:
    server = sandbox.add_server("Boosted", tier=3)
    channel = server.add_channel("general")
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        with pytest.raises(discord.HTTPException) as refused:
            await place.send(files=[file(bytes(13 * MIB)), file(bytes(13 * MIB))])
        assert refused.value.code == 40005
        await place.send(file=file(bytes(11 * MIB)))


async def test_a_send_that_was_done_and_then_failed_leaves_one_message(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    sandbox.faults.append(Fault("POST", r"/channels/\d+/messages", status=502, after=True))
    async with Robot(sandbox) as robot:
        sent = await robot.text_channel(channel.id).send("once")
        assert [message.id for message in channel.messages] == [sent.id]
        assert [one.status for one in sandbox.sent("POST", r"/channels/\d+/messages")] == [502, 200]


async def test_an_edit_keeps_replaces_or_appends_attachments(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        sent = await robot.text_channel(channel.id).send(files=[file(name="a"), file(name="b")])
        [message] = channel.messages
        await sent.edit(content="kept")
        assert [one.name for one in message.attachments] == ["a", "b"]
        edited = await sent.edit(attachments=[sent.attachments[1], file(name="c")])
        assert [one.name for one in message.attachments] == ["b", "c"]
        added = await edited.add_files(file(name="d"))
        assert [one.filename for one in added.attachments] == ["b", "c", "d"]
        await sent.edit(attachments=[])
        assert message.attachments == []
        with pytest.raises(discord.HTTPException) as refused:
            await sent.edit(content="", attachments=[])
        assert refused.value.code == 50006
        assert message.content == "kept"
        with pytest.raises(discord.HTTPException, match="not found") as refused:
            await sent.edit(attachments=[added.attachments[0]])
        assert refused.value.code == 50035


async def test_a_picture_shown_by_an_embed_is_not_among_the_attachments(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        embed = discord.Embed(title="Spent").set_image(url="attachment://chart.png")
        sent = await place.send(embed=embed, file=file(png(5, 6), "chart.png"))
        assert sent.attachments == []
        shown = sent.embeds[0].image
        assert shown.width == 5
        assert shown.url is not None
        assert shown.url.startswith(sandbox.cdn_url)
        with pytest.raises(discord.HTTPException, match="not found"):
            await place.send(embed=embed)


async def test_a_layout_shows_its_picture_outside_the_attachments_and_takes_no_content(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        layout = discord.ui.LayoutView(timeout=None)
        layout.add_item(discord.ui.TextDisplay("Here it is"))
        layout.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png")))
        place = robot.text_channel(channel.id)
        sent = await place.send(view=layout, file=file(png(5, 6), "a.png"))
        assert sent.attachments == []
        gallery = sent.components[1]
        assert isinstance(gallery, discord.MediaGalleryComponent)
        assert gallery.items[0].media.width == 5
        with pytest.raises(discord.HTTPException):
            await sent.edit(content="words")
        plain = await place.send("words")
        with pytest.raises(discord.HTTPException):
            await plain.edit(view=layout, attachments=[file(png(5, 6), "a.png")])


async def test_only_allowed_mentions_ping_and_no_edit_does(
    sandbox: DiscordSandbox, server: Server, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        quiet = discord.AllowedMentions.none()
        await place.send(f"{mara.mention} hush", allowed_mentions=quiet)
        sent = await place.send("nobody")
        await sent.edit(content=mara.mention)
        await place.send(f"@everyone {server.bot_role.mention}")
        assert mara.pings == []
        only = discord.AllowedMentions(users=[discord.Object(mara.id)])
        await place.send(f"{mara.mention} {server.owner.mention}", allowed_mentions=only)
        assert mara.pings == [channel.messages[-1]]
        assert channel.messages[-1].pinged == [mara]


async def test_a_reply_names_what_it_replies_to_and_pings_as_asked(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        said = await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        replied = await heard.reply("yes", mention_author=False)
        assert channel.messages[-1].reply_to is said
        assert mara.pings == []
        quiet = await mara.say(channel, "hm", reply_to=channel.messages[-1], ping=False)
        await mara.edit_message(quiet, "hm!")
        assert quiet.mentions == []
        await mara.say(channel, "and?", reply_to=channel.messages[-2])
        again = await robot.hears("and?")
        assert again.reference is not None
        assert isinstance(again.reference.resolved, discord.Message)
        assert again.reference.resolved.id == replied.id
        assert robot.user in again.mentions
        await mara.delete(said)
        with pytest.raises(discord.HTTPException, match="Unknown message") as refused:
            await heard.reply("too late")
        assert refused.value.code == 50035
        lenient = discord.MessageReference.from_message(heard, fail_if_not_exists=False)
        await place.send("too late", reference=lenient)
        assert channel.messages[-1].reply_to is None


async def test_history_is_read_before_after_and_around_a_message(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    said = [await mara.say(channel, str(number)) for number in range(6)]
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)

        async def read(**limits: object) -> list[str]:
            return [one.content async for one in place.history(**limits)]  # pyright: ignore[reportArgumentType]

        middle = discord.Object(said[3].id)
        assert await read(limit=2) == ["5", "4"]
        assert await read(limit=2, before=middle) == ["2", "1"]
        assert await read(limit=2, after=middle, oldest_first=True) == ["4", "5"]
        assert sorted(await read(limit=3, around=middle)) == ["2", "3", "4"]
        assert (await place.fetch_message(said[0].id)).content == "0"
        with pytest.raises(discord.NotFound) as refused:
            await place.fetch_message(1)
        assert refused.value.code == 10008


async def test_only_the_bots_own_messages_are_its_to_edit(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        said = await mara.say(channel, "mine")
        with pytest.raises(discord.Forbidden) as refused:
            await robot.text_channel(channel.id).get_partial_message(said.id).edit(content="no")
        assert refused.value.code == 50005
        with pytest.raises(discord.Forbidden) as refused:
            await robot.text_channel(channel.id).get_partial_message(said.id).delete()
        assert refused.value.code == 50013
        with pytest.raises(Refusal, match="50005"):
            await sandbox.add_person("Ole").edit_message(said, "no")
        await mara.edit_message(said, "still mine")
        await sandbox.wait_until(lambda: bool(robot.updated))
        assert robot.updated[0].message.content == "still mine"


async def test_buttons_are_judged_as_discord_does(
    sandbox: DiscordSandbox, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Again", custom_id="again:1"))
        view.add_item(discord.ui.Button(label="Edit", custom_id="again:1"))
        with pytest.raises(discord.HTTPException, match="duplicated"):
            await place.send("x", view=view)
        long = discord.ui.View(timeout=None)
        long.add_item(discord.ui.Button(label="x" * 81, custom_id="again:1"))
        with pytest.raises(discord.HTTPException, match="80 or fewer"):
            await place.send("x", view=long)


async def test_a_person_may_refuse_direct_messages(sandbox: DiscordSandbox, mara: Person) -> None:
    async with Robot(sandbox) as robot:
        user = await robot.fetch_user(mara.id)
        await user.send("hello")
        assert mara.dm.messages[0].content == "hello"
        mara.dms_open = False
        with pytest.raises(discord.Forbidden) as refused:
            await user.send("hello?")
        assert refused.value.code == 50007
        await mara.say(mara.dm, "psst")
        heard = await robot.hears("psst")
        assert isinstance(heard.channel, discord.DMChannel)


async def test_typing_reactions_and_a_forward_are_seen(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        said = await mara.say(channel, "look", files=[("a.png", png(3, 3))])
        await mara.forward(said, channel)
        heard = await robot.hears("look")
        async with heard.channel.typing():
            assert [user.id for _, user in channel.typing] == [sandbox.bot_user.id]
        await heard.add_reaction("\N{EYES}")
        assert said.reactions == {"\N{EYES}": [sandbox.bot_user]}
        await heard.remove_reaction("\N{EYES}", discord.Object(sandbox.bot_user.id))
        assert said.reactions == {}
        await sandbox.wait_until(lambda: len(robot.heard) == 2)
        forwarded = robot.heard[1]
        assert forwarded.content == ""
        assert forwarded.message_snapshots[0].attachments[0].width == 3
