"""Generator `b`, held out: mixed sites, other times, clocks that differ, fewer reports.

Honest sites differ in how fast their people are. Injected clicks pile up in the seconds before
the first open (AppsFlyer: a glut in the first 3 to 10 seconds). Half of the flooding sites reach
back a single day, and all of them also show honest advertisements.
"""

from __future__ import annotations

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, SECOND_MS
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.market import FraudKind

_SITES_MAX = 100_000
_FAST_SHARE = 0.7
_CTIT_MIN_MS = 10 * SECOND_MS
_CLOCK_SPREAD_MS = 700.0


class GeneratorB:
    begin_known_share = 0.88

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._pace = rng.normal(0.0, 0.35, _SITES_MAX)  # of sites, on a log scale

    def honest_share(self, cheating: FraudKind) -> float:
        match cheating:
            case FraudKind.CLICK_INJECTION:
                return float(self._rng.uniform(0.1, 0.75))
            case FraudKind.CLICK_FLOODING:
                return float(self._rng.uniform(0.1, 0.6))
            case _:
                return 1.0

    def click_to_open(self, site: IntColumn) -> IntColumn:
        rng, size = self._rng, len(site)
        pace = np.exp(self._pace[site])
        fast = 20 * SECOND_MS + rng.gamma(1.3, 3.5 * 60 * SECOND_MS, size)
        slow = rng.weibull(0.55, size) * 6 * HOUR_MS
        found = np.where(rng.random(size) < _FAST_SHARE, fast, slow) * pace
        return np.asarray(found.clip(_CTIT_MIN_MS, 6.9 * DAY_MS), np.int64)

    def begin_to_open(self, size: int) -> tuple[IntColumn, IntColumn]:
        download = (8 + 40 * self._rng.weibull(1.2, size)) * SECOND_MS
        wait = self._rng.exponential(45, size) * SECOND_MS + SECOND_MS
        return download.astype(np.int64), wait.astype(np.int64)

    def injected(self, download: IntColumn, wait: IntColumn) -> IntColumn:
        lead = self._rng.lognormal(np.log(8 * SECOND_MS), 0.7, len(download))
        return np.asarray(np.minimum(lead, 0.97 * (download + wait)), np.int64)

    def flooded(self, size: int, site: int) -> IntColumn:
        reach = DAY_MS if site % 2 else 6 * DAY_MS
        return np.asarray(self._rng.integers(30 * SECOND_MS, reach, size), np.int64)

    def reported_begin(self, begin: IntColumn) -> IntColumn:
        skew = self._rng.normal(0.0, _CLOCK_SPREAD_MS, len(begin))
        return np.asarray(begin + skew.astype(np.int64))
