import base64
import io
import random
import struct
from zlib import crc32

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.sandbox.openrouter import MODEL, ModelSandbox
from bot.sandbox.openrouter.account import Account
from bot.sandbox.openrouter.request import PAGE_TOKENS, Refusal, count_text_tokens, read_request
from bot.sandbox.openrouter.wire import dumps
from tests.sandbox.openrouter.conftest import Caller, body, parts, png
from tests.sandbox.openrouter_specs import openrouter_spec

BOUND_FIXED_TOKENS = 7_000
BOUND_PICTURE_TOKENS = 1_536


def picture_part(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def moving_gif() -> str:
    target = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
    return "data:image/gif;base64," + base64.b64encode(target.getvalue()).decode()


def png_head(width: int, height: int) -> str:
    """The start of a PNG that says it is this large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", crc32(head))
    data += struct.pack(">I", 100) + b"IDAT"
    return "data:image/png;base64," + base64.b64encode(data).decode()


PNG_URL = "data:image/png;base64," + base64.b64encode(png("red")).decode()

WRONG: dict[str, tuple[dict[str, object], str | None]] = {
    "no messages": ({"messages": []}, "invalid_request"),
    "messages missing": ({"messages": None}, "invalid_request"),
    "unknown role": ({"messages": [{"role": "bot", "content": "x"}]}, "invalid_request"),
    "user without content": ({"messages": [{"role": "user"}]}, "invalid_request"),
    "unknown part": ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, None),
    "unknown model": ({"model": "openai/gpt-9"}, "invalid_request"),
    "stream as text": ({"stream": "yes"}, "invalid_request"),
    "long session id": ({"session_id": "x" * 257}, "invalid_request"),
    "unknown modality": ({"modalities": ["smell"]}, "invalid_request"),
    "zero max_tokens": ({"max_tokens": 0}, "invalid_request"),
    "too many max_tokens": ({"max_tokens": 128_001}, "max_tokens_exceeded"),
    "size 4K": ({"image_config": {"image_size": "4K"}}, "invalid_request"),
    "size 0.5K": ({"image_config": {"image_size": "0.5K"}}, "invalid_request"),
    "ratio 1:8": ({"image_config": {"aspect_ratio": "1:8"}}, "invalid_request"),
    "config not a map": ({"image_config": ["1K"]}, "invalid_request"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_field_is_a_400_that_says_its_type(caller: Caller, name: str):
    changes, error_type = WRONG[name]
    response = await caller.post(body("a fox", **changes))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == 400
    assert error["metadata"]["error_type"] == (error_type or "invalid_request")
    assert "X-Generation-Id" not in response.headers
    assert caller.model.account.charges == {}


def pdf_part(data: bytes, name: str = "a.pdf") -> dict[str, object]:
    url = "data:application/pdf;base64," + base64.b64encode(data).decode()
    return {"type": "file", "file": {"filename": name, "file_data": url}}


async def test_a_pdf_is_taken_and_counts_by_its_pages(caller: Caller):
    def pages(count: int) -> bytes:
        return b"%PDF-1.7\n<</Type /Pages>>" + b"<</Type /Page>>" * count

    counted: list[int] = []
    for count in (1, 3):
        response = await caller.post(body("what is it?", pdf_part(pages(count)), stream=False))
        counted.append(response.json()["usage"]["prompt_tokens"])
    assert counted[1] - counted[0] == 2 * PAGE_TOKENS


WRONG_PARTS: dict[str, tuple[dict[str, object], int, str]] = {
    "link": (picture_part("https://cdn.example/a.png"), 400, "image_download_failed"),
    "not base64": (picture_part("data:image/png;base64,%%%"), 400, "invalid_image"),
    "not encoded": (picture_part("data:image/png,abc"), 400, "invalid_image"),
    "no picture": (picture_part("data:image/png;base64,aGVsbG8="), 400, "invalid_image"),
    "cut off": (picture_part(PNG_URL[: len(PNG_URL) // 2 // 4 * 4]), 400, "invalid_image"),
    "wrong type": (
        picture_part(PNG_URL.replace("image/png", "image/webp")),
        400,
        "unsupported_image_format",
    ),
    "too many pixels": (picture_part(png_head(20_000, 20_000)), 400, "image_too_large"),
    "moving gif": (picture_part(moving_gif()), 400, "unsupported_image_format"),
    "as a file": (
        {"type": "file", "file": {"filename": "a.png", "file_data": PNG_URL}},
        400,
        "invalid_request",
    ),
    "a document of words": (
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
        400,
        "invalid_request",
    ),
    "a file that is no pdf": (pdf_part(b"hello"), 400, "invalid_request"),
    "a file without a name": (pdf_part(b"%PDF-1.7", ""), 400, "invalid_request"),
    "a file that is only named": (
        {"type": "file", "file": {"file_id": "file-1"}},
        400,
        "invalid_request",
    ),
    "sound": ({"type": "input_audio", "input_audio": {}}, 404, "not_found"),
}


@pytest.mark.parametrize("name", WRONG_PARTS)
async def test_a_wrong_part_is_refused(caller: Caller, name: str):
    part, status, error_type = WRONG_PARTS[name]
    response = await caller.post(body("look", part))
    assert response.status_code == status
    assert response.json()["error"]["metadata"]["error_type"] == error_type


async def test_a_body_that_is_not_json_is_a_400(caller: Caller):
    response = await caller.http.post("/chat/completions", content=b"{")
    assert response.status_code == 400


async def test_tools_and_wrong_modalities_find_no_endpoint(caller: Caller):
    tool = {"type": "function", "function": {"name": "draw"}}
    for changes in ({"tools": [tool]}, {"modalities": ["image"]}, {"modalities": ["audio"]}):
        response = await caller.post(body("a fox", **changes))
        assert response.status_code == 404
        assert "No endpoints found that support" in response.json()["error"]["message"]


async def test_text_only_can_be_refused_as_by_an_endpoint_that_always_paints(caller: Caller):
    caller.model.text_only_accepted = False
    response = await caller.post(body("a fox", modalities=["text"]))
    assert response.status_code == 404


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sk-or-v1-sandbox"}]
)
async def test_without_the_key_everything_paid_is_a_401(
    model: ModelSandbox, headers: dict[str, str]
):
    async with httpx.AsyncClient(base_url=model.base_url, headers=headers) as http:
        answers = [
            await http.post("/chat/completions", json=body("a fox")),
            await http.get("/key"),
            await http.get("/generation", params={"id": "gen-1"}),
        ]
    for response in answers:
        assert response.status_code == 401
        assert response.json()["error"]["code"] == 401


async def test_a_prompt_above_the_window_less_max_tokens_is_a_400(caller: Caller):
    words = "word " * 200_000
    accepted = await caller.ask(words, modalities=["text"], max_tokens=71_000)
    assert accepted.status == 200
    refused = await caller.post(body(words, modalities=["text"], max_tokens=73_000))
    assert refused.status_code == 400
    assert refused.json()["error"]["metadata"]["error_type"] == "context_length_exceeded"


async def test_without_max_tokens_the_whole_output_is_reserved(caller: Caller):
    caller.model.account.credit_nano_usd = 1_900_000_000
    request = body("a fox")
    del request["max_tokens"]
    refused = await caller.post(request)
    assert refused.status_code == 402
    assert refused.json()["error"]["metadata"]["limit_source"] == "openrouter_credits"
    assert "128000 tokens, but can only afford" in refused.json()["error"]["message"]
    assert (await caller.ask("a fox")).status == 200


def test_a_hold_beside_others_in_flight_is_a_402_that_passes():
    account = Account(credit_nano_usd=500_000_000)
    account.hold(prompt_tokens=1_000, max_tokens=16_000)
    with pytest.raises(Refusal) as caught:
        account.hold(prompt_tokens=1_000, max_tokens=17_000)
    assert caught.value.status == 402
    assert caught.value.headers == {"Retry-After": "1"}
    assert "in_flight_budget_exhausted" in str(caught.value.envelope)


async def test_a_body_of_64_mib_is_read(caller: Caller):
    request = body("a fox", modalities=["text"], unknown_key="x" * (64 * 1024 * 1024))
    assert (await caller.ask("a fox", **request)).status == 200


async def test_a_picture_above_30_mb_is_a_413(caller: Caller):
    noise = random.Random(1).randbytes(3_400 * 3_200 * 3)
    target = io.BytesIO()
    Image.frombytes("RGB", (3_400, 3_200), noise).save(target, "PNG", compress_level=0)
    response = await caller.post(body("look", target.getvalue()))
    assert response.status_code == 413
    assert response.json()["error"]["metadata"]["error_type"] == "payload_too_large"


@given(st.lists(st.text(), max_size=20))
def test_the_count_of_a_text_never_exceeds_its_bytes(texts: list[str]):
    text = "\n".join(texts)
    assert 0 <= count_text_tokens(text) <= len(text.encode())


@pytest.mark.parametrize("size", [(1, 1), (512, 512), (1024, 1024), (2048, 2048), (16, 4000)])
def test_the_count_of_a_prompt_stays_below_its_bound(size: tuple[int, int]):
    texts = ["a", "b c d e f g", "東京の夜", ""] * 300
    messages: list[object] = [{"role": "user", "content": text} for text in texts]
    picture = png("red", *size)
    messages.append({"role": "user", "content": parts("edit", *[picture] * 4)})
    chat = read_request(dumps({**body(), "messages": messages}))
    text_bytes = sum(len(text.encode()) for text in texts) + 4
    assert chat.prompt_tokens <= text_bytes + BOUND_FIXED_TOKENS + 4 * BOUND_PICTURE_TOKENS
    assert len(chat.pictures) == 4


async def test_what_is_recorded_names_pictures_and_holds_no_bytes(caller: Caller):
    picture = png("red")
    await caller.ask("look", picture, modalities=["text"])
    (call,) = caller.model.calls
    assert call.words == "look"
    (sent,) = call.pictures
    assert (sent.width, sent.height, sent.media_type) == (640, 480, "image/png")
    assert f"data:image/png;sha256={sent.sha256};bytes={len(picture)}" in str(call.request)
    assert base64.b64encode(picture).decode()[:60] not in str(call)
    assert "authorization" not in call.headers


def test_what_the_sandbox_accepts_is_what_the_document_allows():
    spec = openrouter_spec()
    requests = [
        body("a fox", png("red")),
        body("a fox", image_config={"aspect_ratio": "16:9", "image_size": "2K"}),
        body("a fox", modalities=["text"], session_id="channel-1", user="sha256:ab"),
        body(
            messages=[
                {"role": "system", "content": "You draw."},
                {"role": "assistant", "content": None},
                {"role": "user", "content": "a fox"},
            ]
        ),
    ]
    for request in requests:
        spec.check_request("/chat/completions", request)
        assert read_request(dumps(request)).short["model"] == MODEL


@pytest.mark.parametrize("name", [name for name in WRONG if name != "unknown model"])
async def test_every_refusal_is_an_envelope_of_the_document(caller: Caller, name: str):
    spec = openrouter_spec()
    response = await caller.post(body("a fox", **WRONG[name][0]))
    spec.check_reply("post", "/chat/completions", response.status_code, response.json())
