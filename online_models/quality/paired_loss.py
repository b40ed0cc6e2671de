"""The difference of two losses on the same rows, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

SHOWN_ERRORS = 1.96
"""Standard errors on each side of a difference: an interval of 95 %."""

PAIRED_BLOCKS_MIN = 8
"""Fewer blocks do not show how much a difference varies."""


class PairedLoss(NamedTuple):
    """How much more one model loses than another on the same rows, in nats per row; `error`: the
    standard error of the mean. Losses are summed by block, since rows of one install share a label,
    and a week of many payments is one week."""

    mean: float
    error: float

    @property
    def low(self) -> float:
        """The lower bound of the interval; NaN where there is too little to say."""
        return self.mean - SHOWN_ERRORS * self.error

    @property
    def high(self) -> float:
        return self.mean + SHOWN_ERRORS * self.error

    @property
    def is_shown_worse(self) -> bool:
        """Whether the first model is worse by more than chance."""
        return self.low > 0.0

    @property
    def is_shown_better(self) -> bool:
        return self.high < 0.0


UNKNOWN = PairedLoss(math.nan, math.nan)


def paired_loss(differences: Iterable[tuple[float, int]]) -> PairedLoss:
    """`differences`: of each block, the summed difference of losses, and the rows behind it."""
    pairs = np.array([pair for pair in differences if pair[1]], np.float64).reshape(-1, 2)
    if len(pairs) < PAIRED_BLOCKS_MIN:
        return UNKNOWN
    rows, blocks = pairs[:, 1].sum(), len(pairs)
    mean = pairs[:, 0].sum() / rows
    spread = ((pairs[:, 0] - mean * pairs[:, 1]) ** 2).sum() * blocks / (blocks - 1)
    return PairedLoss(float(mean), float(math.sqrt(spread) / rows))
