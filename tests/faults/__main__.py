"""`python -m deploy.local.servers run python -m tests.faults [WORD…]`: the table of faults.

Without words, every fault; otherwise those whose name has one of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.log_bench import LogBench
from tests.faults.log_faults import LOG_FAULTS, Story


def main(words: list[str]) -> int:
    chosen = {
        name: story
        for name, story in LOG_FAULTS.items()
        if not words or any(word in name for word in words)
    }
    failed = 0
    print(f"{'fault':<46} {'well after':>10} {'whole':>8}")
    for name, story in chosen.items():
        began = time.monotonic()
        try:
            seconds = asyncio.run(_after(story))
        except (AssertionError, TimeoutError) as error:
            failed += 1
            print(f"{name:<46} FAILED: {str(error)[:300]}")
        else:
            print(f"{name:<46} {seconds:>8.1f} s {time.monotonic() - began:>6.1f} s", flush=True)
    return 1 if failed else 0


async def _after(story: Story) -> float:
    with tempfile.TemporaryDirectory() as folder:
        bench = LogBench(os.environ["HEADWATER_KAFKA"], Path(folder))
        await bench.create_topics()
        try:
            return await story(bench)
        finally:
            bench.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
