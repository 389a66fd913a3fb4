"""Each fault at each stage, through the whole bot, judged by what stands at Discord: one end of the
request where it is promised, with its buttons or its word, and books that equal the account.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from bot.confirming import CONFIRM_WITHIN_S
from bot.errors import Word
from bot.money import dollars, nano_usd
from bot.sandbox.discord.wire import Fault
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.openrouter import NoUsage, Paint, Say, answer
from bot.sandbox.openrouter.script import Told
from bot.store import entries, exchanges
from bot.store.exchanges import Step
from tests.e2e.fault_table import DOCUMENT, IN_THE_GATE, STAGES, Cell, Where, document
from tests.e2e.faults import Requests, Scene
from tests.e2e.photos import png
from tests.e2e.stage import Stage, last_line
from tests.pictures.paint import RED

ENOUGH_S = 30.0
OPEN = "POST", r"/channels/\d+/messages/{place}/threads"
SEND = "POST", "/channels/{place}/messages"
EDIT = "PATCH", r"/channels/{place}/messages/\d+"
BY_TOKEN = "PATCH", r"/webhooks/\d+/{token}/messages/.*"
PHOTO = ("cat.png", png(RED))
LONG = Say("word " * 700)


@dataclass(frozen=True)
class Way:
    """How a request comes to a stage: what the model answers, what holds it there, and which
    requests of the bot the stage consists of.
    """

    told: Told
    held_by: str
    requests: tuple[str, str] = EDIT


WAYS = {
    "wait": Way(Paint(), "a file"),
    "hold": Way(Paint(), "a click"),
    "call before headers": Way(Paint(), "the gate"),
    "call in mid-stream": Way(answer(Say("One."), Paint()), "the picture"),
    "settle": Way(answer(Paint(), NoUsage()), "the cost"),
    "opening the thread": Way(Paint(), "nothing", OPEN),
    "first post": Way(Paint(), "nothing", SEND),
    "progress edit": Way(Paint(), "the gate"),
    "final edit": Way(Say("A fox."), "the gate"),
    "upload": Way(Paint(), "the gate"),
    "follow-up text": Way(LONG, "the gate", SEND),
    "ping": Way(Paint(), "the gate", SEND),
    "answer to a command": Way(Paint(), "the gate", BY_TOKEN),
}
NUMBERS = count(1)


@dataclass
class Play:
    """Cells of one stage, played at once."""

    stage: Stage
    cells: Sequence[Cell]
    scenes: list[Scene] = field(default_factory=list[Scene])
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.cells[0].stage

    @property
    def way(self) -> Way:
        return WAYS[self.name]

    async def run(self) -> None:
        ordered: list[Fault] = []
        self._close()
        for cell in self.cells:
            scene = await self._ask(cell)
            self.scenes.append(scene)
            if self.way.held_by == "nothing":
                ordered += self._disturb(cell, scene)
        await self._reach()
        if self.way.held_by != "nothing":
            for cell, scene in zip(self.cells, self.scenes, strict=True):
                ordered += self._disturb(cell, scene)
        if self.name == "progress edit":
            await self._until(lambda: not self.stage.discord.faults)
        if self.name == "ping":
            self.stage.clock.pushed_ms += 30_000
        await self._disturb_all()
        await self._release()
        await self._until_done()

    def _close(self) -> None:
        model = self.stage.model
        match self.way.held_by:
            case "the gate":
                model.gate.close()
            case "the picture":
                model.pause_after_picture.close()
            case "the cost":
                model.generation_misses = 10**6
            case _:
                pass

    async def _until(self, predicate: Callable[[], bool]) -> None:
        async with asyncio.timeout(ENOUGH_S):
            while not predicate():  # noqa: ASYNC110  # a request that is held tells nobody
                await asyncio.sleep(0.02)

    async def _ask(self, cell: Cell) -> Scene:
        stage, discord = self.stage, self.stage.discord
        person = discord.add_person("Mara")
        server = discord.add_server("Atelier")
        server.join(person)
        scene = Scene(server, server.add_channel("gallery"), person, discord.bot_user)
        words = f"fox number {next(NUMBERS)}"
        stage.model.when(lambda call: call.words == words, cell.told or self.way.told)
        if self.name == "answer to a command":
            scene.used = await person.command(scene.channel, "imagine", prompt=words)
            return scene
        files = [PHOTO] if self.way.held_by == "a file" else []
        if files:
            path = f"/cdn/attachments/{scene.channel.id}/.*"
            discord.faults.append(Fault("GET", path, hold=self.hold))
        scene.asked = await person.say(scene.channel, f"{stage.me} {words}", files=files)
        return scene

    async def _reach(self) -> None:
        """Returns when all have come to the stage."""
        model, number = self.stage.model, len(self.cells)
        match self.way.held_by:
            case "a file":
                await self._until(lambda: not self.stage.discord.faults)
            case "a click":
                await self._until(lambda: all(map(_question, self.scenes)))
            case "the gate":
                await self._until(lambda: model.gate.waiting == number)
            case "the picture":
                await self._until(lambda: model.pause_after_picture.waiting == number)
            case "the cost":
                await self._until(lambda: all(map(_is_open, self.scenes)))
            case _:
                pass

    def _disturb(self, cell: Cell, scene: Scene) -> list[Fault]:
        """Lets it happen, or orders it."""
        if isinstance(cell.fault, Requests):
            method, path = self.way.requests
            token = "" if scene.used is None else re.escape(scene.used.token)
            ordered = cell.fault.ordered(method, path.format(place=scene.id, token=token))
            self.stage.discord.faults.extend(ordered)
            return ordered
        if callable(cell.fault):
            cell.fault(scene)
        return []

    async def _disturb_all(self) -> None:
        if self.cells[0].fault == "gateway":
            self.stage.discord.drop_connections()
        elif self.cells[0].fault == "restart":
            await self.stage.stop()
            await self.stage.start()

    async def _release(self) -> None:
        self.hold.set()
        self.stage.model.gate.open()
        self.stage.model.pause_after_picture.open()
        self.stage.model.generation_misses = 1
        for scene in self.scenes:
            question = _question(scene)
            if question is not None and scene.bot.id in scene.server.members:
                await scene.person.click(question, "Confirm")

    async def _until_done(self) -> None:
        ids = [scene.id for scene in self.scenes]
        async with asyncio.timeout(ENOUGH_S):
            while open_ids := [each for each in ids if not await self._is_done(each)]:
                if self.name == "hold" and len(open_ids) < len(ids):
                    # What nobody can confirm any more ends when the time for that is over.
                    parked = [await self._is_parked(each) for each in open_ids]
                    if all(parked) and not self.stage.clock.pushed_ms:
                        self.stage.clock.pushed_ms = CONFIRM_WITHIN_S * 1000 + 1
                await asyncio.sleep(0.05)
        await self.stage.until_books_closed()

    async def _is_done(self, exchange_id: int) -> bool:
        if not await self.stage.read(lambda tx: exchanges.is_known(tx, exchange_id)):
            return False
        exchange = await self.stage.read(lambda tx: exchanges.get(tx, exchange_id))
        return exchange.step is Step.DONE

    async def _is_parked(self, exchange_id: int) -> bool:
        return (await self.stage.read(lambda tx: exchanges.get(tx, exchange_id))).is_parked


def _question(scene: Scene) -> Message | None:
    """The message that asks for a click, as far as it can be seen."""
    if scene.place.deleted:
        return None
    return next((one for one in scene.shown if "Confirm" in str(one.buttons)), None)


def _is_open(scene: Scene) -> bool:
    return any("cost not known yet" in one.content for one in scene.shown)


async def judge(stage: Stage, cell: Cell, scene: Scene) -> None:
    """Fails unless what stands at Discord is what the cell promises, and nothing beside it."""
    found = await _found(stage, scene)
    ends = [(where, one) for where, one in found if last_line(one).startswith("-# ")]
    story = "\n".join(f"{where}: {one.content[:80]!r}" for where, one in found)
    assert len(ends) == 1, f"{cell.name}:\n{story}"
    ((where, message),) = ends
    line = last_line(message)
    word = re.match(r"-# ([a-z-]+) · ", line)
    assert (where, word[1] if word else "result") == (cell.where, cell.ends), f"{cell.name}: {line}"
    assert word is None or word[1] in set(Word)
    pressed = [str(part.get("custom_id")) for part in message.buttons]
    pictures = [file.name for _, one in found for file in one.attachments]
    if word is None or word[1] == "cut":
        assert f"details:{scene.id}" in pressed, cell.name
    else:
        assert pressed == []
        assert pictures == []
    if pictures:
        assert [name.rpartition(".")[0] for name in pictures] == [f"easel-{scene.id}-1"], cell.name
    if cell.where == "thread":
        running = [one for _, one in found if "cancel:" in str(one.buttons)]
        assert running == [], f"{cell.name}:\n{story}"
    assert len(scene.person.pings) <= 1
    await judge_money(stage, cell, scene, line)


async def judge_money(stage: Stage, cell: Cell, scene: Scene, line: str) -> None:
    exchange = await stage.read(lambda tx: exchanges.get(tx, scene.id))
    booked = (await stage.read(lambda tx: entries.of_exchange(tx, scene.id))).cost
    charged = sum(
        call.cost_nano_usd or 0 for call in stage.model.calls if call.words == exchange.prompt
    )
    if cell.money == "estimate":
        assert booked >= charged
        assert f"≈ {dollars(booked)}" in line, line
        return
    assert booked == charged, cell.name
    assert (booked == 0) == (cell.money == "not charged"), cell.name
    assert (dollars(booked) if booked else "not charged") in line, f"{cell.name}: {line}"


async def _found(stage: Stage, scene: Scene) -> list[tuple[Where, Message]]:
    """All that the person finds of the bot's, and where."""
    found: list[tuple[Where, Message]] = []
    places: list[tuple[Where, Channel]] = [("channel", scene.channel), ("direct", scene.person.dm)]
    if scene.place is not scene.channel:
        places.insert(0, ("thread", scene.place))
    for where, channel in places:
        if not channel.deleted:
            found.extend((where, one) for one in stage.ours(channel))
    if not found or scene.place.deleted:
        used = await scene.person.command(scene.channel, "history")
        await used.answered()
        if "waits for you here" in str(used.messages[0].embeds):
            await stage.discord.wait_until(lambda: len(used.messages) > 1, ENOUGH_S)
            await stage.until_idle()
        found.extend(("history", one) for one in used.messages[1:])
    return found


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in IN_THE_GATE else pytest.mark.long) for name in STAGES],
)
async def test_stage(stage: Stage, name: str, monkeypatch: pytest.MonkeyPatch):
    pause_s = 0.1 if name == "progress edit" else 60.0
    monkeypatch.setattr("bot.ui.showing.EDIT_PAUSE_S", pause_s)
    monkeypatch.setattr("bot.ui.showing.ELAPSED_PAUSE_S", 2 * pause_s)
    stage.limit(
        running_max=64,
        stop_grace_s=0.0,
        unresolved_s=600.0,
        ask_above_nano_usd=nano_usd("0.10" if name == "hold" else "0"),
    )
    await stage.start()
    cells = STAGES[name]
    together = [cell for cell in cells if not isinstance(cell.fault, str)]
    plays = [together, *([cell] for cell in cells if isinstance(cell.fault, str))]
    for played in plays:
        play = Play(stage, played)
        await play.run()
        for cell, scene in zip(played, play.scenes, strict=True):
            await judge(stage, cell, scene)


def test_the_document_is_made_of_the_table():
    cells = [cell for stage in STAGES.values() for cell in stage]
    assert len(cells) >= 60
    assert len({cell.name for cell in cells}) == len(cells)
    assert document() == DOCUMENT.read_text(encoding="utf-8")
