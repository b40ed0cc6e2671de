"""Seeded draws as columns: arrays with one element per install, touchpoint or other event."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.lab.simulator.scenario import Scenario

IntColumn = npt.NDArray[np.int64]
FloatColumn = npt.NDArray[np.float64]
BoolColumn = npt.NDArray[np.bool_]

# Share of traffic by hour of the day: quiet before dawn, busiest in the evening.
_HOURS = np.array([4, 3, 2, 2, 1, 1, 2, 3, 4, 5, 5, 5, 6, 6, 5, 5, 5, 6, 7, 8, 9, 8, 7, 6], float)
_WEEKEND_LIFT = 1.2
_LATE_MS_MIN = 2 * MINUTE_MS
_LATE_MS_MAX = 2 * DAY_MS


def generator(seed: int, purpose: str, part: int = 0) -> np.random.Generator:
    """A random source for one purpose, so that a draw for one purpose never shifts another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), part])


def hour_weights(start_ms: int, hours: int) -> FloatColumn:
    """Share of the traffic in each of `hours` hours; sums to 1."""
    hour = start_ms // HOUR_MS + np.arange(hours)
    weekday = (hour // 24 + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0.
    weights = _HOURS[hour % 24] * np.where(weekday >= 5, _WEEKEND_LIFT, 1.0)
    return np.asarray(weights / weights.sum(), np.float64)


def pick(rng: np.random.Generator, weights: FloatColumn, size: int) -> IntColumn:
    """Indices drawn in proportion to `weights`."""
    edges = np.cumsum(weights) / weights.sum()
    found: IntColumn = np.searchsorted(edges, rng.random(size), side="right").astype(np.int64)
    return np.minimum(found, len(weights) - 1)


def split(rng: np.random.Generator, total: int, weights: FloatColumn) -> IntColumn:
    """Split `total` at random, in proportion to `weights`: a count for each weight."""
    if total <= 0 or len(weights) == 0:
        return np.zeros(len(weights), np.int64)
    return rng.multinomial(total, weights / weights.sum()).astype(np.int64)


def waits(rng: np.random.Generator, mean_ms: FloatColumn, limit_ms: FloatColumn) -> IntColumn:
    """Exponential waits in ms, each cut off at its limit without piling up there."""
    share = rng.random(len(mean_ms)) * -np.expm1(-limit_ms / mean_ms)
    return (-mean_ms * np.log1p(-share)).astype(np.int64)


def ordinals(owner: IntColumn) -> IntColumn:
    """0, 1, 2 … within each run of equal owners; `owner` is sorted."""
    if len(owner) == 0:
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    lengths = np.diff(np.r_[starts, len(owner)])
    return np.arange(len(owner)) - np.repeat(starts, lengths)


def delays(rng: np.random.Generator, scenario: Scenario, size: int) -> IntColumn:
    """Time in ms from an event to its log: seconds, or minutes to two days for late events."""
    usual = rng.exponential(1.0, size) * scenario.delivery_ms
    span = np.log(_LATE_MS_MAX / _LATE_MS_MIN)
    late = _LATE_MS_MIN * np.exp(rng.random(size) * span)
    is_late = rng.random(size) < scenario.late_share
    return np.asarray(np.where(is_late, late, usual), np.int64)


def logged(rng: np.random.Generator, scenario: Scenario, time: IntColumn) -> IntColumn:
    """When events that happened at `time` reach the log; at the latest just before the end."""
    late = time + delays(rng, scenario, len(time))
    return np.asarray(np.minimum(late, scenario.end_ms - 1), np.int64)


def sigmoid(logit: FloatColumn) -> FloatColumn:
    return 1.0 / (1.0 + np.exp(-logit))
