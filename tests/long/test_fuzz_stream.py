"""100,000 mutated answers through the decoder, in pieces: it finds in each what whole lines and
`json.loads` find, never fails, and neither time nor memory runs away.
"""

import json
import random
import time

from tests.long.dice import dice, peak_mib
from tests.openrouter.reading import BROKEN, read, read_plainly, same

ANSWERS = 100_000
SECONDS_MAX = 2.0
GROWTH_MIB_MAX = 200
PNG = "data:image/png;base64,"
THROWN_IN = [
    *('"', "\\", '\\"', "\\\\", "\\/", "\\u0041", "\\u00", "\\ud83d", "\\x", "{}", "[", "]", ","),
    *("\n", "\r", "\r\n", "\n\n", "data:", "data: ", "data", ": comment\n", "\ufeff", "\x00", " "),
    *('"url":', '"url" :\t', 'url":"', '"url\\":', '{"url":"', '"data:image', '"data:image/'),
    *(PNG, f'"{PNG}', f'"url":"{PNG}', f'\\"url\\":\\"{PNG}', "data:image\\/png;base64,"),
    *(";base64,", "AAAA", "AA==", "=", "é", "\u2028", "\x85", "😀", "[DONE]", "diverted-"),
]


def base64(dice: random.Random) -> str:
    size = 50_000 if dice.random() < 0.002 else dice.randint(0, 40)
    return "".join(dice.choices("ABCDabcd0123+/", k=4 * size)) + dice.choice(("", "AA==", "AAA="))


def chunk(dice: random.Random) -> dict[str, object]:
    """One event of an answer."""
    content = "".join(dice.choices([*THROWN_IN, "red ", "fox "], k=dice.randint(0, 6)))
    delta: dict[str, object] = {"role": "assistant", "content": content}
    if dice.random() < 0.6:
        kind = dice.choice(("png", "jpeg", "webp", "svg+xml"))
        urls = [f"data:image/{kind};base64,{base64(dice)}" for _ in range(dice.randint(1, 3))]
        delta["images"] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    usage = {"cost": 0.2123, "prompt_tokens": 10} if dice.random() < 0.2 else None
    return {"id": "gen-1", "choices": [{"index": 0, "delta": delta}], "usage": usage}


def answer(dice: random.Random) -> bytes:
    """As no server has sent it yet, but as one might."""
    end = dice.choice(("\n", "\n", "\r\n", "\r"))
    separators = dice.choice(((",", ":"), (", ", ": "), (" ,", "\t: ")))
    texts: list[str] = []
    for _ in range(dice.randint(1, 4)):
        text = json.dumps(chunk(dice), ensure_ascii=dice.random() < 0.5, separators=separators)
        texts.append(text.replace("/", "\\/") if dice.random() < 0.2 else text)
    if dice.random() < 0.15:
        return texts[0].encode("utf-8", "surrogatepass")
    lines = [dice.choice(("", "", "\ufeff", ": OPENROUTER PROCESSING" + end))]
    for text in [*texts, "[DONE]"]:
        lines += [dice.choice(("data: ", "data:")), text, end]
        lines += [dice.choice(("", "", ": x" + end, "event: y" + end, "data" + end)), end]
    return "".join(lines).encode("utf-8", "surrogatepass")


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((0, 1, 1, 2, 3, 6))):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(6):
            case 0:
                changed[at : at + dice.randint(1, 30)] = b""
            case 1 | 2:
                changed[at:at] = dice.choice(THROWN_IN).encode("utf-8", "surrogatepass")
            case 3:
                changed[at:at] = dice.randbytes(dice.randint(1, 8))
            case 4:
                start = dice.randrange(len(changed) + 1)
                changed[at:at] = changed[start : start + dice.randint(1, 80)]
            case _:
                changed[at : at + 1] = bytes([dice.randrange(256)])
    return bytes(changed)


def in_pieces(data: bytes, dice: random.Random) -> list[bytes]:
    longest = dice.choice((1, 3, 20, 200, 16_384)) if len(data) < 10_000 else 16_384
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        pieces.append(data[at : at + dice.randint(1, longest)])
        at += len(pieces[-1])
    return pieces


def test_a_hundred_thousand_mutated_answers():
    thrown = dice()
    slowest_s = before_mib = 0.0
    events = whole = pictures = 0
    for number in range(ANSWERS):
        data = mutated(answer(thrown), thrown)
        pieces = in_pieces(data, thrown)
        begun_s = time.perf_counter()
        ours = read(pieces)
        slowest_s = max(slowest_s, time.perf_counter() - begun_s)
        plain = read_plainly(data)
        assert len(ours.values) == len(plain), (data, pieces)
        assert all(same(*pair) for pair in zip(ours.values, plain, strict=True)), (data, pieces)
        events += len(plain)
        whole += sum(value != BROKEN for value in plain)
        pictures += ours.diverted
        if number == ANSWERS // 100:
            before_mib = peak_mib()
    growth_mib = peak_mib() - before_mib
    print(
        f"{ANSWERS:,} answers, {events:,} events, {whole:,} of them JSON, {pictures:,} pictures;"
        f" the slowest {slowest_s * 1000:.1f} ms, grown by {growth_mib:.1f} MiB"
    )
    assert slowest_s < SECONDS_MAX
    assert growth_mib < GROWTH_MIB_MAX
