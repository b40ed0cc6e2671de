"""What an event costs where one install has tens of thousands of them.

`python -m tests.benchmarks.hot_install [--sizes 500,2000,8000,32000] [--mix NAME]` replays the life
of one install for each mix and prints microseconds of CPU per event of each stretch of it: between
two sizes, so that a cost that grows is seen in its last column.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence

from schemas.time import EventMs
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from tests.benchmarks.hot_install.life import MIXES, hot_life

SIZES = (500, 2_000, 8_000, 32_000)
BATCH = 100
"""Events that a stage decides on at once: as a worker does under a moderate load."""


def costs(mix: str, sizes: Sequence[int]) -> list[float]:
    """Microseconds of CPU per event, of the events up to each size since the one before."""
    moments: dict[int, float] = {}

    def timed(records: Iterator[MemoryRecord]) -> Iterator[MemoryRecord]:
        for number, record in enumerate(records):
            if number in sizes:
                moments[number] = time.process_time()
            yield record

    def ignored(topic: str, rows: Sequence[MemoryRecord]) -> None:
        pass

    def replay(records: Iterator[MemoryRecord]) -> None:
        rules = StageRules(IntakeRules(b"s", EventMs(0), 1.0, 10**9))
        order = SourceOrder(records=1)  # There are some, and they are in order.
        Replay(rules, ignored, StageObserver(), learns=False).run(records, order, BATCH)

    replay(hot_life(mix, 20))  # Compiles what is compiled once.
    began = time.process_time()
    replay(timed(hot_life(mix, sizes[-1] + 1)))
    found, before, at = [], 0, began
    for size in sizes:
        found.append(1e6 * (moments[size] - at) / (size - before))
        before, at = size, moments[size]
    return found


def main() -> None:
    """Print the costs of every mix as a table, and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--mix", choices=MIXES)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    found = {}
    print(f"{'µs per event up to':<22}" + "".join(f"{size:>9,}" for size in sizes))
    for mix in [asked.mix] if asked.mix else MIXES:
        found[mix] = costs(mix, sizes)
        print(f"{mix:<22}" + "".join(f"{one:>9.0f}" for one in found[mix]), flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
