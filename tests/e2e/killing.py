"""A stage whose bot is killed with SIGKILL, and what its next start makes of that."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.ledger import reports
from bot.sandbox.discord.world import Channel, Message
from bot.sandbox.people import File
from bot.store.database import Transaction
from bot.store.entry_rows import EntryRow
from bot.store.folder import DataFolder
from tests.e2e.process import write_config
from tests.e2e.stage import Stage, last_line

DEATH_TIMEOUT_S = 20.0

By = Literal["message", "command"]


@dataclass
class Killing:
    """One request, by a mention or by a slash command, and a bot that dies over it."""

    stage: Stage
    folder: Path
    by: By = "message"
    asked: Message | None = None
    settings: str = ""
    """More for the settings file of the process that dies."""

    async def ask(self, text: str = "a fox", photo: File | None = None) -> None:
        stage = self.stage
        if self.by == "message":
            files = [] if photo is None else [photo]
            self.asked = await stage.mara.say(stage.channel, f"{stage.me} {text}", files=files)
        elif photo is None:
            await stage.mara.command(stage.channel, "imagine", prompt=text)
        else:
            await stage.mara.command(stage.channel, "edit", picture=photo, prompt=text)

    async def die(
        self,
        point: str,
        ask: Callable[[], Awaitable[None]] | None = None,
        when: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Starts the bot that dies at the point, asks, and returns when it is dead. With `when` it
        is killed once that returns.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.killed_process"),
            *(str(write_config(self.stage, self.folder, self.settings)), point),
            env={
                **os.environ,
                "DISCORD_TOKEN": self.stage.discord.token,
                "OPENROUTER_API_KEY": self.stage.model.api_key,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(DEATH_TIMEOUT_S):
                said = await process.stdout.readline()
                if ask is not None:
                    assert said.startswith(b"easel: ready")
                    await ask()
                if when is not None:
                    await when()
                    process.kill()
                assert await process.wait() == -9
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def later(self, seconds: int) -> None:
        """Time passes before the next start."""
        self.stage.clock.pushed_ms += seconds * 1000
        self.stage.discord.world.now = lambda: time.time() + seconds

    @property
    def shown(self) -> list[Message]:
        """What Easel shows, wherever it answers this request, oldest first; pings apart."""
        thread = None if self.asked is None else self.asked.thread
        places: list[Channel] = [self.stage.channel]
        if thread is not None and not thread.deleted:
            places.append(thread)
        ours = [message for place in places for message in self.stage.ours(place)]
        return [message for message in ours if not message.pinged]

    async def rest(self) -> list[Message]:
        """What Easel shows once it has started anew and everything has come to rest."""
        await self.stage.start()
        return await self.at_rest()

    async def at_rest(self) -> list[Message]:
        def has_ended() -> bool:
            return bool(self.shown) and is_small(last_line(self.shown[-1]))

        def is_known() -> bool:
            return "not known" not in last_line(self.shown[-1])

        await self.stage.discord.wait_until(has_ended, DEATH_TIMEOUT_S)
        await self.stage.until_idle()
        await self.stage.until_books_closed()
        await self.stage.discord.wait_until(is_known, DEATH_TIMEOUT_S)
        shelf = DataFolder(self.stage.settings.storage.data_dir).shelf
        assert not [*shelf.glob("incoming/*"), *shelf.glob("tagged/*")]
        return self.shown

    async def result(self, *bases: str) -> Message:
        """The one message that shows the picture that was asked for, and what it cost."""
        (message,) = await self.rest()
        assert not message.thinking
        assert [file.content_type for file in message.attachments] == ["image/png"]
        assert last_line(message).startswith("-# $0.")
        await self.check_books(*bases)
        return message

    async def notice(self) -> Message:
        (message,) = await self.rest()
        assert not message.thinking
        assert not message.attachments
        return message

    async def check_books(self, *bases: str) -> None:
        """How each call was booked. Without an estimate it is what the account was charged."""

        async def read(tx: Transaction) -> list[EntryRow]:
            return [row async for row in reports.entry_rows(tx, "all")]

        rows = await self.stage.read(read)
        assert sorted(row.basis for row in rows) == sorted(bases)
        if "estimate" not in bases:
            booked = sum(int(row.cost_nano_usd) for row in rows)
            assert booked == self.stage.model.account.total_nano_usd


def is_small(line: str) -> bool:
    return line.startswith("-# ")


async def check_shelf(stage: Stage) -> None:
    """Fails unless every file on the shelf is known, and all that is known is on it."""

    async def known(tx: Transaction) -> set[str]:
        rows = await tx.all(
            "SELECT id FROM picture UNION"
            " SELECT blob_id AS id FROM document WHERE blob_id IS NOT NULL"
        )
        return {row["id"] for row in rows}

    shelf = DataFolder(stage.settings.storage.data_dir).shelf
    assert {path.name for path in shelf.glob("??/??/*")} == await stage.read(known)
    assert not [*shelf.glob("incoming/*"), *shelf.glob("tagged/*")]
