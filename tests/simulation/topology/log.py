"""Kafka in memory: partitioned logs, transactions, fencing, and readers of committed records.

As on a broker, a transaction appends to one partition after the other while others append in
between; its records take offsets whether it commits or not; and readers stop before the first
record of a transaction that is still open. A commit is prepared before it shows: from then on
nothing keeps it from showing, but who asks for offsets meanwhile is told the former ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum

from schemas.records import place_in_log
from streams.replay.memory_log import MemoryRecord
from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.offsets import CommittedPosition
from streams.stages.contract import Message, TopicPartition

GROUP = "core"


class FencedError(Exception):
    """Somebody else opened this transactional id since."""


class OutdatedError(Exception):
    """The group is in another generation by now."""


class _Fate(Enum):
    OPEN = "open"
    PREPARED = "prepared"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Transaction:
    """Belongs to the producer that began it, in its epoch."""

    __slots__ = ("epoch", "fate", "positions", "producer", "touched")

    def __init__(self, producer: str, epoch: int) -> None:
        self.producer = producer
        self.epoch = epoch
        self.fate = _Fate.OPEN
        self.touched: set[TopicPartition] = set()
        self.positions: Mapping[TopicPartition, CommittedPosition] = {}


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
        self.positions: dict[str, dict[TopicPartition, int]] = {GROUP: {}}
        self.labels: dict[TopicPartition, PositionLabel] = {}
        """Of the offsets that the core's group has committed."""
        self.generation = 0
        """Of the core's group."""
        self.numbers: dict[str, int] = {}
        """How often a topic was created anew."""
        self._earlier: dict[TopicPartition, list[MemoryRecord]] = {}

    def write(self, tp: TopicPartition, messages: Sequence[Message]) -> None:
        """Append outside of any transaction, as event producers do."""
        self._append(tp, messages, None)

    def open(self, producer: str) -> int:
        """Fence the previous owner and undo what it left unfinished; the new epoch."""
        self._epochs[producer] = self._epochs.get(producer, 0) + 1
        unfinished = self._open.pop(producer, None)
        if unfinished is not None:
            self._settle(unfinished)
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

    def prepare(
        self, transaction: Transaction, positions: Mapping[TopicPartition, CommittedPosition]
    ) -> None:
        """The commit is accepted, and cannot be taken back."""
        self._check(transaction.producer, transaction.epoch)
        transaction.positions = positions
        transaction.fate = _Fate.PREPARED

    def complete(self, transaction: Transaction) -> None:
        """What was prepared shows, unless somebody has seen to it already."""
        if transaction.fate is _Fate.PREPARED:
            del self._open[transaction.producer]
            self._settle(transaction)

    def time_out(self) -> None:
        """Transactions under way have lasted too long: they end, and fence who began them."""
        for producer in list(self._open):
            self.open(producer)

    def labelled(
        self, tps: Collection[TopicPartition], *, must_be_settled: bool
    ) -> dict[TopicPartition, CommittedPosition]:
        """What is committed; on request, once what is under way has ended or timed out."""
        if must_be_settled:
            for producer, transaction in list(self._open.items()):
                if not transaction.positions.keys().isdisjoint(tps):
                    del self._open[producer]
                    self._settle(transaction)
        known, labels = self.positions[GROUP], self.labels
        return {tp: CommittedPosition(known.get(tp, 0), labels[tp]) for tp in tps if tp in labels}

    def claim(self, claims: Mapping[TopicPartition, tuple[int, str]], generation: int) -> None:
        """An ordinary commit of a member of the core's group."""
        if generation != self.generation:
            raise OutdatedError(f"{generation} is not {self.generation}")
        for tp, (offset, metadata) in claims.items():
            label = self.labels[tp] = read_label(metadata)
            if label.is_unread:
                self.positions[GROUP].pop(tp, None)
            else:
                self.positions[GROUP][tp] = offset

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
                if owner.fate is not _Fate.ABORTED:
                    break
            elif record is not None:
                found.append(record)
            at += 1
        return found, at

    def is_read(self, topic: str) -> bool:
        """Whether some group has committed the end of the topic, in every partition."""
        known = self.positions.values()
        return all(
            max((positions.get(tp, 0) for positions in known), default=0) >= self._ends_at(tp)
            for tp in self._partitions
            if tp[0] == topic
        )

    def _ends_at(self, tp: TopicPartition) -> int:
        """After the last record: groups stay in front of the markers behind it."""
        records = self._partitions[tp].records
        return max((at + 1 for at, record in enumerate(records) if record is not None), default=0)

    def recreate(self, topic: str) -> bool:
        """Delete a topic with all that groups have committed for it, and create it anew; whether
        there was anything in it."""
        tps = [tp for tp in self._partitions if tp[0] == topic]
        for tp in tps:
            self._earlier[tp] = self.history(tp)
            del self._partitions[tp]
            self.labels.pop(tp, None)
            for positions in self.positions.values():
                positions.pop(tp, None)
        self.numbers[topic] = self.numbers.get(topic, 0) + 1
        return bool(tps)

    def history(self, tp: TopicPartition) -> list[MemoryRecord]:
        """Committed records of all logs that a topic has had, by place."""
        number = self.numbers.get(tp[0], 0)
        present = self.committed(tp)
        return self._earlier.get(tp, []) + [
            record._replace(offset=place_in_log(number, record.offset)) for record in present
        ]

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

    def _settle(self, transaction: Transaction) -> None:
        if transaction.fate is not _Fate.PREPARED:
            self._end(transaction, _Fate.ABORTED)
            return
        for tp, (offset, label) in transaction.positions.items():
            self.positions[GROUP][tp] = offset
            self.labels[tp] = label
        self._end(transaction, _Fate.COMMITTED)

    def _end(self, transaction: Transaction, fate: _Fate) -> None:
        transaction.fate = fate
        for tp in transaction.touched:
            partition = self._partitions[tp]
            partition.records.append(None)
            partition.owners.append(None)
