"""The arrays that the kernel of amounts reads and changes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import Numbers, Places
from online_models.value.rules import PLACES, VALUE_COLUMNS, ValueRules
from online_models.value.shape import VALUE_BUCKETS

PLACE, BUCKET, GROUP = range(3)
"""Columns of `about`. Group 0: the row stands alone."""

CUT, ROWS, USUAL, WHOLE = range(4)
"""Columns of `tails`: log of the cut, rows with revenue, their mean after it and before it."""

CUT_START = math.log(20.0)
"""The first amount is cut nowhere near."""

STEP_ROWS = 50.0
STEP_MIN = 0.02
"""Steps of the cut begin at 1 and shrink with the rows to this."""

LEVEL_MAX = 3.0

BEND_FIRST, BEND_WIDTH, BENDS = -9.0, 1.0, 12
"""Log odds at which the calibration of chances may bend."""

RETURN_ROWS = 50.0
"""What is given back starts as if so many rows had had nothing cut off."""


class AmountArrays(NamedTuple):
    """Arrays, changed by learning."""

    w: Numbers  # slots × columns
    bias: Numbers  # place × bucket
    tails: Numbers  # bucket × 4
    levels: Numbers  # (before, after the first payment) × bucket × (came, told)
    bends: Numbers  # place × bucket × log odds × (came, told)
    rows: Numbers  # place × bucket: rows learned
    z: Numbers
    n: Numbers
    bias_z: Numbers
    bias_n: Numbers


def new_amounts(rules: ValueRules, is_read_only: bool = False) -> AmountArrays:
    """Scoring needs only the first six arrays."""
    grid = (PLACES, len(VALUE_BUCKETS))
    memory = (0, VALUE_COLUMNS) if is_read_only else (rules.slots, VALUE_COLUMNS)
    return AmountArrays(
        np.zeros((rules.slots, VALUE_COLUMNS)),
        np.zeros(grid),
        np.zeros((len(VALUE_BUCKETS), 4)),
        np.zeros((2, len(VALUE_BUCKETS), 2)),
        np.zeros((*grid, BENDS, 2)),
        np.zeros(grid),
        np.zeros(memory),
        np.zeros(memory),
        np.zeros(grid),
        np.zeros(grid),
    )


class AmountRows(NamedTuple):
    """Encoded features; row i is `slots[starts[i] : starts[i + 1]]`, all different."""

    starts: Places
    slots: Places
    values: Numbers
    about: Places


class ActualAmounts(NamedTuple):
    """Of each row: how much came, and how likely it had been that anything would."""

    amounts: Numbers
    chances: Numbers
