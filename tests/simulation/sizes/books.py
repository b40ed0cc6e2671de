"""Double entry over source offsets: what was sent, and what the ledger says became of it.

Only what is open is remembered, so that a run of millions takes no more memory than a short one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from schemas.outcomes import LedgerRow
from streams.replay.memory_log import MemoryRecord
from streams.stages.contract import TopicPartition


class Books:
    """What became of every source offset, by the ledger."""

    def __init__(self) -> None:
        self._open: defaultdict[TopicPartition, set[int]] = defaultdict(set)
        self._ends: defaultdict[TopicPartition, int] = defaultdict(int)
        self.found: Counter[str] = Counter()
        self.sent = 0
        self.octets = 0

    def sending(self, records: Iterable[MemoryRecord]) -> Iterator[MemoryRecord]:
        """The same records, each entered as sent when it passes. Offsets of a partition count up
        from 0."""
        for record in records:
            place = record.topic, record.partition
            assert record.offset == self._ends[place], f"{place}: offset {record.offset}"
            self.send(place, record.offset, len(record.value or b""))
            yield record

    def send(self, place: TopicPartition, offset: int, octets: int) -> None:
        """Enter one event as sent; those of a partition come in order of their offsets."""
        self._ends[place] = offset + 1
        self._open[place].add(offset)
        self.sent += 1
        self.octets += octets

    def enter(self, row: LedgerRow) -> None:
        """Settle the offsets of a row; a later row of the same offset only changes its fate."""
        place = row.source_topic, row.source_partition
        end, still_open = self._ends[place], self._open[place]
        for offset in row.offsets:
            assert 0 <= offset < end, f"{place}, offset {offset} was never sent"
            still_open.discard(offset)
        self.found[row.disposition] += len(row.offsets)

    def places(self, count: int = 5) -> dict[TopicPartition, list[int]]:
        """The first offsets of each partition that are settled nowhere so far."""
        return {tp: sorted(left)[:count] for tp, left in self._open.items() if left}

    @property
    def missing(self) -> int:
        """Offsets that are settled nowhere so far."""
        return sum(map(len, self._open.values()))
