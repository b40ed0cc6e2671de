"""Storing in memory: sealed batches, read back after an unknown outcome, a failing warehouse."""

from __future__ import annotations

import random

from schemas import topics
from streams.stage import TopicPartition
from tests.simulation.log import Log, Record

GROUP = "storing"
OUTCOME_TOPICS = [topic.name for topic in topics.OUTCOMES]


class UnavailableError(Exception):
    """What was sent may be stored, in part or not at all."""


class Warehouse:
    """Rows by place in the log, as often as they were inserted."""

    def __init__(self) -> None:
        self.rows: dict[TopicPartition, dict[int, bytes]] = {}
        self.copies = 0  # rows that were stored a second time
        self.fails_next = False

    def insert(self, tp: TopicPartition, batch: list[Record], chance: random.Random | None) -> None:
        fails, self.fails_next = self.fails_next, False
        stored = self.rows.setdefault(tp, {})
        if fails and chance is not None:
            batch = chance.sample(batch, chance.randint(0, len(batch)))
        for record in batch:
            self.copies += record.offset in stored
            stored[record.offset] = record.value or b""
        if fails:
            raise UnavailableError

    def present(self, tp: TopicPartition) -> set[int]:
        return set(self.rows.get(tp, ()))


class Storing:
    """Copies outcome topics into the warehouse; each place in the log once."""

    def __init__(self, log: Log, warehouse: Warehouse, partitions: int) -> None:
        self._log = log
        self._warehouse = warehouse
        self._tps = [(topic, p) for topic in OUTCOME_TOPICS for p in range(partitions)]
        self._log.positions.setdefault(GROUP, {})
        self._sealed: tuple[TopicPartition, list[Record], int] | None = None
        self._unsure: set[TopicPartition] = set()
        self._is_down = False

    def step(self, chance: random.Random) -> None:
        """One batch of one partition, if the warehouse answers."""
        if self._is_down:
            self._is_down = chance.random() < 0.9
            return
        if self._sealed is None:
            self._seal(chance.choice(self._tps), chance.choice((1, 5, 50)))
        if self._sealed is None:
            return
        try:
            self._insert(chance)
        except UnavailableError:
            self._unsure.add(self._sealed[0])
            return
        if chance.random() < 0.9:  # Otherwise the offset is committed at the next step.
            self._commit()

    def fault(self, chance: random.Random) -> None:
        kind = chance.randrange(3)
        if kind == 0:
            self._is_down = True
        elif kind == 1:
            self._warehouse.fails_next = True
        else:
            self._crash()

    def recover(self) -> None:
        self._is_down = self._warehouse.fails_next = False
        self._crash()

    def drain(self) -> bool:
        """Store all there is; whether there was anything."""
        moved = False
        for tp in self._tps:
            if self._sealed is None:
                self._seal(tp, self._log.end(tp))
            while self._sealed is not None:
                self._insert(None)
                self._commit()
                self._seal(tp, self._log.end(tp))
                moved = True
        return moved

    def _crash(self) -> None:
        """Memory is gone: nobody knows which inserts succeeded."""
        self._sealed = None
        self._unsure = set(self._tps)

    def _seal(self, tp: TopicPartition, count: int) -> None:
        """A batch never changes once it is sealed, however often it is sent."""
        start = self._log.positions[GROUP].get(tp, 0)
        records, end = self._log.read(tp, start, count)
        self._sealed = (tp, records, end) if end > start else None

    def _insert(self, chance: random.Random | None) -> None:
        assert self._sealed is not None, "seal first"
        tp, records, _ = self._sealed
        if tp in self._unsure:
            present = self._warehouse.present(tp)
            records = [record for record in records if record.offset not in present]
        self._warehouse.insert(tp, records, chance)
        self._unsure.add(tp)  # Until the offset is committed, this insert may come again.

    def _commit(self) -> None:
        assert self._sealed is not None, "seal first"
        tp, _, end = self._sealed
        self._log.positions[GROUP][tp] = end
        self._sealed = None
        # After a crash more may be stored than this batch, which need not be the one of then.
        if end > max(self._warehouse.present(tp), default=0):
            self._unsure.discard(tp)
