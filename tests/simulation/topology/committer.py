"""Transactions of a producer that lanes of a worker share, or that one lane has to itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.runtime.identity import NO_LABEL, read_label
from streams.runtime.offsets import CommittedPosition
from streams.runtime.transactions.decided import merged, positions_of
from streams.stages.contract import TopicPartition
from tests.simulation.topology.lane import Checkpoint
from tests.simulation.topology.log import FencedError, Log


class Committer:
    """A producer, and the checkpoints that wait for its next transaction."""

    def __init__(self, log: Log, name: str, *, is_named: bool) -> None:
        """Fences whoever had this id before. `is_named`: its labels say who committed."""
        self.name = name
        self._log = log
        self._is_named = is_named
        self._epoch = log.open(name)
        self._waiting: list[Checkpoint] = []
        self._transaction: Iterator[str] = iter(())
        self._is_fenced = False

    def commit(self, checkpoint: Checkpoint) -> None:
        """In the next transaction."""
        self._waiting.append(checkpoint)

    def step(self) -> str:
        """The next effect of the transaction under way, or of the next one; empty: none waits."""
        if self._is_fenced:
            raise FencedError(self.name)
        try:
            effect = next(self._transaction, "")
            if not effect and self._waiting:
                taken, self._waiting = self._waiting, []
                self._transaction = self._transact(taken)
                effect = next(self._transaction)
        except FencedError:
            self._is_fenced = True  # for every lane, also those that were not in the transaction
            raise
        return effect

    def _transact(self, taken: Sequence[Checkpoint]) -> Iterator[str]:
        log = self._log
        transaction = log.begin(self.name, self._epoch)
        ends: dict[TopicPartition, int] = {}
        for tp, messages in merged(taken).items():
            ends[tp] = log.append(transaction, tp, messages)
            yield "appended"
        positions = {
            tp: CommittedPosition(offset, read_label(text) if self._is_named else NO_LABEL)
            for tp, (offset, text) in positions_of(taken, self.name).items()
        }
        log.prepare(transaction, positions)
        yield "prepared"
        log.complete(transaction)
        for checkpoint in taken:
            if checkpoint.changelog in ends:
                checkpoint.changelog_end = ends[checkpoint.changelog]
            checkpoint.is_committed = True
        yield "committed"
