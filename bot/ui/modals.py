"""The modal of *Edit*: how it looks, and what was written in it. It is known by its `custom_id`
alone, `modal:<opening>`, which is new at every opening; discord.py keeps none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import discord

from bot import words
from bot.conversation.prompt import ASPECT_RATIOS

TEXT_INPUT_LETTERS_MAX = 4_000
"""As Discord has it."""
MORE_PICTURES_MAX = 4
SIZES = ("1K", "2K")


@dataclass(frozen=True, slots=True)
class File:
    """A file that was sent with a modal."""

    name: str
    url: str
    media_type: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What was written and chosen."""

    prompt: str
    shape: str | None
    size: str | None
    files: tuple[File, ...]


class EditModal(discord.ui.Modal):
    """What to do with a picture. Read by `wish`, never by discord.py."""

    def __init__(self, opening_id: int) -> None:
        super().__init__(title=words.edit_title(), custom_id=f"modal:{opening_id}", timeout=None)
        self.add_item(
            discord.ui.Label(
                text="Prompt",
                component=discord.ui.TextInput[discord.ui.View](
                    style=discord.TextStyle.paragraph,
                    custom_id="prompt",
                    placeholder=words.prompt_hint(),
                    max_length=TEXT_INPUT_LETTERS_MAX,
                ),
            )
        )
        self._choice("Shape", "shape", words.shape_hint(), tuple(ASPECT_RATIOS))
        self._choice("Size", "size", words.size_hint(), SIZES)
        self.add_item(
            discord.ui.Label(
                text="More pictures",
                description=words.more_pictures_hint(MORE_PICTURES_MAX),
                component=discord.ui.FileUpload[discord.ui.View](
                    custom_id="pictures", required=False, min_values=0, max_values=MORE_PICTURES_MAX
                ),
            )
        )
        # A modal that is not stopped would be kept for its submit.
        self.stop()

    def _choice(self, label: str, name: str, hint: str, options: tuple[str, ...]) -> None:
        select = discord.ui.Select[discord.ui.View](
            custom_id=name,
            placeholder=hint,
            required=False,
            min_values=0,
            max_values=1,
            options=[discord.SelectOption(label=option, value=option) for option in options],
        )
        self.add_item(discord.ui.Label(text=label, component=select))


def wish(data: Mapping[str, object]) -> Wish:
    """What a submit's data says. What is missing or of another kind counts as not given."""
    fields = {str(field.get("custom_id")): field for field in _fields(data.get("components"))}
    resolved = _mapping(_mapping(data.get("resolved")).get("attachments"))
    ids = [str(one) for one in _list(fields.get("pictures", {}).get("values"))]
    files = [_mapping(resolved.get(one)) for one in ids[:MORE_PICTURES_MAX]]
    return Wish(
        prompt=str(fields.get("prompt", {}).get("value") or "").strip(),
        shape=_chosen(fields, "shape", tuple(ASPECT_RATIOS)),
        size=_chosen(fields, "size", SIZES),
        files=tuple(
            File(str(file.get("filename")), str(file.get("url")), _text(file.get("content_type")))
            for file in files
            if file
        ),
    )


def _chosen(
    fields: Mapping[str, Mapping[str, object]], name: str, options: tuple[str, ...]
) -> str | None:
    chosen = [str(one) for one in _list(fields.get(name, {}).get("values"))]
    return chosen[0] if chosen and chosen[0] in options else None


def _fields(components: object) -> Iterator[Mapping[str, object]]:
    """The components that say something, also inside of labels and rows."""
    for component in _list(components):
        field = _mapping(component)
        if field:
            yield field
            yield from _fields(field.get("components"))
            yield from _fields([field.get("component")])


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
