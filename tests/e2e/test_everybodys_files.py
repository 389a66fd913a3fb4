"""Every kind of file, from everybody, before and after a restart."""

from typing import Any

import pytest

from bot.sandbox.discord import posting
from bot.sandbox.discord.forms import Draft, Upload
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import Call
from bot.sandbox.people import File, Person
from tests.conversation import papers
from tests.e2e import scenes
from tests.e2e.cast import PERMISSION_LINE, Cast, answered, enter
from tests.e2e.photos import meant, model_saw, png, shas
from tests.e2e.scenes import DOCUMENTS, PICTURES, REFUSED, WITHOUT_RIGHTS, outcome
from tests.e2e.stage import Stage, last_line
from tests.pictures.boxes import Coded, file_of, still
from tests.pictures.paint import BLACK, BLUE, GOLD, GREEN, RED, WHITE, Colour, blocks, encoded


def photo(kind: str, colour: Colour) -> File:
    picture = blocks([[colour] * 4] * 4)
    if kind == "AVIF":
        return "a.avif", file_of("AVIF", still(Coded.of("AVIF", picture)))
    if kind == "HEIC":
        return "a.HEIC", file_of("HEIF", still(Coded.of("HEIF", picture)))
    return f"a.{kind.lower()}", encoded(picture, kind)


COLOURS = dict(zip(PICTURES, (RED, GREEN, BLUE, GOLD, WHITE, BLACK), strict=True))
PHOTOS = {kind: photo(kind, colour) for kind, colour in COLOURS.items()}
PAPERS: dict[str, tuple[File, str]] = {
    "text in any encoding": (("notes.txt", "Füchse".encode("utf-16")), "Füchse"),
    "code": (("fox.py", b"print('fox')"), "print('fox')"),
    "PDF": (("fox.pdf", papers.pdf("a fox")), "data:application/pdf"),
    "DOCX": (("fox.docx", papers.docx("Foxes", "They run.")), "They run."),
    "XLSX": (("fox.xlsx", papers.xlsx("Foxes", ("seen", 3))), "seen | 3"),
    "PPTX": (("fox.pptx", papers.pptx("Foxes", "They hide.", "slowly")), "They hide."),
    "HTML": (("fox.html", b"<h1>Foxes</h1><p>They sleep."), "They sleep."),
}
OF_NO_USE: dict[str, tuple[File, str]] = {
    "an archive": (("foxes.zip", b"PK\x03\x04"), "unreadable"),
    "a film": (("foxes.mp4", b"film"), "unreadable"),
    "a sound": (("voice-message.ogg", b"OggS"), "unreadable"),
    "a program": (("foxes.exe", b"MZ"), "unreadable"),
    "an old Office document": (("foxes.doc", b"\xd0\xcf\x11\xe0"), "unreadable"),
    "text over 1 MiB": (("long.txt", b"x" * (1024 * 1024 + 1)), "too-large"),
    "a damaged document": (("foxes.docx", papers.docx("Foxes", "red")[:500]), "unreadable"),
}


async def bring(cast: Cast, thread: Channel, person: Person, files: list[File]) -> Call:
    """The call that the files of a person lead to."""
    asked = await person.say(thread, "what is it?", files=files)
    await answered(cast.stage, thread, asked.id)
    return cast.stage.model.calls[-1]


def parts_of(call: Call) -> str:
    """What the request itself said, without its history."""
    messages: Any = call.request["messages"]  # judged by the sandbox
    return str(messages[-1])


async def be_refused(cast: Cast, channel: Channel, person: Person, file: File, line: str) -> None:
    """Fails unless a file is refused for nothing, in its thread if it has to be looked at first."""
    stage, calls = cast.stage, len(cast.stage.model.calls)
    asked = await person.say(channel, "what is it?", files=[file])
    made = await stage.answers(channel, asked.id)
    assert last_line(made[-1]) == line
    assert len(stage.model.calls) == calls
    if line != PERMISSION_LINE:
        assert file[0] in made[-1].content


