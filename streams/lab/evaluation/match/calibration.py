"""Whether predictions of 90 % come true nine times of ten."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

_BINS = 15
DRAWS = 50

Guess = tuple[float, bool]
"""A predicted probability, and whether it came true."""


def calibration_error(guesses: Sequence[Guess], bins: int = _BINS) -> float:
    """Expected calibration error: mean gap between predicted and observed, over bins
    of equal mass (Naeini et al., 2015, with equal-mass bins)."""
    if not guesses:
        return 0.0
    # By probability alone: equal ones must not be sorted by what became of them.
    ordered = sorted(guesses, key=lambda one: one[0])
    size = len(ordered)
    edges = [number * size // bins for number in range(bins + 1)]
    gaps = (
        abs(sum(probability - is_right for probability, is_right in ordered[first:last]))
        for first, last in pairwise(edges)
    )
    return sum(gaps) / size


def chance_error(guesses: Sequence[Guess], seed: int, bins: int = _BINS) -> float:
    """The error that the same probabilities would show by chance if each were exactly right."""
    rng = random.Random(seed)
    draws = [
        calibration_error([(one, rng.random() < one) for one, _ in guesses], bins)
        for _ in range(DRAWS)
    ]
    return sum(draws) / DRAWS
