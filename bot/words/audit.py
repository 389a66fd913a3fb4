"""What the owner reads of an audit."""

from collections.abc import Sequence


def audit_whole() -> str:
    return "SQLite finds the file, its indexes and references whole."


def audit_damage(what: str) -> str:
    return f"SQLite finds: {what}. Stop Easel and put the last backup in its place."


def audit_balances(number: int) -> str:
    noun = "balance is" if number == 1 else "balances are"
    return f"{number:,} {noun} what entries and reservations come to."


def audit_balance(name: str, spent: str, entries: str, held: str, reservations: str) -> str:
    return (
        f"{name}: {spent} spent where the entries come to {entries}, {held} held where the"
        f" reservations come to {reservations}."
    )


def audit_entries(number: int) -> str:
    noun = "entry closes its call" if number == 1 else "entries close each its call"
    return f"{number:,} {noun}, and no call is closed without one."


def audit_entry(difference: str) -> str:
    return f"{difference}."


def audit_no_account() -> str:
    return "OpenRouter does not say what the key was used for today; try again later."


def audit_account(booked: str, used: str, held: str, left: str | None, *, is_right: bool) -> str:
    credit = "has no limit" if left is None else f"may spend {left} more"
    agree = "agree" if is_right else "do not agree"
    reason = (
        ""
        if is_right
        else " Is the key used elsewhere too? Then give Easel one of its own; if not, costs are"
        " missing in the books."
    )
    return (
        f"Today (UTC) the books say {booked} with {held} open, and OpenRouter {used}: they"
        f" {agree}.{reason} The key {credit}."
    )


def audit_failed(differences: Sequence[str], more: int) -> str:
    """For the owner of a running bot."""
    listed = "\n".join(f"- {each}" for each in differences)
    rest = f"\nand {more:,} more" if more else ""
    return (
        f"The nightly audit of the books found differences:\n{listed}{rest}\n"
        "`easel audit` shows all of them."
    )


def audit_alright() -> str:
    return "The books are right."


def audit_wrong(number: int) -> str:
    noun = "difference" if number == 1 else "differences"
    return f"{number:,} {noun} found."


def audit_without_key(name: str) -> str:
    return f"(Without {name} the account at OpenRouter is not compared.)"
