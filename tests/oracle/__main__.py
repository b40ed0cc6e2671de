"""`python -m tests.oracle --histories 1000000 --seed N` proves the attribution decision.

Every history is decided by the product in two orders of arrival and by the oracle once. Progress
goes to stderr; stdout gets one JSON object: what was exercised, and every disagreement.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context

from tests.oracle.generated.play import Disagreement, Part, played

CHUNK = 500
SHOWN_MAX = 20


def chunks(first: int, histories: int) -> Iterator[range]:
    end = first + histories
    for start in range(first, end, CHUNK):
        yield range(start, min(start + CHUNK, end))


def parts(first: int, histories: int, processes: int) -> Iterator[Part]:
    """In order of their seeds."""
    if processes == 1:
        yield from map(played, chunks(first, histories))
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(played, chunks(first, histories))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first history")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--until-found", action="store_true", help="stop at a disagreement")
    chosen = parser.parse_args()
    started = time.perf_counter()
    counts: Counter[str] = Counter()
    found: list[Disagreement] = []
    for part in parts(chosen.seed, chosen.histories, chosen.processes):
        counts += part.counts
        found += part.found
        report_progress(counts["histories"], chosen.histories, started, len(found))
        if found and chosen.until_found:
            break
    print(file=sys.stderr)
    seconds = time.perf_counter() - started
    print(json.dumps(summary(counts, found, seconds, chosen.processes), indent=1))
    return 1 if found else 0


def report_progress(done: int, wanted: int, started: float, mismatches: int) -> None:
    pace = done / (time.perf_counter() - started)
    line = f"{done:,} of {wanted:,} histories, {pace:,.0f}/s, {mismatches} disagree"
    print(f"\r{line}", end="", file=sys.stderr, flush=True)


def summary(
    counts: Counter[str], found: list[Disagreement], seconds: float, processes: int
) -> dict[str, object]:
    return {
        **{name: counts[name] for name in sorted(counts)},
        "mismatches": len(found),
        "disagreements": [{"seed": one.seed, "lines": one.lines} for one in found[:SHOWN_MAX]],
        "seconds": round(seconds, 1),
        "histories_per_second_and_process": round(counts["histories"] / seconds / processes),
    }


if __name__ == "__main__":
    sys.exit(main())
