"""The real bot, which tells of itself whenever it gets SIGUSR1:
`python -m tests.long.soaked_process CONFIG`. Each time it prints a line of JSON: what it keeps in
memory once it has given back what it need not keep, and how many files and tasks it has open.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path

from bot import logs
from bot.app import App
from bot.settings.reading import load


def tell() -> None:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with Path("/proc/self/status").open(encoding="ascii") as status:
        rss_kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    files, tasks = sum(1 for _ in Path("/proc/self/fd").iterdir()), len(asyncio.all_tasks())
    print(json.dumps({"rss_kib": rss_kib, "files": files, "tasks": tasks}), flush=True)


async def main() -> None:
    settings = load(Path(sys.argv[1]), os.environ)
    logs.set_up()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, tell)
    app = App(settings, guild_ready_timeout_s=0.2)
    await app.run(stop, lambda: print("easel: ready", flush=True))


if __name__ == "__main__":
    asyncio.run(main())
