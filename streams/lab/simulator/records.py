"""The simulated log as records in memory, as a consumer of all source topics reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from schemas import topics
from streams.lab.simulator import Scenario, simulate_traffic
from streams.replay.engine import SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.contract import TopicPartition


def simulated_records(scenario: Scenario) -> Iterator[MemoryRecord]:
    """Every record in log order, with its offset."""
    ends: dict[TopicPartition, int] = defaultdict(int)
    for topic, partition, timestamp_ms, key, value in simulate_traffic(scenario):
        offset = ends[topic, partition]
        ends[topic, partition] = offset + 1
        yield MemoryRecord(topic, partition, offset, timestamp_ms, key, value)


def simulated_order(scenario: Scenario) -> SourceOrder:
    """What a first pass over the simulated log would find."""
    sources = (topic.name for topic in topics.SOURCES)
    return SourceOrder(partitions=set(product(sources, range(scenario.partitions))))
