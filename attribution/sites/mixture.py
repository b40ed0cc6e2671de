"""Probability that a site injects or floods clicks: a Bayesian mixture of click-to-install times.

Every install is of one of three kinds. Honest installs look like the others of their app, a little
faster or slower on each site: about 75 % come within the first hour and 94 % within a day (Adjust).
An injected click comes seconds before the first open and, if the begin of the download is known,
after it. Flooded clicks are spread evenly over hours and days, as nothing connects them with the
install. A site is honest, or mixes in a share of one kind or of both; the posterior is over these
hypotheses.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.time import Millis

_Floats = npt.NDArray[np.float64]
HOUR_S, DAY_S = 3_600, 86_400

EDGES_S = (
    3, 6, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1_800, HOUR_S, 2 * HOUR_S, 4 * HOUR_S,
    8 * HOUR_S, 16 * HOUR_S, DAY_S, 2 * DAY_S, 3 * DAY_S, 5 * DAY_S, 7 * DAY_S,
)  # fmt: skip
"""Upper ends of the bins of click-to-install time, in seconds; the last bin is open."""

BINS = len(EDGES_S) + 1
UNKNOWN, BEFORE, NEAR, AFTER = range(4)
"""Order of touchpoint and begin of the download: unknown; touchpoint before, within seconds,
after."""

ORDERS = 4
_CELLS = BINS * ORDERS
NEAR_MS = 5_000

HONEST_BINS = (
    0.0005, 0.0007, 0.001, 0.003, 0.005, 0.02, 0.05, 0.06, 0.10, 0.07, 0.17, 0.09, 0.12, 0.06,
    0.05, 0.045, 0.04, 0.038, 0.017, 0.023, 0.012, 0.015, 0.009, 0.001,
)  # fmt: skip
"""Shares by bin of an app without history."""

HONEST_ORDERS = (0.985, 0.01, 0.005)
_INJECTED_BINS = (
    0.15, 0.22, 0.22, 0.12, 0.08, 0.09, 0.05, 0.025, 0.015, 0.007, 0.008, 0.005, 0.005, 0.002,
)  # fmt: skip
_INJECTED_ORDERS = (0.02, 0.10, 0.88)
_FLOODED_ORDERS = HONEST_ORDERS
_FLOOD_DAYS = (7, 1)  # flat over so many days

_TILTS = (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6)
_TILT_SPREAD = 0.2
_SHARES_INJECTED = (0.05, 0.1, 0.2, 0.4, 0.7, 0.95)
_SHARES_FLOODED = (0.15, 0.3, 0.45, 0.6, 0.8, 0.95)
_SHARES_BOTH = ((0.1, 0.3), (0.3, 0.3), (0.2, 0.6))
_INJECTS, _FLOODS, _DOES_BOTH = 0.03, 0.05, 0.002  # prior probabilities
_LEAST = 1e-290  # keeps the logarithm of a zero likelihood finite
_KINDS = 4  # honest, injecting, flooding, both
_SAME_HABIT = 0.9  # probability that a site goes on as before
_WEIGHT_MAX = 400.0
"""More installs than this weigh no more: no model of honest sites is exact to a per mille."""


def cell_of(ctit_ms: Millis, after_begin_ms: Millis | None) -> int:
    """Cell of an install. `after_begin_ms`: time of the touchpoint minus the begin of the
    download."""
    if after_begin_ms is None:
        order = UNKNOWN
    elif after_begin_ms > NEAR_MS:
        order = AFTER
    else:
        order = NEAR if after_begin_ms > -1_000 else BEFORE
    return bisect_right(EDGES_S, ctit_ms // 1_000) * ORDERS + order


class Posterior(NamedTuple):
    """Probability that a site injects or floods clicks and, by cell, that an install was injected
    or flooded."""

    injects: float
    floods: float
    injected: Mapping[int, float]
    flooded: Mapping[int, float]


@dataclass(frozen=True)
class _Hypotheses:
    """All hypotheses about a site, grouped by tilt: what they are in every app."""

    honest_share: _Floats  # hypotheses of one tilt × 1
    mixed_in: tuple[_Floats, _Floats]  # hypotheses of one tilt × cells: injected, flooded
    parts: _Floats  # the same, as injected and flooded × cells × hypotheses
    log_prior: _Floats
    prior_of_kind: _Floats  # hypotheses of one tilt × kinds: prior within the kind
    kind_prior: _Floats
    kind: npt.NDArray[np.int64]  # of the hypotheses of one tilt
    injects: npt.NDArray[np.intp]  # those that do
    floods: npt.NDArray[np.intp]
    flood_odds: _Floats  # 1 for those that flood, else 0


@dataclass(frozen=True)
class Mixture:
    """All hypotheses about a site of one app; made once per set of norms."""

    hypotheses: _Hypotheses
    likelihood: _Floats  # cells × hypotheses
    log_likelihood: _Floats

    def posterior(
        self,
        recent: Mapping[int, float],
        past: Mapping[int, float],
        log_flood_odds: float,
        cells: Sequence[int],
    ) -> Posterior:
        """The posterior of a site, and of installs in `cells`, given its installs by cell.

        `past` are older installs, which show what is usual for the site; `log_flood_odds` are the
        log odds that clicks per install add in favour of flooding.
        """
        every = self.hypotheses
        weight = every.log_prior + self._likelihood_of(recent) + every.flood_odds * log_flood_odds
        if past:
            weight += self._by_past(past)
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        injected, flooded = self._parts_of(cells, weight) if cells else ([], [])
        return Posterior(
            injects=float(weight[every.injects].sum()),
            floods=float(weight[every.floods].sum()),
            injected=dict(zip(cells, injected, strict=True)),
            flooded=dict(zip(cells, flooded, strict=True)),
        )

    def _parts_of(self, cells: Sequence[int], weight: _Floats) -> list[list[float]]:
        """By cell: the probabilities that an install was injected, and that it was flooded."""
        rows = np.array(cells)
        shares = self.hypotheses.parts[:, rows] / self.likelihood[rows]
        found: list[list[float]] = (shares * weight).sum(axis=2).tolist()
        return found

    def _by_past(self, past: Mapping[int, float]) -> _Floats:
        """Log weight of every hypothesis from the past of a site: it mostly goes on as it did.

        Its honest profile stays. It keeps mixing in the same kinds of fraud, though maybe in other
        shares; or it has changed, and its past says nothing.
        """
        likelihood = self._likelihood_of(past).reshape(len(_TILTS), -1)
        likelihood -= likelihood.max()
        every = self.hypotheses
        by_kind = (np.exp(likelihood)[:, :, None] * every.prior_of_kind).sum(axis=1)
        anything = (by_kind * every.kind_prior).sum(axis=1)[:, None]
        found = _SAME_HABIT * by_kind + (1 - _SAME_HABIT) * anything
        return np.asarray(np.log(found + _LEAST)[:, every.kind].ravel())

    def _likelihood_of(self, counts: Mapping[int, float]) -> _Floats:
        """Log likelihood of these installs under every hypothesis."""
        if not counts:
            return np.zeros(len(self.hypotheses.log_prior))
        cells = sorted(counts)
        weights = np.array([counts[cell] for cell in cells], np.float64)
        weights *= min(1.0, _WEIGHT_MAX / float(weights.sum()))
        return np.asarray((self.log_likelihood[cells] * weights[:, None]).sum(axis=0))


def make_mixture(bins: _Floats, orders: _Floats) -> Mixture:
    """Make the hypotheses from honest shares of an app: by bin, and by order where it is known."""
    every = _every_hypothesis()
    honest = np.stack([cells_of(_tilted(bins, tilt), orders) for tilt in _TILTS])
    likelihood = every.honest_share * honest[:, None, :]
    likelihood += every.mixed_in[0]
    likelihood += every.mixed_in[1]
    return Mixture(every, _by_cell(likelihood), _by_cell(np.log(likelihood)))


def _by_cell(by_tilt: _Floats) -> _Floats:
    """Tilts × hypotheses of one tilt × cells, as cells × hypotheses."""
    return by_tilt.reshape(-1, by_tilt.shape[-1]).T.copy()


@cache
def _every_hypothesis() -> _Hypotheses:
    injected = cells_of(injected_bins(), _INJECTED_ORDERS)
    floods = [cells_of(flooded_bins(days), _FLOODED_ORDERS) for days in _FLOOD_DAYS]
    shares = _hypotheses()
    columns = np.array([one[:3] for one in shares])  # share injected, share flooded, prior
    flooded = np.stack([floods[one.flood] for one in shares])
    mixed_in = columns[:, :1] * injected, columns[:, 1:2] * flooded
    tilt_prior = np.exp(-((np.array(_TILTS) / _TILT_SPREAD) ** 2) / 2)
    tilt_prior = tilt_prior / tilt_prior.sum()
    kind = np.array([(one.injected > 0) + 2 * (one.flooded > 0) for one in shares])
    prior_of_kind = columns[:, 2:] * (kind[:, None] == np.arange(_KINDS))
    kind_prior = prior_of_kind.sum(axis=0)
    return _Hypotheses(
        honest_share=1.0 - columns[:, :1] - columns[:, 1:2],
        mixed_in=mixed_in,
        parts=np.stack([np.tile(part, (len(_TILTS), 1)).T for part in mixed_in]).copy(),
        log_prior=np.log(np.outer(tilt_prior, columns[:, 2])).ravel(),
        prior_of_kind=prior_of_kind / kind_prior,
        kind_prior=kind_prior,
        kind=kind,
        injects=np.flatnonzero(np.tile(columns[:, 0] > 0, len(_TILTS))),
        floods=np.flatnonzero(np.tile(columns[:, 1] > 0, len(_TILTS))),
        flood_odds=np.tile(columns[:, 1] > 0, len(_TILTS)).astype(np.float64),
    )


class _Hypothesis(NamedTuple):
    injected: float  # share of the installs the site claims
    flooded: float
    prior: float
    flood: int  # index into _FLOOD_DAYS


def _hypotheses() -> list[_Hypothesis]:
    """All that a site may be."""
    floods, both = _FLOODS / len(_FLOOD_DAYS), _DOES_BOTH / len(_FLOOD_DAYS)
    found = [_Hypothesis(0.0, 0.0, 1.0 - _INJECTS - _FLOODS - _DOES_BOTH, 0)]
    injects = _INJECTS / len(_SHARES_INJECTED)
    found += [_Hypothesis(share, 0.0, injects, 0) for share in _SHARES_INJECTED]
    for flood in range(len(_FLOOD_DAYS)):
        prior = floods / len(_SHARES_FLOODED)
        found += [_Hypothesis(0.0, share, prior, flood) for share in _SHARES_FLOODED]
        prior = both / len(_SHARES_BOTH)
        found += [_Hypothesis(*shares, prior, flood) for shares in _SHARES_BOTH]
    return found


def cells_of(bins: _Floats, orders: _Floats | tuple[float, ...]) -> _Floats:
    """Probability of each cell. Whether the begin is known does not depend on the kind."""
    return np.outer(bins, np.array([1.0, *orders])).ravel()


def injected_bins() -> _Floats:
    """Shares of injected clicks by bin."""
    rest = BINS - len(_INJECTED_BINS)
    missing = max(0.0, 1.0 - sum(_INJECTED_BINS))
    found = np.array([*_INJECTED_BINS, *([missing / rest] * rest)]) + 1e-5
    return np.asarray(found / found.sum())


def flooded_bins(days: int) -> _Floats:
    """Shares of flooded clicks by bin: even over `days`, and hardly any before."""
    edges = [0.0, *(edge / DAY_S for edge in EDGES_S), 30.0]
    found = np.diff([min(edge, days) / days for edge in edges]) + 1e-3 / BINS
    return np.asarray(found / found.sum())


_EDGES = np.log([1.0, *EDGES_S, 10.0 * DAY_S])
_MIDDLES = (_EDGES[1:] + _EDGES[:-1]) / 2


def _tilted(bins: _Floats, tilt: float) -> _Floats:
    """Shares of an honest site that is slower (`tilt` above 0) or faster than its app.

    All times are longer by a factor, and weight also grows with the logarithm of time.
    """
    edges, middle = _EDGES, _MIDDLES
    below = np.concatenate([[0.0], np.cumsum(bins)])
    bins = np.diff(np.interp(edges - tilt, edges, below)) + 1e-6
    mean = (bins * middle).sum() / bins.sum()
    spread = math.sqrt(float((bins * (middle - mean) ** 2).sum() / bins.sum()))
    tilted = bins * np.exp(tilt * (middle - mean) / spread)
    return np.asarray(tilted / tilted.sum())
