"""From a request and what was said before to the call at the model: who says what, with which
pictures. The words here are for the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot import words
from bot.conversation import history, tokens, window
from bot.conversation.documents import expected_tokens
from bot.conversation.window import PICTURE_TOKENS_MAX, Turn
from bot.errors import Notice, Word
from bot.ledger.book import Ask
from bot.ledger.prices import Price
from bot.openrouter.call import DocumentPart
from bot.openrouter.client import Call, Message, PicturePart, TextPart
from bot.store import context, pruned
from bot.store.database import Transaction
from bot.store.documents import Attached, Document
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

GONE = (
    "The conversation's last picture is not kept any more, so that it does not come along. If the"
    " last message is about it, say so, ask for it to be attached again, and paint nothing."
)

ASPECT_RATIOS = {
    "square": "1:1",
    "portrait": "3:4",
    "landscape": "4:3",
    "tall": "9:16",
    "wide": "16:9",
}

PROMPT_LETTERS_MAX = 6_000
"""Of a request, said at once or joined; as much as Discord takes in an option of a command
(https://discord.com/developers/docs/interactions/application-commands, 2026-08)."""
WINDOW_UNKNOWN = 10**9
SPARE_SHARE = 50
"""Of the model's window, as one in so many, that is left free: estimates are not exact."""
USED_MIN = 0.87
"""Of what may go along: with less the history begins anew where it can."""
SURE_SHARE = 0.7
"""Of an estimate: long words have fewer tokens, by about so much, and what may fit is tried."""
USUAL_TOKENS = 4_000
"""What a request is itself, with all that is not history. A longer one leaves room for less of it,
and for the next one the history begins where it did."""

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
    window_tokens: int = WINDOW_UNKNOWN
    """The model's, for prompt and answer together."""


@dataclass(frozen=True, slots=True)
class NextCall:
    """A call to be made; whether a picture is `meant` by it: the person's own, one replied to, or
    else, by a message, the conversation's last (a command names its pictures itself); the exchange
    that its history begins with; and how many tokens its prompt is thought to have, before and
    after what was learnt from earlier counts.
    """

    call: Call
    meant: bool
    history_from: int
    estimated_tokens: int
    expected_tokens: int


async def next_call(tx: Transaction, exchange: Exchange, terms: Terms, max_tokens: int) -> NextCall:
    """History → window → prompt. Raises Notice (too-large) when the model's window is too small for
    what the request itself brings.
    """
    meant, gone = await history.meant_pictures(tx, exchange), False
    if not meant and exchange.command in {"message", "continue"}:
        last = await context.last_picture(tx, exchange.conversation_id, exchange.history_end)
        gone = last is not None and bool(await pruned.among(tx, [last.id]))
        meant = [] if last is None or gone else [last]
    brought = await history.own_documents(tx, exchange)
    own = compose(exchange, (), meant, brought, gone=gone)
    _check_room(exchange, own, terms)
    rate = tokens.rate(await context.last_count(tx, exchange.conversation_id, exchange.history_end))
    turns = await _window(tx, exchange, terms, rate)
    history_from = turns[0].exchange_id if turns else exchange.history_end
    chosen = _fitting(exchange, turns, own, terms, rate)
    call = Call(
        model=terms.model,
        messages=compose(exchange, chosen, meant, brought, gone=gone),
        max_tokens=max_tokens,
        may_paint=exchange.may_paint,
        aspect_ratio=None if exchange.shape is None else ASPECT_RATIOS[exchange.shape],
        image_size=exchange.size,
        user=sha256(f"easel:{exchange.member_id}".encode()).hexdigest()[:32],
        session_id=f"easel-{exchange.conversation_id}",
        tag=str(exchange.id),
    )
    return NextCall(
        call=call,
        meant=bool(meant),
        history_from=history_from,
        estimated_tokens=tokens.estimate(call.messages, may_paint=call.may_paint),
        expected_tokens=tokens.corrected(call.messages, rate, may_paint=call.may_paint),
    )


async def remember(
    tx: Transaction, exchange: Exchange, call_number: int, next_call: NextCall
) -> None:
    """Notes where the history begins, so that it begins there again, and what was estimated."""
    await context.note_estimate(tx, exchange.id, call_number, next_call.estimated_tokens)
    if not exchange.shortened:
        await context.note_first(tx, exchange.conversation_id, next_call.history_from)


async def _window(tx: Transaction, exchange: Exchange, terms: Terms, rate: float) -> list[Turn]:
    """What of the history goes along with a request of usual length: from where it began before,
    unless by what was learnt since then too little would go along.
    """
    most = max(0, min(terms.context_tokens, _room(terms) - USUAL_TOKENS))
    first_id = await context.first_id(tx, exchange.conversation_id)
    turns = await history.turns_before(tx, exchange, first_id, most)
    chosen = window.choose_in_steps(turns, int(most / rate), terms.context_pictures)
    if first_id and sum(map(window.turn_tokens, chosen)) * rate < most * USED_MIN:
        turns = await history.turns_before(tx, exchange, 0, most)
        chosen = window.choose_in_steps(turns, int(most / rate), terms.context_pictures)
    return chosen


def _fitting(
    exchange: Exchange, turns: list[Turn], own: Sequence[Message], terms: Terms, rate: float
) -> list[Turn]:
    """What of this still has room beside the request's `own` messages. Once the model refused the
    whole as too long: half as much, by the bound that no provider's count exceeds.
    """
    if exchange.shortened:
        most = min(terms.context_tokens // 2, _room(terms) - tokens.prompt_tokens_max(own))
        return window.choose(turns, most, terms.context_pictures, window.turn_tokens_max)
    most = _room(terms) - tokens.corrected(own, rate, may_paint=exchange.may_paint)
    bytes_left = window.DOCUMENT_BYTES_MAX - sum(
        part.document.size_bytes
        for message in own
        for part in message.parts
        if isinstance(part, DocumentPart)
    )
    return window.choose(
        turns, int(most / rate), terms.context_pictures, document_bytes_max=bytes_left
    )


def _check_room(exchange: Exchange, own: Sequence[Message], terms: Terms) -> None:
    """Refuses what surely does not fit; what the model refuses is not charged either. What was
    learnt from other requests has no say.
    """
    most = terms.window_tokens - terms.max_tokens
    needed = tokens.estimate(own, may_paint=exchange.may_paint)
    if needed * SURE_SHARE > most:
        raise Notice(Word.TOO_LARGE, words.over_window(needed, most))


def _room(terms: Terms) -> int:
    """For a prompt, by what is estimated."""
    most = terms.window_tokens - terms.max_tokens
    return most - most // SPARE_SHARE


def compose(
    exchange: Exchange,
    turns: Sequence[Turn],
    meant: Sequence[Picture],
    brought: Sequence[Document] = (),
    *,
    gone: bool = False,
) -> tuple[Message, ...]:
    """What was said before, then the request with the pictures it means and its documents. `gone`:
    the one it may mean is not kept any more.
    """
    system = [TextPart(SYSTEM if exchange.may_paint else TALKING)]
    if exchange.command in TASKS:
        system.append(TextPart(TASKS[exchange.command]))
    if gone:
        system.append(TextPart(GONE))
    if exchange.persona:
        system.append(TextPart(f"The admins of this server wish you to be so: {exchange.persona}"))
    if exchange.shape is not None:
        # Beside the parameter, which not every provider heeds; the person's words stay their own.
        ratio = ASPECT_RATIOS[exchange.shape]
        system.append(TextPart(f"The picture asked for is to be {exchange.shape} ({ratio})."))
    messages = [Message("system", tuple(system))]
    for turn in turns:
        messages.extend(_said(turn, leave_out=meant))
    parts: list[TextPart | PicturePart | DocumentPart] = [
        TextPart(exchange.prompt or "Look at this."),
        *map(DocumentPart, brought),
    ]
    parts.extend(PicturePart(picture) for picture in meant)
    messages.append(Message("user", tuple(parts)))
    return tuple(messages)


def _said(turn: Turn, leave_out: Sequence[Picture]) -> list[Message]:
    """A turn as messages. Pictures that Easel made go back as the person's, because providers
    refuse pictures under the assistant's name; those that the request itself shows are left out.
    """
    shown = [PicturePart(picture) for picture in turn.pictures if picture not in leave_out]
    if turn.role == "person":
        files = map(DocumentPart, turn.documents)
        return [Message("user", (TextPart(turn.text or "(a picture)"), *files, *shown))]
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
    return _ask(exchange, call_number, tokens.prompt_tokens_max(call.messages), terms)


def first_ask(
    exchange: Exchange, pictures: int, terms: Terms, brought: Sequence[Attached] = ()
) -> Ask:
    """The same before anything is fetched or read: of a request without history that is about so
    many pictures and these documents. What has no room for this is refused at admission.
    """
    own = tokens.prompt_tokens_max(compose(exchange, (), ())) + sum(map(expected_tokens, brought))
    return _ask(exchange, 1, own + pictures * PICTURE_TOKENS_MAX, terms)


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
        # What exceeds the window is refused by the model, and not charged.
        prompt_tokens_max=min(prompt_tokens, terms.window_tokens),
        pictures=int(exchange.may_paint),
        size="2K" if exchange.size == "2K" else "1K",
        max_tokens=terms.max_tokens,
        max_tokens_floor=min(floor, terms.max_tokens),
        role_ids=exchange.role_ids,
    )


def has_history(call: Call) -> bool:
    """Whether anything goes along beside the request."""
    return len(call.messages) > 2
