"""`python -m tests.simulation --seed N` runs one seed; `--count` runs as many from there.

At the end it prints what the seeds met, and how often: what is not there, no seed can have tried.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.simulation.seeds import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true", help="count failures")
    chosen = parser.parse_args()
    started, failed, met = time.perf_counter(), 0, Counter[str]()
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        try:
            met += run(seed)
        except Exception as error:  # Whatever it is, the seed has found it.
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {error}")
            if not chosen.keep_going:
                traceback.print_exc()
                return 1
    seconds = time.perf_counter() - started
    for name, times in sorted(met.items()):
        print(f"{times:>8} {name}")
    print(f"{chosen.count} seeds, {failed} failed, {1000 * seconds / chosen.count:.0f} ms each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
