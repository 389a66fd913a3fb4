"""100,000 mutated pictures through the intake and its real process: each is used or refused in a
sentence, none takes two seconds, none ends the process, and neither process grows.
"""

import os
import random
import struct
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bot.errors import Notice, Word
from bot.pictures.intake import Intake
from bot.pictures.shelf import Shelf
from bot.pictures.workshop import Workshop
from tests.long.dice import dice, memory_mib, peak_mib
from tests.pictures.boxes import (
    Coded,
    Kind,
    box,
    exif_item,
    file_of,
    grid,
    learn_heif,
    still,
    turn_boxes,
    xmp_item,
)
from tests.pictures.paint import encoded, icc_profile
from tests.pictures.support import keep

PICTURES = 100_000
RESULTS_EVERY = 4
"""So many uploads for one that comes from the model."""
SECONDS_MAX = 2.0
GROWTH_MIB_MAX = 200
NUMBERS = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\x40\x01"]
PROFILE = icc_profile(2, 1, 0)


def drawn(mode: str) -> Image.Image:
    image = Image.new("RGB", (64, 64), "tomato")
    ImageDraw.Draw(image).ellipse((4, 4, 40, 28), "navy")
    if "A" in mode:
        image.putalpha(Image.linear_gradient("L").crop((90, 90, 154, 154)))
    return image.convert(mode)


def seeds() -> dict[str, bytes]:
    """Small pictures of each kind, in most ways in which it can be written."""
    learn_heif()
    tags = Image.Exif()
    tags[0x0112] = 6
    said = {"exif": tags.tobytes(), "icc_profile": PROFILE}
    frames = {"save_all": True, "append_images": [drawn("RGB").rotate(90), drawn("RGB")]}
    made = {
        f"png {mode}": encoded(drawn(mode), "PNG")
        for mode in ("RGB", "RGBA", "LA", "L", "1", "I;16")
    }
    made["png palette"] = encoded(drawn("RGB").quantize(8), "PNG", transparency=bytes(range(8)))
    made["png said"] = encoded(drawn("RGB"), "PNG", **said)
    made["png frames"] = encoded(drawn("RGB"), "PNG", **frames)
    for mode in ("RGB", "L", "CMYK"):
        made[f"jpeg {mode}"] = encoded(drawn(mode), "JPEG", restart_marker_rows=2)
    made["jpeg said"] = encoded(drawn("RGB"), "JPEG", progressive=True, comment=b"x" * 90, **said)
    made["jpeg more"] = encoded(drawn("RGB"), "MPO", **frames)
    for mode in ("RGB", "RGBA"):
        made[f"webp {mode}"] = encoded(drawn(mode), "WEBP")
        made[f"webp lossless {mode}"] = encoded(drawn(mode), "WEBP", lossless=True, **said)
    made["webp frames"] = encoded(drawn("RGB"), "WEBP", **frames)
    made["gif"] = encoded(drawn("RGB"), "GIF", comment=b"x" * 300)
    made["gif clear"] = encoded(drawn("RGBA"), "GIF", interlace=False)
    made["gif frames"] = encoded(drawn("RGB"), "GIF", **frames)
    for kind in ("AVIF", "HEIF"):
        made |= boxed(kind)
        made[f"{kind} clear"] = encoded(drawn("RGBA"), kind)
        made[f"{kind} frames"] = encoded(drawn("RGB"), kind, **frames)
    return made


def boxed(kind: Kind) -> dict[str, bytes]:
    coded = Coded.of(kind, drawn("RGB"))
    tags = Image.Exif()
    tags[0x0112] = 3
    profile = box(b"colr", b"prof", PROFILE)
    items = [*still(coded, *turn_boxes(7), profile), exif_item(tags), xmp_item(b"<x/>")]
    return {
        f"{kind} said": file_of(kind, items),
        f"{kind} grid": file_of(kind, grid(coded, 3, 2)),
        f"{kind} bare": file_of(kind, still(coded), b"mif1"),
    }


def mutated(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
        # What matters most stands at the beginning.
        end = len(changed) if dice.random() < 0.5 else min(len(changed), 200)
        at = dice.randrange(end + 1)
        match dice.randrange(8):
            case 0:
                changed[at : at + dice.randint(1, 40)] = b""
            case 1:
                changed[at:at] = dice.randbytes(dice.randint(1, 12))
            case 2:
                del changed[max(8, at) :]
            case 3:
                changed[at : at + 4] = dice.choice(NUMBERS)
            case 4:
                part = dice.choice(others)
                start = dice.randrange(len(part))
                changed[at:at] = part[start : start + dice.randint(1, 400)]
            case 5:
                changed[at : at + 2] = dice.randrange(65_536).to_bytes(2, "big")
            case _:
                changed[at : at + 1] = bytes([dice.randrange(256)])
    return mended(changed) if dice.random() < 0.5 else bytes(changed)


def mended(data: bytearray) -> bytes:
    """A PNG with right checksums, so that more than these is looked at; others as they are."""
    at = 8
    while data.startswith(b"\x89PNG") and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


async def taken(intake: Intake, shelf: Shelf, data: bytes, *, is_result: bool) -> str:
    """`used`, or the word of the refusal."""
    try:
        if is_result:
            await intake.accept_result(await keep(shelf, data))
        else:
            async with shelf.receive(len(data)) as incoming:
                await incoming.write(data)
                await intake.accept_upload(incoming.path, "sent.png")
    except Notice as notice:
        return notice.word.value
    return "used"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_hundred_thousand_mutated_pictures(tmp_path: Path):
    thrown, begun_with = dice(), seeds()
    names, others = list(begun_with), list(begun_with.values())
    ends = Counter[tuple[str, str]]()
    slowest_s, before_mib = 0.0, (0.0, 0.0)
    async with Workshop() as workshop, Shelf(tmp_path) as shelf:
        intake = Intake(shelf, workshop)
        for name, data in begun_with.items():
            assert await taken(intake, shelf, data, is_result=False) == "used", name
        pids = [await workshop.run(os.getpid)]
        for number in range(PICTURES):
            name = thrown.choice(names)
            data = mutated(begun_with[name], others, thrown)
            begun_s = time.perf_counter()
            end = await taken(intake, shelf, data, is_result=number % RESULTS_EVERY == 0)
            seconds = time.perf_counter() - begun_s
            pid = await workshop.run(os.getpid)
            if pid != pids[-1] or seconds > SECONDS_MAX:
                print(f"{number} {name}: {end} after {seconds:.2f} s in {pid}: {data.hex()}")
                pids += [pid] if pid != pids[-1] else []
            slowest_s = max(slowest_s, seconds)
            ends[name.partition(" ")[0], end] += 1
            if number == PICTURES // 100:
                before_mib = peak_mib(), memory_mib(pid)
        growth_mib = peak_mib() - before_mib[0], memory_mib(pids[-1]) - before_mib[1]
    print(
        f"{PICTURES:,} pictures, the slowest {slowest_s:.2f} s, {len(pids)} process(es);"
        f" grown by {growth_mib[0]:.1f} MiB, the process by {growth_mib[1]:.1f} MiB"
    )
    for (kind, end), count in sorted(ends.items()):
        print(f"  {kind} {end} {count:,}")
    assert {end for _, end in ends} <= {"used", Word.UNREADABLE.value, Word.TOO_LARGE.value}
    assert slowest_s < SECONDS_MAX
    assert len(pids) == 1
    assert max(growth_mib) < GROWTH_MIB_MAX
