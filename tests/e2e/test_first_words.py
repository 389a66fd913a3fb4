"""A mention, and what follows from it."""

from tests.e2e.stage import Stage, last_line


async def test_a_mention_becomes_a_thread_with_a_picture(stage: Stage):
    await stage.start()
    thread, answer = await stage.ask_in_thread("a red fox in deep snow")
    assert thread.name == "a red fox in deep snow"
    assert len(answer) == 1
    assert [file.content_type for file in answer[0].attachments] == ["image/png"]
    assert answer[0].attachments[0].description is not None
    assert last_line(answer[0]).startswith("-# $0.")
    assert await stage.ledger_nano_usd() == stage.model.account.total_nano_usd


async def test_a_message_in_the_thread_goes_on_with_the_last_picture(stage: Stage):
    await stage.start()
    thread, first = await stage.ask_in_thread("a red fox in deep snow")
    asked = await stage.theo.say(thread, "make it night")
    second = await stage.answers(thread, asked.id)
    assert second[0].reply_to is asked
    sent = [picture.sha256 for picture in stage.model.calls[-1].pictures]
    assert sent == [stage.sha256(first[0].attachments[0].data)]
