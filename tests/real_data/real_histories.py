"""Public purchase histories as source records: read in place, never copied."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from attribution.rules.rules import Policy, Rules, Windows
from schemas.outcomes import Attribution, Booking, LedgerRow
from schemas.time import DAY_MS, EventMs, Millis
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from tests.checkout import ROOT

EARLIEST_MS = 0
_PLACES = (os.environ.get("HEADWATER_REAL_DATA"), "../shared/data")


def folder(name: str) -> Path:
    """Where a data set lies, beside the checkout or where HEADWATER_REAL_DATA says."""
    root = ROOT
    for place in _PLACES:
        if place and (found := root / place / name).is_dir():
            return found
    pytest.skip(f"the data set {name} is not on this machine (HEADWATER_REAL_DATA names a folder)")


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") as text:
        yield from csv.DictReader(text)


def milliseconds(text: str, layout: str) -> int:
    return int(datetime.strptime(text, layout).replace(tzinfo=UTC).timestamp()) * 1_000


def micros(amount: str) -> int:
    return int(Decimal(amount) * 1_000_000)


def event(kind: str, event_id: str, time: int, **fields: Any) -> dict[str, Any]:
    named = {"type": kind, "event_id": event_id, "app_id": "shop", "event_time": time}
    return {**named, "schema_version": 1, **fields}


def records(topic: str, events: Iterable[dict[str, Any]]) -> list[MemoryRecord]:
    """One partition; logged when it happened."""
    return [
        MemoryRecord(topic, 0, offset, one["event_time"], None, orjson.dumps(one))
        for offset, one in enumerate(events)
    ]


@dataclass
class Outcomes:
    """The outcomes of a replay that these tests look at."""

    attributions: dict[str, Attribution] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    fates: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, topic: str, records: Iterable[MemoryRecord]) -> None:
        for record in records:
            if topic == "attributions":
                row = _attribution.decode(record.value or b"")
                self.attributions[row.install_id] = row
            elif topic == "revenue":
                self.bookings.append(_booking.decode(record.value or b""))
            elif topic == "ledger":
                settled = _ledger.decode(record.value or b"")
                key = (settled.source_topic, settled.disposition)
                self.fates[key] = self.fates.get(key, 0) + len(settled.offsets)

    def revenue_micros(self) -> int:
        return sum(booking.amount_micros for booking in self.bookings)


_attribution = msgspec.json.Decoder(Attribution)
_booking = msgspec.json.Decoder(Booking)
_ledger = msgspec.json.Decoder(LedgerRow)


def replayed(history: list[MemoryRecord], window_days: int) -> Outcomes:
    order, outcomes = SourceOrder(), Outcomes()
    for record in history:
        order.see(record)
    window = window_days * DAY_MS
    # Every redemption is an install of its own here, however many one household has.
    rules = StageRules(
        IntakeRules(b"test", EventMs(EARLIEST_MS), dead_letter_share_max=0.0, dead_letter_window=1),
        # A household redeems more coupons on one day than people install apps.
        Rules(default=Policy(windows=Windows(click=window, reattribution=Millis(-1))),
              installs_per_key_day_max=1_000,
              click_window_ms_max=window,
              late_ms_max=800 * DAY_MS,
              parking_ms=800 * DAY_MS, touches_per_key_max=128, installs_per_key_max=128,
              candidates_per_journey_max=128,
              money_per_account_max=100_000, journey_retention_ms=4_000 * DAY_MS),
    )  # fmt: skip
    Replay(rules, outcomes.take, StageObserver()).run(history, order, batch=2_000)
    return outcomes
