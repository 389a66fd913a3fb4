import io
import time

import discord
import pytest
from discord import app_commands

from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Server
from bot.sandbox.people import Person
from tests.sandbox.robot import Robot, png

Asked = discord.Interaction[Robot]


class Later:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def later(sandbox: DiscordSandbox) -> Later:
    clock = Later()
    sandbox.world.now = clock
    return clock


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


@pytest.fixture
def robot(sandbox: DiscordSandbox) -> Robot:
    """A bot with `/hold`, which keeps the interaction for the test, and some options to choose."""
    robot = Robot(sandbox)

    @robot.tree.command(description="Hold")
    @app_commands.choices(shape=[app_commands.Choice(name="Wide", value="16:9")])
    async def hold(  # pyright: ignore[reportUnusedFunction]
        interaction: Asked,
        prompt: str = "",
        shape: str = "",
        count: app_commands.Range[int, 1, 4] = 1,
        friend: discord.Member | None = None,
    ) -> None:
        robot.held.append(interaction)
        sandbox.world.changed()

    @robot.tree.context_menu(name="Describe picture")
    async def describe(  # pyright: ignore[reportUnusedFunction]
        interaction: Asked, message: discord.Message
    ) -> None:
        await interaction.response.send_message(message.attachments[0].filename)

    reports = app_commands.Group(
        name="report",
        description="Reports",
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
    )

    @reports.command(description="Show")
    async def show(  # pyright: ignore[reportUnusedFunction]
        interaction: Asked, period: str = "month"
    ) -> None:
        await interaction.response.send_message(period, ephemeral=True)

    robot.tree.add_command(reports)
    return robot


async def held(robot: Robot) -> Asked:
    await robot.sandbox.wait_until(lambda: bool(robot.held))
    return robot.held.pop()


async def test_the_first_response_is_due_in_3_seconds(
    robot: Robot, channel: Channel, mara: Person, later: Later
) -> None:
    async with robot:
        await mara.command(channel, "hold")
        interaction = await held(robot)
        later.ahead_s += 3.1
        with pytest.raises(discord.NotFound) as refused:
            await interaction.response.defer()
        assert refused.value.code == 10062


async def test_a_second_first_response_is_refused(
    sandbox: DiscordSandbox, robot: Robot, channel: Channel, mara: Person
) -> None:
    path = r"/interactions/.*/callback"
    sandbox.faults.append(Fault("POST", path, status=502, after=True))
    async with robot:
        asked = await mara.command(channel, "hold")
        interaction = await held(robot)
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.response.defer()  # done, said 502, tried again by discord.py
        assert refused.value.code == 40060
        await interaction.edit_original_response(content="still works")
        assert (await asked.finished()).content == "still works"


async def test_the_token_dies_after_15_minutes_but_the_bots_own_edits_a_public_answer(
    robot: Robot, channel: Channel, mara: Person, later: Later
) -> None:
    async with robot:
        asked = await mara.command(channel, "hold")
        interaction = await held(robot)
        await interaction.response.send_message("early")
        later.ahead_s += 15 * 60 + 1
        for attempt in (
            interaction.edit_original_response(content="late"),
            interaction.followup.send("late"),
        ):
            with pytest.raises(discord.HTTPException) as refused:
                await attempt
            assert (refused.value.status, refused.value.code) == (401, 50027)
        assert asked.original is not None
        place = robot.text_channel(channel.id)
        await place.get_partial_message(asked.original.id).edit(content="by the bot's token")
        assert asked.original.content == "by the bot's token"


