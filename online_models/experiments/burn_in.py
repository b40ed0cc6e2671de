"""From when on an answer is given: before, a handful of payers would speak for everybody.

The sequences are asymptotic: they hold once means are about normal. What decides that is not the
number of units but of those that the metric hears of: one unit in 200 pays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNITS_JUDGED_FROM = 100
"""Units that a variant needs before its metrics are judged."""

PAYERS_JUDGED_FROM = 30
"""Units of a variant whose value is not 0 (and, of a yes or no, as many whose value is) before the
metric is judged."""


def is_past_burn_in(
    units: ArrayLike, payers: ArrayLike, is_binary: bool = False
) -> NDArray[np.bool_]:
    """Whether a variant has enough units, and payers, for its metric to be judged."""
    count = np.asarray(units)
    active = np.asarray(payers)
    rarer = np.minimum(active, count - active) if is_binary else active
    return np.asarray((count >= UNITS_JUDGED_FROM) & (rarer >= PAYERS_JUDGED_FROM))
