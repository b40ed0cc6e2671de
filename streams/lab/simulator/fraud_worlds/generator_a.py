"""Generator `a`: sites cheat or do not, and nearly all installs report when their download began.

Honest people install at once or come back later: 74 % within an hour, 95 % within a day.
Injecting malware hears of an install from the store's content provider while it downloads (60 %),
or from the broadcast after it (40 %), as Adjust measured it.
"""

from __future__ import annotations

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, SECOND_MS
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.fraud_worlds.fraud_sites import mixture
from streams.lab.simulator.market.market import FraudKind

_AT_ONCE, _LATER = 0.62, 0.25
_CTIT_MIN_MS = 12 * SECOND_MS
_DURING_DOWNLOAD = 0.6


class GeneratorA:
    begin_known_share = 0.97

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def honest_share(self, cheating: FraudKind) -> float:
        return 1.0 if cheating is FraudKind.NONE else float(self._rng.uniform(0.0, 0.15))

    def click_to_open(self, site: IntColumn) -> IntColumn:
        rng, size = self._rng, len(site)
        at_once = rng.lognormal(np.log(90 * SECOND_MS), 0.9, size)
        later = rng.lognormal(np.log(1.2 * HOUR_MS), 1.4, size)
        much_later = rng.lognormal(np.log(14 * HOUR_MS), 1.2, size)
        parts = [(_AT_ONCE, at_once), (_LATER, later), (1 - _AT_ONCE - _LATER, much_later)]
        return mixture(rng, size, parts).clip(_CTIT_MIN_MS, 6.9 * DAY_MS).astype(np.int64)

    def begin_to_open(self, size: int) -> tuple[IntColumn, IntColumn]:
        download = self._rng.lognormal(np.log(25 * SECOND_MS), 0.6, size)
        wait = self._rng.lognormal(np.log(15 * SECOND_MS), 1.5, size)
        return download.astype(np.int64), wait.astype(np.int64)

    def injected(self, download: IntColumn, wait: IntColumn) -> IntColumn:
        rng, size = self._rng, len(download)
        during = wait + (1.0 - rng.uniform(0.15, 0.95, size)) * download
        after = np.maximum(wait - rng.uniform(0.3, 3.0, size) * SECOND_MS, 0.2 * SECOND_MS)
        return np.where(rng.random(size) < _DURING_DOWNLOAD, during, after).astype(np.int64)

    def flooded(self, size: int, site: int) -> IntColumn:
        return self._rng.integers(HOUR_MS // 60, 7 * DAY_MS, size)

    def reported_begin(self, begin: IntColumn) -> IntColumn:
        return begin
