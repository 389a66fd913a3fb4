"""What the money tests share: a clock that is set, migrated databases by the copy, and asks."""

import shutil
from pathlib import Path

from bot.ledger.book import Ask
from bot.ledger.budgets import BudgetLimits
from bot.ledger.prices import Price, Size
from bot.money import NanoUsd, nano_usd

NOW_MS = 1_795_521_600_000
"""2026-11-24 12:00 UTC, a Tuesday."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PRICE = Price(NanoUsd(8_000), NanoUsd(2_000), NanoUsd(15_000), NanoUsd(30_000))


class SetClock:
    """Shows the time it is set to; nobody waits by it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.time_ms = now_ms

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_s(self) -> float:
        return self.time_ms / 1000

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here waits ({seconds} s)")


def limits(
    member_day: str = "1000",
    member_month: str = "1000",
    server_month: str = "1000",
    total_month: str = "1000",
) -> BudgetLimits:
    return BudgetLimits(
        nano_usd(member_day), nano_usd(member_month), nano_usd(server_month), nano_usd(total_month)
    )


def ask(
    exchange_id: int = 1,
    call_number: int = 1,
    *,
    server_id: int = 10,
    member_id: int = 7,
    channel_id: int = 100,
    model: str = "openai/gpt-5.4-image-2",
    prompt_tokens_max: int = 1_000,
    pictures: int = 1,
    size: Size = "1K",
    max_tokens: int = 16_000,
    max_tokens_floor: int = 8_000,
    role_ids: frozenset[int] = frozenset(),
) -> Ask:
    """By default a picture: at most $0.008 + $0.24 + $0.25 = $0.498, at the floor $0.378."""
    return Ask(
        exchange_id=exchange_id,
        call_number=call_number,
        server_id=server_id,
        member_id=member_id,
        channel_id=channel_id,
        model=model,
        price=PRICE,
        prompt_tokens_max=prompt_tokens_max,
        pictures=pictures,
        size=size,
        max_tokens=max_tokens,
        max_tokens_floor=max_tokens_floor,
        role_ids=role_ids,
    )


def copy_database(template: Path, folder: Path) -> Path:
    return Path(shutil.copy(template, folder / "easel.db"))
