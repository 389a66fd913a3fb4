"""Documents of every kind, from a message to the model; and what of them is refused."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import pytest

import bot.app
from bot.conversation.documents import PAGE_TOKENS_MAX
from bot.money import nano_usd
from bot.pictures.workshop import Workshop
from bot.sandbox.discord import posting
from bot.sandbox.discord.forms import Draft, Upload
from bot.sandbox.discord.wire import Fault
from bot.sandbox.openrouter.server import Call
from bot.store import exchanges, reservations
from tests.conversation import papers
from tests.e2e.photos import png
from tests.e2e.stage import Stage, caps, last_line
from tests.pictures.paint import RED

T = TypeVar("T")

MIB = 1024 * 1024
UNREADABLE = "-# unreadable · not charged"
TOO_LARGE = "-# too-large · not charged"
INPUT_NANO_USD = 8_000

READ = {
    "notes.txt": ("Les élèves étaient fatigués.".encode("cp1252"), "Les élèves étaient fatigués."),
    "message.txt": (b"long " * 2_000, "long " * 2_000),
    "fox.py": (b'print("a \\"red\\" fox")\n', 'print("a \\"red\\" fox")\n'),
    "README": ("Füchse\r\n".encode("utf-16"), "Füchse\n"),
    "foxes.docx": (papers.docx("Foxes", "They run."), "# Foxes\nThey run.\n"),
    "foxes.xlsx": (papers.xlsx("Foxes", ("Mo", 3)), "## Foxes\nMo | 3\n\n"),
    "foxes.pptx": (
        papers.pptx("Foxes", "They run.", "slowly"),
        "## Slide 1\nFoxes\nThey run.\nNotes:\nslowly\n\n",
    ),
    "foxes.html": (b"<h1>Foxes</h1><script>no()</script><p>They run.", "Foxes\n\nThey run."),
}

REFUSED = {
    "broken.pdf": (papers.pdf("a fox")[:300], UNREADABLE, "damaged"),
    "locked.pdf": (papers.pdf("a fox", password="easel"), UNREADABLE, "password"),
    "long.pdf": (papers.pdf(*["x"] * 61), TOO_LARGE, "60 pages"),
    "broken.docx": (papers.docx("Foxes", "red")[:500], UNREADABLE, "damaged"),
    "bomb.docx": (papers.bomb(65 * MIB), TOO_LARGE, "64 MiB"),
    "old.txt": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500), UNREADABLE, "2007"),
    "program": (b"\x7fELF" + bytes(500), UNREADABLE, "PDF"),
    "empty.txt": (b"", UNREADABLE, "nothing in it"),
    "film.mp4": (b"film", UNREADABLE, "PDF"),
    "all.zip": (b"PK\x03\x04", UNREADABLE, "PDF"),
    "long.txt": (b"x" * (MIB + 1), TOO_LARGE, "1 MiB"),
}
NOT_FETCHED = {"film.mp4", "all.zip", "long.txt"}


def content(call: Call, at: int = -1) -> list[dict[str, object]]:
    """The parts of one message of a call."""
    messages = cast("list[dict[str, object]]", call.request["messages"])
    parts = messages[at]["content"]
    return [{"text": parts}] if isinstance(parts, str) else cast("list[dict[str, object]]", parts)


@pytest.mark.parametrize("name", READ)
async def test_a_document_goes_to_the_model_as_its_text_under_its_name(stage: Stage, name: str):
    data, text = READ[name]
    await stage.start()
    _, answer = await stage.ask_in_thread("what is it about?", files=[(name, data)])
    assert last_line(answer[-1]).startswith("-# $")
    asked, document = content(stage.model.calls[-1])
    assert asked == {"type": "text", "text": "what is it about?"}
    assert document["text"] == f"File “{name}”:\n\n{text}\n\n(End of “{name}”.)"


async def test_a_pdf_goes_as_the_file_that_it_is_and_is_held_by_its_pages(stage: Stage):
    await stage.start()
    holds: list[int] = []
    for pages in (1, 3):
        data = papers.pdf(*["a fox"] * pages)
        thread, _ = await stage.ask_in_thread("what is it?", files=[("fox.pdf", data)])
        file = cast("dict[str, str]", content(stage.model.calls[-1])[1]["file"])
        assert file["filename"] == "fox.pdf"
        digest = stage.sha256(data)
        assert file["file_data"] == f"data:application/pdf;sha256={digest};bytes={len(data)}"
        held = await stage.read(lambda tx, thread=thread: reservations.get(tx, thread.id, 1))
        holds.append(held.hold_nano_usd)
    assert holds[1] - holds[0] == 2 * PAGE_TOKENS_MAX * INPUT_NANO_USD


async def test_everything_that_came_with_a_message_goes_along_in_order(stage: Stage):
    await stage.start()
    files = [
        ("one.txt", b"first words"),
        ("cat.png", png(RED)),
        ("two.pdf", papers.pdf("second")),
        ("three.md", b"third words"),
    ]
    await stage.ask_in_thread("what is it?", files=files)
    kinds = [part["type"] for part in content(stage.model.calls[-1])]
    assert kinds == ["text", "text", "file", "text", "image_url"]


async def test_sixteen_pictures_go_in_their_order_and_one_more_is_too_many(stage: Stage):
    await stage.start()
    photos = [png((16 * number, 90, 200)) for number in range(1, 18)]
    for count in (16, 17):
        uploads = [Upload(at, f"{at}.png", photo) for at, photo in enumerate(photos[:count])]
        draft = Draft(content=f"{stage.me} blend these", uploads=uploads)
        asked = posting.add(stage.channel, stage.mara, draft)
        if count == 16:
            await stage.answers(await stage.thread_of(asked), asked.id)
            sent = [each.sha256 for each in stage.model.calls[-1].pictures]
            meant = await stage.read(lambda tx, asked=asked: exchanges.meant(tx, asked.id))
            assert sent == [each.picture_id for each in meant]
            assert [each.name for each in meant] == [f"{at}.png" for at in range(16)]
            assert len(set(sent)) == 16
        else:
            answer = await stage.answers(stage.channel, asked.id)
            assert last_line(answer[0]) == TOO_LARGE
            assert len(stage.model.calls) == 1


@pytest.mark.parametrize("name", REFUSED)
async def test_a_document_of_no_use_is_one_sentence_and_nothing_is_held(stage: Stage, name: str):
    data, line, reason = REFUSED[name]
    await stage.start()
    asked = await stage.mara.say(stage.channel, f"{stage.me} what is it?", files=[(name, data)])
    refused_at_once = name in NOT_FETCHED
    place = stage.channel if refused_at_once else await stage.thread_of(asked)
    answer = await stage.answers(place, asked.id)
    sentence, last = answer[0].content.split("\n")
    assert last == line
    assert name in sentence
    assert reason in sentence
    await stage.until_idle()
    assert not stage.model.calls
    assert await stage.ledger_nano_usd() == 0
    assert bool(stage.discord.sent("GET", "/cdn/.*")) is not refused_at_once


async def test_documents_that_are_too_large_together_are_not_even_fetched(stage: Stage):
    stage.server.upload_bytes_override = 100 * MIB
    await stage.start()
    uploads = [Upload(at, f"{at}.pdf", bytes(9 * MIB)) for at in range(2)]
    draft = Draft(content=f"{stage.me} compare these", uploads=uploads)
    asked = posting.add(stage.channel, stage.mara, draft)
    answer = await stage.answers(stage.channel, asked.id)
    assert last_line(answer[0]) == TOO_LARGE
    assert "16 MiB" in answer[0].content
    assert not stage.discord.sent("GET", "/cdn/.*")


async def test_a_document_stays_in_the_conversation(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("read this", files=[("notes.txt", b"foxes run")])
    asked = await stage.mara.say(thread, "and what else?")
    await stage.answers(thread, asked.id)
    said, document = content(stage.model.calls[-1], 1)
    assert said["text"] == "read this\n(With “notes.txt”.)"
    assert "foxes run" in str(document["text"])


async def test_a_document_beyond_the_context_is_only_named_later(stage: Stage):
    stage.limit(context_tokens=2_000, ask_above_nano_usd=0)
    await stage.start()
    data = b"foxes run " * 2_000
    thread, _ = await stage.ask_in_thread("read this", files=[("notes.txt", data)])
    assert "foxes run" in str(content(stage.model.calls[-1])[1]["text"])
    asked = await stage.mara.say(thread, "and what else?")
    await stage.answers(thread, asked.id)
    assert content(stage.model.calls[-1], 1) == [{"text": "read this\n(With “notes.txt”.)"}]


async def test_a_document_may_fill_the_models_window(stage: Stage):
    stage.limit(ask_above_nano_usd=0)
    await stage.start()
    thread, answer = await stage.ask_in_thread("what is it?", files=[("a.txt", b"word " * 200_000)])
    assert last_line(answer[-1]).startswith("-# $")
    held = await stage.read(lambda tx: reservations.get(tx, thread.id, 1))
    assert held.hold_nano_usd <= nano_usd(3)


async def test_a_document_that_makes_a_request_dear_is_confirmed_first(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(
        stage.channel, f"{stage.me} what is it?", files=[("a.txt", b"word " * 200_000)]
    )
    thread = await stage.thread_of(asked)
    await stage.discord.wait_until(
        lambda: any(
            message.buttons[0]["label"] == "Confirm"
            for message in stage.ours(thread)
            if message.buttons
        ),
        20,
    )
    assert not stage.model.calls
    assert await stage.open_holds() == 0
    press = await stage.mara.click(stage.ours(thread)[0], "Confirm")
    await press.answered()
    answer = await stage.answers(thread, asked.id)
    assert last_line(answer[-1]).startswith("-# $")
    assert len(stage.model.calls) == 1


async def test_what_is_longer_than_the_models_window_is_refused_for_nothing(stage: Stage):
    stage.limit(ask_above_nano_usd=0)
    await stage.start()
    files = [(name, b"some words " * 75_000) for name in ("a.txt", "b.txt")]
    _, answer = await stage.ask_in_thread("what is it?", files=files)
    assert last_line(answer[0]) == TOO_LARGE
    assert "256,000" in answer[0].content
    await stage.until_idle()
    assert not stage.model.calls


async def test_a_document_that_no_budget_has_room_for_is_refused_before_it_is_fetched(
    stage: Stage,
):
    stage.settings = replace(stage.settings, budgets=caps(member_day=nano_usd("0.60")))
    await stage.start()
    asked = await stage.mara.say(
        stage.channel, f"{stage.me} what is it?", files=[("a.txt", b"word " * 10_000)]
    )
    answer = await stage.answers(stage.channel, asked.id)
    assert last_line(answer[0]) == "-# budget · not charged"
    assert not stage.discord.sent("GET", "/cdn/.*")


async def test_a_reply_to_somebodys_document_means_it(stage: Stage):
    await stage.start()
    shown = await stage.mara.say(stage.channel, "look", files=[("notes.txt", b"foxes run")])
    asked = await stage.theo.say(stage.channel, f"{stage.me} sum it up", reply_to=shown)
    await stage.answers(await stage.thread_of(asked), asked.id)
    assert "foxes run" in str(content(stage.model.calls[-1])[1]["text"])


async def test_a_document_alone_is_a_request(stage: Stage):
    await stage.start()
    asked = await stage.mara.say(stage.mara.dm, files=[("message.txt", b"paint a red fox")])
    await stage.answers(stage.mara.dm, asked.id)
    assert "paint a red fox" in str(content(stage.model.calls[-1])[1]["text"])


async def test_a_document_outlives_its_link_and_a_restart(stage: Stage):
    await stage.start()
    data = papers.pdf("a fox")
    thread, answer = await stage.ask_in_thread("what is it?", files=[("fox.pdf", data)])
    await stage.until_idle()
    await stage.stop()
    stage.discord.faults.append(Fault("GET", "/cdn/.*", status=404, times=100))
    await stage.start()
    press = await stage.theo.click(answer[-1], "Again")
    await stage.answers(thread, press.id)
    assert len(stage.model.calls) == 2
    assert content(stage.model.calls[0]) == content(stage.model.calls[1])


async def test_a_command_takes_a_document_where_it_asks_for_a_file(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel, "ask", prompt="what is it?", file=("notes.txt", b"foxes run")
    )
    await stage.answers(stage.channel, used.id)
    assert "foxes run" in str(content(stage.model.calls[-1])[1]["text"])


async def test_documents_of_one_member_do_not_hold_up_anothers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    begun: list[str] = []
    gate = asyncio.Event()

    class Gated(Workshop):
        async def run(
            self,
            job: Callable[..., T],
            *arguments: object,
            attempts: int = 1,
            unreadable: str | None = None,
        ) -> T:
            begun.append(str(arguments[-1]))
            await gate.wait()
            return await super().run(job, *arguments, attempts=attempts, unreadable=unreadable)

    monkeypatch.setattr(bot.app, "Workshop", Gated)
    await stage.start()
    asked = ((stage.mara, "a.txt"), (stage.mara, "b.txt"), (stage.theo, "c.txt"))
    for count, (person, name) in enumerate(asked, 1):
        await person.say(stage.channel, f"{stage.me} what is it?", files=[(name, b"words")])

        def are_fetched(count: int = count) -> bool:
            return len(stage.discord.sent("GET", "/cdn/.*")) == count

        await stage.discord.wait_until(are_fetched)
    await stage.discord.wait_until(lambda: "c.txt" in begun)
    assert begun == ["a.txt", "c.txt"]
    gate.set()
    await stage.until_idle()
    assert begun == ["a.txt", "c.txt", "b.txt"]
    assert len(stage.model.calls) == 3
