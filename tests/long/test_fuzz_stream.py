"""100,000 mutated streams through the decoder: what it finds in a whole one is what `json.loads` of
the lines finds, it never fails on a broken one, and neither time nor memory runs away.
"""

import json
import random
import resource
import time

from bot.openrouter.stream import Decoder, Event, PictureClosed, PictureOpened, parse

STREAMS = 100_000
SEED = 20_261_124
SECONDS_MAX = 2.0
GROWTH_KIB_MAX = 200 * 1024
WORDS = [
    "",
    "data: ",
    "data:",
    ": comment",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    '"',
    "\\",
    "\\/",
    "\u2028",
    "{}",
]


def stream(dice: random.Random) -> bytes:
    """A stream of a few events, some with pictures."""
    lines: list[str] = []
    for _ in range(dice.randint(1, 4)):
        delta: dict[str, object] = {
            "content": dice.choice(["", "text", "data:image/png;base64,AA"])
        }
        if dice.random() < 0.6:
            base64 = "".join(dice.choices("ABCD+/", k=4 * dice.randint(0, 40)))
            url = {"url": f"data:image/png;base64,{base64}"}
            delta["images"] = [{"image_url": url}] * dice.randint(1, 2)
        lines.append(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n")
    return ("".join(lines) + "data: [DONE]\n\n").encode()


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(0, 6)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(4):
            case 0:
                changed[at : at + dice.randint(1, 30)] = b""
            case 1:
                changed[at:at] = dice.choice(WORDS).encode()
            case 2:
                changed[at:at] = dice.randbytes(dice.randint(1, 8))
            case _:
                changed[at : at + 1] = bytes([dice.randrange(256)])
    return bytes(changed)


def decoded(data: bytes, dice: random.Random) -> tuple[list[bytes], list[bytes]]:
    """The events' JSON as it stands, and the base64 of the pictures taken out."""
    decoder, events, pictures = Decoder(), list[bytes](), list[bytes]()
    at = 0
    items: list[object] = []
    while at < len(data):
        step = dice.randint(1, 200)
        items.extend(decoder.feed(data[at : at + step]))
        at += step
    items.extend(decoder.close())
    for item in items:
        match item:
            case Event(event):
                events.append(bytes(event))
            case PictureOpened():
                pictures.append(b"")
            case PictureClosed():
                pass
            case bytes() if pictures:
                pictures[-1] += item
            case _:
                pass
    return events, pictures


def test_a_hundred_thousand_mutated_streams():
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    slowest_s, before_kib = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(STREAMS):
        whole = stream(dice)
        broken = mutated(whole, dice)
        begun = time.perf_counter()
        events, pictures = decoded(broken, dice)
        slowest_s = max(slowest_s, time.perf_counter() - begun)
        for event in events:
            try:
                parse(event)
            except ValueError:
                continue
        if broken == whole:
            urls = [
                image["image_url"]["url"].partition(",")[2].encode()
                for line in whole.split(b"\n")
                if line.startswith(b"data: {")
                for image in json.loads(line[6:])["choices"][0]["delta"].get("images", [])
            ]
            assert [url for url in urls if url] == [one for one in pictures if one]
    growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    print(f"{STREAMS} streams, the slowest {slowest_s * 1000:.1f} ms, grown by {growth_kib} KiB")
    assert slowest_s < SECONDS_MAX
    assert growth_kib < GROWTH_KIB_MAX
