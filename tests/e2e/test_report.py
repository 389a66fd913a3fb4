"""/report show: its chart, its buttons, and who may press them."""

import io

import pytest
from PIL import Image

from bot.ledger import reports
from bot.ledger.chart import CARD
from bot.money import dollars
from bot.sandbox.discord.failures import SandboxError
from bot.sandbox.discord.interactions import COMPONENT, Interaction
from bot.sandbox.discord.shapes import Permission
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Say, answer
from bot.sandbox.people import Person
from bot.store.database import Database
from tests.e2e import scenes
from tests.e2e.cast import enter
from tests.e2e.stage import Stage, last_line


def text(message: Message) -> str:
    (embed,) = message.embeds
    fields = [f"{field['name']}\n{field['value']}" for field in embed.get("fields", [])]
    return "\n".join([embed["title"], embed["description"], *fields])


def chart(message: Message) -> Image.Image:
    (file,) = message.attachments
    assert file.description
    picture = Image.open(io.BytesIO(file.data)).convert("RGB")
    corner = picture.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert "#{:02x}{:02x}{:02x}".format(*corner) == CARD
    return picture


async def spent(stage: Stage, *people: Person) -> None:
    for number, person in enumerate(people, 1):
        stage.model.script(answer(Say("A fox."), cost_nano_usd=number * 10**8))
        interaction = await person.command(stage.channel, "ask", prompt="why?")
        await stage.answers(stage.channel, interaction.id)
    await stage.until_idle()


async def look(person: Person, channel: Channel, **options: object) -> Message:
    interaction = await person.command(channel, "report show", **options)
    await interaction.answered()
    message = await interaction.finished()
    assert message.ephemeral
    return message


async def press(stage: Stage, person: Person, message: Message, label: str) -> None:
    edited = message.edited_at
    await person.click(message, label)
    await stage.discord.wait_until(lambda: message.edited_at != edited, 10)


async def forged(person: Person, message: Message, custom_id: str) -> Interaction:
    """A press of a button that is not there: no client offers it."""
    data = {"component_type": 2, "custom_id": custom_id}
    interaction = person._interact(  # pyright: ignore[reportPrivateUsage] - no way to it else
        COMPONENT, message.channel, data, message
    )
    await interaction.answered()
    return interaction


async def test_the_report_has_a_chart_and_its_buttons_choose_anew(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara, stage.theo)
    message = await look(stage.ada, stage.channel)
    overview = chart(message)
    assert "**$0.3000** for 2 exchanges" in text(message)
    assert "Before (" in text(message)
    assert [one["label"] for one in message.buttons if one.get("disabled")] == ["Month", "Overview"]
    await press(stage, stage.ada, message, "Members")
    said = text(message)
    assert said.index(f"<@{stage.theo.id}>: $0.2000") < said.index(f"<@{stage.mara.id}>: $0.1000")
    assert chart(message).size != overview.size
    await press(stage, stage.ada, message, "Last month")
    assert "last month\nNothing was spent." in text(message)
    assert not message.files
    await press(stage, stage.ada, message, "All time")
    assert "By member" in text(message)
    of_one = await look(stage.ada, stage.channel, by="kind", member=stage.mara)
    assert "**$0.1000** for 1 exchange" in text(of_one)
    await press(stage, stage.ada, of_one, "Days")
    assert "**$0.1000** for 1 exchange" in text(of_one)


