"""How much comes where anything does: the kernel of a gamma regression with a log link, online.

    expected = usual amount of the bucket × e^(intercept + Σ value × (sum of its weights))
    slope of a row = 1 − cut amount / expected, held to ±slope_max
    told = chance that anything comes × expected × level × what is given back

Weights learn by FTRL-Proximal, as in the hazard model. A gamma likelihood asks for the mean alone,
so it stays right where amounts are not gamma distributed (quasi-likelihood: Wedderburn 1974).
Amounts are cut at a running quantile (stochastic approximation: Robbins and Monro 1951), and the
mean of what was cut off is given back to all in proportion, so that totals stay right. A right
mean of amount over expected is not yet a right total: while weights are noisy, what is expected is
too much. So the level, of cut amounts over what was told of them, is learned besides, for buckets
before and after the first payment.

The loops are compiled by numba where it can be imported, and run as they are where not: the same
operations in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from online_models.hazard.rules import VALUE_MAX, Numbers, Places
from online_models.value.rules import COLUMNS, CORRECTION_MAX, PLACES, RATIO_MAX, ValueRules
from online_models.value.shape import BUCKETS

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

RETURN_ROWS = 50.0
"""What is given back starts as if so many rows had had nothing cut off."""


class Amounts(NamedTuple):
    """Arrays, changed by learning."""

    w: Numbers  # slots × columns
    bias: Numbers  # place × bucket
    tails: Numbers  # bucket × 4
    levels: Numbers  # (before, after the first payment) × bucket × (came, told)
    rows: Numbers  # place × bucket: rows with revenue
    z: Numbers
    n: Numbers
    bias_z: Numbers
    bias_n: Numbers


def new_amounts(rules: ValueRules, is_read_only: bool = False) -> Amounts:
    """Scoring needs only the first five arrays."""
    grid = (PLACES, len(BUCKETS))
    memory = (0, COLUMNS) if is_read_only else (rules.slots, COLUMNS)
    return Amounts(
        np.zeros((rules.slots, COLUMNS)),
        np.zeros(grid),
        np.zeros((len(BUCKETS), 4)),
        np.zeros((2, len(BUCKETS), 2)),
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


class Came(NamedTuple):
    """Of each row: how much came, and how likely it had been that anything would."""

    amounts: Numbers
    chances: Numbers


def learn_amounts(
    rows: AmountRows, came: Came, state: Amounts, columns: Places, rates: Numbers
) -> Numbers:
    """Expected amount of each row before its group was learned; NaN where a value cannot be used
    and nothing was learned."""
    told = np.empty(len(rows.about))
    _learn((*rows,), (*came,), (*state,), columns, rates, told)
    return told


def expected_amounts(
    rows: AmountRows, chances: Numbers, state: Amounts, columns: Places, prior: float
) -> Numbers:
    """Rows × buckets, as `chances` that anything comes."""
    told = np.empty((len(rows.about), len(BUCKETS)))
    _score((*rows,), chances, (*state[:4],), columns, prior, told)
    return told


Compiled = TypeVar("Compiled", bound=Callable[..., object])


def _compiled(function: Compiled) -> Compiled:
    """Compiled at the first call, and kept on disk so that the next process need not."""
    try:
        import numba
    except ImportError:
        return function
    try:
        compiled: Compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # Nowhere to keep it: nothing here can be written to.
        compiled = numba.njit(function)
    return compiled


@_compiled
def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@_compiled
def _log_ratio(slots: Places, values: Numbers, w: Numbers, columns: Places, bias: float) -> float:
    """To the usual amount of the bucket."""
    total = bias
    for place in range(len(slots)):
        if not abs(values[place]) <= VALUE_MAX or slots[place] >= len(w):
            return math.nan
        weight = 0.0
        for column in columns:
            weight += w[slots[place], column]
        total += values[place] * weight
    return _bounded(total, -math.log(RATIO_MAX), math.log(RATIO_MAX))


@_compiled
def _usual(tail: Numbers) -> float:
    """Of the bucket, with what was cut off given back."""
    rows, left, whole = float(tail[ROWS]), float(tail[USUAL]), float(tail[WHOLE])
    given_back = (rows * whole + RETURN_ROWS * left) / (rows + RETURN_ROWS)
    return min(given_back, CORRECTION_MAX * left)


@_compiled
def _cell(at: tuple[int, int]) -> tuple[int, int]:
    """Where the level of a place and bucket is."""
    return (1 if at[0] >= PLACES // 2 else 0, at[1])


@_compiled
def _level(level: Numbers, tail: Numbers, prior: float) -> float:
    """Starts as if `prior` rows with revenue had been told right."""
    known = max(prior * tail[USUAL], 1e-300)
    return _bounded((level[0] + known) / (level[1] + known), 1.0 / LEVEL_MAX, LEVEL_MAX)


@_compiled
def _level_out(came: float, said: float, chance: float, level: Numbers, memory: float) -> None:
    kept = 1.0 - chance / memory
    level[0] = kept * level[0] + came
    level[1] = kept * level[1] + said


@_compiled
def _learn(
    rows: tuple[Places, Places, Numbers, Places],
    came: tuple[Numbers, Numbers],
    state: tuple[Numbers, ...],
    columns: Places,
    rates: Numbers,
    told: Numbers,
) -> None:
    starts, slots, values, about = rows
    amounts, chances = came
    w, bias, tails, levels, seen, z, n, bias_z, bias_n = state
    ratios = np.empty(len(about))
    first = 0
    while first < len(about):
        end = first + 1
        while end < len(about) and 0 < about[first, GROUP] == about[end, GROUP]:
            end += 1
        for row in range(first, end):
            at = (about[row, PLACE], about[row, BUCKET])
            own = slice(starts[row], starts[row + 1])
            ratios[row] = _log_ratio(slots[own], values[own], w, columns[at], bias[at])
            tail = tails[about[row, BUCKET]]
            level = _level(levels[_cell(at)], tail, rates[7])
            told[row] = chances[row] * math.exp(ratios[row]) * _usual(tail) * level
        for row in range(first, end):
            if math.isnan(ratios[row]):
                continue
            at = (about[row, PLACE], about[row, BUCKET])
            own = slice(starts[row], starts[row + 1])
            tail = tails[about[row, BUCKET]]
            said = chances[row] * tail[USUAL] * math.exp(ratios[row])
            if amounts[row] <= 0.0:
                _level_out(0.0, said, chances[row], levels[_cell(at)], rates[8])
                continue
            amount = _cut(amounts[row], tail, rates)
            _level_out(amount, said, chances[row], levels[_cell(at)], rates[8])
            slope = 1.0 - amount / (tail[USUAL] * math.exp(ratios[row]))
            slope = _bounded(slope, -rates[4], rates[4])
            seen[at] += 1.0
            _step(slots[own], slope * values[own], columns[at], (w, z, n), rates)
            _step_bias(slope, at, (bias, bias_z, bias_n), rates)
        first = end


@_compiled
def _cut(amount: float, tail: Numbers, rates: Numbers) -> float:
    """The amount, or the cut if that is less; usual amounts and the cut learn from it."""
    share, memory = rates[5], rates[6]
    if tail[ROWS] == 0.0:
        tail[CUT] = math.log(amount) + CUT_START
    is_beyond = math.log(amount) > tail[CUT]
    left = math.exp(tail[CUT]) if is_beyond else amount
    step = max(STEP_ROWS / (STEP_ROWS + tail[ROWS]), STEP_MIN)
    tail[CUT] += step * ((1.0 if is_beyond else 0.0) - share)
    tail[ROWS] = min(tail[ROWS] + 1.0, memory)
    tail[USUAL] += (left - tail[USUAL]) / tail[ROWS]
    tail[WHOLE] += (amount - tail[WHOLE]) / tail[ROWS]
    return left


@_compiled
def _step(
    slots: Places, slopes: Numbers, columns: Places, state: tuple[Numbers, ...], rates: Numbers
) -> None:
    w, z, n = state
    alpha, beta, l2 = rates[0], rates[1], rates[2]
    for place in range(len(slots)):
        slope = slopes[place]
        for column in columns:
            at = (slots[place], column)
            root_before = math.sqrt(n[at])
            n[at] += slope * slope
            root = math.sqrt(n[at])
            z[at] += slope - (root - root_before) / alpha * w[at]
            w[at] = -z[at] / ((beta + root) / alpha + l2)


@_compiled
def _step_bias(
    slope: float, at: tuple[int, int], state: tuple[Numbers, ...], rates: Numbers
) -> None:
    bias, z, n = state
    beta, alpha = rates[1], rates[3]
    root_before = math.sqrt(n[at])
    n[at] += slope * slope
    root = math.sqrt(n[at])
    z[at] += slope - (root - root_before) / alpha * bias[at]
    bias[at] = -z[at] / ((beta + root) / alpha)


@_compiled
def _score(
    rows: tuple[Places, Places, Numbers, Places],
    chances: Numbers,
    state: tuple[Numbers, ...],
    columns: Places,
    prior: float,
    told: Numbers,
) -> None:
    starts, slots, values, about = rows
    w, bias, tails, levels = state
    for row in range(len(about)):
        place = about[row, PLACE]
        own = slice(starts[row], starts[row + 1])
        for bucket in range(told.shape[1]):
            at = (place, bucket)
            ratio = _log_ratio(slots[own], values[own], w, columns[at], bias[at])
            level = _level(levels[_cell(at)], tails[bucket], prior)
            told[row, bucket] = chances[row, bucket] * math.exp(ratio)
            told[row, bucket] *= _usual(tails[bucket]) * level
