"""Keeps the decisions and the money of a replay in memory, instead of storing them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from schemas import topics
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.factory import StageRules
from streams.worker.observers import StageMetrics

ConversionKey = tuple[str, str]
"""App and conversion id: an install id, and so a conversion id, is unique within its app only."""


class Versioned(Protocol):
    """What a tally reads of an attribution."""

    @property
    def app_id(self) -> str: ...

    @property
    def conversion_id(self) -> str: ...

    @property
    def version(self) -> int: ...


_Row = TypeVar("_Row", bound=Versioned)


class Paid(msgspec.Struct, frozen=True, gc=False):
    """A payment of one install; a refund is negative."""

    booking_id: str
    app_id: str
    install_id: str
    event_time: int
    currency: str
    amount_micros: int

    @property
    def payer(self) -> ConversionKey:
        """App and install of whoever paid."""
        return self.app_id, self.install_id


class _Environment(msgspec.Struct, frozen=True, gc=False):
    environment: str = "production"


_environments = msgspec.json.Decoder(_Environment)


def _is_counted(record: MemoryRecord) -> bool:
    """Whether an outcome is of real traffic, as in all views."""
    return _environments.decode(record.value or b"").environment == "production"


class Tally(Generic[_Row]):
    """The newest decision of every conversion, and all payments, without test traffic.

    `kind` is the struct to decode attributions to: the fields that are kept. `take` receives the
    outcome records of a replay in offset order.

    Memory grows with conversions and payments, not with touchpoints.
    """

    def __init__(self, kind: type[_Row]) -> None:
        self.conversions: dict[ConversionKey, _Row] = {}
        self.money: list[Paid] = []
        self.versions = 0
        self.evictions = 0  # of any bound: then the order of arrival may have decided some
        self._rows = msgspec.json.Decoder(kind)
        self._paid = msgspec.json.Decoder(Paid)

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        if topic == topics.ATTRIBUTIONS.name:
            for record in filter(_is_counted, records):
                self._decide(self._rows.decode(record.value or b""))
        elif topic == topics.REVENUE.name:
            counted = filter(_is_counted, records)
            self.money += [self._paid.decode(record.value or b"") for record in counted]

    def _decide(self, row: _Row) -> None:
        self.versions += 1
        key = row.app_id, row.conversion_id
        known = self.conversions.get(key)
        if known is None or known.version < row.version:
            self.conversions[key] = row


class _Evictions(StageMetrics):
    def __init__(self, found: Tally[_Row]) -> None:
        super().__init__()
        self._found = found

    def on_evicted(self, bound: str, count: int) -> None:
        super().on_evicted(bound, count)
        self._found.evictions += count


def tally(
    records: Iterable[MemoryRecord], order: SourceOrder, rules: StageRules, kind: type[_Row]
) -> Tally[_Row]:
    """Replay the records under these rules. Nothing is stored, and no model learns."""
    found = Tally(kind)
    replay = Replay(rules, found.take, _Evictions(found), learns=False)
    replay.run(records, order)
    return found
