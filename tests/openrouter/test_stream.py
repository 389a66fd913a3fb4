"""The decoder against the plain reading of the same bytes: whole lines, then `json.loads`."""

import json
import re
from decimal import Decimal

import pybase64
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.openrouter.stream import Decoder, Event, PictureOpened, parse
from tests.openrouter.reading import cut, read, read_plainly, same

PNG = "data:image/png;base64,"


# --- what the enemy sends ------------------------------------------------------------------------


def base64_url(data: bytes) -> str:
    return PNG + pybase64.b64encode(data).decode()


def odd_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def image(url: object) -> dict[str, object]:
    return {"image_url": {"url": url}}


def holding(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3), inner.map(image)
    )


fragments = st.sampled_from(
    [
        *('"', "\\", '\\"', "\\\\", "\\/", "\\u0041", "\\u00", "\\ud83d\\ude00", "\\x", "\\n"),
        *(
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "null",
            "1.5",
            "NaN",
            " ",
            "\t",
            "\n",
            "\r",
            "\r\n",
            "\x00",
        ),
        *(
            '"url":',
            '"url" : ',
            'url":"',
            '"url\\":',
            '"images":',
            '{"image_url":{"url":"',
            "data: ",
        ),
        *(
            PNG,
            f'"{PNG}',
            f'"url":"{PNG}',
            f'\\"url\\":\\"{PNG}',
            '"data:image',
            "data:image\\/png",
        ),
        *(
            ";base64,",
            "AAAA",
            "AA==",
            "AAA",
            "=",
            "é",
            "\u2028",
            "\x85",
            "😀",
            "\n\n",
            "data:",
            ": x",
        ),
    ]
)
mess = st.lists(fragments | st.text(max_size=3), max_size=20).map("".join)
media_types = st.sampled_from(["image/png", "image/webp;q=1", "text/plain", 'image/"'])
urls = st.one_of(
    st.binary(max_size=60).map(base64_url),
    st.builds(odd_url, media_types, mess),
    st.just("https://example.com/a.png"),
    mess,
)
keys = st.sampled_from(["url", "image_url", "images", "content", 'a"url', "b64"]) | mess
leaves: st.SearchStrategy[object] = st.one_of(st.none(), st.booleans(), st.integers(), mess, urls)
json_values = st.recursive(leaves, holding, max_leaves=8)


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """A JSON text in some encoder's manner: with blank space, escapes, or escaped slashes; cut off
    or with something thrown in, now and then.
    """
    text = json.dumps(
        draw(json_values),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " \t: \t")])),
        indent=draw(st.sampled_from([None, None, None, 1])),
    )
    if draw(st.integers(0, 3)) == 0:
        text = text.replace("/", "\\/")
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(fragments) + text[place + draw(st.integers(0, 2)) :]
    if draw(st.integers(0, 5)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return text


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        field_name = draw(st.sampled_from(["data: ", "data:", "data:  "]))
        text = draw(json_texts() | mess | st.just("[DONE]"))
        lines += [field_name + line for line in re.split("\r\n|\n|\r", text)]
        if draw(st.booleans()):
            lines.append(
                draw(st.sampled_from([": OPENROUTER PROCESSING", "event: x", "data", " "]))
            )
        lines.append("")
    answer = draw(st.sampled_from(["", "", "\ufeff", end, "\ufeff\ufeff"])) + end.join(lines)
    data = (answer + draw(st.sampled_from(["", end, end * 2]))).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 7)) == 0:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=2)) + data[place:]
    return data


answers = streams() | json_texts().map(lambda text: text.encode("utf-8", "surrogatepass"))
places = st.lists(st.integers(0, 10_000), max_size=12)


