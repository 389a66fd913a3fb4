"""A process that only sleeps, a millisecond at a time, until its input ends; then it tells how late
it woke at worst, in seconds.
"""

import select
import sys
import time

SLEEP_S = 0.001


def main() -> None:
    worst_s = 0.0
    print("ready", flush=True)
    due_s = time.monotonic() + SLEEP_S
    while not select.select([sys.stdin], [], [], SLEEP_S)[0]:
        worst_s = max(worst_s, time.monotonic() - due_s)
        due_s = time.monotonic() + SLEEP_S
    print(worst_s, flush=True)


if __name__ == "__main__":
    main()
