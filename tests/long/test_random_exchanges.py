"""2,000 random exchanges against a stand-in with every billing oddity, while processes end: the
books are its account to the nano-dollar. Each run throws other dice; `$EASEL_SEED` throws those of
an earlier one again, except for what falls to the order of events on the network.
"""

import os
import random
from pathlib import Path

import pytest

from tests.e2e.random_checks import played_and_checked

REQUESTS = 2_000
SECONDS_MAX = 360


@pytest.mark.timeout(SECONDS_MAX)
async def test_the_books_are_the_account_over_two_thousand_requests(tmp_path: Path):
    # Not from `random` itself, whose seed is pytest's.
    seed = int(os.environ.get("EASEL_SEED") or random.SystemRandom().getrandbits(32))
    print(f"\nEASEL_SEED={seed}", flush=True)
    print(await played_and_checked(tmp_path, seed, REQUESTS))
