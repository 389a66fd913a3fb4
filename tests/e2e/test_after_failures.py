"""What a conversation remembers of requests that came to nothing, and answers that cannot be shown
whole.
"""

from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter import Status
from tests.e2e.stage import Stage, last_line

TOO_LARGE = {"message": "Request entity too large", "code": 40005}


def said(stage: Stage) -> list[object]:
    """The messages of the last call at the model."""
    messages = stage.model.calls[-1].request["messages"]
    assert isinstance(messages, list)
    return list(messages)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # foreign JSON


async def test_a_request_that_failed_is_remembered(stage: Stage):
    await stage.start()
    stage.model.script(Status(400, "Bad request"))
    thread, answer = await stage.ask_in_thread("a red fox in deep snow")
    assert last_line(answer[-1]) == "-# owner · not charged"
    asked = await stage.mara.say(thread, "try again")
    await stage.answers(thread, asked.id)
    assert "a red fox in deep snow" in str(said(stage))


async def test_a_request_that_was_blocked_is_not_sent_again(stage: Stage):
    await stage.start()
    stage.model.script(Status(403, "flagged", metadata={"reasons": ["violence"]}))
    thread, answer = await stage.ask_in_thread("something terrible")
    assert last_line(answer[-1]) == "-# blocked · not charged"
    asked = await stage.mara.say(thread, "then a kitten")
    await stage.answers(thread, asked.id)
    assert "something terrible" not in str(said(stage))


async def test_a_picture_that_is_refused_at_every_size_leaves_text_and_cost(stage: Stage):
    await stage.start()
    stage.discord.faults.append(
        Fault("PATCH", r".*/messages/\d+", times=2, status=413, body=TOO_LARGE)
    )
    _, answer = await stage.ask_in_thread("a fox")
    assert not answer[-1].attachments
    assert answer[-1].content.startswith("Discord refuses the picture as too large")
    assert last_line(answer[-1]).startswith("-# $0.")
