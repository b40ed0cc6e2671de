"""What waits for a lane's next decision: poll batches of all its partitions, in arrival order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from streams.core_settings import BatchBounds
from streams.stage import LogRecord, TopicPartition


class LaneQueue:
    """Drops records the lane has already seen: after a rebalance Faust reads some again."""

    def __init__(self, bounds: BatchBounds) -> None:
        self._bounds = bounds
        self._polled: deque[tuple[TopicPartition, Sequence[LogRecord], int]] = deque()
        self._records = 0
        self._octets = 0
        self._offered: dict[TopicPartition, int] = {}
        self._taken: dict[TopicPartition, int] = {}
        self._arrival = asyncio.Event()
        self._ripe = asyncio.Event()

    def settle(self, positions: Mapping[TopicPartition, int]) -> None:
        """Records below these offsets are already decided; some may be waiting by now."""
        self._taken = dict(positions)
        waiting = list(self._polled)
        self.rewind()
        for tp, records, _ in waiting:
            self.put(tp, records)

    def rewind(self) -> None:
        """Forget what waits; it will be read again."""
        self._polled.clear()
        self._records = self._octets = 0
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
        self._polled.append((tp, records, octets))
        self._records += len(records)
        self._octets += octets
        self._arrival.set()
        if self._records >= self._bounds.records_max or self._octets >= self._bounds.bytes_max:
            self._ripe.set()

    @property
    def full(self) -> bool:
        bounds = self._bounds
        return (
            self._records >= bounds.queued_records_max or self._octets >= bounds.queued_bytes_max
        )

    @property
    def drained(self) -> bool:
        """Empty enough to read on after having been full."""
        bounds = self._bounds
        return (
            self._records * 2 <= bounds.queued_records_max
            and self._octets * 2 <= bounds.queued_bytes_max
        )

    async def wait(self) -> None:
        """Wait for a record."""
        await self._arrival.wait()

    async def fill(self, seconds: float) -> None:
        """Wait until a whole batch is there, or until the time is over."""
        if seconds <= 0 or self._ripe.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._ripe.wait()
        except TimeoutError:
            return

    def take(self) -> list[LogRecord]:
        """The records of the next decision: whole poll batches up to the bounds, at least one."""
        taken: list[LogRecord] = []
        octets = 0
        while self._polled and self._has_room(len(taken), octets):
            tp, records, size = self._polled.popleft()
            room = self._bounds.records_max - len(taken)
            if len(records) > room:
                rest = records[room:]
                records = records[:room]
                rest_size = size * len(rest) // (len(rest) + len(records))
                self._polled.appendleft((tp, rest, rest_size))
                size -= rest_size
            taken.extend(records)
            octets += size
            self._taken[tp] = records[-1].offset + 1
        self._records -= len(taken)
        self._octets -= octets
        if not self._polled:
            self._arrival.clear()
        if self._records < self._bounds.records_max and self._octets < self._bounds.bytes_max:
            self._ripe.clear()
        return taken

    def _has_room(self, records: int, octets: int) -> bool:
        return records < self._bounds.records_max and octets < self._bounds.bytes_max
