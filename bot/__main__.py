"""The program: its commands and their options. Every error a command foresees is one sentence on
standard error and exit code 1; a command line that is none is answered with its usage and 2.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from bot import logs, spending, words
from bot.clock import SystemClock
from bot.errors import EaselError
from bot.ledger.periods import PERIODS, Period
from bot.ledger.reports import BYS
from bot.settings import Settings
from bot.settings.reading import load
from bot.store.database import Database, migrate
from bot.store.entries import By

Parameters = ParamSpec("Parameters")

log = logging.getLogger(__name__)

config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=True),
    help="The settings file; without it $EASEL_CONFIG, else ./config.toml.",
)


def foreseen(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Turns an error with a sentence into that sentence and exit code 1."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()  # here, where a reader that has gone is foreseen
        except EaselError as error:
            print(f"easel: {error}", file=sys.stderr)
            sys.exit(1)
        except (click.ClickException, BrokenPipeError):
            raise  # click's own to tell; whoever closed the pipe has read enough
        except Exception as error:  # the outermost boundary: nothing is above it
            log.exception("easel ends")
            print(f"easel: {words.internal_error(type(error).__name__)}", file=sys.stderr)
            sys.exit(1)

    return run


@click.group()
@click.version_option(package_name="easel", prog_name="easel")
def main() -> None:
    """Easel, a Discord bot that talks and paints and keeps its books."""


@main.command()
@config_option
@foreseen
def run(config: Path | None) -> None:
    """Run the bot until it is told to stop (SIGINT or SIGTERM).

    Needs DISCORD_TOKEN and OPENROUTER_API_KEY in the environment, or files named by
    DISCORD_TOKEN_FILE and OPENROUTER_API_KEY_FILE. Prints "easel: ready" once it answers.
    """
    settings = load(config, os.environ)
    secrets = (settings.discord_token, settings.openrouter_api_key)
    logs.set_up(secrets, as_json=settings.logs.json)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    from bot.app import App
    from bot.pictures.workshop import hide_secrets

    hide_secrets()
    stop, answers = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None

    def told_to_stop() -> None:
        # Told twice, or before it answers, it waits for nobody: what runs is noted, and the next
        # start ends it.
        if stop.is_set() or not answers.is_set():
            running.cancel()
        stop.set()

    def ready() -> None:
        answers.set()
        print("easel: ready", flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop)
    with contextlib.suppress(asyncio.CancelledError):
        await App(settings).run(stop, ready)


@main.command()
@config_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Where the pictures of the tour are saved.",
)
@foreseen
def demo(config: Path | None, output: Path) -> None:
    """Show the bot at work against a loopback Discord and a loopback model: no token, no key, no
    network. The tour has settings of its own; a file named by --config is only checked.
    """
    if config is not None:
        load(config, os.environ, secrets=False)
    from bot.demo import tour

    sys.exit(0 if asyncio.run(tour(output)) else 1)


@main.command()
@config_option
@foreseen
def check(config: Path | None) -> None:
    """Look whether Easel can run: settings, data folder, database, model, key, Discord.

    One line for each item, with the step that mends it: ok, missing or wrong. Exit code 1 unless
    all are ok. Changes nothing, and works beside a running bot.
    """
    from bot.check import Check

    look = Check(lambda finding: print(finding, flush=True))
    asyncio.run(look.run(config, os.environ))
    sys.exit(0 if look.is_ok else 1)


@main.command(name="migrate")
@config_option
@foreseen
def migrate_command(config: Path | None) -> None:
    """Bring the database to this program's schema; `easel run` does it too."""
    from bot.store.folder import DataFolder

    settings = load(config, os.environ, secrets=False)
    with DataFolder(settings.storage.data_dir) as folder:
        applied = asyncio.run(migrate(folder.database))
    for name in applied:
        print(f"applied {name}")
    print("the database is up to date")


@main.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@foreseen
def backup(config: Path | None, file: Path) -> None:
    """Copy the database to FILE, beside a running bot: whole and checked, or not at all. An Easel
    that runs does so every day by itself. The pictures are files beside the database, and no part
    of it.
    """
    from bot.store.backup import back_up
    from bot.store.folder import DataFolder

    settings = load(config, os.environ, secrets=False)
    size = back_up(DataFolder(settings.storage.data_dir).database, file)
    print(words.backup_made(str(file), words.byte_size(size)))


@main.command()
@config_option
@foreseen
def health(config: Path | None) -> None:
    """Tell in one line whether the Easel on this data folder is well: heard within half a minute,
    connected to Discord, its database taking writes. Exit code 1 unless it is. For containers.
    """
    from bot.health import look
    from bot.store.folder import DataFolder

    settings = load(config, os.environ, secrets=False)
    folder = DataFolder(settings.storage.data_dir)
    print(look(folder.path, folder.heartbeat))


@main.command()
@config_option
@click.option("--period", type=click.Choice(PERIODS), default="month", show_default=True)
@click.option(
    "--by", type=click.Choice(BYS), default="day", show_default=True, help="For the table."
)
@click.option(
    "--server",
    metavar="ID",
    type=click.IntRange(0, 2**63 - 1),
    help="Only this server, by its id; 0 is direct messages.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array of rows, for programs.")
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write every entry of the books to this file.",
)
@foreseen
def spend(
    config: Path | None,
    period: Period,
    by: By,
    server: int | None,
    as_json: bool,
    csv_file: Path | None,
) -> None:
    """Show what was spent, from the database alone. Needs no secrets and works beside a running
    bot. Days and months are each server's, in its own time zone.
    """
    if as_json and csv_file is not None:
        raise click.UsageError("--json and --csv exclude each other")
    settings = load(config, os.environ, secrets=False)
    path = settings.storage.data_dir / "easel.db"

    async def show() -> None:
        async with Database(path, SystemClock(), read_only=True) as database:
            if as_json:
                await spending.print_json(database, period, server)
            elif csv_file is not None:
                await spending.write_csv(database, period, server, csv_file)
            else:
                await spending.print_table(database, period, by, server)

    asyncio.run(show())


@main.command(name="audit")
@config_option
@foreseen
def audit_command(config: Path | None) -> None:
    """Recompute the books and compare: the database by SQLite's own checks, every balance and every
    entry, and the day's sum with what OpenRouter charged, where OPENROUTER_API_KEY is at hand.

    One line for each difference, and exit code 1 on any. Works beside a running bot.
    """
    from bot.auditing import run_audit

    settings = load(config, os.environ, secrets=False)
    sys.exit(asyncio.run(run_audit(settings, os.environ)))


if __name__ == "__main__":
    main()
