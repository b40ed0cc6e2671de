"""`python -m deploy.local.servers run python -m tests.faults [WORD…]`: the table of faults.

Without words, every fault; otherwise those whose name has one of them. `--away SECONDS`: how long
Kafka is away in the story of that name.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.faults.broker_faults import kafka_away
from tests.faults.disk_faults import (
    state_disk_full_at_start,
    state_disk_full_while_running,
    store_disk_full,
)
from tests.faults.log_bench import LogBench
from tests.faults.log_faults import LOG_FAULTS, Story
from tests.faults.refusals import missing_rights, wrong_ways_in
from tests.faults.regrown_topics import (
    every_source_topic_recreated,
    every_topic_regrown,
    one_source_topic_grown,
    outcome_topics_recreated,
    source_topic_recreated,
)
from tests.faults.right_ways import right_ways_in
from tests.faults.small_disk import NoSmallDiskError
from tests.faults.twin_faults import twins_with_one_folder, twins_with_two_folders
from tests.faults.two_brokers.leader_faults import (
    journeys_partition_without_leader,
    source_partition_without_leader,
)

AWAY_SECONDS = 30.0
StoryInFolder = Callable[[Path], Awaitable[float]]
"""Gets an empty folder; the seconds until everything is well."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of the names of faults")
    parser.add_argument("--away", type=float, default=AWAY_SECONDS, help="seconds without Kafka")
    chosen = parser.parse_args()
    # A client without its broker reports many times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    failed = 0
    print(f"{'fault':<46} {'well after':>10} {'whole':>8}")
    for name, story in _stories(chosen.away).items():
        if chosen.words and not any(word in name for word in chosen.words):
            continue
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                seconds = asyncio.run(_run_story(story, Path(folder)))
        except NoSmallDiskError as error:
            print(f"{name:<46} skipped: {error}")
        except (AssertionError, TimeoutError) as error:
            failed += 1
            print(f"{name:<46} FAILED: {str(error)[:300]}")
        else:
            print(f"{name:<46} {seconds:>8.1f} s {time.monotonic() - began:>6.1f} s", flush=True)
    return 1 if failed else 0


def _stories(away_seconds: float) -> Mapping[str, StoryInFolder]:
    return {
        "wrong ways into Kafka": wrong_ways_in,
        "missing rights in Kafka": missing_rights,
        "right ways into Kafka": right_ways_in,
        "two workers of one name and one state folder": twins_with_one_folder,
        "two workers of one name": twins_with_two_folders,
        "a source partition without a leader": source_partition_without_leader,
        "a partition of journeys without a leader": journeys_partition_without_leader,
        **{name: functools.partial(_on_bench, story) for name, story in LOG_FAULTS.items()},
        "one source topic created anew": source_topic_recreated,
        "every source topic created anew": every_source_topic_recreated,
        "outcome topics created anew": outcome_topics_recreated,
        "partitions added to every topic, then re-keyed": every_topic_regrown,
        "partitions added to one topic, then re-keyed": one_source_topic_grown,
        "disk of the state full while running": functools.partial(
            _on_bench, state_disk_full_while_running
        ),
        "disk of the state full at the start": state_disk_full_at_start,
        "disk of the embedded store full": store_disk_full,
        f"Kafka away for {away_seconds:.0f} s": functools.partial(
            kafka_away, away_seconds=away_seconds
        ),
    }


async def _run_story(story: StoryInFolder, folder: Path) -> float:
    return await story(folder)


async def _on_bench(story: Story, folder: Path) -> float:
    bench = LogBench(os.environ["HEADWATER_KAFKA"], folder)
    await bench.create_topics()
    try:
        return await story(bench)
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main())
