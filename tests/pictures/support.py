"""Taking files in as the tests do it."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bot.pictures.intake import Intake
from bot.pictures.shelf import Blob, Shelf
from bot.store.pictures import Picture
from tests.pictures.paint import Colour, alike, read_blocks


class Accepted:
    """A picture that was taken in, and its file."""

    def __init__(self, picture: Picture, path: Path) -> None:
        self.picture = picture
        self.path = path
        self.data = path.read_bytes()

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.width, self.picture.height

    def shows(self, *rows: Sequence[Colour]) -> bool:
        """Whether it is made of squares of these colours."""
        found = read_blocks(self.path, len(rows[0]), len(rows))
        return all(
            alike(*pair)
            for found_row, row in zip(found, rows, strict=True)
            for pair in zip(found_row, row, strict=True)
        )


async def accept(intake: Intake, shelf: Shelf, data: bytes, name: str = "photo.png") -> Accepted:
    """As a member's upload goes: onto the shelf, and through the intake."""
    async with shelf.receive(len(data)) as incoming:
        await incoming.write(data)
        picture = await intake.accept_upload(incoming.path, name)
    accepted = Accepted(picture, shelf.path(picture.id))
    with Image.open(accepted.path) as image:
        assert Image.MIME[image.format or ""] == picture.media_type
        assert image.size == accepted.size
        assert image.mode in {"RGB", "RGBA"}
    assert len(accepted.data) == picture.size_bytes
    return accepted


async def keep(shelf: Shelf, data: bytes) -> Blob:
    """As the model's pictures go."""
    async with shelf.receive(len(data)) as incoming:
        await incoming.write(data)
        return await incoming.keep()


def files(shelf: Shelf) -> list[str]:
    """Every file of the shelf, relative to its folder."""
    folder = shelf.path("0" * 64).parents[2]
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
