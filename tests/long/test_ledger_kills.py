"""A writer with 32 callers, killed 100 times at random."""

from pathlib import Path

import pytest

from tests.ledger import killing

ROUNDS = 100


@pytest.mark.timeout(1_800)
async def test_a_hundred_kills_lose_nothing_acknowledged_and_leave_nothing_half(tmp_path: Path):
    acknowledged = await killing.play(tmp_path / "easel.db", ROUNDS)
    print(f"\n{ROUNDS} kills, {acknowledged:,} acknowledged operations, all there", flush=True)
