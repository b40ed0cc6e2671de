"""The amount of a row with revenue: the kernel of a gamma regression with a log link, online.

    expected = usual amount of the bucket × e^(intercept + Σ value × (sum of its weights))
    slope of a row = 1 − cut amount / expected, held to ±slope_max
    predicted = chance of any revenue × expected × factor × level × what is given back

Weights learn by FTRL-Proximal, as in the hazard model. A gamma likelihood asks for the mean alone,
so it stays right where amounts are not gamma distributed (quasi-likelihood: Wedderburn 1974).
Amounts are cut at a running quantile (stochastic approximation: Robbins and Monro 1951), and the
mean of what was cut off is given back to all in proportion, so that totals stay right. A right
mean of amount over expected is not yet a right total: while weights are noisy, expected amounts are
too large. So the level, cut amounts over predicted ones, is learned besides, for buckets before and
after the first payment; and before it the ratio of actual to predicted frequency, by predicted log
odds, since rare events are not as unlikely as a straight line predicts. The factor is that of what
the install has paid so far (`spenders`).

The loops are compiled by numba where it can be imported, and run as they are where not: the same
operations in the same order.
"""

from __future__ import annotations

import math

import numpy as np

from online_models.hazard.kernel import compiled
from online_models.hazard.rules import VALUE_MAX, Numbers, Places
from online_models.value.amount_arrays import (
    BEND_FIRST,
    BEND_WIDTH,
    BENDS,
    BUCKET,
    CUT,
    CUT_START,
    GRID_ROW,
    GROUP,
    LEVEL_MAX,
    RETURN_ROWS,
    ROWS,
    STEP_MIN,
    STEP_ROWS,
    USUAL,
    WHOLE,
    ActualAmounts,
    AmountArrays,
    AmountRows,
)
from online_models.value.rules import CORRECTION_MAX, GRID_ROWS, RATIO_MAX
from online_models.value.shape import VALUE_BUCKETS
from online_models.value.spenders import learn_spender, spender_factor


def learn_amounts(
    rows: AmountRows, actual: ActualAmounts, state: AmountArrays, columns: Places, rates: Numbers
) -> Numbers:
    """Learn rows in order. Returns the expected amount of each before its group was learned; NaN
    where a value is unusable and nothing was learned."""
    predicted = np.empty(len(rows.about))
    _learn((*rows,), (*actual,), (*state,), columns, rates, predicted)
    return predicted


def expected_amounts(
    rows: AmountRows, chances: Numbers, state: AmountArrays, columns: Places, rates: Numbers
) -> Numbers:
    """Expected amounts, rows × buckets; `chances`: of any revenue, in the same shape."""
    priors = (float(rates[7]), float(rates[9]), float(rates[10]))
    predicted = np.empty((len(rows.about), len(VALUE_BUCKETS)))
    _score((*rows,), chances, (*state[:6],), columns, priors, predicted)
    return predicted


@compiled
def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@compiled
def _log_ratio(slots: Places, values: Numbers, w: Numbers, columns: Places, bias: float) -> float:
    """Log ratio of the expected to the usual amount of the bucket; NaN: unusable."""
    total = bias
    for index in range(len(slots)):
        if not abs(values[index]) <= VALUE_MAX or slots[index] >= len(w):
            return math.nan
        weight = 0.0
        for column in columns:
            weight += w[slots[index], column]
        total += values[index] * weight
    return _bounded(total, -math.log(RATIO_MAX), math.log(RATIO_MAX))


@compiled
def _usual(tail: Numbers) -> float:
    """The usual amount of the bucket, with what was cut off given back."""
    rows, left, whole = float(tail[ROWS]), float(tail[USUAL]), float(tail[WHOLE])
    given_back = (rows * whole + RETURN_ROWS * left) / (rows + RETURN_ROWS)
    return min(given_back, CORRECTION_MAX * left)


