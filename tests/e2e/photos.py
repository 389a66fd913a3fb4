"""Files as people send them, and a look at what the model was sent for them."""

import io
import re
from pathlib import Path
from typing import Any, cast

from PIL import ExifTags, Image

from bot.sandbox.discord.world import Message
from bot.sandbox.openrouter import Call
from bot.store.folder import DataFolder
from tests.e2e.stage import Stage
from tests.pictures.paint import Colour, alike, blocks, encoded

HOME = "Villa Mara, Lisbon"
"""What a photo says of its owner, besides its pixels."""

_DATA_URL = re.compile(r"data:(?P<type>[a-z/]+);sha256=(?P<sha256>[0-9a-f]{64});bytes=\d+")


def png(*colours: Colour) -> bytes:
    """Squares of these colours side by side."""
    mode = "RGBA" if any(len(colour) == 4 for colour in colours) else "RGB"
    return encoded(blocks([colours], mode=mode), "PNG")


def phone_photo(stored: Image.Image, orientation: int) -> bytes:
    """A JPEG as a phone writes it: turned by a tag, with where it was taken."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.ImageDescription] = HOME
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (38.0, 42.0, 49.9)
    place[ExifTags.GPS.GPSLongitudeRef] = "W"
    place[ExifTags.GPS.GPSLongitude] = (9.0, 8.0, 21.8)
    return encoded(stored, "JPEG", quality=95, exif=exif, comment=HOME.encode())


def meant(call: Call) -> list[str]:
    """The pictures of the request itself, by SHA-256, in order; those of its history not."""
    return [found["sha256"] for found in _pictures(call)]


def media_types(call: Call) -> list[str]:
    return [found["type"] for found in _pictures(call)]


def _pictures(call: Call) -> list[re.Match[str]]:
    messages = cast("list[dict[str, Any]]", call.request["messages"])  # judged by the sandbox
    assert messages[-1]["role"] == "user"
    return list(_DATA_URL.finditer(str(messages[-1]["content"])))


def said(call: Call) -> list[tuple[str, str]]:
    """Who said what in the call, by role, without the system's words and without pictures."""
    messages = cast("list[dict[str, Any]]", call.request["messages"])  # judged by the sandbox
    spoken: list[tuple[str, str]] = []
    for message in messages[1:]:
        content = message["content"]
        texts = [content] if isinstance(content, str) else [p.get("text") for p in content]
        spoken.append((message["role"], "\n".join(text for text in texts if text)))
    return spoken


def on_shelf(stage: Stage, sha256: str) -> Path:
    """The file of a picture on the bot's shelf."""
    folder = DataFolder(stage.settings.storage.data_dir).shelf
    return folder / sha256[:2] / sha256[2:4] / sha256


def received(stage: Stage) -> list[bytes]:
    """The files that the model got with its last call, in order: their hashes are its own."""
    files = [on_shelf(stage, sha256).read_bytes() for sha256 in meant(stage.model.calls[-1])]
    assert [stage.sha256(data) for data in files] == meant(stage.model.calls[-1])
    return files


async def model_saw(stage: Stage, *wanted: Colour) -> None:
    """Fails unless the last call was about pictures of just these colours, one each."""
    await stage.model.until(lambda: bool(stage.model.calls) and stage.model.calls[-1].ended)
    files = received(stage)
    assert len(files) == len(wanted)
    for data, colour in zip(files, wanted, strict=True):
        found = opened(data).convert("RGBA").getpixel((8, 8))
        assert isinstance(found, tuple)
        assert alike(found, colour)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def shas(stage: Stage, *messages: Message) -> list[str]:
    """The files attached to these messages, by SHA-256, in order."""
    return [stage.sha256(file.data) for message in messages for file in message.attachments]
