"""Activity that shows how fond people are of an app, and nothing about when they pay."""

from __future__ import annotations

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds.chances import poisson
from streams.lab.simulator.paying_worlds.lives import IN_APP_NAMES
from streams.lab.simulator.paying_worlds.steps import LANDMARK_MS

_USUAL = np.array([[0.8, 0.5, 0.9, 1.3, 1.6], [2.0, 1.2, 1.8, 2.2, 2.6], [1.0, 0.6, 1.0, 1.2, 1.3],
                   [0.4, 0.2, 0.3, 0.4, 0.4]])  # fmt: skip
"""Means of sessions and of each event (rows) between landmarks (columns)."""

_BY_FONDNESS = np.array([0.7, 0.9, 0.5, 1.0])
"""Log means rise by this with fondness."""

_BY_APP = np.array([1.0, 0.6, 0.8, 1.2])
QUANTITIES = 1 + len(IN_APP_NAMES)


def buckets_of(ms: IntColumn) -> IntColumn:
    """The bucket of activity that a time counts in; ACTIVITY_BUCKETS: after the last landmark."""
    return np.asarray(np.searchsorted(LANDMARK_MS, ms, side="right") - 1, np.int64)


def act(share: FloatColumn, app: IntColumn, fondness: FloatColumn) -> IntColumn:
    """Counts, install × bucket × quantity; `share` are as many uniform numbers."""
    usual = _BY_APP[app][:, None, None] * _USUAL.T
    return poisson(share, usual * np.exp(np.multiply.outer(fondness, _BY_FONDNESS))[:, None, :])


def log_likelihood(counts: IntColumn, app: IntColumn, fondness: FloatColumn) -> FloatColumn:
    """Install × fondness × landmark: of the counts before each landmark, up to a constant that
    only depends on the counts (their factorials)."""
    usual = _BY_APP[app][:, None, None] * _USUAL.T
    plain = _until((counts * np.log(usual)).sum(axis=2))
    by_fondness = np.einsum("nlq,q->nl", _until(counts), _BY_FONDNESS)
    expected = np.einsum(
        "nlq,qk->nkl", _until(usual), np.exp(np.multiply.outer(_BY_FONDNESS, fondness))
    )
    return np.asarray(
        plain[:, None, :] + by_fondness[:, None, :] * fondness[None, :, None] - expected
    )


def last_activity(share: FloatColumn, sessions: IntColumn) -> IntColumn:
    """Install × landmark: a time in the last bucket before it that has a session; 0: none."""
    length = np.diff(LANDMARK_MS)
    time = LANDMARK_MS[:-1] + (share * length).astype(np.int64)
    last = np.maximum.accumulate(np.where(sessions > 0, time, 0), axis=1)
    return np.asarray(np.concatenate([np.zeros((len(sessions), 1), np.int64), last], axis=1))


def _until(counts: FloatColumn | IntColumn) -> FloatColumn:
    """Sums over the buckets before each landmark."""
    shape = (len(counts), 1, *counts.shape[2:])
    total = np.concatenate([np.zeros(shape), np.cumsum(counts, axis=1)], axis=1)
    return np.asarray(total)
