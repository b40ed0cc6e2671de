"""Where simulated traffic goes: a kcat file and a truth file; and how much went there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct, field, json

from streams.lab.simulator.scenario import Scenario
from streams.lab.simulator.traffic import SimulatedMessage, simulate_traffic
from streams.lab.simulator.truth import truths
from streams.replay.kcat import KcatRecord, write_records
from streams.stages.contract import TopicPartition

PROGRESS_MESSAGES = 5_000
"""How often progress is told."""

Progress = Callable[[int], None]


class Delivered(Struct):
    """Messages by topic-partition. A reader has to account for each."""

    events: Counter[TopicPartition] = field(default_factory=Counter)
    ticks: Counter[TopicPartition] = field(default_factory=Counter)

    def counting(
        self, messages: Iterable[SimulatedMessage], progress: Progress
    ) -> Iterator[SimulatedMessage]:
        """The same messages, counted as they pass; `progress` hears the number of events."""
        done = 0
        for message in messages:
            place = (message.topic, message.partition)
            if message.is_tick:
                self.ticks[place] += 1
            else:
                self.events[place] += 1
                done += 1
                if done % PROGRESS_MESSAGES == 0:
                    progress(done)
            yield message
        progress(done)


def silent(done: int) -> None:
    return None


def write_traffic(scenario: Scenario, out: BinaryIO, progress: Progress = silent) -> Delivered:
    """As JSON lines, in log order, with the offsets that a new Kafka topic would give."""
    delivered = Delivered()
    messages = delivered.counting(simulate_traffic(scenario), progress)
    write_records(_with_offsets(messages), out)
    return delivered


def _with_offsets(messages: Iterable[SimulatedMessage]) -> Iterator[KcatRecord]:
    ends: Counter[TopicPartition] = Counter()
    for topic, partition, timestamp_ms, key, value in messages:
        offset = ends[topic, partition]
        ends[topic, partition] = offset + 1
        yield KcatRecord(topic, partition, offset, timestamp_ms, key, value)


def write_truth(scenario: Scenario, out: BinaryIO) -> int:
    """One JSON line per install; how many."""
    count = 0
    for truth in truths(scenario):
        out.write(json.encode(truth) + b"\n")
        count += 1
    return count
