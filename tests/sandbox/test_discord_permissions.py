import io

import discord
import pytest

from bot.sandbox.discord.failures import Refusal
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel, Server
from bot.sandbox.people import Person
from tests.sandbox.robot import Robot


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


@pytest.mark.parametrize(
    ("denied", "code"),
    [
        (Permission.SEND_MESSAGES, 50013),
        (Permission.ATTACH_FILES, 50013),
        (Permission.EMBED_LINKS, 50013),
        (Permission.READ_MESSAGE_HISTORY, 160002),
        (Permission.VIEW_CHANNEL, 50001),
    ],
)
async def test_a_reply_with_a_file_and_an_embed_needs_each_permission(
    sandbox: DiscordSandbox, channel: Channel, mara: Person, denied: Permission, code: int
) -> None:
    async with Robot(sandbox) as robot:
        await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        channel.set_permissions(sandbox.bot_user, deny=denied)
        with pytest.raises(discord.Forbidden) as refused:
            await heard.reply(
                "yes", file=discord.File(io.BytesIO(b"x"), "a"), embed=discord.Embed(title="x")
            )
        assert refused.value.code == code
        channel.set_permissions(sandbox.bot_user, allow=denied)
        await heard.reply(
            "yes", file=discord.File(io.BytesIO(b"x"), "a"), embed=discord.Embed(title="x")
        )


async def test_a_channel_hidden_from_the_bot_sends_it_nothing(
    sandbox: DiscordSandbox, server: Server, channel: Channel, mara: Person
) -> None:
    secret = server.add_channel("secret")
    secret.set_permissions(server.everyone, deny=Permission.VIEW_CHANNEL)
    secret.set_permissions(mara, allow=Permission.VIEW_CHANNEL)
    async with Robot(sandbox) as robot:
        await mara.say(secret, "psst")
        await mara.say(channel, "hello")
        await robot.hears("hello")
        assert [one.content for one in robot.heard] == ["hello"]
        with pytest.raises(discord.Forbidden) as refused:
            await robot.fetch_channel(secret.id)
        assert refused.value.code == 50001
        with pytest.raises(discord.NotFound) as missing:
            await robot.fetch_channel(1)
        assert missing.value.code == 10003


async def test_threads_have_their_own_permissions(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    channel.set_permissions(sandbox.bot_user, deny=Permission.CREATE_PUBLIC_THREADS)
    async with Robot(sandbox) as robot:
        await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        with pytest.raises(discord.Forbidden) as refused:
            await heard.create_thread(name="a")
        assert refused.value.code == 50013
        channel.set_permissions(
            sandbox.bot_user, deny=Permission.SEND_MESSAGES | Permission.CREATE_PRIVATE_THREADS
        )
        thread = await heard.create_thread(name="a")
        await thread.send("Send Messages means nothing in a thread")
        with pytest.raises(discord.Forbidden):
            await robot.text_channel(channel.id).create_thread(name="private by default")
        channel.set_permissions(sandbox.bot_user, deny=Permission.SEND_MESSAGES_IN_THREADS)
        with pytest.raises(discord.Forbidden) as refused:
            await thread.send("no")
        assert refused.value.code == 50013


async def test_a_thread_needs_a_name_of_1_to_100_and_a_channel_that_has_threads(
    sandbox: DiscordSandbox, server: Server, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        for name in ("", "x" * 101):
            with pytest.raises(discord.HTTPException) as refused:
                await heard.create_thread(name=name)
            assert refused.value.code == 50035
        await mara.say(server.add_channel("talk", "voice"), "in voice")
        spoken = await robot.hears("in voice")
        with pytest.raises(discord.HTTPException) as refused:
            await robot.http.start_thread_with_message(
                spoken.channel.id, spoken.id, name="x", auto_archive_duration=60
            )
        assert refused.value.code == 50024
        public = await robot.text_channel(channel.id).create_thread(
            name="free", type=discord.ChannelType.public_thread
        )
        assert public.parent_id == channel.id
        assert [thread.name for thread in channel.threads] == ["free"]


async def test_an_archived_thread_takes_no_edit_and_opens_for_a_message_unless_locked(
    sandbox: DiscordSandbox, server: Server, channel: Channel, mara: Person
) -> None:
    moderator = sandbox.add_person("Ida")
    server.join(moderator, [server.add_role("mods", Permission.MANAGE_THREADS)])
    async with Robot(sandbox) as robot:
        await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        thread = await heard.create_thread(name="a")
        sent = await thread.send("one")
        [seen] = channel.threads
        await moderator.change_thread(seen, archived=True)
        with pytest.raises(discord.HTTPException) as refused:
            await sent.edit(content="two")
        assert refused.value.code == 50083
        await thread.send("three")
        assert not seen.archived
        await moderator.change_thread(seen, archived=True, locked=True)
        with pytest.raises(discord.HTTPException) as refused:
            await thread.send("four")
        assert refused.value.code == 160005
        with pytest.raises(Refusal, match="160005"):
            await mara.say(seen, "five")


async def test_a_deleted_thread_is_unknown_and_the_bot_is_told(
    sandbox: DiscordSandbox, server: Server, channel: Channel, mara: Person
) -> None:
    async with Robot(sandbox) as robot:
        await mara.say(channel, "hello")
        heard = await robot.hears("hello")
        thread = await heard.create_thread(name="a")
        assert server.owner.name == "Atelier's owner"
        owner = server.owner
        assert isinstance(owner, Person)
        await owner.delete_channel(channel.threads[0])
        with pytest.raises(discord.NotFound) as refused:
            await thread.send("hello?")
        assert refused.value.code == 10003


async def test_the_bots_permissions_follow_its_roles_and_the_channel(
    sandbox: DiscordSandbox, server: Server, channel: Channel
) -> None:
    async with Robot(sandbox) as robot:
        place = robot.text_channel(channel.id)
        assert place.permissions_for(place.guild.me).attach_files
        server.set_role_permissions(server.everyone, Permission.VIEW_CHANNEL)
        server.set_role_permissions(server.bot_role, Permission.SEND_MESSAGES)
        await place.send("heard back means that the roles arrived")
        await robot.hears("heard back means that the roles arrived")
        assert not place.permissions_for(place.guild.me).attach_files
        assert Permission.SEND_MESSAGES in channel.permissions_of(sandbox.bot_user)
        assert Permission.ATTACH_FILES not in channel.permissions_of(sandbox.bot_user)


async def test_a_forum_takes_posts_but_no_messages(
    sandbox: DiscordSandbox, server: Server, mara: Person
) -> None:
    forum = server.add_channel("ideas", "forum")
    with pytest.raises(Refusal, match="50008"):
        await mara.say(forum, "hello")
    async with Robot(sandbox) as robot:
        post = await mara.start_thread(forum, "A boat", text="paint a boat")
        heard = await robot.hears("paint a boat")
        assert isinstance(heard.channel, discord.Thread)
        assert heard.id == post.id
        assert isinstance(heard.channel.parent, discord.ForumChannel)
