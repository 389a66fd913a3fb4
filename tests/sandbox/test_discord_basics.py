import io

import discord
import pytest

from bot.sandbox.discord.sandbox import DiscordSandbox
from tests.sandbox.robot import Robot, png


async def test_a_person_speaks_and_the_bot_opens_a_thread_and_edits_its_answer(
    sandbox: DiscordSandbox,
) -> None:
    server = sandbox.add_server("Atelier")
    channel = server.add_channel("general")
    mara = sandbox.add_person("Mara")
    server.join(mara)
    async with Robot(sandbox) as robot:
        said = await mara.say(
            channel, f"{sandbox.bot_user.mention} paint", files=[("photo.png", png(4, 3))]
        )
        heard = await robot.hears(said.content)
        assert isinstance(heard.author, discord.Member)
        assert heard.attachments[0].width == 4
        assert await heard.attachments[0].read() == png(4, 3)
        thread = await heard.create_thread(name="paint")
        assert thread.id == said.id
        sent = await thread.send("Painting …")
        file = discord.File(io.BytesIO(png(8, 9)), "easel.png", description="a grey field")
        await sent.edit(content="Done", attachments=[file])
        [seen] = channel.threads
        answer = await seen.wait_for(lambda message: message.content == "Done")
        assert answer.edits == 1
        assert answer.attachments[0].description == "a grey field"
        assert answer.attachments[0].height == 9
        await mara.say(seen, "make it night")
        followed = await robot.hears("make it night")
        assert isinstance(followed.channel, discord.Thread)
        with pytest.raises(discord.HTTPException) as refused:
            await heard.create_thread(name="again")
        assert refused.value.code == 160004


async def test_a_slash_command_is_deferred_and_its_answer_edited_with_a_file(
    sandbox: DiscordSandbox,
) -> None:
    server = sandbox.add_server("Atelier")
    channel = server.add_channel("general")
    mara = sandbox.add_person("Mara")
    server.join(mara)
    robot = Robot(sandbox)

    @robot.tree.command(description="Paint")
    async def imagine(  # pyright: ignore[reportUnusedFunction]
        interaction: discord.Interaction[Robot],
        prompt: str,
        reference: discord.Attachment | None = None,
    ) -> None:
        deferred = await interaction.response.defer(thinking=True)
        assert deferred is not None
        assert deferred.message_id is not None
        assert reference is not None
        data = await reference.read()
        await interaction.edit_original_response(
            content=prompt, attachments=[discord.File(io.BytesIO(data), "out.png")]
        )

    async with robot:
        assert sandbox.commands.syncs == 1
        interaction = await mara.command(
            channel, "imagine", prompt="a boat", reference=("a.png", png(2, 2))
        )
        await interaction.answered()
        assert interaction.latency_s is not None
        message = await interaction.finished()
        assert message.content == "a boat"
        assert message.attachments[0].data == png(2, 2)
        assert channel.messages == [message]
