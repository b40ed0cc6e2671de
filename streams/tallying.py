"""What a replay decided, kept in memory and nowhere else: who has the credit, and for how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import msgspec

from schemas import topics
from schemas.outcomes import Attribution
from streams.memory_log import MemoryRecord
from streams.observers import StageMetrics
from streams.replay import Replay, SourceOrder
from streams.simulator import Scenario, simulate
from streams.stage import TopicPartition
from streams.stages.factory import StageRules

UNDECIDED = "undecided"
"""Source of money whose install has no decision yet."""

BATCH = 4_000
"""Records decided at once; the result does not depend on it."""


class Paid(msgspec.Struct, frozen=True, gc=False):
    """Signed money of one install."""

    install_id: str
    event_time: int
    currency: str
    amount_micros: int


@dataclass(slots=True)
class Tally:
    """The current decision of every conversion, and the money of every install."""

    conversions: dict[str, Attribution] = field(default_factory=dict)
    money: dict[str, list[Paid]] = field(default_factory=lambda: defaultdict(list))
    versions: int = 0
    evictions: int = 0  # of any bound; with some, decisions may hang on the order of arrival

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        if topic == topics.ATTRIBUTIONS.name:
            for record in records:
                self._decide(_attributions.decode(record.value or b""))
        elif topic == topics.REVENUE.name:
            for record in records:
                paid = _paid.decode(record.value or b"")
                self.money[paid.install_id].append(paid)

    def _decide(self, row: Attribution) -> None:
        self.versions += 1
        known = self.conversions.get(row.conversion_id)
        if known is None or known.version < row.version:
            self.conversions[row.conversion_id] = row


class _Evictions(StageMetrics):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def on_evicted(self, bound: str, count: int) -> None:
        super().on_evicted(bound, count)
        self._tally.evictions += count


def tally(records: Iterable[MemoryRecord], order: SourceOrder, rules: StageRules) -> Tally:
    """Replay the records under these rules; nothing is stored."""
    found = Tally()
    Replay(rules, found.take, _Evictions(found)).run(records, order, BATCH)
    return found


def simulated_records(scenario: Scenario) -> Iterator[MemoryRecord]:
    """The simulated log as a consumer would read it."""
    ends: dict[TopicPartition, int] = defaultdict(int)
    for topic, partition, timestamp_ms, key, value in simulate(scenario):
        offset = ends[topic, partition]
        ends[topic, partition] = offset + 1
        yield MemoryRecord(topic, partition, offset, timestamp_ms, key, value)


def simulated_order(scenario: Scenario) -> SourceOrder:
    """What a first pass over the simulated log would tell."""
    sources = (topic.name for topic in topics.SOURCES)
    return SourceOrder(partitions=set(product(sources, range(scenario.partitions))))


_attributions = msgspec.json.Decoder(Attribution)
_paid = msgspec.json.Decoder(Paid)
