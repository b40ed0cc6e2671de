"""Several questions to one experiment: p values, so that a surprise among many counts as such.

Both work on p values that are valid at any time just as on ordinary ones, and under any dependence,
which metrics and variants of one experiment have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that a wrong claim among all has at most the level's probability (Holm 1979). For
    the variants of an experiment."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that of all claims at most the level's share is wrong, whatever the dependence
    (Benjamini and Yekutieli 2001). For secondary metrics."""
    p = np.asarray(p_values, dtype=np.float64)
    count = len(p)
    order = np.argsort(p, kind="stable")[::-1]
    harmonic = float(np.sum(1.0 / np.arange(1, count + 1)))
    steps = p[order] * count * harmonic / np.arange(count, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]