async def test_pages_turn_until_the_last_line(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.ui.report_view.PAGE_LINES", 1)
    await stage.start()
    await spent(stage, stage.mara, stage.theo)
    message = await look(stage.ada, stage.channel, by="member")
    assert f"<@{stage.theo.id}>: $0.2000" in text(message)
    assert f"<@{stage.mara.id}>" not in text(message)
    await stage.stop()
    await stage.start()
    await press(stage, stage.ada, message, "Next")
    assert f"<@{stage.mara.id}>: $0.1000" in text(message)
    assert f"<@{stage.theo.id}>" not in text(message)
    disabled = {one["label"] for one in message.buttons if one.get("disabled")}
    assert {"Next"} <= disabled
    assert "Previous" not in disabled


async def test_a_report_is_for_its_reader_alone_until_it_is_posted(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara)
    message = await look(stage.ada, stage.channel)
    before = len(stage.ours(stage.channel))
    await stage.ada.click(message, "Post")
    await stage.discord.wait_until(lambda: len(stage.ours(stage.channel)) > before, 10)
    posted = stage.ours(stage.channel)[-1]
    assert not posted.ephemeral
    assert not posted.buttons
    assert not posted.pinged
    assert posted.content == f"Posted by <@{stage.ada.id}>"
    assert text(posted) == text(message)
    assert chart(posted).tobytes() == chart(message).tobytes()


@pytest.mark.cell(*scenes.REPORT)
async def test_its_buttons_are_its_readers_alone_also_after_a_restart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.ui.report_view.PAGE_LINES", 1)
    cast = await enter(stage)
    await spent(stage, stage.mara, stage.theo)
    message = await look(stage.ada, stage.channel, by="member")
    verbs = {one["custom_id"].partition(":")[0] for one in message.buttons}
    assert verbs == {f"report-{verb}" for verb in scenes.REPORT.values()}
    async for _ in cast.before_and_after():
        for _, person in cast.people():
            with pytest.raises(SandboxError, match="does not see"):
                await person.click(message, "Post")
        for label, shows in (
            ("Next", f"<@{stage.mara.id}>: $0.1000"),
            ("Last month", "Nothing was spent."),
            ("Days", "Nothing was spent."),
            ("Members", "Nothing was spent."),
            ("Month", f"<@{stage.theo.id}>: $0.2000"),
        ):
            await press(stage, stage.ada, message, label)
            assert shows in text(message)
        press_of_post = await stage.ada.click(message, "Post")
        await stage.discord.wait_until(lambda one=press_of_post: bool(one.followups), 10)
        assert not press_of_post.followups[0].ephemeral


async def test_nobody_reads_another_servers_figures_by_any_button(stage: Stage):
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.theo, [elsewhere.add_role("Admins", Permission.MANAGE_GUILD)])
    await stage.start()
    await spent(stage, stage.mara)
    ours = await look(stage.ada, stage.channel, by="member")
    theirs = await look(stage.theo, other, by="member")
    buttons = [one["custom_id"] for one in ours.buttons]
    for custom_id in buttons:
        tried = await forged(stage.theo, theirs, custom_id)
        assert last_line(tried.messages[-1]) == "-# permission · not charged"
        tried = await forged(stage.mara, ours, custom_id)
        assert last_line(tried.messages[-1]) == "-# permission · not charged"
    assert "Nothing was spent." in text(theirs)
    direct = await stage.ada.say(stage.ada.dm, "hello")
    tried = await forged(stage.ada, direct, buttons[0])
    assert last_line(tried.messages[-1]) == "-# permission · not charged"


async def test_an_admin_who_is_none_any_more_presses_in_vain(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara)
    message = await look(stage.ada, stage.channel)
    stage.server.members[stage.ada.id].roles.clear()
    for label in ("Members", "Today", "Post"):
        interaction = await stage.ada.click(message, label)
        await interaction.answered()
        assert last_line(interaction.messages[-1]) == "-# permission · not charged"


async def test_spend_shows_a_chart_to_its_member_alone(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara, stage.theo)
    interaction = await stage.mara.command(stage.channel, "spend")
    message = await interaction.finished()
    assert interaction.ephemeral
    chart(message)
    assert "**$0.1000** for 1 exchange" in text(message)
    assert not message.buttons


async def test_what_is_drawn_is_what_the_books_hold(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara, stage.theo, stage.mara)
    report = await stage.read(lambda tx: reports.server_report(tx, stage.server.id, "month"))
    message = await look(stage.ada, stage.channel)
    for line in report.by["member"]:
        assert f"<@{line.key}>: {dollars(line.totals.cost)} · " in text(message)
    assert report.totals.cost == await stage.ledger_nano_usd()


async def test_answers_that_reached_nobody_are_counted(stage: Stage):
    await stage.start()
    await spent(stage, stage.mara, stage.theo)
    assert "could not be delivered" not in text(await look(stage.ada, stage.channel))
    async with Database(stage.settings.storage.data_dir / "easel.db", stage.clock) as database:
        waits = "UPDATE exchange SET waits = 1 WHERE member_id = :member_id"
        await database.write(lambda tx: tx.run(waits, member_id=stage.mara.id))
    said = text(await look(stage.ada, stage.channel))
    assert "1 answer that could not be delivered waits in `/history`." in said


async def test_about_a_member_only_what_they_spent_here_is_told(stage: Stage):
    elsewhere = stage.discord.add_server("Elsewhere")
    other = elsewhere.add_channel("other")
    elsewhere.join(stage.mara)
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=7 * 10**8))
    used = await stage.mara.command(other, "ask", prompt="why?")
    await stage.answers(other, used.id)
    used = await stage.mara.command(stage.mara.dm, "ask", prompt="why?")
    await stage.answers(stage.mara.dm, used.id)
    await stage.until_idle()
    for about in (stage.mara, stage.discord.add_person("Stranger")):
        for by in (None, "day", "channel"):
            options = {} if by is None else {"by": by}
            said = text(await look(stage.ada, stage.channel, member=about, **options))
            assert "Nothing was spent." in said
            assert "$0.7" not in said
            assert str(other.id) not in said
