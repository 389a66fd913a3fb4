"""/report export: a server's entries as CSV, in as many private messages as it takes."""

import asyncio
import logging
import tempfile
from pathlib import Path

import discord

from bot import words
from bot.errors import Notice
from bot.ledger import export
from bot.ledger.export import CsvFiles, Plan
from bot.ledger.periods import Period
from bot.pictures.disk import storage_notice
from bot.store.database import Database
from bot.ui.answer import TOO_LARGE_CODE
from bot.ui.content import REQUEST_BYTES_MAX

FILES_MAX = 40
"""Of one export. What is longer is for `easel spend --csv`."""
SHARE_AFTER_REFUSAL = 2
"""Where Discord takes less than it said, files of a half."""
BYTES_OF_A_ROW_MAX = 400

log = logging.getLogger(__name__)


class Exporting:
    """Writes one export at a time, in a folder that is gone afterwards; others wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()

    async def send(
        self, interaction: discord.Interaction[discord.Client], server_id: int, period: Period
    ) -> None:
        """Answers the command, for its user alone."""
        limit = min(interaction.filesize_limit, REQUEST_BYTES_MAX)
        planned = await self._database.read(lambda tx: export.plan(tx, period, server_id))
        refusal: str | None = None
        if not planned.rows:
            refusal = words.export_empty(period)
        elif planned.rows * BYTES_OF_A_ROW_MAX > FILES_MAX * limit:
            refusal = words.export_too_long(planned.rows)
        if refusal is not None:
            await interaction.response.send_message(refusal, ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        async with self._turn:
            try:
                if not await self._try(interaction, planned, period, limit):
                    await self._try(interaction, planned, period, limit // SHARE_AFTER_REFUSAL)
            except Notice as notice:
                log.error("an export failed: %s", notice.sentence)  # noqa: TRY400 - as foreseen
                await interaction.edit_original_response(
                    content=words.refusal(notice.word, notice.sentence), attachments=[]
                )

    async def _try(
        self,
        interaction: discord.Interaction[discord.Client],
        planned: Plan,
        period: Period,
        bytes_max: int,
    ) -> bool:
        """False where Discord finds the first file too large."""
        with tempfile.TemporaryDirectory(prefix="easel-export-") as folder:
            files = CsvFiles(lambda number: Path(folder) / f"{number}.csv", bytes_max)
            try:
                with files:
                    await export.export(self._database, planned, files)
            except OSError as error:
                raise storage_notice(error) from error
            return await _upload(interaction, period, planned.rows, files.paths)


async def _upload(
    interaction: discord.Interaction[discord.Client], period: Period, rows: int, paths: list[Path]
) -> bool:
    for number, path in enumerate(paths, 1):
        text = words.exported(period, rows, number, len(paths))
        file = discord.File(path, f"easel-{period}-{number}.csv")
        try:
            if number == 1:
                await interaction.edit_original_response(content=text, attachments=[file])
            else:
                await interaction.followup.send(text, file=file, ephemeral=True)
        except discord.HTTPException as error:
            if number > 1 or (error.status != 413 and error.code != TOO_LARGE_CODE):
                raise
            log.info("an export in files of %d bytes was too large", path.stat().st_size)
            return False
    return True
