"""What is left of an effect when large ones are rare: the winner's curse taken back.

A lift that is read because it is large is too large on average. Drawn towards none by how noisy it
is beside how large lifts usually are, it is what to plan with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

USUAL_RELATIVE_LIFT = 0.05
"""Standard deviation of true relative lifts: a judgement, from published collections of
experiments, in which most change little."""


def shrunk_lift(lift: ArrayLike, variance: ArrayLike, usual: ArrayLike) -> NDArray[np.float64]:
    """The mean of the true lift, where lifts are normal around 0 with standard deviation
    `usual`."""
    spread = np.square(np.asarray(usual, dtype=np.float64))
    noise = np.asarray(variance, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        share = np.where(spread + noise > 0.0, spread / (spread + noise), 0.0)
    return np.asarray(np.asarray(lift, dtype=np.float64) * share)
