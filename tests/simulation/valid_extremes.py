"""Valid events at every edge, in any number: nothing stops, every one is accounted for.

`python -m tests.simulation.valid_extremes --inputs 20000 [--seed 1]` replays them, holds every
message and state value against a broker's limits, and every row against its table.
With `--kafka`, beside `python -m deploy.local.servers run`, it publishes them to a real broker, and
a real worker takes them. Events are drawn while they are taken, so two million need no more memory
than a few thousand. Progress goes to standard error, the verdict to standard output, as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from schemas import topics
from schemas.outcomes import LedgerRow
from schemas.time import EventMs
from streams.replay.engine import SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from streams.store.columns import OutcomeDecoder
from streams.store.tables import TABLE_OF_TOPIC
from tests.simulation.sizes.books import Books
from tests.simulation.sizes.measured_replay import MeasuredReplay, SizeWatch
from tests.simulation.sizes.on_kafka import worked
from tests.simulation.sizes.valid_events import Draw
from tests.worlds.clock import NOON

_ledger = msgspec.json.Decoder(LedgerRow)
BATCH = 500
"""Records that a stage decides on at once: what is in memory beside the state."""
STEP_MS = 4_000
"""Log time between two events of a long run: an hour, which a replay reads at once, has 900."""
NEVER_OF_VALID = ("dead_lettered", "quarantined")
"""Fates that no valid event may have."""


class Evictions(StageObserver):
    """Counts by bound what was evicted."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def on_evicted(self, bound: str, count: int) -> None:
        self.found[bound] += count


def replayed(
    records: Iterator[MemoryRecord], books: Books, progress: Callable[[Books], None] | None = None
) -> tuple[SizeWatch, Evictions]:
    """Replay records in order of log time; every row is decoded as storing does it."""
    watch, evictions = SizeWatch(), Evictions()
    decoders = {topic: OutcomeDecoder(table) for topic, table in TABLE_OF_TOPIC.items()}

    def keep(topic: str, rows: Sequence[MemoryRecord]) -> None:
        decoders[topic].decode([row.value for row in rows], 0, [row.offset for row in rows])
        if topic == topics.LEDGER.name:
            for row in rows:
                books.enter(_ledger.decode(row.value or b""))
            if progress is not None:
                progress(books)

    rules = StageRules(IntakeRules(b"s", EventMs(0), 1.0, 10**9))
    order = SourceOrder(records=1)  # There are some, and they are in order.
    MeasuredReplay(rules, keep, watch, evictions).run(books.sending(records), order, BATCH)
    return watch, evictions


class Progress:
    """Says now and then on standard error how far a run is."""

    def __init__(self, inputs: int, every_seconds: float = 20.0) -> None:
        self._inputs, self._every = inputs, every_seconds
        self._began = self._told = time.monotonic()

    def __call__(self, books: Books) -> None:
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            print(
                f"{books.sent:,} of {self._inputs:,} events, {books.missing:,} open, "
                f"{now - self._began:.0f} s, {peak_mib()} MiB",
                file=sys.stderr,
                flush=True,
            )


def peak_mib() -> int:
    """The most memory that this program has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024


def verdict(inputs: int, seed: int, long_share: float, *, on_kafka: bool) -> dict[str, Any]:
    """Run as asked; `"holds"` is whether every promise is kept."""
    began, books, progress = time.monotonic(), Books(), Progress(inputs)
    first = int(time.time() * 1_000) - inputs * STEP_MS if on_kafka else NOON
    records = Draw(seed, long_share).records(inputs, first, STEP_MS)
    figures: dict[str, Any] = {}
    refused: dict[str, int] = {}
    if on_kafka:
        figures["worker_peak_mib"] = worked(records, books, progress)
    else:
        watch, evictions = replayed(records, books, progress)
        refused = watch.refused()
        largest = sorted(watch.largest.items(), key=lambda one: -one[1])[:5]
        figures |= {"largest": dict(largest), "evicted": dict(evictions.found)}
        figures["peak_mib"] = peak_mib()
    amiss = sum(books.found[fate] for fate in NEVER_OF_VALID)
    return {
        "inputs": books.sent,
        "bytes": books.octets,
        "seconds": round(time.monotonic() - began, 1),
        "fates": dict(books.found),
        "settled_nowhere": books.missing,
        "too_large_for_the_broker": refused,
        **figures,
        "holds": books.sent == inputs and not (books.missing or refused or amiss),
    }


def main() -> int:
    """Run as asked, and print the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long-share", type=float, default=0.2, help="of texts at their bound")
    parser.add_argument("--kafka", action="store_true")
    asked = parser.parse_args()
    found = verdict(asked.inputs, asked.seed, asked.long_share, on_kafka=asked.kafka)
    print(json.dumps(found))
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
