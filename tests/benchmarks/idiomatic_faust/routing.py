"""Collects what one source event turns into, instead of packing a batch into frames."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.outcomes import Outcome
from streams.stages.common.observer import StageObserver
from streams.stages.intake.routing import Routing, RoutingRules


class SourceRecord(NamedTuple):
    """A consumed message in the shape the decoder's dead letters are made from."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Keyed:
    """Stands where a batch would be packed; keeps (key, record) pairs."""

    def __init__(self) -> None:
        self.records: list[tuple[str, Any]] = []

    def add(self, key: str, record: Any) -> None:
        self.records.append((key, record))


class Published:
    """Outcomes of one event; the ledger is left out."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str, Outcome]] = []

    def add(self, topic: str, key: str, outcome: Outcome) -> None:
        self.outcomes.append((topic, key, outcome))

    def settle(self, source: object, disposition: str) -> None:
        """Headwater accounts for every offset; this application does not."""


class OneEvent(Routing):
    """The same routes for one event at a time."""

    def __init__(self, rules: RoutingRules, observer: StageObserver) -> None:
        super().__init__(0, 1, rules, observer)
        self.published = Published()
        self.matches = Keyed()
        self.journeys = Keyed()
        # They stand where the product packs batches, and take the same calls.
        self.outbox = self.published  # type: ignore[assignment]
        self._match = self.matches  # type: ignore[assignment]
        self._journeys = self.journeys  # type: ignore[assignment]
