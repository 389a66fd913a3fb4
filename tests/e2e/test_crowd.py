"""Many pictures at once and a person who asks for something small. The stand-ins are in a process
of their own, since their work would be most of what is waited for.
"""

from pathlib import Path

import pytest

from tests.bench.chain import chain

PICTURES = 20
PICTURE_BYTES = 10 * 1024 * 1024
BYTES_PER_S = 6_000_000
SPEND_S = 0.3
TRIES = 5
"""Other programs on the machine may hold one up; what holds up the bot does so every time."""


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_spend_is_acknowledged_at_once_while_20_pictures_arrive(tmp_path: Path):
    longest_s: list[float] = []
    async with chain(tmp_path) as (others, _):
        while len(longest_s) < TRIES and min(longest_s, default=1.0) > SPEND_S:
            done = await others.tell(
                "crowd",
                count=PICTURES,
                size_bytes=PICTURE_BYTES,
                refits=0,
                spends=True,
                seed=len(longest_s),
                bytes_per_s=BYTES_PER_S,
            )
            assert done["arrived"] - done["began"] > PICTURE_BYTES / BYTES_PER_S
            longest_s.append(max(done["spends"]))
    assert min(longest_s) <= SPEND_S
