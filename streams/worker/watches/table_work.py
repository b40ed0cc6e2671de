"""What the standstill watch looks at in a storing worker: the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from streams.stages.contract import TopicPartition
from streams.store.sink.sink import Sink, TableSink
from streams.worker.watches.standstill import UNREAD_SECONDS


class TableWork:
    """A table with its topic: its rows have to be stored, and its partitions to be read."""

    is_open = True

    def __init__(
        self, topic: str, sink: Sink, fetched_at: Callable[[TopicPartition], float]
    ) -> None:
        self._topic = topic
        self._sink = sink
        self._table: TableSink = sink.tables[topic]
        self._fetched_at = fetched_at
        self.partitions: Sequence[TopicPartition] = ()  # that are assigned

    @property
    def finished(self) -> int:
        return self._table.finished

    def is_due(self, now: float, unled: Set[TopicPartition]) -> bool:
        """Not while the store says why it takes nothing: that is told by the sink."""
        if self._table.outage:
            return False
        if self._table.is_due:
            return True
        if self._table.rows or not self._sink.is_reading(self._topic):
            return False
        readable = (tp for tp in self.partitions if tp not in unled)
        return any(now - self._fetched_at(tp) > UNREAD_SECONDS for tp in readable)


def works_of(sink: Sink, fetched_at: Callable[[TopicPartition], float]) -> Mapping[str, TableWork]:
    """By topic."""
    return {topic: TableWork(topic, sink, fetched_at) for topic in sink.tables}


def assign(works: Mapping[str, TableWork], tps: Iterable[TopicPartition]) -> None:
    """Tell the tables which partitions are theirs to read."""
    for topic, work in works.items():
        work.partitions = [tp for tp in tps if tp[0] == topic]