@compiled
def _cell(at: tuple[int, int]) -> tuple[int, int]:
    """Index of the level of a grid row and bucket."""
    return (1 if at[0] >= GRID_ROWS // 2 else 0, at[1])


@compiled
def _spender_cell(at: tuple[int, int]) -> tuple[int, int]:
    """Index of the factors of a grid row and bucket."""
    return (at[0] % (GRID_ROWS // 2), at[1])


@compiled
def _level(level: Numbers, tail: Numbers, prior: float) -> float:
    """The level; it starts as if `prior` rows with revenue had confirmed the predictions."""
    known = max(prior * tail[USUAL], 1e-300)
    return _bounded((level[0] + known) / (level[1] + known), 1.0 / LEVEL_MAX, LEVEL_MAX)


@compiled
def _level_out(
    actual: float, expected: float, chance: float, level: Numbers, memory: float
) -> None:
    kept = 1.0 - chance / memory
    level[0] = kept * level[0] + actual
    level[1] = kept * level[1] + expected


@compiled
def _where(chance: float) -> float:
    """Position of log odds among the bends: index of the lower one, plus the part of the way."""
    log_odds = math.log(chance / (1.0 - chance))
    return _bounded((log_odds - BEND_FIRST) / BEND_WIDTH, 0.0, BENDS - 1.000001)


@compiled
def _bent(chance: float, bends: Numbers, prior: float) -> float:
    """The chance, corrected by how often revenue came at such log odds; both bends start as if
    `prior` times the prediction had come true."""
    if not 0.0 < chance < 1.0:
        return chance
    where = _where(chance)
    low = int(where)
    part = where - low
    below = (bends[low, 0] + prior) / (bends[low, 1] + prior)
    above = (bends[low + 1, 0] + prior) / (bends[low + 1, 1] + prior)
    return _bounded(chance * ((1.0 - part) * below + part * above), 1e-9, 1.0 - 1e-9)


@compiled
def _bend(chance: float, actual: float, bends: Numbers, memory: float) -> None:
    if not 0.0 < chance < 1.0:
        return
    where = _where(chance)
    low = int(where)
    part = where - low
    for number in range(2):
        share = part if number else 1.0 - part
        bend = bends[low + number]
        kept = 1.0 - share * chance / memory
        bend[0] = kept * bend[0] + share * actual
        bend[1] = kept * bend[1] + share * chance


@compiled
def _learn(
    rows: tuple[Places, Places, Numbers, Places, Numbers],
    actual: tuple[Numbers, Numbers],
    state: tuple[Numbers, ...],
    columns: Places,
    rates: Numbers,
    predicted: Numbers,
) -> None:
    starts, slots, values, about, spent = rows
    amounts, chances = actual
    w, bias, tails, levels, bends, spenders, seen, z, n, bias_z, bias_n = state
    ratios, bent, factors = np.empty(len(about)), np.empty(len(about)), np.empty(len(about))
    first = 0
    while first < len(about):
        end = first + 1
        while end < len(about) and 0 < about[first, GROUP] == about[end, GROUP]:
            end += 1
        for row in range(first, end):
            at = (about[row, GRID_ROW], about[row, BUCKET])
            own = slice(starts[row], starts[row + 1])
            ratios[row] = _log_ratio(slots[own], values[own], w, columns[at], bias[at])
            tail = tails[about[row, BUCKET]]
            bent[row] = _bent(chances[row], bends[at], rates[9])
            cell = spenders[_spender_cell(at)]
            factors[row] = spender_factor(spent[row], cell, rates[10] * tail[USUAL])
            predicted[row] = bent[row] * math.exp(ratios[row]) * factors[row]
            predicted[row] *= _usual(tail) * _level(levels[_cell(at)], tail, rates[7])
        for row in range(first, end):
            if math.isnan(ratios[row]):
                continue
            at = (about[row, GRID_ROW], about[row, BUCKET])
            own = slice(starts[row], starts[row + 1])
            tail = tails[about[row, BUCKET]]
            seen[at] += 1.0
            expected = bent[row] * tail[USUAL] * math.exp(ratios[row])
            _bend(chances[row], 1.0 if amounts[row] > 0.0 else 0.0, bends[at], rates[8])
            amount = _cut(amounts[row], tail, rates) if amounts[row] > 0.0 else 0.0
            payer = (spent[row], factors[row], bent[row])
            _settle((amount, expected), payer, at, (levels, spenders), rates)
            if amount > 0.0:
                slope = 1.0 - amount / (tail[USUAL] * math.exp(ratios[row]))
                slope = _bounded(slope, -rates[4], rates[4])
                _step(slots[own], slope * values[own], columns[at], (w, z, n), rates)
                _step_bias(slope, at, (bias, bias_z, bias_n), rates)
        first = end


@compiled
def _settle(
    amounts: tuple[float, float],
    payer: tuple[float, float, float],
    at: tuple[int, int],
    state: tuple[Numbers, Numbers],
    rates: Numbers,
) -> None:
    """The level and the factor learn: `amounts` that came, and without the factor were expected."""
    (amount, expected), (spent, factor, chance), (levels, spenders) = amounts, payer, state
    _level_out(amount, expected * factor, chance, levels[_cell(at)], rates[8])
    cell = spenders[_spender_cell(at)]
    learn_spender(spent, cell, amounts, 1.0 - chance / rates[8], rates[6])


@compiled
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


@compiled
def _step(
    slots: Places, slopes: Numbers, columns: Places, state: tuple[Numbers, ...], rates: Numbers
) -> None:
    w, z, n = state
    alpha, beta, l2 = rates[0], rates[1], rates[2]
    for index in range(len(slots)):
        slope = slopes[index]
        for column in columns:
            at = (slots[index], column)
            root_before = math.sqrt(n[at])
            n[at] += slope * slope
            root = math.sqrt(n[at])
            z[at] += slope - (root - root_before) / alpha * w[at]
            # Not -z: a weight of -0.0 is no row to store, so it would not come back.
            w[at] = (0.0 - z[at]) / ((beta + root) / alpha + l2)


@compiled
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


@compiled
def _score(
    rows: tuple[Places, Places, Numbers, Places, Numbers],
    chances: Numbers,
    state: tuple[Numbers, ...],
    columns: Places,
    priors: tuple[float, float, float],
    predicted: Numbers,
) -> None:
    starts, slots, values, about, spent = rows
    w, bias, tails, levels, bends, spenders = state
    for row in range(len(about)):
        place = about[row, GRID_ROW]
        own = slice(starts[row], starts[row + 1])
        for bucket in range(predicted.shape[1]):
            at = (place, bucket)
            ratio = _log_ratio(slots[own], values[own], w, columns[at], bias[at])
            level = _level(levels[_cell(at)], tails[bucket], priors[0])
            chance = _bent(chances[row, bucket], bends[at], priors[1])
            cell = spenders[_spender_cell(at)]
            factor = spender_factor(spent[row], cell, priors[2] * tails[bucket, USUAL])
            predicted[row, bucket] = chance * math.exp(ratio) * factor
            predicted[row, bucket] *= _usual(tails[bucket]) * level
