"""Outcome messages of one table that wait to be inserted, and the batches cut from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.stages.contract import LogRecord


@dataclass(frozen=True, slots=True)
class Polled:
    """Messages of one partition, in offset order, as one poll brought them."""

    partition: int
    offsets: list[int]
    values: list[bytes | None]
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """Goes into the store whole, and is tried again as it is. Never changes."""

    polled: tuple[Polled, ...]
    rows: int

    def next_offsets(self) -> dict[int, int]:
        """Partition -> where to go on once this is stored."""
        return {one.partition: one.offsets[-1] + 1 for one in self.polled}

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first and last offset."""
        for one in self.polled:
            yield one.partition, one.offsets[0], one.offsets[-1]


class TableBuffer:
    """What one table waits for. Polls of a partition come in offset order."""

    def __init__(self) -> None:
        self._polled: list[Polled] = []
        self.rows = 0
        self.size = 0
        self.since: float | None = None  # when the oldest row came in; None: there is none

    def put(self, partition: int, records: Sequence[LogRecord], now: float) -> None:
        values = [record.value for record in records]
        size = sum(len(value) for value in values if value is not None)
        offsets = [record.offset for record in records]
        self._polled.append(Polled(partition, offsets, values, size))
        self.rows += len(offsets)
        self.size += size
        if self.since is None:
            self.since = now

    def seal(self, rows_max: int, bytes_max: int, now: float) -> SealedBatch:
        """Cut whole polls off the front: one at least, no further one beyond the limits."""
        count = rows = size = 0
        for one in self._polled:
            if count and (rows + len(one.offsets) > rows_max or size + one.size > bytes_max):
                break
            count += 1
            rows += len(one.offsets)
            size += one.size
        sealed = SealedBatch(tuple(self._polled[:count]), rows)
        del self._polled[:count]
        self.rows -= rows
        self.size -= size
        # The rest came in later, at an unknown moment: at the latest now.
        self.since = now if self._polled else None
        return sealed

    def clear(self) -> None:
        """Forget everything: it will be read from Kafka again."""
        self._polled.clear()
        self.rows = self.size = 0
        self.since = None
