"""What people read of Easel itself: how to use it, and what they asked of it before."""


def help_title() -> str:
    return "What Easel does, and how to ask"


def help_ways_in(me: str, *, message_content: bool) -> str:
    """`me` is the mention of Easel."""
    begin = f"**Begin** with {me} and what you want in a channel, say `a red fox in deep snow`:"
    if message_content:
        return (
            f"{begin} I open a thread for it, and everything you write there goes on, without a"
            " mention. In direct messages I hear every message."
        )
    return (
        f"{begin} I open a thread for it. I cannot read other messages on this server, so go on"
        " there with a mention, a reply to me that pings me, a command, a menu or a button. In"
        " direct messages I hear every message."
    )


def help_pictures() -> str:
    return (
        "**Edit** a picture by attaching it, or by replying to a message that shows one, and saying"
        " what to change."
    )


def help_spoilers() -> str:
    return (
        "**Spoilers**: put `||` around what you ask, or attach your picture as a spoiler, and the"
        " pictures come hidden until a click, as does what is made from them."
    )


def help_documents() -> str:
    return (
        "**Documents**: attach text, code, PDF, Word, Excel, PowerPoint or HTML, or reply to a"
        " message with one, and ask about it."
    )


def help_money() -> str:
    return (
        "**Cost**: each answer ends with what it cost. A picture is about 20 cents; words alone"
        " are far less. `/spend` shows what you spent and what is left."
    )


def help_commands_heading() -> str:
    return "Commands"


def help_menus_heading() -> str:
    return "In a message's menu, under Apps"


def help_admins_heading() -> str:
    return "For admins of this server"


def help_command_line(name: str, options: str, description: str) -> str:
    """`options` as they are typed, maybe none."""
    return f"`/{name}{options}` {description}"


def help_menu_line(name: str) -> str:
    return f"*{name}*"


def history_title(period: str, *, own: bool) -> str:
    """`period` as it ends the sentence."""
    return f"What you asked, {period}" if own else f"What was asked here, {period}"


def history_of(member: str) -> str:
    return f"By {member}, in this server."


def history_nothing() -> str:
    return "Nothing was asked in this time."


def history_line(when_ms: int, command: str, outcome: str, link: str | None) -> str:
    line = f"<t:{when_ms // 1000}:f> · {command} · {outcome}"
    return line if link is None else f"{line} · [show]({link})"


def history_outcome(word: str | None, cost: str, *, waits: bool) -> str:
    """How it ended and what it cost; `word` is a notice's."""
    return " · ".join([*([word] if word else []), cost, *(["waits for you here"] if waits else [])])


def history_cost(cost: str | None, *, estimated: bool, known: bool) -> str:
    """No cost means not charged, if that is known."""
    if not known:
        return "cost not known yet"
    if cost is None:
        return "not charged"
    return f"{'≈ ' if estimated else ''}{cost}"


def history_running() -> str:
    return "in the making"


def history_private() -> str:
    return "*asked in private*"


def history_others_refused() -> str:
    return "Only members with Manage Server may see what others asked, each in their own server."


def history_page(number: int) -> str:
    return f"Page {number}"


def newer() -> str:
    return "Newer"


def older() -> str:
    return "Older"
