"""Whether units fell into variants as declared. Where not, no other figure can be trusted.

A χ² test looked at daily alarms 13 times as often as its level says. This Bayes factor may be read
at any time: of experiments that are split as declared, at most one in K ever reaches K (Ville;
Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

WARNED_FROM = 20.0
"""A Bayes factor above it is said: at most one sound experiment in 20 ever meets it."""

BLOCKED_FROM = 1_000.0
"""A Bayes factor above it blocks decisions: the split is broken, or the log of it."""

CONCENTRATION = 500.0
"""How close to the declared weights other splits are expected, in pseudo-units a variant."""

_LOG_FACTOR_MAX = 700.0  # above it, a float has no room for the factor


def sample_ratio_bayes_factor(units: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """How many times likelier the counts are under other shares than under the declared weights.

    `units`: `(…, variants)`; `weights`: any positive numbers, in the same order. Other shares have
    a Dirichlet prior around the weights.
    """
    counts = np.asarray(units, dtype=np.float64)
    declared = np.asarray(weights, dtype=np.float64)
    shares = declared / declared.sum()
    prior = CONCENTRATION * len(shares) * shares
    log_factor = (
        np.sum(gammaln(prior + counts) - gammaln(prior), axis=-1)
        - gammaln(prior.sum() + counts.sum(axis=-1))
        + gammaln(prior.sum())
        - np.sum(counts * np.log(shares), axis=-1)
    )
    return np.asarray(np.exp(np.clip(log_factor, -_LOG_FACTOR_MAX, _LOG_FACTOR_MAX)))
