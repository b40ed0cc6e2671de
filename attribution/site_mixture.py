"""How likely a site injects clicks, or floods: a Bayesian mixture over click-to-install times.

Every install is one of three kinds. An honest one looks like its app's others, a little faster or
slower on each site: about 75 % within the first hour and 94 % within a day (Adjust). An injected
click comes seconds before the first open, and where the download's begin is known, after it. A
flooded click is flat over hours and days, as nothing connects it with the install. A site is
honest, or mixes in a share of one kind or of both; the posterior is over these hypotheses.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
HOUR_S, DAY_S = 3_600, 86_400

EDGES_S = (
    3, 6, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1_800, HOUR_S, 2 * HOUR_S, 4 * HOUR_S,
    8 * HOUR_S, 16 * HOUR_S, DAY_S, 2 * DAY_S, 3 * DAY_S, 5 * DAY_S, 7 * DAY_S,
)  # fmt: skip
"""Bins of click-to-install time end here, in seconds; the last one is open."""

BINS = len(EDGES_S) + 1
UNKNOWN, BEFORE, NEAR, AFTER = range(4)
"""The touchpoint and the begin of the download: unknown, in order, within seconds, after it."""

ORDERS = 4
CELLS = BINS * ORDERS
NEAR_MS = 5_000

HONEST_BINS = (
    0.0005, 0.0007, 0.001, 0.003, 0.005, 0.02, 0.05, 0.06, 0.10, 0.07, 0.17, 0.09, 0.12, 0.06,
    0.05, 0.045, 0.04, 0.038, 0.017, 0.023, 0.012, 0.015, 0.009, 0.001,
)  # fmt: skip
"""What to expect of an app that nothing is known of yet."""

HONEST_ORDERS = (0.985, 0.01, 0.005)
_INJECTED_BINS = (
    0.15, 0.22, 0.22, 0.12, 0.08, 0.09, 0.05, 0.025, 0.015, 0.007, 0.008, 0.005, 0.005, 0.002,
)  # fmt: skip
_INJECTED_ORDERS = (0.02, 0.10, 0.88)
_FLOODED_ORDERS = HONEST_ORDERS
_FLOOD_DAYS = ((7.0, 0.7), (1.0, 0.3))  # flat over so many days, and how often

_TILTS = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)
_TILT_SPREAD = 0.35
_SHARES_INJECTED = (0.05, 0.1, 0.2, 0.4, 0.7, 0.95)
_SHARES_FLOODED = (0.15, 0.3, 0.45, 0.6, 0.8, 0.95)
_SHARES_BOTH = ((0.1, 0.3), (0.3, 0.3), (0.1, 0.6), (0.4, 0.5))
_INJECTS, _FLOODS, _DOES_BOTH = 0.03, 0.05, 0.002  # prior probabilities
_TOLD_MAX = 400.0
"""More installs than this weigh no more: no model of honest sites is true to the last per mille."""


def cell_of(ctit_ms: int, after_begin_ms: int | None) -> int:
    """Cell of an install; `after_begin_ms` is the touchpoint's time less the download's begin."""
    if after_begin_ms is None:
        order = UNKNOWN
    elif after_begin_ms > NEAR_MS:
        order = AFTER
    else:
        order = NEAR if after_begin_ms > -1_000 else BEFORE
    return bisect_right(EDGES_S, ctit_ms // 1_000) * ORDERS + order


class Posterior(NamedTuple):
    """Of one site. Arrays are by cell: that an install in it was injected, or flooded."""

    injects: float
    floods: float
    injected: Floats
    flooded: Floats


@dataclass(frozen=True)
class Mixture:
    """All hypotheses about a site of one app, as rows; made once per baseline."""

    log_likelihood: Floats  # rows × cells
    injected: Floats  # rows × cells: share of the likelihood that is injection's
    flooded: Floats
    log_prior: Floats  # rows
    tilt: npt.NDArray[np.int64]  # rows
    injects: npt.NDArray[np.bool_]
    floods: npt.NDArray[np.bool_]

    def posterior(
        self, recent: Mapping[int, float], past: Mapping[int, float], log_flood_odds: float
    ) -> Posterior:
        """What installs by cell say of a site; its own past says what is usual there.

        `log_flood_odds` is what its clicks per install add in favour of flooding.
        """
        weight = self.log_prior + self._told(recent) + self.floods * log_flood_odds
        weight = weight + self._by_past(past)[self.tilt]
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        return Posterior(
            injects=float(weight[self.injects].sum()),
            floods=float(weight[self.floods].sum()),
            injected=(weight[:, None] * self.injected).sum(axis=0),
            flooded=(weight[:, None] * self.flooded).sum(axis=0),
        )

    def _by_past(self, past: Mapping[int, float]) -> Floats:
        """How well each honest profile, with whatever fraud beside it, explains the past."""
        explained = self.log_prior + self._told(past)
        by_tilt = explained.reshape(len(_TILTS), -1)
        highest = by_tilt.max(axis=1)
        return np.asarray(highest + np.log(np.exp(by_tilt - highest[:, None]).sum(axis=1)))

    def _told(self, counts: Mapping[int, float]) -> Floats:
        """Log likelihood of every row."""
        if not counts:
            return np.zeros(len(self.log_prior))
        cells = np.fromiter(sorted(counts), np.int64, len(counts))
        weights = np.array([counts[cell] for cell in sorted(counts)])
        told = (self.log_likelihood[:, cells] * weights).sum(axis=1)
        return np.asarray(told * min(1.0, _TOLD_MAX / float(weights.sum())))


def make_mixture(bins: Floats, orders: Floats) -> Mixture:
    """Hypotheses around what is honest in an app: shares by bin, and by order when known."""
    injected, flooded = (
        cells_of(injected_bins(), _INJECTED_ORDERS),
        cells_of(flooded_bins(), _FLOODED_ORDERS),
    )
    shares = _hypotheses()
    count = len(shares)
    columns = np.array(shares)  # share injected, share flooded, prior
    likelihood, parts_injected, parts_flooded = [], [], []
    for tilt in _TILTS:
        honest = cells_of(_tilted(bins, tilt), orders)
        mixed_in = columns[:, :1] * injected, columns[:, 1:2] * flooded
        total = (1.0 - columns[:, :1] - columns[:, 1:2]) * honest + mixed_in[0] + mixed_in[1]
        likelihood.append(np.log(total))
        parts_injected.append(mixed_in[0] / total)
        parts_flooded.append(mixed_in[1] / total)
    tilt_prior = np.exp(-((np.array(_TILTS) / _TILT_SPREAD) ** 2) / 2)
    prior = np.outer(tilt_prior / tilt_prior.sum(), columns[:, 2]).ravel()
    return Mixture(
        log_likelihood=np.concatenate(likelihood),
        injected=np.concatenate(parts_injected),
        flooded=np.concatenate(parts_flooded),
        log_prior=np.log(prior),
        tilt=np.repeat(np.arange(len(_TILTS)), count),
        injects=np.tile(columns[:, 0] > 0, len(_TILTS)),
        floods=np.tile(columns[:, 1] > 0, len(_TILTS)),
    )


def _hypotheses() -> list[tuple[float, float, float]]:
    """Share injected, share flooded, and prior of each."""
    found = [(0.0, 0.0, 1.0 - _INJECTS - _FLOODS - _DOES_BOTH)]
    found += [(share, 0.0, _INJECTS / len(_SHARES_INJECTED)) for share in _SHARES_INJECTED]
    found += [(0.0, share, _FLOODS / len(_SHARES_FLOODED)) for share in _SHARES_FLOODED]
    return found + [(*shares, _DOES_BOTH / len(_SHARES_BOTH)) for shares in _SHARES_BOTH]


def cells_of(bins: Floats, orders: Floats | tuple[float, ...]) -> Floats:
    """Probability of each cell. Whether the begin is known says nothing about the kind."""
    return np.outer(bins, np.array([1.0, *orders])).ravel()


def injected_bins() -> Floats:
    rest = BINS - len(_INJECTED_BINS)
    missing = max(0.0, 1.0 - sum(_INJECTED_BINS))
    found = np.array([*_INJECTED_BINS, *([missing / rest] * rest)]) + 1e-5
    return np.asarray(found / found.sum())


def flooded_bins() -> Floats:
    """Flat in time within the days flooding reaches back."""
    edges = [0.0, *(edge / DAY_S for edge in EDGES_S), 30.0]
    found = np.full(BINS, 1e-6)
    for days, often in _FLOOD_DAYS:
        reached = [min(edge, days) / days for edge in edges]
        found += often * np.diff(reached)
    return np.asarray(found / found.sum())


def _tilted(bins: Floats, tilt: float) -> Floats:
    """Honest sites are slower or faster than their app: weight grows with the log of time."""
    edges = (1, *EDGES_S, 10 * DAY_S)
    middle = np.array([math.log(a * b) / 2 for a, b in pairwise(edges)])
    mean = (bins * middle).sum()
    spread = math.sqrt(float((bins * (middle - mean) ** 2).sum()))
    tilted = bins * np.exp(tilt * (middle - mean) / spread)
    return np.asarray(tilted / tilted.sum())
