"""What an install has paid so far scales what it is expected to pay next.

    factor = (prior × line + actual) / (prior + predicted), by what was paid over the usual

The mean of a gamma-Poisson pair, as in BG/NBD and gamma-gamma: what is predicted without the money
is the exposure, and what then came is the count. It is kept for each landmark and bucket at ratios
of what was paid to what payers have usually paid by then; between two ratios the factor is
interpolated. Each starts on a line, the credibility of what one has paid oneself (Bühlmann 1967),
which itself starts flat: with no payer seen, money paid scales nothing. Installs that have not paid
have no factor.
"""

from __future__ import annotations

import math

import numpy as np

from online_models.hazard.kernel import compiled
from online_models.hazard.rules import Numbers
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.shape import VALUE_BUCKETS

RATIO_FIRST, RATIOS = -4.0, 10
"""The factor is kept at 2^-4, 2^-3 … 2^5 of what payers have usually paid."""

OWN_CREDIBILITY = 0.5
"""Weight of what one has paid oneself on the line on which factors start, with many payers seen;"""

HALF_CREDIBLE_ROWS = 30.0
"""with so many, half of it."""

USUAL_SPENT_MAX = 8.0
"""A payer counts in the usual amount with at most this many times of it, lest a whale be usual."""

SPENDERS_SHAPE = (len(LANDMARKS), len(VALUE_BUCKETS), 1 + RATIOS, 2)
"""Landmark × bucket × (payers and their usual amount; then by ratio) × (actual, predicted)."""


def new_spenders() -> Numbers:
    """Nothing learned: all factors are 1."""
    return np.zeros(SPENDERS_SHAPE)


@compiled
def _place(spent: float, usual: float) -> float:
    """Position among the ratios: index of the lower one, plus the part of the way."""
    return min(max(math.log2(spent / usual) - RATIO_FIRST, 0.0), RATIOS - 1.000001)


@compiled
def spender_factor(spent: float, cell: Numbers, prior: float) -> float:
    """How much more than others of the same features somebody pays who has paid so much; `prior`:
    the expected amounts as which the line counts."""
    payers, usual = cell[0, 0], cell[0, 1]
    if not (spent > 0.0 and usual > 0.0):
        return 1.0
    where = _place(spent, usual)
    low = int(where)
    own = OWN_CREDIBILITY * payers / (payers + HALF_CREDIBLE_ROWS)
    known = max(prior, 1e-300)
    factor = 0.0
    for number in range(2):
        share = where - low if number else 1.0 - (where - low)
        line = 1.0 - own + own * 2.0 ** (low + number + RATIO_FIRST)
        actual, predicted = cell[1 + low + number]
        factor += share * (known * line + actual) / (known + predicted)
    return factor


@compiled
def learn_spender(
    spent: float, cell: Numbers, amounts: tuple[float, float], kept: float, memory: float
) -> None:
    """`amounts`: what came, and what was predicted without the factor. `kept`: what fades of what
    is known at a ratio, where all of a row belongs to it."""
    if not spent > 0.0:
        return
    payers, usual = cell[0, 0], cell[0, 1]
    if usual > 0.0:
        where = _place(spent, usual)
        low = int(where)
        for number in range(2):
            share = where - low if number else 1.0 - (where - low)
            known = cell[1 + low + number]
            fading = 1.0 - share * (1.0 - kept)
            known[0] = fading * known[0] + share * amounts[0]
            known[1] = fading * known[1] + share * amounts[1]
    counted = min(spent, USUAL_SPENT_MAX * usual) if usual > 0.0 else spent
    cell[0, 0] = min(payers + 1.0, memory)
    cell[0, 1] += (counted - usual) / cell[0, 0]
