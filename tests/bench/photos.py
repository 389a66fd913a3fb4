"""Real pictures: photo-like ones, which cost what photos cost, and noise, which no encoder makes
smaller and which is made fast.
"""

import hashlib
import io
import random
import struct
import zlib
from functools import cache

from PIL import Image, ImageDraw, ImageFilter

from bot.pictures.shelf import Shelf
from bot.store.pictures import Picture

SEED = "easel"
IDAT_BYTES = 64 * 1024
"""As Pillow cuts them; other encoders cut smaller."""


@cache
def photo(size: tuple[int, int], number: int, *, alpha: bool = False) -> Image.Image:
    """Soft shapes with fine grain, another for every number."""
    width, height = size
    chance = random.Random(f"{SEED}/{size}/{number}")
    image = _stretched(Image.effect_noise((width // 8, height // 8), 60), size).convert("RGB")
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(40):
        x, y, r = chance.randrange(width), chance.randrange(height), chance.randrange(height // 3)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), (*colour, 128))
    image = image.filter(ImageFilter.GaussianBlur(2))
    grain = Image.merge("RGB", [Image.effect_noise(size, 12) for _ in range(3)])
    image = Image.blend(image, grain, 0.12)
    if alpha:
        image.putalpha(_stretched(Image.linear_gradient("L"), size))
    return image


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    # To its types the size may also be an array of NumPy, which is not installed.
    return image.resize(size)  # pyright: ignore[reportUnknownMemberType]


def encoded(image: Image.Image, image_format: str, **options: int | bytes | bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def noise_png(size_bytes: int, seed: object) -> bytes:
    """A PNG of very nearly so many bytes, unpacked as it is: 3 bytes a pixel."""
    side = max(16, round((size_bytes / 3) ** 0.5))
    rows = bytearray(random.Random(f"{SEED}/{seed}").randbytes(side * (3 * side + 1)))
    rows[:: 3 * side + 1] = bytes(side)  # no filter
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(rows, 0)
    pieces = [body[at : at + IDAT_BYTES] for at in range(0, len(body), IDAT_BYTES)]
    chunks = ((b"IHDR", header), *((b"IDAT", piece) for piece in pieces), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


async def photo_on(
    shelf: Shelf, size: tuple[int, int], number: int, *, alpha: bool = False
) -> Picture:
    """A photo as a PNG on the shelf."""
    data = encoded(photo(size, number, alpha=alpha), "PNG", compress_level=1)
    return await put(shelf, data, size)


async def put(shelf: Shelf, data: bytes, size: tuple[int, int]) -> Picture:
    async with shelf.receive(len(data)) as incoming:
        await incoming.write(data)
        blob = await incoming.keep()
    assert blob.id == hashlib.sha256(data).hexdigest()
    return Picture(blob.id, "image/png", *size, blob.size_bytes)
