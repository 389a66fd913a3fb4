"""How Easel logs: one line a record, for people or as JSON, to stderr, without secrets. What is
logged is decided where it happens; nothing is set up at import.
"""

import errno
import json
import logging
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TextIO, cast

CHATTY = ("discord", "httpx", "httpcore", "aiohttp", "aiosqlite", "asyncio", "PIL")
"""Libraries whose records below a warning tell an owner nothing."""

FRAMES_MAX = 12
ERRORS_MAX = 8
"""How much is told of an error: its innermost calls, and errors behind it."""

exchange_id: ContextVar[int | None] = ContextVar("exchange_id", default=None)
"""The exchange that a task is at work on, for records that do not name it."""


class _Lines(logging.Formatter):
    """`2026-11-24T08:00:00.123Z INFO bot.app: the message`, and behind a bar what is told of an
    error: ` | KeyError at cogs.chat._hear:72 > bot.exchange.admit:99`.
    """

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        # A message with line breaks could pass for other records.
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        # Here and not in a filter: what is told of an error is blotted as well.
        record.message, record.asctime = _message(record), self.formatTime(record)
        error = _error_of(record)
        behind = "" if error is None else f" | {told(error)}"
        return self._blotted(self.formatMessage(record) + behind)

    def _blotted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


class _Objects(_Lines):
    """`{"time": …, "level": …, "logger": …, "message": …}`, with the id of the exchange and what is
    told of an error where there is one.
    """

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        exchange = _exchange_of(record)
        if exchange is not None:
            values["exchange"] = str(exchange)
        error = _error_of(record)
        if error is not None:
            values["error"] = told(error)
        # Before they are written as JSON, which would spell some secrets otherwise.
        return json.dumps({name: self._blotted(value) for name, value in values.items()})


class _Named:
    """An error within a message, by class and number alone."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        return _named(self._error)


def _message(record: logging.LogRecord) -> str:
    """What it says. Errors in it are told as others are, without their own words: aiohttp's give
    the address that was asked for, and with it the token of an interaction.
    """
    if not isinstance(record.args, tuple) or not record.args:
        return record.getMessage()
    return str(record.msg) % tuple(
        _Named(each) if isinstance(each, BaseException) else each for each in record.args
    )


def _exchange_of(record: logging.LogRecord) -> int | None:
    """The exchange that the record names, else the one its task is at work on."""
    named = None
    if str(record.msg).startswith("exchange %d") and isinstance(record.args, tuple):
        named = next(iter(record.args), None)
    return named if isinstance(named, int) else exchange_id.get()


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def told(error: BaseException) -> str:
    """An error in one line: its class, what it is by number, where it was raised, and the errors
    behind it. Without its message, which may quote what people wrote or what a server answered.
    """
    return "; ".join(_chain(error))


def _chain(error: BaseException) -> Iterator[str]:
    """The error, those it groups, and those behind them, each once."""
    pending: list[tuple[str, BaseException]] = [("", error)]
    seen: set[int] = set()
    while pending and len(seen) < ERRORS_MAX:
        link, each = pending.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield f"{link}{_named(each)}{_place(each)}"
        if isinstance(each, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", each)  # isinstance cannot say of what
            pending += [("of it ", one) for one in group.exceptions]
        behind = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if behind is not None:
            pending.append(("after ", behind))


def _named(error: BaseException) -> str:
    """`OSError ENOSPC`; of an answer of a server, its status and its code."""
    # Its own: aiohttp's errors have another name for their status, which warns.
    numbers = [vars(error).get(name) for name in ("status", "code")]
    told = [str(number) for number in numbers if isinstance(number, int)]
    if isinstance(error, OSError) and error.errno is not None:
        told.append(errno.errorcode.get(error.errno, str(error.errno)))
    return " ".join([type(error).__name__, *told])


def _place(error: BaseException) -> str:
    """The calls that led to it, outermost first: module, function, line."""
    calls = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ][-FRAMES_MAX:]
    return f" at {' > '.join(calls)}" if calls else ""


def _briefly(record: logging.LogRecord) -> bool:
    """discord.py tells of every lost connection with a traceback of fifty lines, and mends it."""
    if record.name == "discord.client" and str(record.msg).startswith("Attempting a reconnect"):
        error = record.exc_info[1] if record.exc_info else None
        record.msg = f"{record.getMessage()} ({type(error).__name__})"
        record.args = record.exc_info = record.exc_text = None
    return True


def handler(to: TextIO, secrets: Iterable[str] = (), *, as_json: bool = False) -> logging.Handler:
    """Writes records as lines for people, or as objects of JSON.

    The secrets are blotted out wherever they appear as they are; other spellings of them, such as
    encoded ones, are not recognised.
    """
    made = logging.StreamHandler(to)
    made.setFormatter(_Objects(secrets) if as_json else _Lines(secrets))
    made.addFilter(_briefly)
    return made


def set_up(
    secrets: Iterable[str] = (), *, level: int = logging.INFO, as_json: bool = False
) -> None:
    """Logs from now on to the standard error of this moment, in place of what was set up before."""
    logging.basicConfig(
        level=level, handlers=[handler(sys.stderr, secrets, as_json=as_json)], force=True
    )
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
