"""Batches of outcome messages, and the buffer from which they are cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.stages.contract import LogRecord


@dataclass(frozen=True, slots=True)
class Polled:
    """Messages of one partition from one poll, in offset order."""

    partition: int
    offsets: list[int]
    values: list[bytes | None]
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """Messages that are inserted together. It never changes: a retry is the same batch."""

    polled: tuple[Polled, ...]
    rows: int

    def next_offsets(self) -> dict[int, int]:
        """Offset to commit, by partition, once the batch is stored."""
        return {polled.partition: polled.offsets[-1] + 1 for polled in self.polled}

    def values(self) -> dict[tuple[int, int], bytes]:
        """Every message, by partition and offset."""
        return {
            (polled.partition, offset): value or b""
            for polled in self.polled
            for offset, value in zip(polled.offsets, polled.values, strict=True)
        }

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first offset and last offset of each poll."""
        for polled in self.polled:
            yield polled.partition, polled.offsets[0], polled.offsets[-1]


class TableBuffer:
    """Messages of one table that are in no batch yet, in offset order within a partition."""

    def __init__(self) -> None:
        self._polled: list[Polled] = []
        self.rows = 0
        self.size = 0
        self.since: float | None = None  # when the oldest row arrived; None: the buffer is empty

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
        """Cut whole polls off the front: at least one, and more as far as the limits allow."""
        count = rows = size = 0
        for polled in self._polled:
            if count and (rows + len(polled.offsets) > rows_max or size + polled.size > bytes_max):
                break
            count += 1
            rows += len(polled.offsets)
            size += polled.size
        sealed = SealedBatch(tuple(self._polled[:count]), rows)
        del self._polled[:count]
        self.rows -= rows
        self.size -= size
        # The rest arrived later, at an unknown moment, now at the latest.
        self.since = now if self._polled else None
        return sealed

    def clear(self) -> None:
        """Drop everything; it will be read from Kafka again."""
        self._polled.clear()
        self.rows = self.size = 0
        self.since = None
