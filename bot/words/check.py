"""What `easel check` says of each item, with the step that mends it."""

from collections.abc import Sequence


def config_read(path: str) -> str:
    return f"{path} is read."


def config_defaults(path: str) -> str:
    return (
        f"There is no {path}, so the defaults hold; copy config.example.toml there to change them."
    )


def folder_usable(path: str) -> str:
    return f"{path} can be written."


def folder_missing(path: str) -> str:
    return f"{path} is not there yet: `easel migrate` makes it."


def not_a_folder() -> str:
    return "it is no folder"


def may_not_be_written() -> str:
    return "it cannot be written"


def database_current(path: str) -> str:
    return f"{path} can be opened and is up to date."


def database_missing(path: str) -> str:
    return f"{path} is not there yet: `easel migrate` makes it."


def model_offered(model: str) -> str:
    return f"OpenRouter offers {model}."


def model_not_found(model: str, base_url: str) -> str:
    return (
        f"{model} is not among the models that OpenRouter at {base_url} says can paint, or it does"
        " not answer: check openrouter.model, openrouter.base_url and the network."
    )


def price_as_published(model: str) -> str:
    return f'What OpenRouter publishes for {model} is what prices."{model}" says.'


def price_not_known() -> str:
    return "It is not known what OpenRouter publishes: see the line of the model."


def key_accepted() -> str:
    return "OpenRouter accepts it."


def credit_left(left: str) -> str:
    return f"The key may spend {left} more."


def credit_unlimited() -> str:
    return (
        "The key has no limit of its own, so the account's credit is; a limit at"
        " https://openrouter.ai/settings/keys is a second wall behind Easel's budgets."
    )


def needs(item: str) -> str:
    return f"It cannot be looked at before the line of the {item} is ok."


def secret_missing(allowed: str) -> str:
    return f"There is none: take {allowed}."


def token_accepted(name: str) -> str:
    return f"Discord knows it as {name}."


def intents_granted() -> str:
    return "Message Content is switched on."


def intents_not_asked() -> str:
    return (
        "None that is privileged is asked for (discord.message_content = false): Easel works by"
        " mention, reply with a ping, command, menu and button."
    )


def in_no_server() -> str:
    return "Easel is in no server yet: open the link of the line `invite`."


CHANNELS_NAMED_MAX = 3


def permissions_given(closed: Sequence[tuple[str, Sequence[str]]] | None) -> str:
    """`closed` is the channels that lack some; None if they were not looked at."""
    if closed is None:
        return "All that it needs; channels may have rules of their own."
    if not closed:
        return "All that it needs, in every channel that it sees."
    named = "; ".join(
        f"{', '.join(lacking)} in #{name}" for name, lacking in closed[:CHANNELS_NAMED_MAX]
    )
    more = len(closed) - CHANNELS_NAMED_MAX
    return (
        f"All that it needs, but not in every channel that it sees: it lacks {named}"
        f"{f'; and some in {more} more' if more > 0 else ''}. If that is not meant, change it in"
        " the channel's own permissions."
    )


def permissions_missing(names: Sequence[str]) -> str:
    return (
        f"Easel lacks {', '.join(names)}: give them to its role in the server's settings, or open"
        " the link of the line `invite` once more."
    )


def more_servers(number: int) -> str:
    return f"The servers after the first {number:,} are not looked at."


def commands_told(number: int) -> str:
    return f"Discord knows all {number}."


def commands_not_told(names: Sequence[str]) -> str:
    return f"Discord does not know {', '.join(names)}: `easel run` tells it when it starts."


def commands_changed() -> str:
    return "They are not those that Discord was told last: `easel run` tells it when it starts."


def invite(url: str) -> str:
    return f"{url} asks for the rights that Easel needs and no others."
