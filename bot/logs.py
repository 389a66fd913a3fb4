"""How Easel logs: one line a record, for people or as JSON, to stderr, without secrets. What is
logged is decided where it happens; nothing is set up at import.
"""

import json
import logging
import sys
import time
from collections.abc import Iterable
from contextvars import ContextVar

CHATTY = ("discord", "httpx", "httpcore", "aiohttp", "aiosqlite", "asyncio", "PIL")
"""Libraries whose records below a warning tell an owner nothing."""

exchange_id: ContextVar[int | None] = ContextVar("exchange_id", default=None)
"""The exchange that a task is at work on, for records that do not name it."""


class _Lines(logging.Formatter):
    """`2026-11-24T08:00:00.123Z INFO bot.app: the message`; a traceback follows below."""

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
        # Here and not in a filter: the secret may be in a traceback as well.
        text = super().format(record)
        return self._blotted(text)

    def _blotted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


class _Objects(_Lines):
    """`{"time": …, "level": …, "logger": …, "message": …}`, with the id of the exchange and a
    traceback where there is one.
    """

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        exchange = _exchange_of(record)
        if exchange is not None:
            values["exchange"] = str(exchange)
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        # Before they are written as JSON, which would spell some secrets otherwise.
        return json.dumps({name: self._blotted(value) for name, value in values.items()})


def _exchange_of(record: logging.LogRecord) -> int | None:
    """The exchange that the record names, else the one its task is at work on."""
    named = None
    if str(record.msg).startswith("exchange %d") and isinstance(record.args, tuple):
        named = next(iter(record.args), None)
    return named if isinstance(named, int) else exchange_id.get()


def _briefly(record: logging.LogRecord) -> bool:
    """discord.py tells of every lost connection with a traceback of fifty lines, and mends it."""
    if record.name == "discord.client" and str(record.msg).startswith("Attempting a reconnect"):
        error = record.exc_info[1] if record.exc_info else None
        record.msg = f"{record.getMessage()} ({type(error).__name__})"
        record.args = record.exc_info = record.exc_text = None
    return True


def set_up(
    secrets: Iterable[str] = (), *, level: int = logging.INFO, as_json: bool = False
) -> None:
    """Logs from now on to the standard error of this moment, in place of what was set up before:
    lines for people, or objects of JSON.

    The secrets are blotted out wherever they appear as they are; other spellings of them, such as
    encoded ones, are not recognised.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Objects(secrets) if as_json else _Lines(secrets))
    handler.addFilter(_briefly)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
