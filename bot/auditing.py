"""`easel audit`: the audit as a program of its own, beside a running bot or without one."""

from collections.abc import Mapping

from bot import logs, words
from bot.clock import SystemClock
from bot.errors import StartError
from bot.ledger.audit import audit
from bot.openrouter.client import OpenRouter
from bot.pictures.shelf import Shelf
from bot.settings import Settings
from bot.settings.reading import Wrong, secret
from bot.store.database import Database
from bot.store.folder import DataFolder

KEY = "OPENROUTER_API_KEY"


async def run_audit(settings: Settings, environment: Mapping[str, str]) -> int:
    """Prints what is found; gives the exit code."""
    folder, clock = DataFolder(settings.storage.data_dir), SystemClock()
    key = _key(environment)
    logs.set_up([key] if key else [], as_json=settings.logs.json)
    wrong = 0
    async with (
        Database(folder.database, clock, read_only=True) as database,
        OpenRouter(
            base_url=settings.openrouter.base_url,
            api_key=key,
            timeout_s=settings.openrouter.timeout_s,
            shelf=Shelf(folder.shelf),
            clock=clock,
        ) as openrouter,
    ):
        async for finding in audit(database, clock, openrouter.key if key else None):
            print(finding, flush=True)
            wrong += not finding.is_right
    if not key:
        print(words.audit_without_key(KEY))
    print(words.audit_wrong(wrong) if wrong else words.audit_alright())
    return 1 if wrong else 0


def _key(environment: Mapping[str, str]) -> str:
    """The key, empty where none is at hand. Raises StartError for one that cannot be read."""
    problems: list[Wrong] = []
    key = secret(KEY, environment, problems)
    if problems and problems[0].found != words.found_nothing():
        raise StartError(f"{problems[0].key}: found {problems[0].found}.")
    return key if not problems else ""