@pytest.mark.parametrize("kinds", [
    pytest.param(PICTURES, id="pictures", marks=pytest.mark.cell(*PICTURES)),
    pytest.param(DOCUMENTS, id="documents", marks=pytest.mark.cell(*DOCUMENTS)),
])  # fmt: skip
async def test_every_kind_of_file_reaches_the_model_from_everybody_and_after_a_restart(
    stage: Stage, kinds: tuple[str, ...]
):
    files = [PHOTOS[kind] if kind in PHOTOS else PAPERS[kind][0] for kind in kinds]
    cast = await enter(stage)
    thread, _ = await stage.ask_in_thread("a boat")
    async for _ in cast.before_and_after():
        for who, person in cast.people():
            if outcome(kinds[0], who) == REFUSED:
                fetched = len(stage.discord.sent("GET", "/cdn/.*"))
                for file in files:
                    await be_refused(cast, thread, person, file, PERMISSION_LINE)
                assert len(stage.discord.sent("GET", "/cdn/.*")) == fetched
                continue
            call = await bring(cast, thread, person, files)
            if kinds == PICTURES:
                await model_saw(stage, *COLOURS.values())
                continue
            for (name, _), text in PAPERS.values():
                assert name in parts_of(call)
                assert text in parts_of(call)


@pytest.mark.cell(*scenes.REFUSED_FILES)
async def test_what_is_of_no_use_is_refused_for_nothing_from_everybody_and_after_a_restart(
    stage: Stage,
):
    assert set(OF_NO_USE) == set(scenes.REFUSED_FILES)
    cast = await enter(stage)
    thread, _ = await stage.ask_in_thread("a boat")
    async for _ in cast.before_and_after():
        for who, person in cast.people():
            for what, (file, word) in OF_NO_USE.items():
                assert outcome(what, who) == REFUSED
                line = f"-# {word} · not charged"
                if who == WITHOUT_RIGHTS:
                    line = PERMISSION_LINE
                await be_refused(cast, thread, person, file, line)
        asked = await stage.mara.say(thread, "and this?", files=[("cat.png", png(RED))])
        await answered(stage, thread, asked.id)


async def shown(stage: Stage, what: str) -> Message:
    """A message with a red picture in the channel, or in the thread of the conversation."""
    cat = ("cat.png", png(RED))
    match what:
        case scenes.EASELS:
            return (await stage.ask_in_thread("a red fox"))[1][-1]
        case scenes.LINKED:
            url = "https://cats.example/cat.png"
            file = posting.store(stage.channel, Upload(0, *cat), ephemeral=False)
            picture = {"url": url, "proxy_url": stage.discord.world.file_url(file)}
            unfurled = {"type": "image", "url": url, "thumbnail": picture}
            return await stage.ada.say(stage.channel, url, unfurled=[unfurled])
        case scenes.IN_COMPONENTS:
            items = [{"media": {"url": "attachment://cat.png"}}]
            draft = Draft(
                components=[{"type": 12, "items": items}], uploads=[Upload(0, *cat)], flags=1 << 15
            )
            return posting.add(stage.channel, stage.ada, draft)
        case _:
            posted = await stage.ada.say(stage.channel, "my cat", files=[cat])
            if what == scenes.IN_FORWARD:
                return await stage.ada.forward(posted, stage.channel)
            return posted


@pytest.mark.parametrize("what", scenes.each(scenes.SHOWN))
async def test_what_others_show_is_meant_by_everybody_and_after_a_restart(stage: Stage, what: str):
    cast = await enter(stage)
    thread, _ = await stage.ask_in_thread("a boat")
    message = await shown(stage, what)
    async for _ in cast.before_and_after():
        for who, person in cast.people():
            calls, place = len(stage.model.calls), stage.channel
            if what == scenes.FORWARDED:
                asked, place = await person.forward(message, thread), thread
            else:
                place = message.channel
                asked = await person.say(place, f"{stage.me} at night", reply_to=message)
            if outcome(what, who) == REFUSED:
                made = await stage.answers(place, asked.id)
                assert last_line(made[-1]) == PERMISSION_LINE
                assert len(stage.model.calls) == calls
                continue
            opens = place is stage.channel
            await answered(stage, await stage.thread_of(asked) if opens else place, asked.id)
            if what == scenes.EASELS:
                assert meant(stage.model.calls[-1]) == shas(stage, message)
            else:
                await model_saw(stage, RED)
