"""*Original*: a picture as the model made it, byte for byte where Discord takes that, else the same
pixels in fewer bytes, else the reason why not.
"""

import logging
import os
from collections.abc import Collection, Sequence

import discord

from bot import words
from bot.errors import Notice, Word
from bot.pictures.fit import Fit, Fitted
from bot.store.pictures import Picture
from bot.ui.answer import REFIT_SHARE, TOO_LARGE_CODE
from bot.ui.content import REQUEST_BYTES_MAX

log = logging.getLogger(__name__)


class Originals:
    """Hands out originals, each in a private message of its own."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    async def send(
        self,
        interaction: discord.Interaction[discord.Client],
        pictures: Sequence[Picture],
        *,
        gone: Collection[str],
        exchange_id: int,
        upload_bytes_max: int,
    ) -> None:
        """Answers an interaction that is deferred, first by its response, then by follow-ups. Of
        pictures that are `gone`, by their ids, it says so.
        """
        limit = min(upload_bytes_max, interaction.filesize_limit, REQUEST_BYTES_MAX)
        for number, picture in enumerate(pictures, 1):
            stem = f"easel-{exchange_id}-{number}-original"
            if picture.id in gone:
                text = words.original_pruned(words.picture_name(number))
            else:
                text = await self._send_one(interaction, number, picture, limit, stem)
            if text is not None:
                await _say(interaction, number, text)

    async def _send_one(
        self,
        interaction: discord.Interaction[discord.Client],
        number: int,
        picture: Picture,
        limit: int,
        stem: str,
    ) -> str | None:
        """What is to be said instead where it was not sent."""
        name = words.picture_name(number)
        size = words.byte_size(picture.size_bytes)
        shape = (picture.width, picture.height, size)
        original = await self._fit.fit(picture, picture.size_bytes)
        if not os.access(original.path, os.R_OK):
            log.error("picture %s is missing on the shelf", picture.id)
            return words.original_missing(name)
        room = limit
        if picture.size_bytes <= limit:
            text = words.original(name, *shape)
            if await _sent(interaction, number, text, original, stem):
                return None
            room = int(picture.size_bytes * REFIT_SHARE)  # less is taken than was said
        try:
            async with self._fit.repacked(picture, room) as packed:
                text = words.original_lossless(name, *shape, words.byte_size(room))
                if await _sent(interaction, number, text, packed, stem):
                    return None
        except Notice as notice:
            if notice.word not in {Word.TOO_LARGE, Word.UNREADABLE}:
                return f"{name}: {notice.sentence}"
        return words.original_too_large(name, size, words.byte_size(room))


async def _sent(
    interaction: discord.Interaction[discord.Client],
    number: int,
    text: str,
    fitted: Fitted,
    stem: str,
) -> bool:
    """False if Discord finds it too large."""
    try:
        await _say(interaction, number, text, discord.File(fitted.path, f"{stem}{fitted.suffix}"))
    except discord.HTTPException as error:
        if error.status != 413 and error.code != TOO_LARGE_CODE:
            raise
        return False
    return True


async def _say(
    interaction: discord.Interaction[discord.Client],
    number: int,
    text: str,
    file: discord.File | None = None,
) -> None:
    files = [] if file is None else [file]
    if number == 1:
        await interaction.edit_original_response(content=text, attachments=files)
    else:
        await interaction.followup.send(text, files=files, ephemeral=True)
