"""The button *Original*: the very bytes, the very pixels, or the reason why not."""

import io

from PIL import Image

from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Paint, answer
from tests.e2e.stage import Stage


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


async def original_bytes(stage: Stage) -> bytes:
    """The one picture on the shelf."""
    shelf = stage.settings.storage.data_dir / "shelf"
    (path,) = [path for path in shelf.rglob("*") if path.is_file() and len(path.name) == 64]
    return path.read_bytes()


async def painted(stage: Stage) -> Message:
    _, shown = await stage.ask_in_thread("a fox")
    await stage.until_idle()
    return shown[-1]


async def test_the_original_comes_byte_for_byte_and_privately(stage: Stage):
    await stage.start()
    shown = await painted(stage)
    press = await stage.theo.click(shown, "Original")
    message = await press.finished()
    assert press.ephemeral
    assert message.files[0].data == await original_bytes(stage)
    assert message.files[0].name.endswith("-original.png")


async def test_several_originals_come_one_by_one(stage: Stage):
    stage.model.script(answer(Paint("red"), Paint("blue")))
    await stage.start()
    shown = await painted(stage)
    press = await stage.mara.click(shown, "Original")
    await stage.discord.wait_until(lambda: len(press.messages) == 2, 10)
    assert [one.files[0].data for one in press.messages] == [one.data for one in shown.files]
    assert all(message.ephemeral for message in press.messages)


async def test_what_does_not_fit_is_packed_without_loss(stage: Stage):
    await stage.start()
    shown = await painted(stage)
    await stage.stop()
    data = await original_bytes(stage)
    stage.server.upload_bytes_override = len(data) - 1
    await stage.start()
    message = await (await stage.mara.click(shown, "Original")).finished()
    (file,) = message.files
    assert len(file.data) < len(data)
    assert pixels(file.data) == pixels(data)
    assert "without any loss" in message.content


async def test_what_fits_in_no_way_is_said_with_size_and_limit(stage: Stage):
    await stage.start()
    shown = await painted(stage)
    await stage.stop()
    stage.server.upload_bytes_override = 300
    await stage.start()
    message = await (await stage.mara.click(shown, "Original")).finished()
    assert message.files == []
    assert "300 bytes" in message.content
    assert "KiB" in message.content


async def test_a_refusal_of_discord_leads_to_fewer_bytes_and_then_to_the_reason(stage: Stage):
    await stage.start()
    shown = await painted(stage)
    stage.discord.faults.append(Fault("PATCH", r"/webhooks/.*", status=413, times=1))
    press = await stage.mara.click(shown, "Original")
    message = await press.finished()
    assert message.files or "can be uploaded here" in message.content


async def test_a_missing_original_is_said(stage: Stage):
    await stage.start()
    shown = await painted(stage)
    for path in (stage.settings.storage.data_dir / "shelf").rglob("*"):
        if path.is_file() and len(path.name) == 64:
            path.unlink()
    message = await (await stage.mara.click(shown, "Original")).finished()
    assert "missing" in message.content
