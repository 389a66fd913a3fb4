"""Every sentence people read: notices, progress, refusals, start errors. Each says what happened
and what to do; whether it was charged is the cost line's to say. Only text is made here, of plain
values: nothing is decided.
"""

import re
from collections.abc import Sequence

from bot.money import NanoUsd, dollars

# --- starting ------------------------------------------------------------------------------------


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


def folder_taken(folder: str, first: str) -> str:
    return (
        f"The data folder {folder} is in use by another Easel (process {first or 'unknown'}): stop"
        " that one first, or give this one its own storage.data_dir."
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


def intent_missing() -> str:
    return (
        "Discord refuses the Message Content intent: switch it on at the Bot page of your"
        " application (https://discord.com/developers/applications), or set"
        " discord.message_content = false."
    )


def internal_error(kind: str) -> str:
    return f"Easel ended by an error of its own ({kind}); the log above has the details."


# --- requests ------------------------------------------------------------------------------------


def hello() -> str:
    return (
        "Tell me what to paint or talk about: mention me with it, attach a picture to have it"
        " edited, or use `/imagine`."
    )


def queue_full() -> str:
    return "Easel is busy: as many requests are waiting as it takes. Ask again in a few minutes."


def stopping() -> str:
    return "Easel is being restarted. Ask again in a minute."


def interrupted() -> str:
    return (
        "Easel was stopped while the model was at work, and nothing of its answer was kept. Ask"
        " again if you still want it."
    )


def our_fault() -> str:
    return "Something went wrong inside Easel. Its owner can find out more in the log."


def may_not_attach() -> str:
    return (
        "I may not attach files here, so a picture could not arrive. Ask an admin to give me the"
        " permission Attach Files in this channel."
    )


def may_not_speak() -> str:
    return (
        "I may not send messages here, so an answer could not arrive. Ask an admin to let me view"
        " this channel and send messages in it."
    )


def not_a_picture(name: str) -> str:
    return f"“{file_name(name)}” is not a picture. {PICTURES_ACCEPTED}."


def too_many_pictures(most: int) -> str:
    return f"At most {most} pictures can go along with one request. Send fewer."


def prompt_too_long(most: int) -> str:
    return f"The request is too long: at most {most:,} characters. Shorten it."


def servers_only() -> str:
    return "This command is for servers: use it in a channel of one."


def cut_by_length() -> str:
    return "The answer reached its length limit and is cut here. Ask me to go on."


# --- pictures ------------------------------------------------------------------------------------

PICTURES_ACCEPTED = "PNG, JPEG, WebP and GIF pictures are accepted"
FILE_NAME_LETTERS_MAX = 60


def file_name(name: str) -> str:
    """A stranger's file name as it may stand in a sentence: nothing in it is markup, a mention or
    a link, and it has at most 60 characters.
    """
    plain = "".join(letter for letter in name if letter.isalnum() or letter in " .-_+,&'")
    # An underscore between two letters is no markup, as long as it is alone.
    plain = re.sub(r"(?<![^\W_])_|_(?![^\W_])", " ", re.sub(r"_+", "_", plain))
    plain = " ".join(plain.split()) or "The file"
    if len(plain) > FILE_NAME_LETTERS_MAX:
        plain = plain[: FILE_NAME_LETTERS_MAX - 1] + "…"
    return plain


def byte_size(size_bytes: int) -> str:
    """`25 MiB`, `1.5 MiB`, `98 KiB`, `12 bytes`."""
    for unit, bytes_each in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if size_bytes >= bytes_each:
            return f"{size_bytes / bytes_each:.4g} {unit}"
    return f"{size_bytes} bytes"


def picture_unreadable(name: str) -> str:
    return (
        f"“{file_name(name)}” cannot be read as a picture: it is damaged or of another kind. "
        f"{PICTURES_ACCEPTED}."
    )


def picture_too_large(name: str, bound: str) -> str:
    return f"“{file_name(name)}” is too large: at most {bound} are accepted. Send a smaller copy."


def over_bytes(bytes_max: int) -> str:
    return f"The picture is too large: at most {byte_size(bytes_max)} are accepted."


def result_unreadable() -> str:
    return "The model sent something that is not a readable picture. Try again."


def picture_cannot_fit(bytes_max: int) -> str:
    return f"The picture cannot be made small enough for the limit here, {byte_size(bytes_max)}."


def pictures_busy() -> str:
    return "Too many pictures are being prepared right now. Try again in a minute."


def disk_full() -> str:
    return "Easel's disk is full, so the picture could not be kept. Its owner has to make room."


def shelf_failed() -> str:
    return "Easel's disk failed, so the picture could not be kept or read. Its owner has to look."


def download_failed() -> str:
    return "The picture could not be fetched from Discord. Send it again."


def download_dead() -> str:
    return "The picture's link has expired or it was deleted. Send the picture again."


def download_foreign() -> str:
    return "Pictures are only fetched from Discord. Send the picture as an attachment."


# --- the model -----------------------------------------------------------------------------------


def model_busy() -> str:
    return "The model is busy right now. Please try again in a minute."


def model_unreachable() -> str:
    return "The model could not be reached. Please try again in a few minutes."


def model_unavailable() -> str:
    return "The model is not available right now. Please try again in a few minutes."


def model_failed() -> str:
    return "Something went wrong at the model's provider. Please try again in a few minutes."


def model_too_slow() -> str:
    return "The model took too long to answer. Please try again in a few minutes."


def model_cut() -> str:
    return "The model's answer broke off before its end. Please ask again."


def model_stalled() -> str:
    return "The model stopped in the middle of its answer. Please ask again."


def model_blocked() -> str:
    return (
        "The model declined this: its content rules do not allow it. Please say it differently or"
        " use another picture."
    )


def model_silent() -> str:
    return (
        "The model answered with nothing at all, which mostly means that its content rules blocked"
        " the picture. Please say it differently."
    )


def model_empty() -> str:
    return "The model's answer was empty. Please try again, or say it differently."


def answer_too_large() -> str:
    return "The model's answer was larger than I can take in. Please ask for less at once."


def key_refused() -> str:
    return "OpenRouter does not accept Easel's key: its owner has to set OPENROUTER_API_KEY anew."


def credit_used_up() -> str:
    return (
        "Easel's credit or limit at OpenRouter is used up: its owner has to add credit or raise"
        " the limit of the key at https://openrouter.ai/settings."
    )


def model_forbidden() -> str:
    return (
        "OpenRouter does not let Easel use the model: its owner has to check the account's limits"
        " and guardrails at https://openrouter.ai/settings."
    )


def model_not_offered() -> str:
    return (
        "OpenRouter does not offer the model as Easel asks for it: its owner has to check"
        " openrouter.model in the settings and the account's privacy settings."
    )


def request_refused() -> str:
    return (
        "OpenRouter did not understand Easel's request: its owner can find out more in the log."
        " Another wording or shape may work."
    )


def address_refused() -> str:
    return "OpenRouter was not found where Easel expects it: its owner has to check the settings."


def conversation_too_long() -> str:
    return "This is more than the model can read at once. Please shorten it or start anew."


def request_too_large() -> str:
    return "The pictures are too large for the model together. Please send fewer or smaller ones."


def picture_refused() -> str:
    return "The model cannot read a picture that went along. Please send it as PNG or JPEG."


def openrouter_unreachable(base_url: str) -> str:
    return (
        f"OpenRouter cannot be reached at {base_url}: check openrouter.base_url and the network,"
        " then start Easel again."
    )


def key_not_checked(base_url: str, status: int) -> str:
    return (
        f"OpenRouter at {base_url} could not check the key (it answered with status {status}):"
        " check openrouter.base_url, or start Easel again in a few minutes."
    )


# --- money ---------------------------------------------------------------------------------------

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


_BUDGET_NAMES = {
    ("member", "day"): "your daily budget",
    ("member", "month"): "your monthly budget",
    ("server", "month"): "this server's monthly budget",
    ("total", "month"): "Easel's monthly budget for everyone",
}


def budget_name(scope: str, span: str) -> str:
    """As it stands within a sentence."""
    return _BUDGET_NAMES[scope, span]


def no_room(budget: str, *, limit: NanoUsd, left: NanoUsd, hold: NanoUsd, resets_ms: int) -> str:
    """`hold` is the least that would have had to be held."""
    sentence = (
        f"There is no room in {budget}: {dollars(left)} of {dollars(limit)} is left, and this"
        f" would have held {dollars(hold)}. It resets <t:{resets_ms // 1000}:R>"
    )
    if hold > limit or limit == 0:
        return f"{sentence}, but it is too small for this at any time."
    return f"{sentence}."


def file_unwritable(file: str, reason: str) -> str:
    return f"{file} cannot be written ({reason}): choose another file."


def entries_written(count: int, file: str) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'} written to {file}"


PERIODS = {
    "today": "today",
    "week": "this week",
    "month": "this month",
    "last-month": "last month",
    "year": "this year",
    "all": "all time",
}

BREAKDOWNS = {
    "member": "By member",
    "day": "By day (UTC)",
    "model": "By model",
    "kind": "By kind",
    "channel": "By channel",
}


def spend_title(period: str) -> str:
    return f"What you spent {PERIODS[period]}" if period != "all" else "What you spent so far"


def report_title(server: str, period: str) -> str:
    return f"Spending in {server}, {PERIODS[period]}"


def totals_line(cost: str, exchanges: int, estimated: str | None) -> str:
    if not exchanges:
        return "Nothing was spent."
    noun = "exchange" if exchanges == 1 else "exchanges"
    return f"**{cost}** for {exchanges:,} {noun}{'' if estimated is None else f', {estimated}'}"


def estimated_part(cost: str) -> str:
    return f"of which {cost} is an estimate"


def breakdown_line(name: str, cost: str, exchanges: int) -> str:
    return f"{name}: {cost} · {exchanges:,}"


def and_more(number: int) -> str:
    return f"and {number:,} more"


def budgets_heading() -> str:
    return "Your budgets"


def cap_line(
    name: str, *, bar: str, spent: str, held: str | None, left: str, limit: str, resets_ms: int
) -> str:
    """`name` comes from `budget_name`, and begins the line."""
    begun = name[0].upper() + name[1:]
    holding = "" if held is None else f", {held} held"
    return (
        f"{begun}: {bar} {left} of {limit} left"
        f" ({spent} spent{holding}); resets <t:{resets_ms // 1000}:R>"
    )


# --- the answer ----------------------------------------------------------------------------------


def reading() -> str:
    return "Reading your request"


def waiting(position: int) -> str:
    return "Starting" if position <= 1 else f"Waiting in line at place {position}"


def thinking() -> str:
    return "Thinking"


def painting() -> str:
    return "Thinking and painting; a picture takes a minute or two"


def stage_line(stage: str, elapsed_s: int) -> str:
    """The line that shows progress; not the small print, which only ends an answer."""
    return f"*{stage} … {elapsed_s} s*"


def thread_name() -> str:
    return "A talk with Easel"


def result_line(cost: str | None, seconds: int, *, estimated: bool) -> str:
    """The last line of a result; `cost` is None until it is known."""
    if cost is None:
        return f"-# cost not known yet · {seconds} s"
    return f"-# {'≈ ' if estimated else ''}{cost} · {seconds} s"


def notice_line(word: str, cost: str | None, *, estimated: bool, known: bool) -> str:
    """The last line of a notice; no cost means not charged, if that is known."""
    if not known:
        return f"-# {word} · cost not known yet"
    if cost is None:
        return f"-# {word} · not charged"
    return f"-# {word} · charged {'≈ ' if estimated else ''}{cost}"


def ping(member_id: int, *, painted: bool) -> str:
    what = "picture" if painted else "answer"
    return f"<@{member_id}> Your {what} is ready."


def ping_notice(member_id: int) -> str:
    return f"<@{member_id}> This has ended without a result."


def goes_on_in_file() -> str:
    return "The whole answer is in the attached file."


def alt_text(prompt: str) -> str:
    """What a picture shows, for who cannot see it: all that is known is what was asked."""
    asked = " ".join(prompt.split())
    return f"Painted by Easel for the request: {asked}" if asked else "Painted by Easel"
