"""What one message of an answer carries: its text, and its files fitted under the upload limit."""

import io
import logging
import os
from collections.abc import Callable, Sequence

import discord

from bot import words
from bot.pictures.fit import Fit
from bot.store.exchanges import Exchange
from bot.store.pictures import Picture
from bot.ui.layout import Part
from bot.ui.markdown import MESSAGE_LETTERS_MAX

REQUEST_BYTES_MAX = 24 * 1024 * 1024
"""Of one message with all its files; Discord takes 25 MiB with the form around them.
https://discord.com/developers/docs/resources/message#create-message (2026-08)."""

log = logging.getLogger(__name__)


class Content:
    """Makes it from the shelf. A picture that is missing there is said, and never keeps the rest
    from being shown.
    """

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    async def pictures(self, part: Part, first_number: int) -> list[tuple[int, Picture]]:
        """The pictures of a part that are there, with their numbers in the answer."""
        return [
            each
            for each in enumerate(part.pictures, first_number)
            if await self._is_on_disk(each[1])
        ]

    async def text(self, part: Part) -> str:
        """The part's text, which says so if a picture is missing."""
        missing = [one for one in part.pictures if not await self._is_on_disk(one)]
        for one in missing:
            log.error("picture %s is missing on the shelf", one.id)
        return above(part.text, words.picture_missing()) if missing else part.text

    async def _is_on_disk(self, picture: Picture) -> bool:
        original = await self._fit.fit(picture, picture.size_bytes)
        return os.access(original.path, os.R_OK)

    async def files(
        self,
        exchange: Exchange,
        numbered: Sequence[tuple[int, Picture]],
        text: str | None,
        share: float,
    ) -> Callable[[], list[discord.File]]:
        """Makes the files of a part, fitted under the upload limit, anew at every call."""
        bytes_max = exchange.upload_bytes_max
        if numbered:
            bytes_max = min(bytes_max, REQUEST_BYTES_MAX // len(numbered))
        fitted = [
            # A refused file may have been far below what was said to be the limit.
            (number, await self._fit.fit(picture, int(min(bytes_max, picture.size_bytes) * share)))
            for number, picture in numbered
        ]
        description = words.alt_text(exchange.prompt)[:1024]

        def make() -> list[discord.File]:
            files = [
                discord.File(
                    picture.path,
                    f"easel-{exchange.id}-{number}{picture.suffix}",
                    description=description,
                    spoiler=exchange.spoiler,
                )
                for number, picture in fitted
            ]
            if text is not None:
                files.append(
                    discord.File(io.BytesIO(text.encode()), f"easel-{exchange.id}-text.md")
                )
            return files

        return make


def above(text: str, sentence: str) -> str:
    """The sentence above the text of a message, if there is room."""
    both = f"{sentence}\n{text}"
    return both if len(both) <= MESSAGE_LETTERS_MAX else text
