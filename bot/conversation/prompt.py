"""From a request and what was said before to the call at the model: who says what, with which
pictures, and the upper bound of what that can count as tokens. The words here are for the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot.conversation import history, window
from bot.conversation.window import (
    PICTURE_TOKENS_MAX,
    Turn,
    picture_tokens_max,
    text_tokens_max,
)
from bot.ledger.book import Ask
from bot.ledger.prices import Price
from bot.openrouter.client import Call, Message, PicturePart, TextPart
from bot.store.database import Transaction
from bot.store.exchanges import Exchange
from bot.store.pictures import Picture

SYSTEM = (
    "You are Easel, a friendly assistant in a Discord chat that can talk and paint. When a picture"
    " is asked for, or a change to one, make the picture; otherwise answer in words. When pictures"
    " come with the last message, they are the ones it is about: change only what is asked and"
    " keep the rest. Write Discord markdown, briefly, in the language you are addressed in."
)

TALKING = (
    "You are Easel, a friendly assistant in a Discord chat. Here you answer in words alone: you see"
    " the pictures that come along, and make none. Write Discord markdown, briefly, in the language"
    " you are addressed in."
)

TASKS = {
    "describe": (
        "Describe the picture that comes with the last message: what it shows, its style, light and"
        " colours, and any writing in it. End with a prompt in a code block by which it could be"
        " painted anew."
    ),
    "blend": (
        "Make one new picture out of all the pictures that come with the last message: join what"
        " they show in one scene of one style."
    ),
}
"""What a command asks for beside the person's words."""

ASPECT_RATIOS = {
    "square": "1:1",
    "portrait": "3:4",
    "landscape": "4:3",
    "tall": "9:16",
    "wide": "16:9",
}

OVERHEAD_TOKENS_MAX = 4_000
"""The provider's own hidden prompt (about 1,800 tokens, seen by others) and the framing."""

MESSAGE_TOKENS_MAX = 16

PAINTING_TOKENS_MIN = 8_000
TEXT_TOKENS_MIN = 1_000
"""As far as `max_tokens` is lowered where a budget is tight."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about every call."""

    model: str
    price: Price
    max_tokens: int
    context_tokens: int
    context_pictures: int


async def next_call(
    tx: Transaction, exchange: Exchange, terms: Terms, max_tokens: int
) -> tuple[Call, bool]:
    """History → window → prompt; and whether a picture is meant: the person's own, one replied
    to, or else, by a message, the conversation's last. A command names its pictures itself.
    """
    turns = await history.turns_before(tx, exchange)
    meant = await history.meant_pictures(tx, exchange)
    last = history.last_picture(turns)
    if not meant and last is not None and exchange.command == "message":
        meant = [last]
    chosen = window.choose(turns, terms.context_tokens, terms.context_pictures)
    call = Call(
        model=terms.model,
        messages=compose(exchange, chosen, meant),
        max_tokens=max_tokens,
        may_paint=exchange.may_paint,
        aspect_ratio=None if exchange.shape is None else ASPECT_RATIOS[exchange.shape],
        image_size=exchange.size,
        user=sha256(f"easel:{exchange.member_id}".encode()).hexdigest()[:32],
        session_id=f"easel-{exchange.conversation_id}",
        tag=str(exchange.id),
    )
    return call, bool(meant)


def compose(
    exchange: Exchange, turns: Sequence[Turn], meant: Sequence[Picture]
) -> tuple[Message, ...]:
    """What was said before, then the request with the pictures it means."""
    system = [TextPart(SYSTEM if exchange.may_paint else TALKING)]
    if exchange.command in TASKS:
        system.append(TextPart(TASKS[exchange.command]))
    if exchange.persona:
        system.append(TextPart(f"The admins of this server wish you to be so: {exchange.persona}"))
    if exchange.shape is not None:
        # Beside the parameter, which not every provider heeds; the person's words stay their own.
        ratio = ASPECT_RATIOS[exchange.shape]
        system.append(TextPart(f"The picture asked for is to be {exchange.shape} ({ratio})."))
    messages = [Message("system", tuple(system))]
    for turn in turns:
        messages.extend(_said(turn, leave_out=meant))
    parts: list[TextPart | PicturePart] = [TextPart(exchange.prompt or "Look at this.")]
    parts.extend(PicturePart(picture) for picture in meant)
    messages.append(Message("user", tuple(parts)))
    return tuple(messages)


def _said(turn: Turn, leave_out: Sequence[Picture]) -> list[Message]:
    """A turn as messages. Pictures that Easel made go back as the person's, because providers
    refuse pictures under the assistant's name; those that the request itself shows are left out.
    """
    shown = [PicturePart(picture) for picture in turn.pictures if picture not in leave_out]
    if turn.role == "person":
        return [Message("user", (TextPart(turn.text or "(a picture)"), *shown))]
    messages: list[Message] = []
    if turn.text:
        messages.append(Message("assistant", (TextPart(turn.text),)))
    if shown:
        messages.append(Message("user", (TextPart("(This is what you painted.)"), *shown)))
    elif not turn.text:
        messages.append(Message("assistant", (TextPart("(I painted a picture.)"),)))
    return messages


def ask(exchange: Exchange, call_number: int, call: Call, terms: Terms) -> Ask:
    """The worst case of a call, to be held before it is made."""
    return _ask(exchange, call_number, prompt_tokens_max(call.messages), terms)


def first_ask(exchange: Exchange, pictures: int, terms: Terms) -> Ask:
    """The same before anything is fetched or read: of a request without history that is about so
    many pictures. What has no room for this is refused at admission.
    """
    tokens = prompt_tokens_max(compose(exchange, (), ())) + pictures * PICTURE_TOKENS_MAX
    return _ask(exchange, 1, tokens, terms)


def _ask(exchange: Exchange, call_number: int, prompt_tokens: int, terms: Terms) -> Ask:
    floor = PAINTING_TOKENS_MIN if exchange.may_paint else TEXT_TOKENS_MIN
    return Ask(
        exchange_id=exchange.id,
        call_number=call_number,
        server_id=exchange.server_id,
        member_id=exchange.member_id,
        channel_id=exchange.answer_channel_id,
        model=terms.model,
        price=terms.price,
        prompt_tokens_max=prompt_tokens,
        pictures=int(exchange.may_paint),
        size="2K" if exchange.size == "2K" else "1K",
        max_tokens=terms.max_tokens,
        max_tokens_floor=min(floor, terms.max_tokens),
    )


def prompt_tokens_max(messages: Sequence[Message]) -> int:
    """More tokens than the provider can count for this prompt: each is at least a byte of text."""
    tokens = OVERHEAD_TOKENS_MAX
    for message in messages:
        tokens += MESSAGE_TOKENS_MAX
        for part in message.parts:
            match part:
                case TextPart(text):
                    tokens += text_tokens_max(text)
                case PicturePart(picture):
                    tokens += picture_tokens_max(picture)
    return tokens
