"""What waits for a lane's next decision, in the order of log time across its partitions.

A lane of several partitions is given their records up to a common moment. Otherwise a worker that
is behind would read small topics to their end long before large ones, and decide installs before
it has seen the touchpoints that led to them.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from streams.settings.core import BatchBounds
from streams.stages.contract import LogRecord, TopicPartition


@dataclass(slots=True)
class _Polled:
    """A poll batch. `times` never fall, whatever the records' own timestamps do."""

    records: Sequence[LogRecord]
    times: list[int]
    octets: int

    def cut(self, count: int) -> _Polled:
        """The first `count` records; they are gone from here afterwards."""
        octets = self.octets * count // len(self.records)
        head = _Polled(self.records[:count], self.times[:count], octets)
        self.records, self.times = self.records[count:], self.times[count:]
        self.octets -= octets
        return head


class _Waiting:
    """What waits of one partition, in offset order."""

    def __init__(self) -> None:
        self.batches: deque[_Polled] = deque()
        self.records = 0
        self.octets = 0
        self._latest = 0

    def put(self, records: Sequence[LogRecord], octets: int) -> None:
        times = list(accumulate((record.timestamp for record in records), max,
                                initial=self._latest))[1:]  # fmt: skip
        self._latest = times[-1]
        self.batches.append(_Polled(records, times, octets))
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

    @property
    def last_time(self) -> int:
        return self.batches[-1].times[-1]


class LaneQueue:
    """Drops records the lane has already seen: after a rebalance Faust reads some again."""

    def __init__(self, bounds: BatchBounds, partitions: Sequence[TopicPartition] = ()) -> None:
        """At the same moment, records of earlier `partitions` come first."""
        self._bounds = bounds
        self._order = {tp: number for number, tp in enumerate(partitions)}
        self._waiting: dict[TopicPartition, _Waiting] = {}
        self._offered: dict[TopicPartition, int] = {}
        self._taken: dict[TopicPartition, int] = {}
        self._arrival = asyncio.Event()
        self._ripe = asyncio.Event()
        self._news = asyncio.Event()

    def settle(self, positions: Mapping[TopicPartition, int]) -> None:
        """Records below these offsets are already decided; some may be waiting by now."""
        self._taken = dict(positions)
        waiting = self._waiting
        self.rewind()
        for tp, one in waiting.items():
            for batch in one.batches:
                self.put(tp, batch.records)

    def rewind(self) -> None:
        """Forget what waits; it will be read again."""
        self._waiting = {}
        self._offered = dict(self._taken)
        self._arrival.clear()
        self._ripe.clear()

    def put(self, tp: TopicPartition, records: Sequence[LogRecord]) -> None:
        expected = self._offered.get(tp, 0)
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
            if not records:
                return
        self._offered[tp] = records[-1].offset + 1
        octets = sum(len(record.value or b"") for record in records)
        self._waiting.setdefault(tp, _Waiting()).put(records, octets)
        self._arrival.set()
        self._news.set()
        if self._is_ripe():
            self._ripe.set()

    def full(self, tp: TopicPartition) -> bool:
        """So much waits of this partition that no more should be read."""
        one, bounds = self._waiting.get(tp), self._bounds
        return one is not None and (
            one.records >= bounds.queued_records_max or one.octets >= bounds.queued_bytes_max
        )

    def drained(self, tp: TopicPartition) -> bool:
        """Empty enough to read on after having been full."""
        one, bounds = self._waiting.get(tp), self._bounds
        return one is None or (
            one.records * 2 <= bounds.queued_records_max
            and one.octets * 2 <= bounds.queued_bytes_max
        )

    def lacks(self, tp: TopicPartition) -> bool:
        """Whether nothing of this partition waits."""
        return tp not in self._waiting

    def next_offset(self, tp: TopicPartition) -> int:
        """Where reading goes on."""
        return self._offered.get(tp, 0)

    async def wait(self) -> None:
        """Wait until anything is there."""
        await self._arrival.wait()

    async def fill(self, seconds: float) -> None:
        """Wait until a whole batch is there, or until the time is over."""
        await _within(self._ripe, seconds)

    async def hear(self, seconds: float) -> None:
        """Wait until something more arrives, or until the time is over."""
        self._news.clear()
        await _within(self._news, seconds)

    def take(self) -> list[LogRecord]:
        """The records of the next decision, at least one if any waits."""
        taken: list[LogRecord] = []
        time = self._cut()
        most = self._most()
        for tp in sorted(self._waiting, key=lambda tp: self._order.get(tp, 0)):
            one = self._waiting[tp]
            is_alone = len(self._waiting) == 1
            count = min(one.records, most) if is_alone else one.count_until(time)
            if count:
                taken.extend(one.take(count))
                self._taken[tp] = taken[-1].offset + 1
        self._waiting = {tp: one for tp, one in self._waiting.items() if one.records}
        if not self._waiting:
            self._arrival.clear()
        if not self._is_ripe():
            self._ripe.clear()
        return taken

    def _cut(self) -> int:
        """The latest moment up to which all partitions are here and make no more than a batch."""
        waiting = self._waiting.values()
        if len(waiting) < 2:
            return 0
        low = min(one.first_time for one in waiting)
        high = max(low, min(one.last_time for one in waiting))
        most = self._most()
        while low < high:
            middle = (low + high + 1) // 2
            if sum(one.count_until(middle) for one in waiting) <= most:
                low = middle
            else:
                high = middle - 1
        return low

    def _most(self) -> int:
        """Records that keep both bounds of a batch, at the size of those that wait."""
        records = sum(one.records for one in self._waiting.values())
        octets = sum(one.octets for one in self._waiting.values())
        by_bytes = self._bounds.bytes_max * records // octets if octets else records
        return max(1, min(self._bounds.records_max, by_bytes))

    def _is_ripe(self) -> bool:
        records = sum(one.records for one in self._waiting.values())
        octets = sum(one.octets for one in self._waiting.values())
        return records >= self._bounds.records_max or octets >= self._bounds.bytes_max


async def _within(event: asyncio.Event, seconds: float) -> None:
    if seconds <= 0 or event.is_set():
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
