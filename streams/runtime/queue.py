"""The records that are queued for a lane's next decision, ordered by log time across partitions.

A lane with several input partitions decides on their records up to a common log time. Otherwise a
worker that is behind would read small topics to their end long before large ones, and decide
installs before it has seen the touchpoints that led to them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.runtime.faust.read_chain import Report, nobody_counts, tell, undelivered
from streams.runtime.partition_queue import PartitionQueue
from streams.settings.core import BatchBounds
from streams.stages.contract import CLOCK_KEY, LogRecord, TopicPartition

ALL_TIMES = 1 << 63
"""Later than any log time."""
RIPE_SHARE = 8
"""A lane that has this part of a batch does not wait for its turn."""


class Flow(Protocol):
    """Backpressure towards the consumer. Calls return at once and act on the next poll."""

    def hold(self, tps: Sequence[TopicPartition]) -> None:
        """Stop reading these partitions; what was fetched already may still arrive."""

    def release(self, tps: Sequence[TopicPartition]) -> None:
        """Read these partitions again. Partitions that are not held are ignored."""

    def has_more(self, tp: TopicPartition, offset: int) -> bool:
        """Whether the log is known to have records from this offset on."""

    def read_at(self, tp: TopicPartition, offset: int) -> float:
        """A monotonic moment at which the log had nothing from this offset on, the latest that is
        known; -inf: none is."""

    def fetched_at(self, tp: TopicPartition) -> float:
        """The monotonic moment of the last question for records that is answered; -inf: none."""


class ReadTick(NamedTuple):
    """A clock tick that is not in the log: what one would say is known without it.

    It lies on the last record that was queued before it, so it moves no position.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = CLOCK_KEY
    value: bytes | None = None


