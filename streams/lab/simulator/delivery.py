"""Writes simulated traffic and the truth behind it to files, and counts what was delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct, field, json

from streams.kafka.kcat import KcatRecord, write_records
from streams.lab.simulator.scenario import Scenario
from streams.lab.simulator.traffic import SimulatedMessage, simulate_traffic
from streams.lab.simulator.truth import truths
from streams.progress import Progress, ignore_progress
from streams.stages.contract import TopicPartition

PROGRESS_MESSAGES = 5_000
"""Messages between two reports of progress."""

_STEP = "simulating"


class Delivered(Struct):
    """Messages by topic and partition. Whoever reads them has to account for each."""

    events: Counter[TopicPartition] = field(default_factory=Counter)
    ticks: Counter[TopicPartition] = field(default_factory=Counter)

    def simulated(self, scenario: Scenario, advance: Progress) -> Iterator[SimulatedMessage]:
        """The messages of a scenario in log order, counted as they pass."""
        done = 0
        for message in simulate_traffic(scenario):
            partition = (message.topic, message.partition)
            if message.is_tick:
                self.ticks[partition] += 1
            else:
                self.events[partition] += 1
                done += 1
                if done % PROGRESS_MESSAGES == 0:
                    advance(_STEP, done, scenario.events)
            yield message
        advance(_STEP, done, scenario.events)


def write_traffic(
    scenario: Scenario, out: BinaryIO, advance: Progress = ignore_progress
) -> Delivered:
    """Write JSON lines in log order, with the offsets that a new Kafka topic would give."""
    delivered = Delivered()
    write_records(_with_offsets(delivered.simulated(scenario, advance)), out)
    return delivered


def _with_offsets(messages: Iterable[SimulatedMessage]) -> Iterator[KcatRecord]:
    ends: Counter[TopicPartition] = Counter()
    for topic, partition, timestamp_ms, key, value in messages:
        offset = ends[topic, partition]
        ends[topic, partition] = offset + 1
        yield KcatRecord(topic, partition, offset, timestamp_ms, key, value)


def write_truth(scenario: Scenario, out: BinaryIO) -> int:
    """Write one JSON line per install; return how many."""
    count = 0
    for truth in truths(scenario):
        out.write(json.encode(truth) + b"\n")
        count += 1
    return count
