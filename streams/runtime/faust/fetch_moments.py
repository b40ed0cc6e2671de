"""When Kafka was last asked for the records of a partition, and has answered since."""

from __future__ import annotations

from aiokafka import TopicPartition

NOT_FETCHED = float("-inf")


class FetchMoments:
    """Monotonic moments, of the partitions that somebody asks about.

    The consumer's thread notes them and the event loop asks: each step is atomic by itself.
    """

    def __init__(self) -> None:
        self._asked_at: dict[TopicPartition, float] = {}

    def of(self, tp: TopicPartition) -> float:
        """When the last fetch began that is answered; NOT_FETCHED: none since the first call."""
        return self._asked_at.setdefault(TopicPartition(*tp), NOT_FETCHED)

    def is_wanted(self, tp: TopicPartition) -> bool:
        return tp in self._asked_at

    def note(self, tp: TopicPartition, asked_at: float) -> None:
        self._asked_at[tp] = asked_at
