"""What people read of reports: headings, comparisons, charts and their buttons."""

from collections.abc import Sequence

from bot.words.answers import PERIODS

_BREAKDOWNS = {
    "member": "By member",
    "day": "By day",
    "model": "By model",
    "kind": "By kind",
    "channel": "By channel",
}
BY_LABELS = {
    "member": "Members",
    "day": "Days",
    "model": "Models",
    "kind": "Kinds",
    "channel": "Channels",
}
PERIOD_LABELS = {
    "today": "Today",
    "week": "Week",
    "month": "Month",
    "last-month": "Last month",
    "year": "Year",
    "all": "All time",
}


def breakdown(by: str, zone: str) -> str:
    """The heading of a breakdown; days are some zone's."""
    return f"{_BREAKDOWNS[by]} ({zone})" if by == "day" else _BREAKDOWNS[by]


def chart_subtitle(period: str, days: tuple[str, str] | None, cost: str, exchanges: int) -> str:
    """`days` are the first and the last of the period; None for all there are."""
    noun = "exchange" if exchanges == 1 else "exchanges"
    when = "" if days is None else f" ({days[0]} to {days[1]})"
    if days is not None and days[0] == days[1]:
        when = f" ({days[0]})"
    return f"{PERIODS[period].capitalize()}{when}: {cost} for {exchanges:,} {noun}"


def chart_known() -> str:
    return "as reported"


def chart_estimated() -> str:
    return "estimated"


def chart_alt_text(title: str, subtitle: str) -> str:
    """For who cannot see a chart; its figures stand beside it."""
    return f"Chart. {title}. {subtitle}."


def chart_missing() -> str:
    return "The chart could not be drawn; the figures are all here."


def compared(first: str, last: str, cost: str, percent: int | None) -> str:
    """With the days before; by how many percent it is more or less, where that can be said."""
    days = first if first == last else f"{first} to {last}"
    change = "" if percent is None else f", now {percent:+,} %"
    return f"Before ({days}): {cost}{change}"


def estimates_counted(number: int) -> str:
    noun = "call is" if number == 1 else "calls are"
    return f"{number:,} {noun} booked by estimate."


def overruns_counted(number: int, over: str) -> str:
    noun = "call" if number == 1 else "calls"
    return f"{number:,} {noun} cost more than was held, by {over} together."


def undelivered_counted(number: int) -> str:
    noun = (
        "answer that could not be delivered waits"
        if number == 1
        else ("answers that could not be delivered wait")
    )
    return f"{number:,} {noun} in `/history`."


def drift(charged: str, rated: str, per_mille: int) -> str:
    """By how many thousandths what was charged is above what the price list says."""
    if per_mille == 0:
        return f"Charged as by the price list: {charged}."
    return f"Charged {charged} for what is {rated} by the price list ({per_mille / 10:+,.1f} %)."


def report_of(member_id: int) -> str:
    return f"Of <@{member_id}>"


def report_overview() -> str:
    return "Overview"


def report_previous() -> str:
    return "Previous"


def report_next() -> str:
    return "Next"


def report_post() -> str:
    return "Post"


def report_posted(member_id: int) -> str:
    return f"Posted by <@{member_id}>"


def report_refused() -> str:
    return (
        "These buttons are for who may manage this server. Whom its admins let use the command may"
        " use `/report show` with its options instead."
    )


def export_empty(period: str) -> str:
    return f"There is nothing in the books for {PERIODS[period]}."


def export_too_long(rows: int) -> str:
    return (
        f"These are {rows:,} entries, more than Discord takes in one go. Choose a shorter period,"
        " or ask Easel's owner for `easel spend --csv`."
    )


def exported(period: str, rows: int, number: int, files: int) -> str:
    noun = "entry" if rows == 1 else "entries"
    of = "" if files == 1 else f", file {number} of {files}"
    return f"The books for {PERIODS[period]}: {rows:,} {noun}{of}."


def wrong_adjustment(most: int) -> str:
    return (
        "Nothing was booked. An amount is US dollars with at most 9 decimals, not 0 and at most"
        f" {most:,}, such as `0.25`; `-0.25` gives back."
    )


def wrong_reason(most: int) -> str:
    return f"Nothing was booked. A correction needs a reason, of at most {most} characters."


def adjusted(member_id: int, amount: str, reason: str) -> str:
    return (
        f"Booked as a correction for <@{member_id}>: {amount}. Reason: {reason}\n"
        "It stands in the reports and the CSV, and counts in what this server allows the member;"
        " the server's own budgets and the owner's caps go by what was really paid."
    )


def no_model() -> str:
    return "corrections"


def digest_line(server: str, cost: str, exchanges: int) -> str:
    noun = "exchange" if exchanges == 1 else "exchanges"
    return f"- {server}: {cost} for {exchanges:,} {noun}"


def digest_for_owner(cost: str, lines: Sequence[str], more: int, left: str | None) -> str:
    rest = [f"- and {more:,} more"] if more else []
    credit = "" if left is None else f"\nOpenRouter lets the key spend {left} more."
    listed = "\n".join([*lines, *rest])
    return f"Last month Easel spent {cost}:\n{listed}{credit}"


def direct_messages() -> str:
    return "direct messages"
