"""The records of one partition that wait to be decided."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from streams.stages.contract import LogRecord, is_tick


@dataclass(slots=True)
class _QueuedBatch:
    """A poll batch. `times` never decrease, whatever the timestamps of the records do."""

    records: Sequence[LogRecord]
    times: list[int]
    octets: int

    def cut(self, count: int) -> _QueuedBatch:
        """Remove the first `count` records and return them."""
        octets = self.octets * count // len(self.records)
        head = _QueuedBatch(self.records[:count], self.times[:count], octets)
        self.records, self.times = self.records[count:], self.times[count:]
        self.octets -= octets
        return head


class PartitionQueue:
    """The queued batches of one partition, in offset order."""

    def __init__(self) -> None:
        self.batches: deque[_QueuedBatch] = deque()
        self.records = 0
        self.octets = 0
        self._latest = 0

    def put(self, records: Sequence[LogRecord], octets: int) -> None:
        times = list(accumulate((record.timestamp for record in records), max,
                                initial=self._latest))[1:]  # fmt: skip
        self._latest = times[-1]
        self.batches.append(_QueuedBatch(records, times, octets))
        self.records += len(records)
        self.octets += octets

    def count_until(self, time: int) -> int:
        return sum(bisect_right(batch.times, time) for batch in self.batches)

    def take(self, count: int) -> list[LogRecord]:
        taken: list[LogRecord] = []
        while len(taken) < count:
            batch = self.batches[0]
            missing = count - len(taken)
            head = batch.cut(missing) if missing < len(batch.records) else self.batches.popleft()
            taken.extend(head.records)
            self.octets -= head.octets
        self.records -= count
        return taken

    @property
    def first_time(self) -> int:
        return self.batches[0].times[0]

    def first_event_time(self) -> int:
        """0: only clock ticks are queued."""
        queued = ((batch.records, batch.times) for batch in self.batches)
        events = (ts for some in queued for one, ts in zip(*some, strict=True) if not is_tick(one))
        return next(events, 0)

    @property
    def last_time(self) -> int:
        return self.batches[-1].times[-1]
