"""What to simulate: how much, for how long, and how disturbed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from schemas.time import DAY_MS, HOUR_MS
from streams.errors import Stop

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
LABEL_DAYS = 7
EVENTS_MIN = 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """Equal scenarios give equal messages, byte for byte. Shares are fractions of all events."""

    events: int  # messages, clock ticks excepted
    seed: int = 0
    days: int = 30
    start_ms: int = START_MS
    partitions: int = 4
    touchpoint_share: float = 0.80  # reports and uncounted messages come out of these
    install_share: float = 0.05
    activity_share: float = 0.10
    payment_share: float = 0.05
    installer_touch_share: float = 0.20  # of touchpoints: those of people who install
    organic_share: float = 0.35  # of installs
    late_share: float = 0.03
    duplicate_share: float = 0.01
    malformed_share: float = 0.001
    uncounted_share: float = 0.02  # instead of touchpoints: sandbox, invalid receipts, pending
    delivery_ms: int = 3_000  # mean time from an event to its log
    tick_ms: int = HOUR_MS
    is_clean: bool = False
    tells_traits: bool = False  # addresses, user agents and consent, for probabilistic matching

    def __post_init__(self) -> None:
        if self.events < EVENTS_MIN:
            raise Stop(
                f"{self.events} events are too few to simulate: ask for {EVENTS_MIN} or more"
            )
        if self.days < 1 or self.partitions < 1 or self.tick_ms < 1 or self.seed < 0:
            raise Stop("a simulation needs a seed of 0 or more, and at least one day and partition")

    @classmethod
    def standard(cls, events: int, seed: int) -> Self:
        """The standard mix: 3 % late, 2 % uncounted, 1 % duplicated, 0.1 % malformed, 30 days."""
        return cls(events=events, seed=seed)

    @classmethod
    def busy(cls, events: int, seed: int) -> Self:
        """The same month with more installs among its events, and more that people do: so that
        50,000 events hold enough payers for a model to answer."""
        return cls(
            events=events,
            seed=seed,
            touchpoint_share=0.60,
            install_share=0.12,
            activity_share=0.20,
            payment_share=0.08,
        )

    def ordered(self) -> Self:
        """The same traffic, each event logged once and readable the moment it happens."""
        return replace(
            self, late_share=0.0, duplicate_share=0.0, malformed_share=0.0, delivery_ms=0
        )

    def clean(self) -> Self:
        """The same traffic without fraud and malformed messages, and without touchpoints that
        could rank before the cause of an install: later ones, and those before an organic install
        within the lookback windows."""
        return replace(self, is_clean=True, malformed_share=0.0)

    @property
    def end_ms(self) -> int:
        """Nothing but clock ticks is logged from here on."""
        return self.start_ms + self.days * DAY_MS

    @property
    def acquisition_ms(self) -> int:
        """How long campaigns run. Afterwards nobody installs, so that every label of seven days
        is complete at the end."""
        grows_old = LABEL_DAYS if self.days > 2 * LABEL_DAYS else 0
        return (self.days - grows_old) * DAY_MS

    @property
    def duplicates(self) -> int:
        return round(self.events * self.duplicate_share)

    @property
    def malformed(self) -> int:
        return round(self.events * self.malformed_share)

    @property
    def uncounted(self) -> int:
        """Readable events that the truth knows nothing of and no sum may count."""
        return round(self.good * self.uncounted_share)

    @property
    def good(self) -> int:
        """Distinct readable events."""
        return self.events - self.duplicates - self.malformed
