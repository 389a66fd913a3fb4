"""What people read of budgets: refusals, how they stand, and what those who set them are told."""

from collections.abc import Mapping

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


def budget_title(scope: str, span: str, subject_id: int = 0) -> str:
    """As an admin reads it, at the beginning of a line or within one."""
    whose = {
        "server": "the whole server",
        "everyone": "each member",
        "role-pot": f"all of <@&{subject_id}> together",
        "role-member": f"each of <@&{subject_id}>",
        "member": f"<@{subject_id}>",
    }[scope]
    return f"{whose} {_WITHIN[span]}"


_WITHIN = {"day": "per day", "week": "per week", "month": "per month", "ever": "for all time"}


def owners_cap() -> str:
    return "the owner's cap for this server per month"


def budgets_title(server: str) -> str:
    return f"Budgets of {server}"


def no_budgets() -> str:
    return "The admins of this server set no budget. `/budget set` sets one."


def default_line(title: str, limit: str, resets_ms: int | None) -> str:
    """Of an allowance that each of many has for themselves."""
    resets = "does not reset" if resets_ms is None else f"resets <t:{resets_ms // 1000}:R>"
    return f"{title[0].upper()}{title[1:]}: {limit} each; {resets}"


def most_part(amounts: Mapping[int, str]) -> str:
    """Who has used most of what each member may, by their ids."""
    named = ", ".join(f"<@{member_id}> {amount}" for member_id, amount in amounts.items())
    return f"; most so far: {named}"


def granted_part(amount: str) -> str:
    return f", with {amount} granted"


def which_allowance_holds() -> str:
    return (
        "Of the allowances of one person, for each window one holds: their own, else the highest of"
        " their roles', else that of each member. The whole server and every pot count besides."
    )


def budget_is_now(title: str, limit: str) -> str:
    return f"The budget of {title} is now {limit}. It holds from the next request on."


def budget_removed(title: str) -> str:
    return f"There is no budget of {title} any more."


def orphans_removed(number: int) -> str:
    if number == 1:
        return "The budget of a role that was deleted is gone."
    return f"{number} budgets of roles that were deleted are gone."


def no_such_budget(title: str) -> str:
    return f"Nothing was changed: there is no budget of {title}."


def wrong_limit(most: int) -> str:
    return (
        "Nothing was changed. A limit is US dollars from 0 to"
        f" {most:,} with at most 9 decimals, such as `5` or `12.50`; 0 admits nothing."
    )


def subject_needed(scope: str, needed: str) -> str:
    return f"Nothing was changed. The scope `{scope}` needs `{needed}`: say which."


def subject_not_needed(scope: str, given: str) -> str:
    return f"Nothing was changed. The scope `{scope}` takes no `{given}`: leave it out."


def too_many_budgets(most: int) -> str:
    return f"Nothing was changed. A server can have at most {most} budgets: remove one first."


def budget_history_title(server: str) -> str:
    return f"Changes of the budgets of {server}"


def nothing_changed_yet() -> str:
    return "Nobody has changed a budget here."


def budget_change_line(
    title: str, before: str | None, now: str | None, actor_id: int, changed_ms: int
) -> str:
    what = f"{title}: {before or 'none'} → {now or 'none'}"
    return f"<t:{changed_ms // 1000}:f> <@{actor_id}> · {what}"


def grant_line(member_id: int, amount: str, reason: str, actor_id: int, changed_ms: int) -> str:
    why = f" ({reason})" if reason else ""
    return f"<t:{changed_ms // 1000}:f> <@{actor_id}> · granted <@{member_id}> {amount}{why}"


def wrong_grant(most: int) -> str:
    return (
        "Nothing was granted. An amount is US dollars with at most 9 decimals, more than 0 and at"
        f" most {most:,}, such as `5` or `12.50`."
    )


def reason_too_long(most: int) -> str:
    return f"Nothing was granted. A reason has at most {most} characters."


def granted(member_id: int, amount: str) -> str:
    return (
        f"<@{member_id}> has {amount} more in each of their present windows here. It is in `/budget"
        " history`; the budgets of the server and of pots are as they were."
    )


def nothing_to_grant(member_id: int) -> str:
    return (
        f"Nothing was granted: no allowance of this server limits <@{member_id}>. `/budget show`"
        " tells which budgets there are."
    )


def own_limit_is_now(span: str, limit: str) -> str:
    return (
        f"Your own {_EACH[span]} limit is now {limit}, in all servers and direct messages together."
        " `/limit` with another amount changes it, with `none` it is gone. `/spend` tells what is"
        " left."
    )


def own_limit_removed(span: str) -> str:
    return f"You have no {_EACH[span]} limit of your own any more. What admins allow still holds."


def no_own_limit(span: str) -> str:
    return f"Nothing was changed: you had no {_EACH[span]} limit of your own."


def own_limit_too_high(budget: str, limit: str) -> str:
    return (
        f"Nothing was changed: {budget} is {limit}, and a limit of your own can only be lower."
        " `none` takes yours away."
    )


def wrong_own_limit(most: int) -> str:
    return (
        f"Nothing was changed. A limit is US dollars from 0 to {most:,} with at most 9 decimals,"
        " such as `5` or `12.50`; 0 lets you ask for nothing, and `none` takes the limit away."
    )


def server_in_alert() -> str:
    return "this server"


def named_server_in_alert(server: str) -> str:
    return f"the server {server}"


def total_in_alert() -> str:
    return "Easel, over all servers and direct messages"


def budget_alert(
    percent: int, whose: str, span: str, spent: str, limit: str, resets_ms: int | None
) -> str:
    resets = "does not reset" if resets_ms is None else f"resets <t:{resets_ms // 1000}:R>"
    how = "is used up" if percent == 100 else f"is {percent} % used"
    return f"The {_EACH[span]} budget of {whose} {how}: {spent} of {limit} is spent. It {resets}."