@settings(deadline=None)
@given(answer=answers, where=places)
@example(answer=f'data: {{"url":"{PNG}AAAA'.encode(), where=[])
@example(answer=f'data: {{"url":"{PNG}AAAA"\n\ndata: {{"url":"{PNG}AAAA"}}'.encode(), where=[])
@example(answer=f'data: {{"url":"{PNG}AA\ndata: AA"}}\n\n'.encode(), where=[])
@example(answer=f'data: {{"x\\"url":"{PNG}AAAA","url":"{PNG}BBBB"}}\n\n'.encode(), where=[20])
@example(answer=f'data: {{"url":"{PNG}A","url":"{PNG}BBBB"}}\n\n'.encode(), where=[20])
@example(answer=f'{{"url":"x"url":"{PNG}AAAA"}}'.encode(), where=[])
@example(answer=f'{{"url":"{PNG}A\\\\"}}'.encode(), where=[40])
@example(answer=f'{{"url":"{PNG}\\u0041\\/AA"}}'.encode(), where=[])
@example(answer=f'{{"url":"{PNG}AA\\x"}}'.encode(), where=[])
@example(answer=f'data: {{"url":"{PNG}AA\n\ndata: {{"b":1}}\n\n'.encode(), where=[])
@example(
    answer=b'{"url":"\\"data:image","a\\"url":"data:image\\/png;base64,","image_url":null}',
    where=[],
)
@example(answer=b' data: {"a":1}\n\n', where=[1])
@example(answer=b'\xef\xbb\xbf {"a":1}', where=[1, 2, 3, 4])
def test_any_split_gives_what_json_loads_of_the_whole_line_gives(
    answer: bytes, where: list[int]
) -> None:
    plain = read_plainly(answer)
    for pieces in ([answer], cut(answer, where), [bytes([byte]) for byte in answer]):
        ours = read(pieces).values
        assert len(ours) == len(plain), (ours, plain)
        assert all(same(one, other) for one, other in zip(ours, plain, strict=True)), (ours, plain)


@settings(deadline=None)
@given(
    pictures=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4),
    escape=st.booleans(),
    space=st.sampled_from(["", " ", " \t\t "]),
    where=places,
)
def test_every_picture_of_a_line_is_taken_out_of_it(
    pictures: list[bytes], escape: bool, space: str, where: list[int]
) -> None:
    urls = [PNG + pybase64.b64encode(data).decode() for data in pictures]
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    value = {"choices": [{"delta": {"content": 'say "url":"' + urls[0], "images": images}}]}
    text = json.dumps(value, separators=(",", f"{space}:{space}"))
    line = f"data: {text.replace('/', chr(92) + '/') if escape else text}\n\n".encode()
    result = read(cut(line, where))
    assert result.values == [value]
    assert result.diverted == len(pictures)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"content":"{PNG}AAAA and more"}}',
        f'{{"content":"\\"url\\":\\"{PNG}AAAA\\""}}',
        f'{{"content":"\\\\\\"url\\":\\"{PNG}AAAA\\""}}',
        '{"url":"data:image/svg+xml;utf8,<svg/>"}',
        '{"url":"data:image/' + "x" * 40 + ';base64,AAAA"}',
        f'{{"url":{" " * 100}"{PNG}AAAA"}}',
        f'["url","{PNG}AAAA"]',
    ],
)
def test_what_is_no_picture_or_an_odd_one_stays_in_its_line(text: str) -> None:
    result = read([f"data: {text}\n\n".encode()])
    assert result.values == [json.loads(text)]
    assert result.diverted == 0


def test_a_line_with_pictures_keeps_only_a_few_hundred_bytes() -> None:
    data = "A" * 4_000_000
    line = f'data: {{"images":[{{"url":"{PNG}{data}"}},{{"url":"{PNG}{data}"}}]}}\n\n'.encode()
    result = read(cut(line, range(0, len(line), 16_384)))
    assert [len(text) for text in result.texts] < [400]
    assert result.diverted == 2


def test_a_placeholder_cannot_be_forged() -> None:
    text = f'{{"url":"data:image\\u002fpng;base64,diverted-0000000000000000-0","x":"{PNG}"}}'
    assert read([f"data: {text}\n\n".encode()]).values == [json.loads(text)]


def test_a_picture_without_its_end_is_none() -> None:
    items = list(Decoder().feed(f'data: {{"url":"{PNG}AAAA\n\n'.encode()))
    assert items[:2] == [PictureOpened(0), b"AAAA"]
    assert isinstance(items[2], Event)
    assert len(items) == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[" * 200_000, "reason"), ("1" * 10_000, "digits"), ("1e9999999999999999999", "reason")],
)
def test_monstrous_json_is_an_error_like_any_other(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text.encode())


def test_decimals_are_exact() -> None:
    assert parse(b'{"cost":0.123456789012345678}') == {"cost": Decimal("0.123456789012345678")}
