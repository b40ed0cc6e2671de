"""The proofs of `proofs.py`, asked of the naive reading: minutes in place of hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.quality.drawn_hours import COUNTRIES, HOURS_OF_PAST, drawn_app
from tests.quality.naive_evidence import strongest, threshold

_SERIES = len(COUNTRIES) + 1
_Counts = dict[str, NDArray[np.float64]]
QUIETEST = "BR"


def _drawn(rng: np.random.Generator, hours: int) -> _Counts:
    return {one.country: one.counts.astype(float) for one in drawn_app("app", rng, hours)}


def _ago(counts: NDArray[np.float64], hour: int, running: float = 0.0) -> NDArray[np.float64]:
    return np.concatenate([[running], counts[:hour][::-1]])


def naive_alarms(rng: np.random.Generator, apps: int, days: int) -> list[int]:
    """Alarms of each app, as `proofs.false_alarms` counts them."""
    return [_alarms(_drawn(rng, HOURS_OF_PAST + days * 24)) for _ in range(apps)]


def _alarms(countries: _Counts) -> int:
    total = np.sum(list(countries.values()), axis=0)
    alarms = 0
    for subject, counts in [("", total), *countries.items()]:
        latest = -10_000
        for hour in range(HOURS_OF_PAST, len(total)):
            others = _ago(total - counts, hour) if subject else None
            found = strongest(_ago(counts, hour), others, 0.0)
            if found and found.evidence > threshold(_SERIES, is_whole=not subject):
                alarms += hour - latest > 24
                latest = hour
    return alarms


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of outages that were found: of all, and of those that began while at least twenty an
    hour came."""

    of_all: float
    of_busy: float


def naive_detection(rng: np.random.Generator, runs: int, *, left: float, hours: int) -> Found:
    outcomes = [_is_found(rng, left, hours) for _ in range(runs)]
    busy = [found for found, is_busy in outcomes if is_busy]
    return Found(sum(found for found, _ in outcomes) / runs, sum(busy) / max(1, len(busy)))


def _is_found(rng: np.random.Generator, left: float, hours: int) -> tuple[bool, bool]:
    begin = HOURS_OF_PAST + int(rng.integers(0, 168))
    passed = int(rng.integers(0, 60)) / 60
    countries = _drawn(rng, begin + hours + 1)
    counts = countries[QUIETEST]
    others = np.sum(list(countries.values()), axis=0) - counts
    is_busy = bool(counts[begin : begin + hours].mean() >= 20)
    kept = counts.copy()
    kept[begin] = rng.binomial(int(counts[begin]), passed + (1 - passed) * left)
    kept[begin + 1 :] = rng.binomial(counts[begin + 1 :].astype(int), left)
    for hour in range(begin + 1, begin + hours + 1):
        running, beside = (rng.binomial(int(x[hour]), passed) for x in (kept, others))
        found = strongest(_ago(kept, hour, running), _ago(others, hour, beside), passed)
        if found and found.evidence > threshold(_SERIES, is_whole=False):
            return True, is_busy
    return False, is_busy