class LaneQueue:
    """Queues poll batches by partition; ignores records that the lane has seen already.

    Faust reads some records again after a rebalance, so offsets decide what is new. Everything
    runs on one event loop.
    """

    def __init__(
        self,
        bounds: BatchBounds,
        partitions: Sequence[TopicPartition] = (),
        report: Report = nobody_counts,
    ) -> None:
        """Records of the same log time are taken in the order of `partitions`."""
        self._report = report
        self._is_settled = False
        self._torn: Exception | None = None
        self._bounds = bounds
        self._order = {tp: number for number, tp in enumerate(partitions)}
        self._queues: dict[TopicPartition, PartitionQueue] = {}
        self._offered: dict[TopicPartition, int] = {}
        self._taken: dict[TopicPartition, int] = {}
        self._arrival = asyncio.Event()
        self._turn: asyncio.Future[None] | None = None
        self._news = asyncio.Event()

    def settle(self, positions: Mapping[TopicPartition, int]) -> None:
        """Set the next offset to decide, per partition; queued records below it are dropped."""
        self._taken = dict(positions)
        self._is_settled = True
        queues = self._queues
        self.rewind()
        for tp, queue in queues.items():
            for batch in queue.batches:
                self.put(tp, batch.records)

    def rewind(self) -> None:
        """Drop everything that is queued; Faust reads it again."""
        self._queues, self._torn = {}, None
        self._offered = dict(self._taken)
        self._arrival.clear()

    def put(self, tp: TopicPartition, records: Sequence[LogRecord]) -> None:
        """Queue a poll batch: at least one record, in offset order. Where records before it were
        read and did not come here, nothing is taken any more."""
        expected = self._offered.get(tp, 0)
        if self._is_settled and (missing := undelivered(records, expected)):
            self._tear(tp, expected, missing)
            return
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
            if not records:
                return
        self._offered[tp] = records[-1].offset + 1
        octets = sum(len(record.value or b"") for record in records)
        self._queues.setdefault(tp, PartitionQueue()).put(records, octets)
        self._arrival.set()
        self._news.set()
        if self._is_ripe():
            self._take_turn()

    def _tear(self, tp: TopicPartition, expected: int, missing: int) -> None:
        if self._torn is None:
            self._report(missing)
            self._torn = tell(tp, expected, missing)
        self._arrival.set()
        self._news.set()
        self._take_turn()

    def _take_turn(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    def put_tick(self, tp: TopicPartition, log_time: int) -> None:
        """Queue a clock tick of a partition that has nothing between what was queued and this log
        time."""
        tick = ReadTick(*tp, self.next_offset(tp) - 1, log_time)
        self._queues.setdefault(tp, PartitionQueue()).put([tick], 0)
        self._arrival.set()
        self._news.set()

    def full(self, tp: TopicPartition) -> bool:
        """Whether so much of this partition is queued that it should be held."""
        queue, bounds = self._queues.get(tp), self._bounds
        return queue is not None and (
            queue.records >= bounds.queued_records_max or queue.octets >= bounds.queued_bytes_max
        )

    def drained(self, tp: TopicPartition) -> bool:
        """Whether a partition that was held may be read again: half of its bounds are free."""
        queue, bounds = self._queues.get(tp), self._bounds
        return queue is None or (
            queue.records * 2 <= bounds.queued_records_max
            and queue.octets * 2 <= bounds.queued_bytes_max
        )

    def lacks(self, tp: TopicPartition) -> bool:
        """Whether nothing of this partition is queued."""
        return tp not in self._queues

    def next_offset(self, tp: TopicPartition) -> int:
        """The offset after the last one that was queued or decided."""
        return self._offered.get(tp, 0)

    def decided(self, tp: TopicPartition) -> int:
        """The offset after the last one that was taken to be decided."""
        return self._taken.get(tp, 0)

    @property
    def first_event_time(self) -> int:
        """Log time of the earliest record that is queued and no clock tick; 0: there is none."""
        found = (queue.first_event_time() for queue in self._queues.values())
        return min(filter(None, found), default=0)

    async def wait(self) -> None:
        """Wait until at least one record is queued."""
        await self._arrival.wait()

    async def fill(self, turn: asyncio.Future[None]) -> None:
        """Wait until enough is queued that it pays to decide at once, or until `turn` is done."""
        if self._is_ripe() and not turn.done():
            turn.set_result(None)
        self._turn = turn
        await turn

    async def hear(self, seconds: float) -> None:
        """Wait until another poll batch arrives, at most `seconds`."""
        self._news.clear()
        await _within(self._news, seconds)

    def take(self, *, is_end: bool = False, until: int = ALL_TIMES) -> list[LogRecord]:
        """Remove and return the records of the next decision: at least one if any is queued that is
        no later than log time `until`.

        `is_end`: no partition is known to have more, so none needs to be waited for.
        UndeliveredError where records are missing: the lane has to be opened again.
        """
        if self._torn is not None:
            raise self._torn
        taken: list[LogRecord] = []
        most = self._most()
        queued = sum(queue.records for queue in self._queues.values())
        time = min(until, ALL_TIMES if is_end and queued <= most else self._cut())
        for tp in sorted(self._queues, key=lambda tp: self._order.get(tp, 0)):
            queue = self._queues[tp]
            is_alone = len(self._queues) == 1
            count = min(queue.count_until(until), most) if is_alone else queue.count_until(time)
            if count:
                taken.extend(queue.take(count))
                self._taken[tp] = taken[-1].offset + 1
        self._queues = {tp: queue for tp, queue in self._queues.items() if queue.records}
        if not self._queues:
            self._arrival.clear()
        return taken

    def _cut(self) -> int:
        """The latest log time that every partition has reached and that still fits one batch."""
        queues = self._queues.values()
        if len(queues) < 2:
            return 0
        low = min(queue.first_time for queue in queues)
        high = max(low, min(queue.last_time for queue in queues))
        most = self._most()
        while low < high:
            middle = (low + high + 1) // 2
            if sum(queue.count_until(middle) for queue in queues) <= most:
                low = middle
            else:
                high = middle - 1
        return low

    def _most(self) -> int:
        """How many records keep both bounds of a batch, at the mean size of the queued ones."""
        records = sum(queue.records for queue in self._queues.values())
        octets = sum(queue.octets for queue in self._queues.values())
        by_bytes = self._bounds.bytes_max * records // octets if octets else records
        return max(1, min(self._bounds.records_max, by_bytes))

    def _is_ripe(self) -> bool:
        records = sum(queue.records for queue in self._queues.values())
        octets = sum(queue.octets for queue in self._queues.values())
        bounds = self._bounds
        return records * RIPE_SHARE >= bounds.records_max or octets * RIPE_SHARE >= bounds.bytes_max


async def _within(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
