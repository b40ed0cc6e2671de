"""The arrays that the kernel of amounts reads and changes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models.hazard.rules import Numbers, Places
from online_models.value.rules import GRID_ROWS, VALUE_COLUMNS, ValueRules
from online_models.value.shape import VALUE_BUCKETS
from online_models.value.spenders import new_spenders

GRID_ROW, BUCKET, GROUP = range(3)
"""Columns of `about`. Group 0: the row is in no group."""

CUT, ROWS, USUAL, WHOLE = range(4)
"""Columns of `tails`: log of the cut, rows with revenue, their mean after and before the cut."""

CUT_START = math.log(20.0)
"""Log of the cut over the first amount: it starts far above."""

STEP_ROWS = 50.0
STEP_MIN = 0.02
"""Steps of the log of the cut start at 1 and shrink with the rows to STEP_MIN."""

LEVEL_MAX = 3.0
"""Levels stay within this factor of 1: a model that is further off has to be replaced."""

BEND_FIRST, BEND_WIDTH, BENDS = -9.0, 1.0, 12
"""Log odds at which the calibration of chances may bend."""

RETURN_ROWS = 50.0
"""What is given back starts as if nothing had been cut off from so many rows."""


class AmountArrays(NamedTuple):
    """Arrays of the amount model, changed in place by learning."""

    w: Numbers  # slots × columns
    bias: Numbers  # grid row × bucket
    tails: Numbers  # bucket × 4
    levels: Numbers  # (before, after the first payment) × bucket × (actual, predicted)
    bends: Numbers  # grid row × bucket × log odds × (actual, predicted)
    spenders: Numbers  # see `spenders.SPENDERS_SHAPE`
    rows: Numbers  # grid row × bucket: rows learned
    z: Numbers
    n: Numbers
    bias_z: Numbers
    bias_n: Numbers


def new_amounts(rules: ValueRules, is_read_only: bool = False) -> AmountArrays:
    """Untrained arrays. `is_read_only`: without the memory that only learning needs."""
    grid = (GRID_ROWS, len(VALUE_BUCKETS))
    memory = (0, VALUE_COLUMNS) if is_read_only else (rules.slots, VALUE_COLUMNS)
    return AmountArrays(
        w=np.zeros((rules.slots, VALUE_COLUMNS)),
        bias=np.zeros(grid),
        tails=np.zeros((len(VALUE_BUCKETS), 4)),
        levels=np.zeros((2, len(VALUE_BUCKETS), 2)),
        bends=np.zeros((*grid, BENDS, 2)),
        spenders=new_spenders(),
        rows=np.zeros(grid),
        z=np.zeros(memory),
        n=np.zeros(memory),
        bias_z=np.zeros(grid),
        bias_n=np.zeros(grid),
    )


class AmountRows(NamedTuple):
    """Encoded features; row i is `slots[starts[i] : starts[i + 1]]`, all different. `about`: a row
    of GRID_ROW, BUCKET and GROUP for each. `spent`: the amount paid before the landmark."""

    starts: Places
    slots: Places
    values: Numbers
    about: Places
    spent: Numbers


class ActualAmounts(NamedTuple):
    """Of each row: the actual amount, and the predicted chance of any revenue."""

    amounts: Numbers
    chances: Numbers
