"""What the owner reads: wrong settings, failed starts, the database, the program's own output."""

from collections.abc import Sequence


def allowed_whole_number(lowest: int, highest: int) -> str:
    return f"a whole number from {lowest:,} to {highest:,}"


def allowed_seconds(lowest: int, highest: int) -> str:
    return f"a number of seconds from {lowest:,} to {highest:,}"


def allowed_usd(highest: int) -> str:
    return f"an amount in dollars from 0 to {highest:,} with at most 9 decimals, without quotes"


def allowed_usd_per_million(highest: int) -> str:
    return (
        f"dollars per million tokens from 0 to {highest:,} with at most 9 decimals, without quotes"
    )


def allowed_flag() -> str:
    return "true or false"


def allowed_model(example: str) -> str:
    return f'the name of a model at OpenRouter, such as "{example}"'


def allowed_folder() -> str:
    return 'the path of a folder, such as "data"'


def allowed_url(example: str, plain: str) -> str:
    return (
        f'an address such as "{example}" without a slash at its end, '
        f"and {plain} only to this machine (127.0.0.1, ::1, localhost)"
    )


def allowed_prices(model: str) -> str:
    return (
        f"a price for the model of openrouter.model: input, cached_input, output and image_output "
        f'in dollars per million tokens under [prices."{model}"]'
    )


def allowed_context(most: int, model: str) -> str:
    return f"at most {most:,}, the window of {model} less openrouter.max_tokens"


def allowed_table(name: str) -> str:
    return f"a table, [{name}], with its keys below it"


def allowed_keys(names: Sequence[str]) -> str:
    return " or ".join(names)


def allowed_settings_file() -> str:
    return "a text file in TOML, encoded as UTF-8; config.example.toml shows every key"


def allowed_secret(name: str) -> str:
    source = {
        "DISCORD_TOKEN": "the bot's token from https://discord.com/developers/applications",
        "OPENROUTER_API_KEY": "a key from https://openrouter.ai/settings/keys",
    }[name]
    return f"{source}, set as {name} or kept in a file that {name}_FILE names, not both"


def allowed_and_also_wrong(allowed: str, others: Sequence[str]) -> str:
    return f"{allowed} (also wrong: {', '.join(others)})" if others else allowed


def found_nothing() -> str:
    return "nothing"


def found_table() -> str:
    return "a table"


def found_unknown_key() -> str:
    return "a key that is not known"


def found_credentials() -> str:
    return "an address with a user's name or a password in it"


def found_list() -> str:
    return "a list"


def found_no_file() -> str:
    return "no such file"


def found_unreadable(reason: str) -> str:
    return f"a file that cannot be read ({reason})"


def found_too_long(bytes_max: int) -> str:
    return f"a file of more than {bytes_max:,} bytes"


def found_too_large() -> str:
    return "a value that is far too large"


def found_not_utf8() -> str:
    return "bytes that are not UTF-8"


def found_syntax_error(message: str) -> str:
    return f"what is not TOML: {message}"


def found_twice(other: str) -> str:
    return f"a value, and one in {other} too"


def found_not_a_secret() -> str:
    return "spaces or other characters that no token has"


def shelf_unusable(folder: str, reason: str) -> str:
    return (
        f"The folder {folder} for pictures cannot be used ({reason}): choose another "
        "storage.data_dir, or give Easel's user the right to write there."
    )


def folder_unusable(folder: str, reason: str) -> str:
    return (
        f"The data folder {folder} cannot be used ({reason}): choose another storage.data_dir, or"
        " give Easel's user the right to write there."
    )


def folder_holder(process: str, host: str, since: str) -> str:
    return f"process {process or 'unknown'} on {host or 'this machine'} since {since}"


def folder_taken(folder: str, first: str) -> str:
    return (
        f"The data folder {folder} is in use by another Easel ({first}): stop that one first, or"
        " give this one its own storage.data_dir."
    )


def token_refused() -> str:
    return (
        "Discord refuses the bot token: copy it anew from the Bot page of your application"
        " (https://discord.com/developers/applications) into DISCORD_TOKEN."
    )


def discord_unreachable(reason: str) -> str:
    return f"Discord cannot be reached ({reason}): check the network and discord.api_url."


def discord_closed(code: int) -> str:
    return f"Discord ended the connection for good (close code {code}): check the bot token."


def few_sessions_left(seconds: float) -> str:
    return (
        "Discord allows hardly any new connection today: Easel waits"
        f" {max(1, round(seconds / 60)):,} minutes before the next."
    )


def intent_missing() -> str:
    return (
        "Discord refuses the Message Content intent: switch it on at the Bot page of your"
        " application (https://discord.com/developers/applications), or set"
        " discord.message_content = false."
    )


def internal_error(kind: str) -> str:
    return f"Easel ended by an error of its own ({kind}); the log above has the details."


_DATABASE_TROUBLE = {
    "full": "the disk is full; make room",
    "locked": "another program keeps it locked; end that one",
    "damaged": "it is damaged, or no database of Easel's; put a backup in its place",
    "read-only": "it cannot be written; give Easel's user the right to",
    "not opened": "it cannot be opened or made there; check that the folder exists and is writable",
    "failing": "the disk reports an error; check the disk",
    "no-wal": "its file system cannot hold it; use a local disk",
}


def database_unusable(path: str, reason: str) -> str:
    return f"The database {path} cannot be used: {_DATABASE_TROUBLE[reason]}."


def database_newer(path: str, found: int, known: int) -> str:
    return (
        f"The database {path} was written by a newer Easel (schema {found}, this one knows "
        f"{known}): install that version again."
    )


def database_older(path: str, found: int, known: int) -> str:
    return f"The database {path} has schema {found}, not {known}: run `easel migrate` first."


def sqlite_too_old(found: str, needed: str) -> str:
    return f"This Python brings SQLite {found}; Easel needs {needed} or newer: use a newer Python."


def database_unavailable(reason: str) -> str:
    return f"Easel's database cannot be used: {_DATABASE_TROUBLE[reason]}."


def file_unwritable(file: str, reason: str) -> str:
    return f"{file} cannot be written ({reason}): choose another file."


def entries_written(count: int, file: str) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'} written to {file}"


def credit_low(left: str) -> str:
    return (
        f"OpenRouter lets this key spend {left} more. Add credit or raise the key's limit at"
        " https://openrouter.ai/settings/keys, or Easel will have to refuse requests."
    )


def price_changed(model: str, name: str, configured: str, published: str) -> str:
    return (
        f"OpenRouter publishes {published} per million {name.replace('_', ' ')} tokens for {model};"
        f' the settings say {configured}. Correct prices."{model}".{name}, so that Easel holds'
        " enough before a call."
    )


def model_unoffered(model: str) -> str:
    return f"No provider offers {model} at OpenRouter right now, so that every call will fail."


def model_ends(model: str, day: str) -> str:
    return (
        f"OpenRouter will stop offering {model} on {day}. Choose another openrouter.model, with"
        " its price, before that day."
    )
