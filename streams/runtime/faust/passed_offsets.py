"""Where the last records of partitions are followed by offsets that are no records.

A producer that writes transactions leaves markers in a log, and what it aborts takes offsets, too.
The end of such a log lies behind its last record, so by the end alone it would never be read up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import ConsumerRecord
from faust.types import TP

PASSED_LOOK_SECONDS = 0.1
"""Positions are asked for at most so often: logs between stages end with a marker all the time."""


class PassedOffsets:
    """Compares what was polled with positions, which move over what is no record."""

    def __init__(self) -> None:
        self._after: dict[TP, int] = {}
        self._position: dict[TP, int] = {}
        self._unsure: set[TP] = set()
        self._looked_at = float("-inf")

    def beyond(self, tp: TP, offset: int) -> int:
        """The next offset that may be a record, for a reader that has all records before `offset`.

        Notes that somebody asks.
        """
        if offset < self._after.get(tp, 0):
            return offset  # Polled records are still on their way to this reader.
        self._unsure.add(tp)
        return max(offset, self._position.get(tp, 0))

    def note(self, polled: Mapping[TP, Sequence[ConsumerRecord]]) -> None:
        """Note what a poll has brought."""
        brought = {tp: records[-1].offset + 1 for tp, records in polled.items() if records}
        for tp, after in brought.items():
            # A rebalance has records read again: those after them have been polled, too.
            self._after[tp] = max(self._after.get(tp, 0), after)
        self._unsure.difference_update(brought)

    def unsure(self, now: float) -> list[TP]:
        """Partitions whose position is to be looked up: the latest poll brought nothing of them."""
        if not self._unsure or now - self._looked_at < PASSED_LOOK_SECONDS:
            return []
        self._looked_at = now
        unsure, self._unsure = self._unsure, set()
        return list(unsure)

    def read_up_to(self, positions: Mapping[TP, int]) -> None:
        """Positions after a poll that brought nothing of these partitions."""
        self._position.update(positions)