async def test_a_private_answer_is_seen_by_the_person_and_edited_by_the_interaction_only(
    robot: Robot, channel: Channel, mara: Person
) -> None:
    async with robot:
        asked = await mara.command(channel, "hold")
        interaction = await held(robot)
        deferred = await interaction.response.defer(ephemeral=True, thinking=True)
        assert deferred is not None
        assert deferred.is_ephemeral()
        await interaction.edit_original_response(content="for you")
        answer = await asked.finished()
        assert asked.ephemeral
        assert channel.messages == []
        assert channel.seen_by(mara) == [answer]
        place = robot.text_channel(channel.id)
        with pytest.raises(discord.NotFound) as refused:
            await place.get_partial_message(answer.id).edit(content="no")
        assert refused.value.code == 10008
        assert [one async for one in place.history()] == []
        # Discord sends the bot its own private answers as if they were direct messages.
        assert [one.guild for one in robot.heard] == [None]


async def test_a_thinking_answer_is_finished_by_the_interaction_only(
    robot: Robot, channel: Channel, mara: Person
) -> None:
    async with robot:
        asked = await mara.command(channel, "hold")
        interaction = await held(robot)
        await interaction.response.defer(thinking=True)
        assert asked.original is not None
        assert asked.original.thinking
        place = robot.text_channel(channel.id)
        with pytest.raises(discord.NotFound):
            await place.get_partial_message(asked.original.id).edit(content="x")
        await interaction.followup.send("becomes the answer")
        assert (await asked.finished()).content == "becomes the answer"
        assert asked.original.edited_at is None
        followup = await interaction.followup.send("and more", wait=True)
        await followup.edit(content="and less")
        assert [one.content for one in asked.messages] == ["becomes the answer", "and less"]
        await interaction.delete_original_response()
        assert [one.content for one in channel.messages] == ["and less"]
        with pytest.raises(discord.NotFound) as refused:
            await interaction.edit_original_response(content="gone")
        assert refused.value.code == 10008


async def test_the_payload_tells_who_asks_where_and_what_is_allowed(
    robot: Robot, server: Server, channel: Channel, mara: Person
) -> None:
    server.upload_bytes_override = 1234
    channel.set_permissions(robot.sandbox.bot_user, deny=Permission.ATTACH_FILES)
    async with robot:
        await mara.command(channel, "hold", shape="Wide", count=4, friend=server.owner)
        interaction = await held(robot)
        assert interaction.filesize_limit == 1234
        assert not interaction.app_permissions.attach_files
        assert interaction.permissions.attach_files
        assert interaction.namespace.shape == "16:9"
        assert interaction.namespace.friend.id == server.owner.id
        assert isinstance(interaction.user, discord.Member)
        await mara.command(mara.dm, "hold")
        interaction = await held(robot)
        assert interaction.guild is None
        assert interaction.context.dm_channel
        assert interaction.user.id == mara.id


async def test_the_client_offers_only_what_is_registered_and_allowed(
    robot: Robot, server: Server, channel: Channel, mara: Person
) -> None:
    async with robot:
        for name, options in (
            ("nothing", {}),
            ("hold", {"unknown": 1}),
            ("hold", {"prompt": 1}),
            ("hold", {"shape": "Tall"}),
            ("hold", {"count": 5}),
            ("hold", {"prompt": "x" * 6001}),
            ("report", {}),
            ("report show", {}),
        ):
            with pytest.raises(SandboxError):
                await mara.command(channel, name, **options)
        owner = server.owner
        assert isinstance(owner, Person)
        asked = await owner.command(channel, "report show", period="week")
        assert (await asked.finished()).content == "week"
        with pytest.raises(SandboxError, match="not offered in this context"):
            await owner.command(owner.dm, "report show")
        server.join(mara, [server.add_role("admins", Permission.MANAGE_GUILD)])
        assert (await (await mara.command(channel, "report show")).finished()).content == "month"
        channel.set_permissions(mara, deny=Permission.USE_APPLICATION_COMMANDS)
        with pytest.raises(SandboxError, match="may not use commands"):
            await mara.command(channel, "hold")


