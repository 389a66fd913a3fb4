"""Alerts: who is told that a budget is half, nearly or all used up."""

from bot.money import NanoUsd, nano_usd
from bot.sandbox.openrouter import Say, answer
from bot.store import alerts
from tests.e2e.stage import Stage


async def spend(stage: Stage, cost: str) -> None:
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd(cost))))
    used = await stage.mara.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, used.id)
    await stage.until_idle()
    await stage.until_told()


def owners_alerts(stage: Stage) -> list[str]:
    """Beside what else the owner may be told."""
    said = [message.content for message in stage.ours(stage.owner.dm)]
    return [each for each in said if " budget of " in each]


async def test_the_channel_of_the_admins_is_told_once_of_each_share_of_the_servers_budget(
    stage: Stage,
):
    admins = stage.server.add_channel("admins")
    await stage.start()
    await (
        await stage.ada.command(stage.channel, "server set", setting="notify", value=admins.mention)
    ).answered()
    await (
        await stage.ada.command(
            stage.channel, "budget set", scope="server", limit="1", window="day"
        )
    ).answered()
    for cost, count in (("0.3", 0), ("0.3", 1), ("0.05", 1), ("0.2", 2), ("0.2", 3), ("0.01", 3)):
        if cost != "0.01":
            await spend(stage, cost)
        else:
            used = await stage.mara.command(stage.channel, "imagine", prompt="a fox")
            await used.answered()
            assert "There is no room in this server's daily budget" in used.messages[0].content
            await stage.until_told()
        assert len(stage.ours(admins)) == count
    said = [message.content.partition(" It resets <t:")[0] for message in stage.ours(admins)]
    assert said == [
        "The daily budget of this server is 50 % used: $0.6000 of $1.00 is spent.",
        "The daily budget of this server is 80 % used: $0.8500 of $1.00 is spent.",
        "The daily budget of this server is used up: $1.0500 of $1.00 is spent.",
    ]
    assert stage.owner.pings == []
    assert not owners_alerts(stage)


async def test_the_owner_is_told_of_the_total_and_of_a_server_that_named_no_channel(stage: Stage):
    stage.budget(
        total_month_nano_usd=NanoUsd(nano_usd("1")), server_month_nano_usd=NanoUsd(nano_usd("0.8"))
    )
    await stage.start()
    await spend(stage, "0.5")
    said = sorted(owners_alerts(stage))
    assert [each.partition(" is 50 % used")[0] for each in said] == [
        "The monthly budget of Easel, over all servers and direct messages",
        "The monthly budget of the server Atelier",
    ]
    await stage.stop()
    await stage.start()
    await stage.until_told()
    assert len(owners_alerts(stage)) == 2


async def test_an_alert_that_could_not_be_told_is_told_later(stage: Stage):
    stage.budget(server_month_nano_usd=NanoUsd(nano_usd("0.8")))
    stage.owner.dms_open = False
    await stage.start()
    stage.model.script(answer(Say("A fox."), cost_nano_usd=int(nano_usd("0.5"))))
    used = await stage.mara.command(stage.channel, "ask", prompt="why?")
    await stage.answers(stage.channel, used.id)
    await stage.until_idle()
    assert await stage.read(lambda tx: alerts.untold(tx, 10))
    stage.owner.dms_open = True
    await stage.until_told()
    assert len(owners_alerts(stage)) == 1
