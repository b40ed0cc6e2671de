"""What an experiment needs to know of the units of a variant: their number, means, and covariances.

All answers follow from these: differences, ratios, adjustment for covariates. So a file, a query of
the store, and 10,000 simulated experiments at once are judged by the same code. Leading dimensions
are experiments or looks; the last one (or two) are columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Floats = NDArray[np.float64]


class ArmMoments(NamedTuple):
    """Shapes `(…)`, `(…, columns)`, `(…, columns, columns)`; covariances divide by n − 1."""

    units: _Floats
    mean: _Floats
    covariance: _Floats

    def of(self, columns: Sequence[int]) -> ArmMoments:
        """The moments of some of the columns, in that order."""
        chosen = list(columns)
        covariance = self.covariance[..., chosen, :][..., chosen]
        return ArmMoments(self.units, self.mean[..., chosen], covariance)


def moments_of_rows(rows: ArrayLike) -> ArmMoments:
    """The moments of units × columns. Means are taken first, so that large amounts keep their
    digits."""
    table = np.asarray(rows, dtype=np.float64)
    count = len(table)
    mean = table.mean(axis=0) if count else np.zeros(table.shape[1])
    centred = table - mean
    covariance = centred.T @ centred / max(count - 1, 1)
    return ArmMoments(np.asarray(float(count)), mean, covariance)


def moments_of_sums(units: ArrayLike, sums: ArrayLike, products: ArrayLike) -> ArmMoments:
    """The moments by sums of columns and of their products, such as a store adds up, or cumulative
    sums over days. `sums`: `(…, columns)`, `products`: `(…, columns, columns)`. Digits are lost
    where a mean is large beside the spread."""
    count = np.asarray(units, dtype=np.float64)
    least = np.maximum(count, 1.0)[..., None]
    mean = np.asarray(sums, dtype=np.float64) / least
    centred = np.asarray(products, dtype=np.float64) - (
        least[..., None] * mean[..., :, None] * mean[..., None, :]
    )
    return ArmMoments(count, mean, centred / np.maximum(count - 1.0, 1.0)[..., None, None])
