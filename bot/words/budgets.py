"""What people read of budgets: refusals, how they stand, and what those who set them are told."""

from bot.money import NanoUsd, dollars

_EACH = {"day": "daily", "week": "weekly", "month": "monthly", "ever": "all-time"}
SPANS = {"day": "day", "week": "week", "month": "month", "ever": "all time"}


def budget_name(kind: str, scope: str, span: str, role_id: int = 0) -> str:
    """As it stands within a sentence to the one it concerns."""
    each = _EACH[span]
    match kind, scope:
        case "cap", "member":
            return f"your {each} budget"
        case "cap", "total":
            return f"Easel's {each} budget for everyone"
        case _, "server":
            return f"this server's {each} budget"
        case _, "role-pot":
            return f"the {each} pot of <@&{role_id}>"
        case "role-member", _:
            return f"your {each} allowance as <@&{role_id}>"
        case "own", _:
            return f"your own {each} limit"
        case _:
            return f"your {each} allowance in this server"


def whom_to_ask(kind: str, scope: str) -> str:
    if kind == "own":
        return "You set it yourself: `/limit` changes it."
    if kind != "cap":
        return "Ask an admin of this server for more."
    if scope == "server":
        return "An admin of this server can ask Easel's owner for more."
    return "Ask Easel's owner for more."


def no_room(
    budget: str, ask: str, *, limit: NanoUsd, left: NanoUsd, hold: NanoUsd, resets_ms: int | None
) -> str:
    """`hold` is the least that would have had to be held; `ask` says whom to ask for more."""
    begun = (
        f"There is no room in {budget}: {dollars(left)} of {dollars(limit)} is left, and this"
        f" would have held {dollars(hold)}."
    )
    if resets_ms is None:
        return f"{begun} It does not reset. {ask}"
    too_small = ", but all of it would be too small for this" if hold > limit or not limit else ""
    return f"{begun} It resets <t:{resets_ms // 1000}:R>{too_small}. {ask}"


def budgets_heading() -> str:
    return "Your budgets"


def cap_line(
    name: str,
    *,
    bar: str,
    spent: str,
    held: str | None,
    left: str,
    limit: str,
    resets_ms: int | None,
) -> str:
    """`name` comes from `budget_name` or is a scope's, and begins the line."""
    begun = name[0].upper() + name[1:]
    holding = "" if held is None else f", {held} held"
    resets = "does not reset" if resets_ms is None else f"resets <t:{resets_ms // 1000}:R>"
    return f"{begun}: {bar} {left} of {limit} left ({spent} spent{holding}); {resets}"
