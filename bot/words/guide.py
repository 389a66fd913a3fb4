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
