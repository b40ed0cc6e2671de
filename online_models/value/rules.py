"""Size, learning rates and bounds of a value model, and which weights a row uses."""

from __future__ import annotations

import hashlib
import math

import msgspec
import numpy as np
from msgspec import Struct

from online_models.hazard.rules import LANDMARK_GROUPS_FROM, Frame, HazardRules, Numbers, Places
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS

VALUE_CODE_VERSION = 1
"""Raise it when the same rows give other weights. Snapshots of another version are unusable."""

GRID_ROWS = 2 * len(LANDMARKS)
"""Rows of the grids: landmarks of installs that have not paid by then, and again of those that
have, since a customer who has paid once behaves differently."""

VALUE_COLUMNS = 1 + len(LANDMARK_GROUPS_FROM) + 2 * len(VALUE_BUCKETS)
"""Weights of a feature: a common one, one per group of landmarks, and one per bucket before and
one per bucket after the first payment."""

AMOUNT_MAX = 1e9
"""A row with a larger amount, in units of the reporting currency, is not learned."""

RATIO_MAX = 1e3
"""An expected amount stays within this factor of the usual one of its bucket."""

CORRECTION_MAX = 4.0
"""What is cut off large amounts is given back to all, by at most this factor."""


class ValueRules(Struct, frozen=True):
    """Everything that decides the predictions of a model."""

    slots: int = HazardRules().slots
    """Slots for hashed feature names, the same as for models of targets."""
    seed: int = HazardRules().seed
    alpha: float = 0.02
    """Learning rate of the chance of any revenue; and the other rates of FTRL-Proximal."""
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 100.0
    bias_alpha: float = 1.0
    calibration_prior: float = 100.0
    calibration_memory: float = 2_000.0
    prior: float = 0.03
    """Share of installs that pays in a bucket, before anything is learned."""
    amount_alpha: float = 0.003
    """Learning rate of the amount of rows with revenue."""
    amount_l2: float = 20.0
    amount_bias_alpha: float = 0.3
    slope_max: float = 20.0
    """Bound of a row's slope on the log of the expected amount: wide enough to bind on absurd
    rows alone, since every row it binds makes predictions too low."""
    cut_share: float = 0.01
    """Share of amounts that are cut, so that very large ones do not dominate the weights."""
    amount_memory: float = 5_000.0
    """Rows with revenue over which usual amounts, and what was cut off, are averaged."""
    level_prior: float = 100.0
    """Levels start as if so many rows with revenue had confirmed them."""
    level_memory: float = 3_000.0
    """Rows with revenue after which what levels have learned has faded to 1/e."""
    bend_prior: float = 1.0
    """Bends of the calibration of chances start as if so many rows with revenue had come true."""
    spender_prior: float = 5.0
    """Factors of what was paid start as if so many usual amounts had confirmed their line."""
    matured_rows: int = 300
    """Rows of a landmark and bucket, and rows of the bucket with revenue, before its own model
    answers."""
    ladder_memory: float = 50_000.0
    """Installs over which the growth of cohorts is averaged."""
    ladder_prior: float = 1_000.0
    """The usual growth of cohorts counts as much as so many installs."""
    first_growth: float = 1.0
    """Revenue of days 1 to 7 over that of day 0, before anything is learned."""
    fading: float = 0.7
    """Power of age with which revenue a day falls, before anything is learned,"""
    fading_spread: float = 0.4
    """and its standard deviation from app to app."""


def grid_row(landmark: int, has_paid: bool) -> int:
    """Row of a landmark in every grid, before or after the first payment."""
    return landmark + len(LANDMARKS) * has_paid


def value_frame(rules: ValueRules) -> Frame:
    """The frame with which the hazard kernel learns the chance of any revenue in a bucket."""
    grid = (GRID_ROWS, len(VALUE_BUCKETS))
    return Frame(
        np.full(grid, math.log(rules.prior / (1.0 - rules.prior))),
        columns(),
        np.array([0, *(bucket.end_ms for bucket in VALUE_BUCKETS)], np.float64),
        np.array([len(VALUE_BUCKETS)], np.int64),
    )


def columns() -> Places:
    """Columns of the weights that count: grid row × bucket × 3."""
    found = np.zeros((GRID_ROWS, len(VALUE_BUCKETS), 3), np.int64)
    first = 1 + len(LANDMARK_GROUPS_FROM)
    for has_paid in (False, True):
        for mark, landmark in enumerate(LANDMARKS):
            group = sum(start <= landmark.after_ms for start in LANDMARK_GROUPS_FROM)
            for bucket in range(len(VALUE_BUCKETS)):
                own = first + bucket + len(VALUE_BUCKETS) * has_paid
                found[grid_row(mark, has_paid), bucket] = (0, group, own)
    return found


def chance_rates(rules: ValueRules) -> Numbers:
    """Learning rates of chances in the order in which the hazard kernel reads them."""
    return np.array(
        [
            rules.alpha,
            rules.beta,
            rules.l1,
            rules.l2,
            rules.bias_alpha,
            rules.calibration_prior,
            rules.calibration_memory,
        ]
    )


def amount_rates(rules: ValueRules) -> Numbers:
    """Learning rates of amounts in the order in which the amount kernel reads them."""
    return np.array(
        [
            rules.amount_alpha,
            rules.beta,
            rules.amount_l2,
            rules.amount_bias_alpha,
            rules.slope_max,
            rules.cut_share,
            rules.amount_memory,
            rules.level_prior,
            rules.level_memory,
            rules.bend_prior,
            rules.spender_prior,
        ]
    )


def value_fingerprint(rules: ValueRules) -> str:
    """Fingerprint of everything that gives stored numbers their meaning; learning rates do not."""
    meaning = (
        VALUE_CODE_VERSION,
        rules.slots,
        rules.seed,
        rules.prior,
        VALUE_BUCKETS,
        VALUE_STEPS,
        LANDMARKS,
    )
    return hashlib.sha256(msgspec.json.encode(meaning) + columns().tobytes()).hexdigest()[:16]
