"""*Details*: all that is known of an answer, for the eyes of whoever wants to know. The figures are
the ledger's.
"""

import io
from dataclasses import dataclass, field, replace

import discord

from bot import words
from bot.conversation.prompt import ASPECT_RATIOS
from bot.ledger.book import Charge
from bot.money import dollars
from bot.store.exchanges import Exchange
from bot.store.lineage import Made
from bot.store.pictures import Picture
from bot.store.pieces import Piece
from bot.ui import markdown
from bot.ui.markdown import MESSAGE_LETTERS_MAX

QUOTE_LETTERS_MAX = 500
QUOTE_LETTERS_MIN = 120
"""Of the prompt and of the model's words within the message; the whole is in a file then."""
PICTURES_TOLD_MAX = 6
SHAPE_TOLERANCE = 0.03
"""Models paint in multiples of some pixels, so a shape is met by about so much."""


@dataclass(slots=True)
class Details:
    """A message's text, and what is too long for it."""

    text: str
    whole: str | None = field(default=None)

    def files(self) -> list[discord.File]:
        if self.whole is None:
            return []
        return [discord.File(io.BytesIO(self.whole.encode()), "easel-details.md")]


def details(made: Made, charge: Charge, *, own: bool) -> Details:
    """Of one exchange: to others than who asked for it without the words that were deleted."""
    if not own:
        made = _without_deleted(made)
    text, is_cut = _text(made, charge, QUOTE_LETTERS_MAX)
    if len(text) > MESSAGE_LETTERS_MAX:
        text, is_cut = _text(made, charge, QUOTE_LETTERS_MIN)
    if not is_cut:
        return Details(text[:MESSAGE_LETTERS_MAX])
    whole = f"# Prompt\n\n{made.exchange.prompt}\n\n# Answer\n\n{_said(made)}\n"
    return Details(f"{text}\n{words.details_in_file()}"[:MESSAGE_LETTERS_MAX], whole)


def _without_deleted(made: Made) -> Made:
    if made.exchange.forgotten:
        made = replace(made, exchange=replace(made.exchange, prompt=words.words_deleted()))
    if made.exchange.deleted_ms is not None:
        pictures = [piece for piece in made.pieces if piece.picture is not None]
        made = replace(made, pieces=[Piece(text=words.words_deleted()), *pictures])
    return made


def _said(made: Made) -> str:
    return "\n\n".join(piece.text for piece in made.pieces if piece.text is not None)


def _text(made: Made, charge: Charge, quote_letters_max: int) -> tuple[str, bool]:
    """And whether anything is cut in it."""
    exchange, said = made.exchange, _said(made)
    pictures = [piece.picture for piece in made.pieces if piece.picture is not None]
    prompt, is_cut = _quote(exchange.prompt, quote_letters_max)
    lines = [words.prompt_heading(), prompt]
    if said and pictures:
        own, cut_too = _quote(said, quote_letters_max)
        lines += [words.own_words_heading(), own]
        is_cut = is_cut or cut_too
    if exchange.may_paint:
        lines.append(words.detail("Shape asked", _asked(made)))
    for number, picture in enumerate(pictures[:PICTURES_TOLD_MAX], 1):
        lines.append(words.detail("Came", _came(made, number, picture)))
    lines += _calls(made)
    known = words.cost(
        dollars(charge.cost) if charge.cost or made.calls else None,
        estimated=charge.estimated,
        known=not charge.open,
    )
    lines += [
        words.detail("Cost", known),
        words.detail("Time", words.took(exchange.took_s, exchange.created_ms)),
        words.detail("Asked by", words.asked_by(exchange.member_id, _way(exchange))),
    ]
    links = _links(made)
    if links:
        lines.append(words.detail("Came from", ", ".join(links)))
    return "\n".join(lines), is_cut


def _way(exchange: Exchange) -> str | None:
    """The command that asked for it; None for a button."""
    pressed = exchange.source_id is not None and exchange.command != "continue"
    return None if pressed else exchange.command


def _quote(text: str, letters_max: int) -> tuple[str, bool]:
    """And whether it had to be cut, which is decided by what is shown: escapes take room, too."""
    if not text.strip():
        return words.quoted(words.no_words()), False
    # Escaped it is no shorter, so that what is longer than this is cut all the same.
    kept = text[: letters_max + 1]
    quoted = words.quoted(markdown.escape(kept))
    while len(quoted) > letters_max:
        kept = kept[: max(1, len(kept) * letters_max // len(quoted) - 1)].rstrip()
        quoted = words.quoted(f"{markdown.escape(kept)}…")
        if len(kept) <= 1:
            break
    return quoted, kept != text


def _asked(made: Made) -> str:
    shape = made.exchange.shape
    ratio = None if shape is None else ASPECT_RATIOS[shape]
    return words.shape_asked(shape, ratio, made.exchange.size)


def _came(made: Made, number: int, picture: Picture) -> str:
    came = words.picture_came(
        number, picture.width, picture.height, words.byte_size(picture.size_bytes)
    )
    shape = made.exchange.shape
    if shape is None:
        return came
    across, down = map(int, ASPECT_RATIOS[shape].split(":"))
    share = (picture.width * down) / (picture.height * across)
    differs = abs(share - 1) > SHAPE_TOLERANCE
    return f"{came}, {words.shape_differs() if differs else words.shape_agrees()}"


def _calls(made: Made) -> list[str]:
    lines: list[str] = []
    for call in made.calls:
        tokens = call.tokens
        counted = words.tokens(
            f"{tokens.prompt_tokens:,}",
            f"{tokens.cached_tokens:,}",
            f"{tokens.completion_tokens:,}",
            f"{tokens.image_tokens:,}",
        )
        lines.append(words.detail("Tokens", counted))
        lines.append(words.detail("Model", f"`{call.model}`"))
        if call.generation_id is not None:
            lines.append(words.detail("Generation", f"`{call.generation_id}`"))
    return lines


def _links(made: Made) -> list[str]:
    exchange = made.exchange

    def url(server_id: int, channel_id: int, message_id: int) -> str:
        return f"https://discord.com/channels/{server_id or '@me'}/{channel_id}/{message_id}"

    links: list[str] = []
    is_message = exchange.command == "message" and exchange.source_id is None
    if is_message and not exchange.forgotten:
        links.append(
            words.link(
                words.the_request(), url(exchange.server_id, exchange.channel_id, exchange.id)
            )
        )
    for number, source in enumerate(made.sources, 1):
        name = words.earlier_answer(number if len(made.sources) > 1 else None)
        links.append(words.link(name, url(source.server_id, source.channel_id, source.id)))
    return links
