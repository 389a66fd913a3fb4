"""The scenes of the tour, in order: what people do, and whether what they then see is right."""

import asyncio
import csv
import json
import signal

from bot.demo.script import BEGINNING, LONG
from bot.demo.stage import (
    LOOK_PAUSE_S,
    SCENE_TIMEOUT_S,
    Stage,
    Wrong,
    check,
    one_picture,
    sha256,
)
from bot.money import NanoUsd, dollars
from bot.sandbox.discord.failures import TimedOut
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.world import Message
from bot.sandbox.painting import encode, keeps_pixels, paint
from bot.sandbox.people import Person
from bot.store import pieces

NOTES = "Les renards dorment l’été, et courent l’hiver."
"""To be sent as an old editor would have written it, and not in UTF-8."""


class Scenes:
    """The story, in order; a scene may use what earlier ones left on the stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def mention(self) -> None:
        stage = self.stage
        asked = await stage.say(stage.mara, stage.channel, f"{stage.me} a red fox in deep snow")
        self.thread = await stage.thread_of(asked)
        check(self.thread.name == "a red fox in deep snow", "the thread has another name")
        self.first_answer = await stage.answer(self.thread, asked)
        self.fox = one_picture(stage.show("mention", self.first_answer))

    async def follow_up(self) -> None:
        stage = self.stage
        asked = await stage.say(stage.mara, self.thread, "make it night")
        answer = await stage.answer(self.thread, asked)
        one_picture(stage.show("follow-up", answer))
        check(stage.sent_pictures()[-1] == sha256(self.fox), "another picture was edited")

    async def own_photo(self) -> None:
        stage = self.stage
        photo = encode(paint("my window, this morning", 900, 600), "image/png", "a photo")
        asked = await stage.say(
            stage.mara,
            self.thread,
            "write a greeting on this",
            photo=photo,
            reply_to=self.first_answer[0],
        )
        answer = await stage.answer(self.thread, asked)
        edited = one_picture(stage.show("own-photo", answer))
        check(keeps_pixels(edited, photo), "the photo's pixels were not kept")

    async def reply_to_picture(self) -> None:
        stage = self.stage
        asked = await stage.say(
            stage.mara, self.thread, "give it a scarf", reply_to=self.first_answer[0]
        )
        answer = await stage.answer(self.thread, asked)
        edited = one_picture(stage.show("reply-to-picture", answer))
        check(stage.sent_pictures()[-1] == sha256(self.fox), "another picture was edited")
        check(keeps_pixels(edited, self.fox), "the fox's pixels were not kept")

    async def imagine(self) -> None:
        interaction = await self._command(
            self.stage.theo, "imagine", prompt="a lighthouse in a storm", shape="wide"
        )
        self.lighthouse = one_picture(self.stage.show("imagine", await self._result(interaction)))

    async def edit(self) -> None:
        photo = ("lighthouse.png", self.lighthouse)
        interaction = await self._command(
            self.stage.theo, "edit", picture=photo, prompt="calm the sea"
        )
        edited = one_picture(self.stage.show("edit", await self._result(interaction)))
        check(keeps_pixels(edited, self.lighthouse), "the lighthouse's pixels were not kept")

    async def text_and_code(self) -> None:
        stage = self.stage
        asked = await stage.say(
            stage.theo, stage.channel, f"{stage.me} explain how colours are mixed, with code"
        )
        messages = await stage.answer(await stage.thread_of(asked), asked)
        one_picture(stage.show("text-and-code", messages))
        check(
            [bool(message.attachments) for message in messages] == [True, False]
            and "```python" in messages[0].content
            and messages[1].content.startswith("The lower half"),
            "the order of text, code, picture and text was not kept",
        )

    async def document(self) -> None:
        stage = self.stage
        asked = await stage.say(
            stage.theo,
            stage.channel,
            f"{stage.me} what do my notes say?",
            document=("notes.txt", NOTES.encode("cp1252")),
        )
        messages = await stage.answer(await stage.thread_of(asked), asked)
        stage.show("document", messages)
        sent = json.dumps(stage.model.calls[-1].request, ensure_ascii=False)
        check("notes.txt" in sent and NOTES in sent, "the notes did not reach the model")

    async def budget(self) -> None:
        stage = self.stage
        calls = len(stage.model.calls)
        asked = await stage.say(stage.mara, self.thread, "and once more in spring")
        answer = await stage.answer(self.thread, asked)
        stage.show("budget", answer)
        check("-# budget · not charged" in answer[-1].content, "this is no refusal by a budget")
        check(len(stage.model.calls) == calls, "the model was called all the same")

    async def restart(self) -> None:
        stage = self.stage
        asked = await stage.say(stage.ada, stage.channel, f"{stage.me} a paper boat on a pond")
        self.boat_thread = await stage.thread_of(asked)
        self.boat = one_picture(stage.show("restart", await stage.answer(self.boat_thread, asked)))
        print("  (the bot is stopped with SIGTERM and started again)")
        check(await stage.end(signal.SIGTERM) == 0, "the bot did not stop in order")
        await stage.start()
        asked = await stage.say(stage.ada, self.boat_thread, "now in autumn")
        one_picture(stage.show("restart", await stage.answer(self.boat_thread, asked)))
        check(stage.sent_pictures()[-1] == sha256(self.boat), "the conversation was forgotten")

    async def killed(self) -> None:
        stage = self.stage
        stage.model.pause_after_picture.close()
        asked = await stage.say(stage.ada, self.boat_thread, "add a second boat")
        async with asyncio.timeout(SCENE_TIMEOUT_S):
            # The database of another process tells nobody: it has to be looked at.
            while not await stage.read(  # noqa: ASYNC110
                lambda tx: pieces.pictures_of(tx, asked.id)
            ):
                await asyncio.sleep(LOOK_PAUSE_S)
        print("  (kill -9: the picture is on the shelf, its cost is not known; started again)")
        await stage.end(signal.SIGKILL)
        stage.model.pause_after_picture.open()
        await stage.start()
        answer = await stage.answer(self.boat_thread, asked)
        one_picture(stage.show("killed", answer))
        await self._cost_known(answer[-1])
        calls = [call for call in stage.model.calls if call.words == "add a second boat"]
        check(len(calls) == 1, "the model was called twice")

    async def direct_message(self) -> None:
        stage = self.stage
        asked = await stage.say(stage.noor, stage.noor.dm, "a teapot in the shape of a cat")
        answer = await stage.answer(stage.noor.dm, asked)
        teapot = one_picture(stage.show("direct-message", answer))
        asked = await stage.say(stage.noor, stage.noor.dm, "make it blue")
        one_picture(stage.show("direct-message", await stage.answer(stage.noor.dm, asked)))
        check(stage.sent_pictures()[-1] == sha256(teapot), "another picture was edited")

    async def forum(self) -> None:
        stage = self.stage
        post = await stage.post(stage.ada, "A kite over the dunes", f"{stage.me} at sunrise")
        answer = await stage.ended(post, post.id)
        one_picture(stage.show("forum", answer))
        words = stage.model.calls[-1].words
        check("A kite over the dunes" in words and "at sunrise" in words, "the title was not read")

    async def blend(self) -> None:
        interaction = await self._command(
            self.stage.noor,
            "blend",
            picture1=("fox.png", self.fox),
            picture2=("lighthouse.png", self.lighthouse),
            prompt="the fox keeps the light",
        )
        blended = one_picture(self.stage.show("blend", await self._result(interaction)))
        check(len(self.stage.sent_pictures()) == 2, "the model did not see both pictures")
        check(keeps_pixels(blended, self.lighthouse), "the lighthouse's pixels were not kept")

    async def buttons(self) -> None:
        stage, theo, first = self.stage, self.stage.theo, self.first_answer[-1]
        print("  (under the first picture of all, from before both restarts)")
        press = await self._press(theo, first, "Again")
        new = await stage.ended(self.thread, press.id)
        one_picture(stage.show("buttons", new))
        check(stage.model.calls[-1].words == "a red fox in deep snow", "something else was asked")
        press = await self._press(theo, first, "Edit")
        print("  Theo fills in the modal: Prompt: in autumn leaves, Shape: wide")
        sent = await theo.submit(press, Prompt="in autumn leaves", Shape=["wide"])
        edited = one_picture(stage.show("buttons", await stage.ended(self.thread, sent.id)))
        check(keeps_pixels(edited, self.fox), "the fox's pixels were not kept")
        press = await self._press(theo, first, "Original")
        original = one_picture(stage.show("buttons", [await press.finished()]))
        check(press.ephemeral and original == self.fox, "this is not the original")
        print("  (under the new one)")
        press = await self._press(theo, new[-1], "Details")
        details = await press.finished()
        stage.show("buttons", [details])
        check(press.ephemeral and "a red fox in deep snow" in details.content, "no details came")
        await self._press(theo, new[-1], "Delete")
        await stage.discord.wait_until(lambda: new[-1].deleted, SCENE_TIMEOUT_S)
        print("    Easel deletes its answer")

    async def cancel(self) -> None:
        stage = self.stage
        interaction = await self._command(
            stage.noor, "imagine", prompt="an oak with every single leaf"
        )
        shown = interaction.original
        check(shown is not None, "no answer began")
        assert shown is not None
        await stage.discord.wait_until(lambda: BEGINNING in shown.content, SCENE_TIMEOUT_S)
        stage.show("cancel", [shown])
        await self._press(stage.noor, shown, "Cancel")
        answer = await self._result(interaction)
        stage.show("cancel", answer)
        check("-# cancelled · " in answer[-1].content, "it was not cancelled")
        check(all(one["label"] != "Cancel" for one in shown.buttons), "the button stayed")
        await self._cost_known(answer[-1])

    async def long_answer(self) -> None:
        interaction = await self._command(
            self.stage.ada, "ask", prompt="tell me of the fox in two hundred nights"
        )
        files = self.stage.show("long-answer", await self._result(interaction))
        check(files == [LONG.encode()], "the whole did not come as one file")

    async def budgets(self) -> None:
        stage, everyone = self.stage, {"scope": "everyone", "window": "day"}
        await self._told(stage.ada, "budget set", "is now $0.30", limit="0.30", **everyone)
        refused = await self._command(stage.noor, "imagine", prompt="a teapot for two")
        stage.show("budgets", refused.messages)
        said = refused.messages[-1].content
        check("no room in your daily allowance in this server" in said, "another budget refused")
        check(refused.ephemeral and "-# budget · not charged" in said, "this is no refusal")
        gift = {"member": stage.noor, "amount": "1", "reason": "a birthday"}
        await self._told(stage.ada, "budget grant", "has $1.00 more", **gift)
        granted = await self._command(stage.noor, "ask", prompt="what is a teapot for two called?")
        answer = await self._result(granted)
        stage.show("budgets", answer)
        check("-# $" in answer[-1].content, "the grant gave no room")
        shown = await self._command(stage.ada, "budget show")
        await self._private_embed(shown, "Each member per day: $0.30 each")
        await self._told(stage.ada, "budget remove", "no budget of each member", **everyone)
        changes = await self._command(stage.ada, "budget history")
        await self._private_embed(changes, "$1.00 (a birthday)")

    async def spend(self) -> None:
        interaction = await self._command(self.stage.mara, "spend")
        await self._private_embed(interaction, "What you spent")

    async def report(self) -> None:
        interaction = await self._command(self.stage.ada, "report show")
        total = dollars(await self.stage.ledger(self.stage.server))
        await self._private_embed(interaction, total)
        one_picture(self.stage.show("report", interaction.messages))

    async def export(self) -> None:
        interaction = await self._command(self.stage.ada, "report export")
        message = await interaction.finished(SCENE_TIMEOUT_S)
        files = self.stage.show("export", [message])
        check(len(files) == 1 and message.ephemeral, "no file came, or everybody sees it")
        rows = csv.DictReader(files[0].decode().splitlines())
        total = sum(int(row["cost_nano_usd"]) for row in rows)
        check(total == await self.stage.ledger(self.stage.server), "the rows are not the books")

    async def audit(self) -> None:
        print("  (the owner runs easel audit)")
        code, lines = await self.stage.program("audit")
        for line in lines:
            print(f"    {line}")
        account = dollars(NanoUsd(self.stage.model.account.total_nano_usd), 9)
        check(code == 0, "it found differences")
        check(f"OpenRouter {account}: they agree" in "\n".join(lines), "the account was not met")

    async def _told(self, person: Person, name: str, holds: str, **options: object) -> None:
        """A command that is answered with a sentence."""
        used = await self._command(person, name, **options)
        self.stage.show(name, used.messages)
        check(used.ephemeral and holds in used.messages[-1].content, f"{holds} is missing")

    async def _command(self, person: Person, name: str, **options: object) -> Interaction:
        words = " ".join(f"{key}: {_typed(value)}" for key, value in options.items())
        print(f"  {person.name} in #{self.stage.channel.name}: /{name} {words}".rstrip())
        interaction = await person.command(self.stage.channel, name, **options)
        await interaction.answered()
        return interaction

    async def _press(self, person: Person, message: Message, label: str) -> Interaction:
        print(f"  {person.name} presses {label}")
        press = await person.click(message, label)
        await press.answered()
        return press

    async def _result(self, interaction: Interaction) -> list[Message]:
        await self.stage.ended(self.stage.channel, interaction.id)
        return interaction.messages

    async def _private_embed(self, interaction: Interaction, holds: str) -> None:
        message = await interaction.finished(SCENE_TIMEOUT_S)
        check(bool(message.embeds), "no report came")
        embed = message.embeds[0]
        lines = [embed["title"], embed["description"]]
        for part in embed.get("fields", []):
            lines += [f"{part['name']}:", *(f"  {line}" for line in part["value"].splitlines())]
        for line in lines:
            print(f"    Easel, privately: {line}")
        check(message.ephemeral, "everybody sees it")
        check(holds in "\n".join(lines), f"{holds} is missing")

    async def _cost_known(self, message: Message) -> None:
        try:
            await self.stage.discord.wait_until(
                lambda: "cost not known yet" not in message.content, SCENE_TIMEOUT_S
            )
        except TimedOut as error:
            raise Wrong("what it cost was never found out") from error
        print(f"    Easel, once the provider told: {message.content.splitlines()[-1]}")


def _typed(value: object) -> str:
    """As who uses a command sees it: a file's name, a person's."""
    match value:
        case Person():
            return f"@{value.name}"
        case (str() as file_name, bytes()):
            return file_name
        case _:
            return str(value)
