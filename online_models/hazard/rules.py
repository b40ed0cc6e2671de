"""Size, learning rates and bounds of a hazard model, and which weights a row uses."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from online_models.hazard.bins import PAYER, Shape
from schemas.time import DAY_MS, HOUR_MS

HAZARD_CODE_VERSION = 1
"""Raise it when the same rows give other weights. Snapshots of another version are unusable."""

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

HAZARD_COLUMNS = 8
"""Weights of a feature, one cache line: a common one, one per group of landmarks, one per group of
bins. On simulated installs finer groups gained less than 0.1 % of log loss."""

LANDMARK_GROUPS_FROM = (0, HOUR_MS, DAY_MS)
BIN_GROUPS_FROM = (0, HOUR_MS, DAY_MS, 7 * DAY_MS)
"""Age of the install, in ms, at which each group begins."""

PLATFORMS_MAX = 7
"""Platforms with a calibration of their own; further ones share the last."""

VALUE_MAX = 100.0
"""A row with a larger feature value, or one that is not finite, is neither learned nor scored."""

CHANCE_MIN = 1e-6
"""Chances stay this far from 0 and 1, so that no row can cost an infinite loss."""

LOGIT_MAX = 13.815509557963773
"""Hazards of bins stay as far from 0 and 1: the log odds of 1 - CHANCE_MIN."""

CENTRE_ROWS = 10_000.0
"""Rows over which the usual log odds of a landmark and bin are averaged."""

SLOPE_MIN, SLOPE_MAX = 0.25, 4.0
SHIFT_MAX = 3.0
"""Bounds of calibration, in log odds. A model that is further off has to be replaced."""


def platform_column(platforms: Sequence[str], platform: str) -> int:
    """The column of a platform's calibration; unknown platforms share the last one."""
    try:
        return platforms.index(platform)
    except ValueError:
        return PLATFORMS_MAX


def add_platform(platforms: list[str], platform: str) -> int:
    """The same, with a column of its own for a new platform while there is room."""
    column = platform_column(platforms, platform)
    if column == PLATFORMS_MAX and len(platforms) < PLATFORMS_MAX:
        platforms.append(platform)
        return len(platforms) - 1
    return column


class HazardRules(Struct, frozen=True):
    """Everything that decides the predictions of a model. Learning rates are those of FTRL-Proximal
    (McMahan et al. 2013), chosen on simulated installs, where neighbouring rates cost about 0.1 %
    of log loss and a tenfold rate 3 %."""

    shape: Shape = PAYER
    slots: int = 2**17
    """Slots for hashed feature names, a power of two."""
    seed: int = 20_260_101
    """Of the hash; all workers must have the same."""
    alpha: float = 0.015
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 10.0
    bias_alpha: float = 0.3
    """Learning rate of the intercepts, one per landmark and bin, which follow a change at once."""
    prior: float = 0.05
    """Share of installs that reach the target by the last bin, before anything is learned."""
    calibration_prior: float = 100.0
    """Calibration starts as if so many positives had confirmed it."""
    calibration_memory: float = 500.0
    """Positives after which what calibration learned has faded to 1/e; 0: no calibration."""


class Frame(NamedTuple):
    """A shape as kernels read it."""

    base: Numbers  # landmark × bin: log odds before anything is learned
    columns: Places  # landmark × bin × weights of a feature that count
    edges: Numbers  # bins + 1, ms
    horizons: Places  # bins until each horizon


def hazard_frame(rules: HazardRules) -> Frame:
    """The frame of a model before it has learned."""
    shape = rules.shape
    hazard = 1.0 - (1.0 - rules.prior) ** (1.0 / shape.bins)
    grid = (len(shape.landmarks), shape.bins)
    until = [shape.bins_until(number) for number in range(len(shape.horizons))]
    return Frame(
        np.full(grid, math.log(hazard / (1.0 - hazard))),
        _columns(shape),
        np.array(shape.edges, np.float64),
        np.array(until, np.int64),
    )


def _columns(shape: Shape) -> Places:
    """Landmark × bin × columns. A group of all landmarks or bins would repeat the common weight."""
    by_landmark = [_group(LANDMARK_GROUPS_FROM, one.after_ms) for one in shape.landmarks]
    by_bin = [
        len(LANDMARK_GROUPS_FROM) + _group(BIN_GROUPS_FROM, start) for start in shape.edges[:-1]
    ]
    columns = [np.zeros((len(by_landmark), len(by_bin)), np.int64)]
    if len({*by_landmark}) > 1:
        columns.append(np.array(by_landmark)[:, None] + columns[0])
    if len({*by_bin}) > 1:
        columns.append(np.array(by_bin)[None, :] + columns[0])
    return np.stack(columns, axis=2)


def _group(starts: tuple[int, ...], at: int) -> int:
    """The group that an age is in, counted from 1."""
    return sum(start <= at for start in starts)


def rates_of(rules: HazardRules) -> Numbers:
    """Learning rates in the order in which kernels read them."""
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


def hazard_fingerprint(rules: HazardRules) -> str:
    """Fingerprint of everything that gives stored numbers their meaning; learning rates do not."""
    meaning = (
        HAZARD_CODE_VERSION,
        HAZARD_COLUMNS,
        rules.slots,
        rules.seed,
        rules.prior,
        rules.shape,
    )
    frame = hazard_frame(rules).columns.tobytes()
    return hashlib.sha256(msgspec.json.encode(meaning) + frame).hexdigest()[:16]
