"""What people read of an answer in the making, of its end, and of what was spent."""


def reading() -> str:
    return "Reading your request"


def waiting(position: int) -> str:
    return "Starting" if position == 0 else f"Waiting in line at place {position}"


def thinking() -> str:
    return "Thinking"


def painting() -> str:
    return "Thinking and painting; a picture takes a minute or two"


def stage_line(stage: str, elapsed_s: int | None, usual: str = "") -> str:
    """The line that shows progress; not the small print, which only ends an answer."""
    return f"*{stage} …*" if elapsed_s is None else f"*{stage} … {elapsed_s} s{usual}*"


def usually(seconds: int) -> str:
    return f", usually about {seconds} s"


def longer_than_usual(seconds: int) -> str:
    return f", longer than usual (about {seconds} s)"


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


def moved_to_channel(member_id: int) -> str:
    """Above an answer whose thread is gone or closed; it pings nobody."""
    return f"For <@{member_id}>, from a thread where I cannot answer any more:"


def meant_for(member_id: int) -> str:
    """Above an answer that nothing else tells whose it is; it pings nobody."""
    return f"For <@{member_id}>:"


def moved_to_person(channel_id: int) -> str:
    """The same where only the one who asked reads it."""
    return f"You asked this in <#{channel_id}>, where I cannot answer any more:"


def moved_away(channel_id: int) -> str:
    """In what is left of an answer that has moved."""
    return f"The answer is in <#{channel_id}>, since I cannot answer here any more."


def moved_to_person_alone(member_id: int) -> str:
    return f"The answer went to <@{member_id}> directly, since I cannot answer here any more."


def upload_refused() -> str:
    return "Discord refuses the picture as too large, also made smaller. It is kept at Easel's."


def picture_missing() -> str:
    return "A picture of this answer is missing on Easel's disk and cannot be shown."


def not_showable() -> str:
    return "Discord does not take this answer. Its owner can find out more in the log."


def goes_on_in_file() -> str:
    return "The whole answer is in the attached file."


def alt_text(prompt: str) -> str:
    """What a picture shows, for who cannot see it: all that is known is what was asked."""
    asked = " ".join(prompt.split())
    return f"Painted by Easel for the request: {asked}" if asked else "Painted by Easel"


PERIODS = {
    "today": "today",
    "week": "this week",
    "month": "this month",
    "last-month": "last month",
    "year": "this year",
    "all": "all time",
}


def spend_title(period: str) -> str:
    return f"What you spent {PERIODS[period]}" if period != "all" else "What you spent so far"


def report_title(server: str, period: str) -> str:
    return f"Spending in {server}, {PERIODS[period]}"


def nothing_spent() -> str:
    return "Nothing was spent."


def totals_line(cost: str, exchanges: int, estimated: str | None) -> str:
    if not exchanges:
        return f"**{cost}** in corrections alone"
    noun = "exchange" if exchanges == 1 else "exchanges"
    return f"**{cost}** for {exchanges:,} {noun}{'' if estimated is None else f', {estimated}'}"


def estimated_part(cost: str) -> str:
    return f"of which {cost} is an estimate"


def breakdown_line(name: str, cost: str, exchanges: int) -> str:
    return f"{name}: {cost} · {exchanges:,}"


def and_more(number: int) -> str:
    return f"and {number:,} more"


def offer_again() -> str:
    return "You changed your request. Run it again with its new words?"
