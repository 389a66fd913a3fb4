"""An independent reading of Discord's markup, as far as it decides which lines are small."""

import re

ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
CODE_BLOCK = re.compile(r"```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n].*?\n*```", re.IGNORECASE | re.DOTALL)
CODE_IN_LINE = re.compile(r"(`+)(.*?[^`])\1(?!`)", re.DOTALL)
SPAN = re.compile(r"(\*\*|__|~~|\|\||\*|_)(.+?)\1", re.DOTALL)
LINK = re.compile(r"(\[)([^\[\]]*)\]\([^)]*\)")
QUOTE_ALL = re.compile(r" *>>> (.*)", re.DOTALL)
QUOTE = re.compile(r"(?: *> [^\n]*(?:\n|$))+")
LIST_ITEM = re.compile(r" *(?:[-*]|\d+\.) (.*?(?:\n(?! )|$))", re.DOTALL)
SMALL = re.compile(r" *-# +(?!-#)[^\n]+")


def read(message: str) -> str:
    """A message as Discord reads it: code as a letter, without the marks around all else."""
    seen, at = "", 0
    while at < len(message):
        at_line_start = not seen or seen[-1] in "\r\n"
        if at_line_start and (found := QUOTE_ALL.match(message, at)):
            seen += read(found[1])
        elif at_line_start and (found := QUOTE.match(message, at)):
            seen += read(re.sub(r"^ *> ", "", found[0], flags=re.MULTILINE))
        elif at_line_start and (found := LIST_ITEM.match(message, at)):
            seen += read(found[1])
        elif found := (
            ESCAPED.match(message, at)
            or CODE_BLOCK.match(message, at)
            or CODE_IN_LINE.match(message, at)
        ):
            seen += "x"
        elif found := SPAN.match(message, at) or LINK.match(message, at):
            seen += f"x{read(found[2])}x"
        else:
            seen, at = seen + message[at], at + 1
            continue
        at = found.end()
    return seen


def small_lines(message: str) -> list[str]:
    """The lines of a message that Discord shows as small text."""
    return [line for line in re.split(r"\r\n?|\n", read(message)) if SMALL.match(line)]
