"""What a kernel computes, and which of the two runs in this process.

A row is features, a landmark and a bin. Its log odds are an intercept (per landmark and bin)
and, for each feature, its value times the sum of its common weight, that of the landmark's group
and that of the bin's group (where there are several groups). Every weight learns by FTRL-Proximal
(McMahan et al. 2013):

    w = −(z − sgn(z)·λ₁) / ((β + √n)/α + λ₂), 0 where |z| ≤ λ₁
    σ = (√(n + g²) − √n)/α;  z ← z + (g − σ·w);  n ← n + g²

Calibration is Platt's slope and shift on the log odds of the bin, per landmark and platform. It
learns by recursive weighted least squares from the residual of each bin as it matures: hours
after a change, not a week. The prior, "already right", is never forgotten; what was learned fades.
Since it is applied to each bin, it cannot put D7 above D30.

Both kernels do the same operations in the same order, so they agree to the last bit wherever
numba's `exp` and `pow` are those of the C library that Python uses; elsewhere to some ulp a row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from online_models.hazard.rules import (
    PLATFORMS_MAX,
    Frame,
    HazardRules,
    Numbers,
    Places,
)

Compiled = TypeVar("Compiled", bound=Callable[..., object])

LANDMARK, BIN, LABEL, PLATFORM, GROUP = range(5)
"""Columns of `Rows.about` when learning. Group 0: the row stands alone."""

ELAPSED, ASKED_PLATFORM, FEATURES = 1, 2, 3
"""Columns of `about` when scoring, after the landmark. Milliseconds since the install."""


class EncodedRows(NamedTuple):
    """Encoded features; row i is `slots[starts[i] : starts[i + 1]]`, all different. `about` has a
    row of integers for each, whose columns are named above."""

    starts: Places
    slots: Places
    values: Numbers
    about: Places


class PackedRows(NamedTuple):
    """Questions with packed features (`encoding.Packed`), one after the other."""

    slots: bytes
    values: bytes
    about: bytes
    """int64: landmark, ELAPSED, ASKED_PLATFORM, number of features."""


class Weights(NamedTuple):
    """The arrays that scoring needs."""

    w: Numbers  # slots × columns
    bias: Numbers  # landmark × bin
    centres: Numbers  # landmark × bin: the usual log odds, around which calibration turns
    maps: Numbers  # landmark × platform × (slope - 1, shift)


class Memory(NamedTuple):
    """The arrays that learning needs besides."""

    z: Numbers
    n: Numbers
    bias_z: Numbers
    bias_n: Numbers
    rows: Numbers  # landmark × bin: rows behind each centre
    seen: Numbers  # landmark × platform × (information 11, 12, 22, target 1, 2)


class Kernel(NamedTuple):
    """Three functions that read arrays and change them in place. Landmarks, bins and platforms must
    be in range: the compiled kernel does not check. A row with a slot out of range is not used."""

    name: str
    learn: Callable[[EncodedRows, Weights, Memory, Frame, Numbers], Numbers]
    """Learn rows in order. Returns the calibrated hazard of each row before it, or any row of its
    group, was learned; NaN where a value is unusable and nothing was learned."""
    score: Callable[[EncodedRows, Weights, Frame], tuple[Numbers, Numbers]]
    """Calibrated hazards, rows × bins, 0 in bins that are over; and the chances of an outcome by
    each horizon. NaN where a value is unusable."""
    score_packed: Callable[[PackedRows, Weights, Frame], Numbers]
    """The same chances, from bytes alone."""


def new_weights(slots: int, columns: int, base: Numbers) -> Weights:
    """Untrained. `base`: log odds before anything is learned, landmark × bin."""
    return Weights(
        w=np.zeros((slots, columns)),
        bias=np.zeros(base.shape),
        centres=base.copy(),
        maps=np.zeros((len(base), PLATFORMS_MAX + 1, 2)),
    )


def new_memory(slots: int, columns: int, grid: tuple[int, ...]) -> Memory:
    """Untrained. `grid`: numbers of landmarks and bins."""
    return Memory(
        z=np.zeros((slots, columns)),
        n=np.zeros((slots, columns)),
        bias_z=np.zeros(grid),
        bias_n=np.zeros(grid),
        rows=np.zeros(grid),
        seen=np.zeros((grid[0], PLATFORMS_MAX + 1, 5)),
    )


def weights_of(z: Numbers, n: Numbers, rules: HazardRules) -> Numbers:
    """The weights that `z` and `n` stand for, as kernels compute them, in the same order."""
    w = -(z - np.copysign(rules.l1, z)) / ((rules.beta + np.sqrt(n)) / rules.alpha + rules.l2)
    return np.where(np.abs(z) <= rules.l1, 0.0, w)


def compiled(function: Compiled) -> Compiled:
    """Have numba compile a loop at its first call, and keep the result on disk for the next
    process. Where numba is missing, the loop runs as it is, with the same numbers."""
    try:
        import numba
    except ImportError:
        return function
    try:
        jitted: Compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # Nowhere to keep it: nothing here can be written to.
        jitted = numba.njit(function)
    return jitted


def fastest() -> Kernel:
    """The compiled kernel where numba can be imported (`pip install headwater[fast]`)."""
    try:
        from online_models.hazard.kernel_numba import NUMBA_KERNEL
    except ImportError:
        from online_models.hazard.kernel_numpy import NUMPY_KERNEL

        return NUMPY_KERNEL
    return NUMBA_KERNEL
