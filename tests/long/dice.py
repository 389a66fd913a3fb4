"""Dice that can be thrown again: the seed is printed, and `$EASEL_FUZZ_SEED` sets another."""

import os
import random
import resource
from pathlib import Path

SEED = 20_261_124


def dice() -> random.Random:
    seed = int(os.environ.get("EASEL_FUZZ_SEED", SEED))
    print(f"\nEASEL_FUZZ_SEED={seed}")
    return random.Random(seed)


def peak_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_mib(pid: int) -> float:
    """What another process has at the moment."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024 / 1024
