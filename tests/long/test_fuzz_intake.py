"""100,000 mutated pictures through the intake and its real process: each is used or refused in a
sentence, none takes two seconds, and neither process grows.
"""

import io
import random
import resource
import time
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw

from bot.errors import Notice, Word
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop

PICTURES = 100_000
SEED = 20_261_124
SECONDS_MAX = 2.0
GROWTH_KIB_MAX = 200 * 1024
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "HEIF")
WORDS_ALLOWED = {Word.UNREADABLE, Word.TOO_LARGE}


def seeds() -> list[bytes]:
    """One small picture of each kind, with and without alpha and metadata."""
    # The library leaves its options untyped.
    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]
    made: list[bytes] = []
    for image_format in FORMATS:
        for mode in ("RGB", "RGBA"):
            if image_format == "JPEG" and mode == "RGBA":
                continue
            image = Image.new(mode, (48, 32), "tomato")
            ImageDraw.Draw(image).ellipse((4, 4, 40, 28), "navy")
            exif = Image.Exif()
            exif[0x0112] = 6
            target = io.BytesIO()
            options = {} if image_format == "GIF" else {"exif": exif.tobytes()}
            image.save(target, image_format, **options)
            made.append(target.getvalue())
    return made


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(5):
            case 0:
                changed[at : at + dice.randint(1, 40)] = b""
            case 1:
                changed[at:at] = dice.randbytes(dice.randint(1, 12))
            case 2:
                del changed[max(8, at) :]
            case 3:
                changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff"))
            case _:
                changed[at : at + 1] = bytes([dice.randrange(256)])
    return bytes(changed)


async def test_a_hundred_thousand_mutated_pictures(tmp_path: Path):
    print(f"seed {SEED}")
    dice, begun_with = random.Random(SEED), seeds()
    used, slowest_s, refused = 0, 0.0, set[Word]()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / "sent"
    async with Workshop() as workshop, Shelf(tmp_path / "shelf") as shelf:
        intake = Intake(shelf, workshop)
        for _ in range(PICTURES):
            path.write_bytes(mutated(dice.choice(begun_with), dice))
            begun = time.perf_counter()
            try:
                await intake.accept_upload(path, "sent.png")
                used += 1
            except Notice as notice:
                refused.add(notice.word)
            slowest_s = max(slowest_s, time.perf_counter() - begun)
    growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    child_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        f"{PICTURES} pictures, {used} used, the slowest {slowest_s:.2f} s,"
        f" grown by {growth_kib} KiB, the process at most {child_kib} KiB"
    )
    assert refused <= WORDS_ALLOWED
    assert slowest_s < SECONDS_MAX
    assert growth_kib < GROWTH_KIB_MAX
    assert child_kib < 2 * GROWTH_KIB_MAX
