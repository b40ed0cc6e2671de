"""Kafka in memory: partitioned logs, transactions, fencing, and readers of committed records.

As on a broker, a transaction appends to one partition after the other while others append in
between; its records take offsets whether it commits or not; and readers stop before the first
record of a transaction that is still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from streams.replay.memory_log import MemoryRecord
from streams.stages.contract import Message, TopicPartition


class FencedError(Exception):
    """Somebody else opened this transactional id since."""


class _Fate(Enum):
    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Transaction:
    """Belongs to the producer that began it, in its epoch."""

    __slots__ = ("epoch", "fate", "producer", "touched")

    def __init__(self, producer: str, epoch: int) -> None:
        self.producer = producer
        self.epoch = epoch
        self.fate = _Fate.OPEN
        self.touched: set[TopicPartition] = set()


class _Partition:
    __slots__ = ("owners", "records")

    def __init__(self) -> None:
        self.records: list[MemoryRecord | None] = []  # None: the marker that ends a transaction
        self.owners: list[Transaction | None] = []  # None: written without a transaction


class Log:
    """All topics, the offsets groups have committed, and the epochs of producers."""

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}
        self.positions: dict[str, dict[TopicPartition, int]] = {}

    def write(self, tp: TopicPartition, messages: Sequence[Message]) -> None:
        """Append outside of any transaction, as event producers do."""
        self._append(tp, messages, None)

    def open(self, producer: str) -> int:
        """Fence the previous owner and undo what it left unfinished; the new epoch."""
        self._epochs[producer] = self._epochs.get(producer, 0) + 1
        unfinished = self._open.pop(producer, None)
        if unfinished is not None:
            self._end(unfinished, _Fate.ABORTED)
        return self._epochs[producer]

    def begin(self, producer: str, epoch: int) -> Transaction:
        self._check(producer, epoch)
        transaction = self._open[producer] = Transaction(producer, epoch)
        return transaction

    def append(
        self, transaction: Transaction, tp: TopicPartition, messages: Sequence[Message]
    ) -> int:
        """Next offset of the partition."""
        self._check(transaction.producer, transaction.epoch)
        transaction.touched.add(tp)
        return self._append(tp, messages, transaction)

    def commit(
        self, transaction: Transaction, group: str, positions: Mapping[TopicPartition, int]
    ) -> None:
        self._check(transaction.producer, transaction.epoch)
        self.positions.setdefault(group, {}).update(positions)
        self._end(transaction, _Fate.COMMITTED)
        del self._open[transaction.producer]

    def read(self, tp: TopicPartition, start: int, count: int) -> tuple[list[MemoryRecord], int]:
        """Committed records from `start`, at most `count`, and where to read on."""
        partition = self._partitions.get(tp)
        if partition is None:
            return [], start
        found: list[MemoryRecord] = []
        records, owners = partition.records, partition.owners
        at, end = start, len(records)
        while at < end and len(found) < count:
            owner = owners[at]
            record = records[at]
            if owner is not None and owner.fate is not _Fate.COMMITTED:
                if owner.fate is _Fate.OPEN:
                    break
            elif record is not None:
                found.append(record)
            at += 1
        return found, at

    def committed(self, tp: TopicPartition) -> list[MemoryRecord]:
        return self.read(tp, 0, self.end(tp))[0]

    def end(self, tp: TopicPartition) -> int:
        partition = self._partitions.get(tp)
        return len(partition.records) if partition is not None else 0

    def _check(self, producer: str, epoch: int) -> None:
        if self._epochs.get(producer) != epoch:
            raise FencedError(producer)

    def _append(
        self, tp: TopicPartition, messages: Sequence[Message], owner: Transaction | None
    ) -> int:
        partition = self._partitions.get(tp)
        if partition is None:
            partition = self._partitions[tp] = _Partition()
        records, owners = partition.records, partition.owners
        topic, number = tp
        for key, value, timestamp in messages:
            records.append(MemoryRecord(topic, number, len(records), timestamp or 0, key, value))
            owners.append(owner)
        return len(records)

    def _end(self, transaction: Transaction, fate: _Fate) -> None:
        transaction.fate = fate
        for tp in transaction.touched:
            partition = self._partitions[tp]
            partition.records.append(None)
            partition.owners.append(None)
