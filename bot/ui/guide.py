"""What /help shows. The commands come from the tree itself, so that none is missing and none is
named that is not there.
"""

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands

from bot import words
from bot.ui.reports import FIELD_LETTERS_MAX

COLOUR = 0x5865F2

# Any: what a command's callback takes and belongs to is nothing to its name.
Command = app_commands.Command[Any, ..., Any]


def guide(
    tree: app_commands.CommandTree[discord.Client], me: str, *, message_content: bool, admin: bool
) -> discord.Embed:
    """The answer to /help; `me` is the mention of Easel, `admin` whether admins' commands count."""
    embed = discord.Embed(
        title=words.help_title(),
        description="\n\n".join(
            (
                words.help_ways_in(me, message_content=message_content),
                words.help_pictures(),
                words.help_spoilers(),
                words.help_documents(),
                words.help_money(),
            )
        ),
        colour=COLOUR,
    )
    everyone: list[str] = []
    admins: list[str] = []
    for command in tree.get_commands(type=discord.AppCommandType.chat_input):
        (everyone if command.default_permissions is None else admins).extend(_lines(command))
    menus = [
        words.help_menu_line(menu.name)
        for menu in tree.get_commands(type=discord.AppCommandType.message)
    ]
    for heading, lines in (
        (words.help_commands_heading(), everyone),
        (words.help_menus_heading(), menus),
        (words.help_admins_heading(), admins if admin else []),
    ):
        for number, value in enumerate(_fields(sorted(lines))):
            embed.add_field(name=heading if number == 0 else "\u200b", value=value, inline=False)
    return embed


def _lines(command: Command | app_commands.Group) -> Iterator[str]:
    if isinstance(command, app_commands.Group):
        for each in command.commands:
            yield from _lines(each)
        return
    options = "".join(
        f" {one.display_name}" if one.required else f" [{one.display_name}]"
        for one in command.parameters
    )
    yield words.help_command_line(command.qualified_name, options, command.description)


def _fields(lines: list[str]) -> Iterator[str]:
    """The lines in as many fields as they need."""
    value = ""
    for line in lines:
        if value and len(value) + 1 + len(line) > FIELD_LETTERS_MAX:
            yield value
            value = ""
        value = f"{value}\n{line}" if value else line
    if value:
        yield value