async def test_commands_are_replaced_as_a_whole_and_keep_their_ids(
    sandbox: DiscordSandbox, robot: Robot
) -> None:
    async with robot:
        before = {command.name: command.id for command in await robot.tree.fetch_commands()}
        robot.tree.remove_command("report")
        after = {command.name: command.id for command in await robot.tree.sync()}
        del before["report"]
        assert after == before
        assert sandbox.commands.syncs == 2


async def test_a_message_menu_shows_the_target_even_without_the_content_intent(
    sandbox: DiscordSandbox, robot: Robot, channel: Channel, mara: Person
) -> None:
    async with robot:
        said = await mara.say(channel, "", files=[("cat.png", png(2, 2))])
        asked = await mara.menu(said, "Describe picture")
        assert (await asked.finished()).content == "cat.png"


async def test_a_button_opens_a_modal_whose_submit_edits_the_message(
    sandbox: DiscordSandbox, channel: Channel, mara: Person
) -> None:
    class Rewrite(discord.ui.Modal, title="Rewrite"):
        def __init__(self) -> None:
            super().__init__()
            choices = [discord.SelectOption(label="Wide"), discord.SelectOption(label="Tall")]
            self.prompt = discord.ui.TextInput["Rewrite"](default="a boat")
            self.shape = discord.ui.Select["Rewrite"](options=choices, required=False)
            self.more = discord.ui.FileUpload["Rewrite"](required=False)
            label = discord.ui.Label["Rewrite"]
            self.add_item(label(text="Prompt", component=self.prompt))
            self.add_item(label(text="Shape", component=self.shape))
            self.add_item(label(text="More pictures", component=self.more))

        async def on_submit(self, interaction: discord.Interaction) -> None:
            [picture] = self.more.values
            words = [self.prompt.value, *self.shape.values, picture.filename]
            await interaction.response.edit_message(content=" ".join(words), view=None)

    class Edit(discord.ui.View):
        @discord.ui.button(label="Edit", custom_id="edit:1")
        async def edit(
            self, interaction: discord.Interaction, _button: discord.ui.Button["Edit"]
        ) -> None:
            await interaction.response.send_modal(Rewrite())

        @discord.ui.button(label="Off", custom_id="off:1", disabled=True)
        async def off(
            self, interaction: discord.Interaction, _button: discord.ui.Button["Edit"]
        ) -> None: ...

    async with Robot(sandbox) as robot:
        await robot.text_channel(channel.id).send("result", view=Edit(timeout=None))
        [message] = channel.messages
        for button in ("Off", "Nothing"):
            with pytest.raises(SandboxError):
                await mara.click(message, button)
        opened = await mara.click(message, "Edit")
        await opened.answered()
        submitted = await mara.submit(
            opened, Prompt="at night", Shape=["Tall"], More_pictures=[("m.png", png(1, 1))]
        )
        await submitted.answered()
        assert message.content == "at night Tall m.png"
        assert message.buttons == []


async def test_a_locked_archived_thread_cannot_be_answered(
    robot: Robot, server: Server, channel: Channel, mara: Person
) -> None:
    async with robot:
        thread = await mara.start_thread(channel, "old")
        await mara.command(thread, "hold")
        interaction = await held(robot)
        owner = server.owner
        assert isinstance(owner, Person)
        await owner.change_thread(thread, archived=True, locked=True)
        with pytest.raises(discord.Forbidden) as refused:
            await interaction.response.send_message("hello")
        assert refused.value.code == 50083


async def test_a_file_over_the_limit_leaves_the_answer_as_it_was(
    robot: Robot, server: Server, channel: Channel, mara: Person
) -> None:
    server.upload_bytes_override = 10
    async with robot:
        asked = await mara.command(channel, "hold")
        interaction = await held(robot)
        await interaction.response.defer()
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.edit_original_response(
                attachments=[discord.File(io.BytesIO(b"x" * 11), "a")]
            )
        assert (refused.value.status, refused.value.code) == (413, 40005)
        assert asked.original is not None
        assert asked.original.thinking
